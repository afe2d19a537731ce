//! `watch`: a line for each change, as it is made, until somebody has seen enough.

use std::time::Duration;

use super::arguments::Format;
use super::arguments_watch::{WatchArguments, WatchTarget};
use super::client::Client;
use super::error::CliError;
use super::events::{Event, EventReader};
use super::question::Question;
use super::session::Session;
use super::verbs_secret::path;
use super::views_watch::{ChangedView, ResetView};

/// A node says something every 15 s; one that is silent for three times as long is gone.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(45);

/// The pauses between attempts to find a node that went away: soon enough for a restart, rare enough for a long absence.
pub(super) const PAUSE_MIN: Duration = Duration::from_millis(100);
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(5);

/// `aurora watch`
pub(super) async fn watch(session: &mut Session<'_>, arguments: &WatchArguments) -> Result<(), CliError> {
    let client = session.lister()?;
    let mut watching = Watching { arguments, seen: arguments.after.clone(), begun: false, pause: PAUSE_MIN };
    loop {
        match watching.follow(session, &client).await {
            Ok(Seen::Enough) => return Ok(()),
            Ok(Seen::All) => {}
            Err(error) if watching.begun && passes(&error) => {}
            Err(error) => return Err(error),
        }
        if watching.pause == PAUSE_MIN {
            session.output.note("the node went away; watching goes on when it is back");
        }
        tokio::time::sleep(watching.pause).await;
        watching.pause = (watching.pause * 2).min(PAUSE_MAX);
    }
}

/// Whether a node that is started again would not answer so.
pub(super) fn passes(error: &CliError) -> bool {
    matches!(error, CliError::NoDaemon { .. } | CliError::Broken { .. } | CliError::TimedOut { .. })
        || matches!(error, CliError::Refused { status: 429 | 503, .. })
}

/// Why a stream was left.
enum Seen {
    /// It was not to go on.
    Enough,
    /// It ended.
    All,
}

struct Watching<'a> {
    arguments: &'a WatchArguments,
    seen: Option<String>,
    begun: bool,
    pause: Duration,
}

impl Watching<'_> {
    async fn follow(&mut self, session: &mut Session<'_>, client: &Client) -> Result<Seen, CliError> {
        let mut stream = client.open(self.question(session)?).await?;
        (self.begun, self.pause) = (true, PAUSE_MIN);
        let mut reader = EventReader::default();
        loop {
            let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
            let Some(bytes) = chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? else {
                return Ok(Seen::All);
            };
            for event in reader.read(&bytes)? {
                let is_change = tell(session, &event)?;
                self.seen = event.id.or(self.seen.take());
                if is_change && self.arguments.once {
                    return Ok(Seen::Enough);
                }
            }
        }
    }

    fn question(&self, session: &Session<'_>) -> Result<Question, CliError> {
        let question = match &self.arguments.target {
            Some(WatchTarget::Secret(name)) => Question::get(format!("{}/watch", path("secrets", name))),
            Some(WatchTarget::Service(service)) => {
                Question::get("/api/watch").with("prefix", Some(&format!("{service}/")))
            }
            None => Question::get("/api/watch"),
        };
        let question = session.with_reason(session.in_place(question))?;
        question.header("last-event-id", self.seen.as_deref())
    }
}

/// Prints an event, and says whether it was a change.
fn tell(session: &mut Session<'_>, event: &Event) -> Result<bool, CliError> {
    let garbled = |_| CliError::Garbled { what: "an event has another shape" };
    match event.name.as_str() {
        "changed" => {
            let view: ChangedView = serde_json::from_str(&event.data).map_err(garbled)?;
            if session.output.format() == Format::Yaml {
                session.output.write(b"---\n")?;
            }
            session.output.show(&view)?;
            Ok(true)
        }
        "reset" => {
            let view: ResetView = serde_json::from_str(&event.data).map_err(garbled)?;
            session.output.note(&view.message);
            Ok(false)
        }
        // Where the watch begins, a keep-alive, or what a newer node has to say.
        _ => Ok(false),
    }
}
