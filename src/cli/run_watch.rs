//! What `run --watch` follows: the changes of exactly the secrets its program has, and what they come to.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc;

use super::client::{Client, Streamed};
use super::error::CliError;
use super::events::{Event, EventReader};
use super::question::Question;
use super::run_read::{self, Plan, Rules, Values};
use super::session::Session;
use super::verbs_run::texts;
use super::verbs_secret::path;
use super::verbs_watch::{PAUSE_MAX, PAUSE_MIN, SILENCE_MAX, passes};
use crate::delivery::mask_patterns::Patterns;
use crate::model::secret::SecretName;

/// Of how many earlier changes the values are still masked: a program that is told of a new value by a signal may go on
/// printing the one before it, and one that was slow the one before that.
const EARLIER_MAX: usize = 4;

/// Other values than before.
pub(super) struct Changed {
    /// All of them.
    pub(super) values: Arc<Values>,
    /// What must not be seen from here on, old and new.
    pub(super) looked_for: Arc<Patterns>,
}

/// A watch that goes on when the node is started again.
pub(super) struct Watching {
    client: Client,
    names: BTreeSet<SecretName>,
    stream: Option<(Streamed, EventReader)>,
    seen: Option<String>,
    heard: VecDeque<Event>,
}

/// The part of an event that says what it is about.
#[derive(Deserialize)]
struct About {
    service: String,
    key_name: String,
}

impl Watching {
    /// Begins to watch. Of one secret only that is asked for, of several all that may be listed.
    ///
    /// # Errors
    /// [`CliError`] when the node is not there, or does not let this caller watch.
    pub(super) async fn open(session: &Session<'_>, names: BTreeSet<SecretName>) -> Result<Self, CliError> {
        let mut watching = Self { client: session.reader()?, names, stream: None, seen: None, heard: VecDeque::new() };
        watching.connect(session).await?;
        Ok(watching)
    }

    async fn connect(&mut self, session: &Session<'_>) -> Result<(), CliError> {
        let mut names = self.names.iter();
        let question = match (names.next(), names.next()) {
            (Some(only), None) => Question::get(format!("{}/watch", path("secrets", only))),
            _ => Question::get("/api/watch"),
        };
        let question = session.with_reason(session.in_place(question))?;
        let question = question.header("last-event-id", self.seen.as_deref())?;
        self.stream = Some((self.client.open(question).await?, EventReader::default()));
        Ok(())
    }

    /// Returns when one of the secrets may have changed.
    ///
    /// # Errors
    /// [`CliError`] when the node does not let this caller watch any more.
    async fn change(&mut self, session: &mut Session<'_>) -> Result<(), CliError> {
        let mut pause = PAUSE_MIN;
        loop {
            while let Some(event) = self.heard.pop_front() {
                let is_ours = self.concerns(&event)?;
                self.seen = event.id.or(self.seen.take());
                if is_ours {
                    return Ok(());
                }
            }
            match self.hear(session).await {
                Ok(true) => pause = PAUSE_MIN,
                Ok(false) => self.stream = None,
                Err(error) if passes(&error) => self.stream = None,
                Err(error) => return Err(error),
            }
            if self.stream.is_none() {
                if pause == PAUSE_MIN {
                    session.output.note("the node went away; its changes are followed when it is back");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }

    /// Takes in some events; false at the end of the stream.
    async fn hear(&mut self, session: &Session<'_>) -> Result<bool, CliError> {
        if self.stream.is_none() {
            self.connect(session).await?;
        }
        let Some((stream, reader)) = &mut self.stream else { return Ok(false) };
        let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
        let Some(bytes) = chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? else { return Ok(false) };
        self.heard.extend(reader.read(&bytes)?);
        Ok(true)
    }

    /// A reset means that changes may have been missed.
    fn concerns(&self, event: &Event) -> Result<bool, CliError> {
        match event.name.as_str() {
            "changed" => {
                let about: About = serde_json::from_str(&event.data)
                    .map_err(|_| CliError::Garbled { what: "an event has another shape" })?;
                let name = SecretName::parse(&format!("{}/{}", about.service, about.key_name));
                Ok(name.is_ok_and(|name| self.names.contains(&name)))
            }
            name => Ok(name == "reset"),
        }
    }
}

/// Reads anew after each change, and hands on what is different.
pub(super) struct Follower<'a, 'session> {
    pub(super) session: &'a mut Session<'session>,
    pub(super) watching: Watching,
    pub(super) plan: &'a Plan,
    pub(super) rules: Rules,
    pub(super) debounce: Duration,
    /// The values the program has.
    pub(super) known: Arc<Values>,
    pub(super) changes: mpsc::Sender<Changed>,
}

impl Follower<'_, '_> {
    /// Follows for as long as it is let. Whatever goes wrong is said, and the program keeps what it has.
    pub(super) async fn follow(mut self) -> Infallible {
        let mut earlier: VecDeque<Arc<Values>> = VecDeque::new();
        loop {
            match self.step(&mut earlier).await {
                Ok(never) => match never {},
                Err(error @ Step::Lost(_)) => {
                    self.session.output.note(&format!("changes are no longer followed: {error}"));
                    break;
                }
                Err(error) => self.session.output.note(&format!("the command keeps the values it has: {error}")),
            }
        }
        std::future::pending().await
    }

    async fn step(&mut self, earlier: &mut VecDeque<Arc<Values>>) -> Result<Infallible, Step> {
        loop {
            self.watching.change(self.session).await.map_err(Step::Lost)?;
            tokio::time::sleep(self.debounce).await;
            let new = run_read::values(self.session, self.plan, self.rules).await.map_err(Step::Unread)?;
            let changed = |(of, found): (_, &run_read::Found)| {
                !self.known.get(of).is_some_and(|known: &run_read::Found| known.value.equals(&found.value))
            };
            if !new.iter().any(changed) {
                continue;
            }
            let new = Arc::new(new);
            earlier.push_front(std::mem::replace(&mut self.known, Arc::clone(&new)));
            earlier.truncate(EARLIER_MAX);
            let all = earlier.iter().chain([&new]).flat_map(|values| texts(values));
            let changed = Changed { values: Arc::clone(&new), looked_for: Arc::new(Patterns::of_values(all).0) };
            // Whoever took them has ended, and this with it.
            let _ended = self.changes.send(changed).await;
        }
    }
}

/// Why following stopped for now, or for good.
#[derive(Debug, thiserror::Error)]
enum Step {
    #[error("{0}")]
    Lost(CliError),
    #[error("{0}")]
    Unread(CliError),
}
