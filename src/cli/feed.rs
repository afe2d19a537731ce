//! Waits for changes of certain secrets, over a stream of the node that is opened again whenever it ends.

use std::time::Duration;

use serde::Deserialize;

use super::client::{Client, Streamed};
use super::error::CliError;
use super::events::{Event, EventReader};
use super::question::Question;
use super::session::Session;
use super::verbs_watch::{PAUSE_MAX, PAUSE_MIN, SILENCE_MAX, passes};
use crate::model::reference::Reference;

/// The changes of a node, from when it was opened on.
pub(super) struct Feed {
    client: Client,
    stream: Option<Streamed>,
    reader: EventReader,
    seen: Option<String>,
    pause: Duration,
}

#[derive(Deserialize)]
struct Named {
    service: String,
    key_name: String,
}

impl Feed {
    /// Begins to watch. What changes after this returned is told.
    ///
    /// # Errors
    /// [`CliError`], as the node refuses.
    pub(super) async fn open(session: &Session<'_>, client: Client) -> Result<Self, CliError> {
        let stream = Some(client.open(question(session, None)?).await?);
        Ok(Self { client, stream, reader: EventReader::default(), seen: None, pause: PAUSE_MIN })
    }

    /// Returns when one of these secrets may have changed. Nothing is lost when it is dropped and called again.
    ///
    /// # Errors
    /// [`CliError`] that does not pass by itself: the node refuses to be watched.
    pub(super) async fn changed(&mut self, session: &Session<'_>, of: &[Reference]) -> Result<(), CliError> {
        loop {
            match self.step(session, of).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if passes(&error) => {
                    self.stream = None;
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(PAUSE_MAX);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn step(&mut self, session: &Session<'_>, of: &[Reference]) -> Result<bool, CliError> {
        let Some(stream) = &mut self.stream else {
            self.stream = Some(self.client.open(question(session, self.seen.as_deref())?).await?);
            (self.reader, self.pause) = (EventReader::default(), PAUSE_MIN);
            // Without a place to resume from, what happened in between is not told.
            return Ok(self.seen.is_none());
        };
        let chunk = tokio::time::timeout(SILENCE_MAX, stream.chunk()).await;
        let Some(bytes) = chunk.map_err(|_| CliError::TimedOut { after: SILENCE_MAX })?? else {
            self.stream = None;
            // A node that ends every stream at once must not be asked without a pause.
            tokio::time::sleep(PAUSE_MIN).await;
            return Ok(false);
        };
        let mut concerned = false;
        for event in self.reader.read(&bytes)? {
            concerned |= concerns(&event, of);
            self.seen = event.id.or(self.seen.take());
        }
        Ok(concerned)
    }
}

fn question(session: &Session<'_>, seen: Option<&str>) -> Result<Question, CliError> {
    let question = session.with_reason(session.in_environment(Question::get("/api/watch")))?;
    question.header("last-event-id", seen)
}

fn concerns(event: &Event, of: &[Reference]) -> bool {
    match event.name.as_str() {
        "changed" => serde_json::from_str(&event.data).map_or(true, |Named { service, key_name }| {
            of.iter().any(|one| one.name.service.as_str() == service && one.name.key.as_str() == key_name)
        }),
        "reset" => true,
        // Where the watch begins, a keep-alive, or what a newer node has to say.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secrets_that_are_used_concern_it_and_a_break_in_the_history() {
        let of = [Reference::parse_short("hubspot/api_key?field=x").expect("reference")];
        let concerned =
            |name: &str, data: &str| concerns(&Event { name: name.into(), data: data.into(), id: None }, &of);
        assert!(concerned("changed", r#"{"service":"hubspot","key_name":"api_key","version":2}"#));
        assert!(!concerned("changed", r#"{"service":"hubspot","key_name":"other"}"#));
        assert!(!concerned("ready", "{}") && !concerned("", ""));
        assert!(concerned("reset", "{}") && concerned("changed", "not understood"));
    }
}
