//! Watching: the queries, and the events as they are written to the stream.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::types_record::FreshnessView;
use crate::model::number::Position;
use crate::replication::history::Told;
use crate::replication::watch::Break;
use crate::vault::watch::{Heard, News};

/// `GET /api/secrets/{service}/{key}/watch?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct WatchOneQuery {
    /// Only this scope.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// The id of the last event the caller has seen; `Last-Event-ID` wins over it.
    pub(super) after: Option<String>,
}

/// `GET /api/watch?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct WatchAllQuery {
    /// Only names `service/key_name` that start so.
    pub(super) prefix: Option<String>,
    /// Only this scope.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// The id of the last event the caller has seen; `Last-Event-ID` wins over it.
    pub(super) after: Option<String>,
}

/// `event: changed`
#[derive(Debug, Serialize)]
struct ChangedView<'a> {
    service: &'a str,
    key_name: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
    environment: &'a str,
    change: &'static str,
    version: u64,
    revision: u64,
    at: String,
    freshness: Option<FreshnessView>,
}

/// `event: ready`
#[derive(Debug, Serialize)]
struct ReadyView {
    epoch: u64,
    revision: u64,
}

/// `event: reset`
#[derive(Debug, Serialize)]
struct ResetView {
    reason: &'static str,
    message: &'static str,
    current: String,
}

impl<'a> From<&'a Heard> for ChangedView<'a> {
    fn from(heard: &'a Heard) -> Self {
        let Told { at, change, version, revision, made_at } = &heard.told;
        Self {
            service: at.secret.name.service.as_str(),
            key_name: at.secret.name.key.as_str(),
            scope: at.scope.kind(),
            scope_id: at.scope.id(),
            environment: at.secret.environment.as_str(),
            change: change.as_str(),
            version: version.get(),
            revision: revision.get(),
            at: made_at.to_string(),
            freshness: heard.freshness.as_ref().map(FreshnessView::from),
        }
    }
}

impl ResetView {
    fn new(reason: Break, current: Position) -> Self {
        let (reason, message) = match reason {
            Break::Epoch => ("epoch", "the mesh began a new epoch; the newest state of every secret follows"),
            Break::Ahead => ("ahead", "this node has not seen that revision; the newest state of every secret follows"),
            Break::Trimmed => {
                ("trimmed", "older changes are no longer logged; the newest state of what changed follows")
            }
        };
        Self { reason, message, current: id(current) }
    }
}

/// What a watcher resumes from.
pub(super) fn id(at: Position) -> String {
    format!("{}.{}", at.epoch, at.revision)
}

/// Appends one event (HTML, 9.2.6): its id, its name, its data on one line, and the empty line that sends it off.
///
/// # Errors
/// [`ApiError::Unwritable`] if it cannot be written as JSON, which no type of this room can cause.
pub(super) fn write(news: &News, into: &mut String) -> Result<(), ApiError> {
    let (event, data) = match news {
        News::Ready { at } => ("ready", json(&ReadyView { epoch: at.epoch.get(), revision: at.revision.get() })?),
        News::Reset { reason, current, .. } => ("reset", json(&ResetView::new(*reason, *current))?),
        News::Changed(heard) => ("changed", json(&ChangedView::from(heard))?),
    };
    into.push_str(&format!("id: {}\nevent: {event}\ndata: {data}\n\n", id(news.at())));
    Ok(())
}

/// JSON has no line breaks of its own, so it is one line of a stream.
fn json(view: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(view).map_err(|_| ApiError::Unwritable)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::change::ChangeKind;
    use crate::model::name::EnvironmentName;
    use crate::model::number::{Epoch, Revision, Version};
    use crate::model::secret::{Scope, SecretAddress, SecretName};
    use crate::model::time::Timestamp;
    use crate::vault::answer::{Freshness, Served};

    fn position(revision: u64) -> Position {
        Position { epoch: Epoch(1), revision: Revision(revision) }
    }

    fn written(news: &News) -> String {
        let mut text = String::new();
        write(news, &mut text).expect("writable");
        text
    }

    #[test]
    fn a_change_is_an_event_with_an_id_and_one_line_of_json() {
        let secret = SecretAddress {
            environment: EnvironmentName::parse("prod").expect("environment"),
            name: SecretName::parse("hubspot/api_key").expect("name"),
        };
        let told = Told {
            at: secret.within(Scope::parse("company:acme").expect("scope")),
            change: ChangeKind::Stored,
            version: Version::FIRST,
            revision: Revision(42),
            made_at: Timestamp(0),
        };
        let age = Duration::from_millis(400);
        let freshness = Freshness { served: Served::Hit, age, fresh_until: Timestamp(0), servable_for: None };
        let heard = Heard { at: position(42), told, freshness: Some(freshness) };
        assert_eq!(
            written(&News::Changed(heard)),
            concat!(
                "id: 1.42\nevent: changed\n",
                r#"data: {"service":"hubspot","key_name":"api_key","scope":"company","scope_id":"acme","#,
                r#""environment":"prod","change":"stored","version":1,"revision":42,"at":"1970-01-01T00:00:00.000Z","#,
                r#""freshness":{"served":"HIT","age_ms":400,"fresh_until":"1970-01-01T00:00:00.000Z","#,
                r#""servable_for_ms":null}}"#,
                "\n\n"
            )
        );
    }

    #[test]
    fn a_reset_is_resumed_from_where_it_goes_on_and_says_where_the_node_stands() {
        let reset = News::Reset { reason: Break::Ahead, from: position(0), current: position(7) };
        let text = written(&reset);
        assert!(text.starts_with("id: 1.0\nevent: reset\ndata: {\"reason\":\"ahead\",\"message\":\""), "{text}");
        assert!(text.ends_with("\"current\":\"1.7\"}\n\n"), "{text}");
        let ready = written(&News::Ready { at: position(7) });
        assert_eq!(ready, "id: 1.7\nevent: ready\ndata: {\"epoch\":1,\"revision\":7}\n\n");
    }
}
