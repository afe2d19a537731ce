//! Events: a line for a person, the event itself for a program.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::output::Shown;
use super::table::{Style, plain, rows};

/// One event, as everybody reads it. What a newer node adds is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventView {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    data: Map<String, Value>,
}

impl EventView {
    /// What it says, in one line: names and plain values.
    fn told(&self) -> String {
        let by = self.by.as_ref().map(|by| format!("by={by}"));
        let members = self.data.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                format!("{name}={value}")
            }
        });
        by.into_iter().chain(members).collect::<Vec<_>>().join(" ")
    }
}

impl Shown for EventView {
    /// One line. Its columns are not aligned beyond the type: nobody knows how long the next name is.
    fn table(&self, _style: Style) -> String {
        plain(&format!("{}  {:<22}  {}  {}", self.timestamp, self.kind, self.node, self.told())) + "\n"
    }
}

/// A page of the history.
#[derive(Debug, Deserialize)]
pub(super) struct HistoryView {
    pub(super) events: Vec<EventView>,
    pub(super) next_cursor: Option<String>,
}

/// What happened, the newest first.
#[derive(Debug, Serialize)]
pub(super) struct EventsView {
    pub(super) events: Vec<EventView>,
}

impl Shown for EventsView {
    fn table(&self, style: Style) -> String {
        if self.events.is_empty() {
            return "nothing happened that you may hear of\n".to_owned();
        }
        let cells =
            |event: &EventView| vec![event.timestamp.clone(), event.kind.clone(), event.node.clone(), event.told()];
        rows(style, &["TIME", "TYPE", "NODE", "WHAT"], self.events.iter().map(cells))
    }
}

/// The answer of `GET /api/events/types`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TypesView {
    pub(super) types: Vec<TypeView>,
}

/// One type.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TypeView {
    #[serde(rename = "type")]
    kind: String,
    summary: String,
    audience: String,
    programs: bool,
    pub(super) schema: Value,
}

impl Shown for TypesView {
    fn table(&self, style: Style) -> String {
        let cells = |view: &TypeView| {
            let programs = if view.programs { "yes" } else { "-" };
            vec![view.kind.clone(), programs.to_owned(), view.audience.clone(), view.summary.clone()]
        };
        rows(style, &["TYPE", "PROGRAMS", "FOR", "MEANS"], self.types.iter().map(cells))
    }
}

/// The body of `POST /api/events`.
#[derive(Debug, Serialize)]
pub(super) struct PublishBody<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) data: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
}

/// The answer of `POST /api/events`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PublishedView {
    success: bool,
    id: String,
    new: bool,
}

impl Shown for PublishedView {
    fn table(&self, _style: Style) -> String {
        let word = if self.new { "" } else { "; it was told before" };
        format!("{}{word}\n", plain(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_that_cannot_steer_the_terminal() {
        let text = r#"{"id":"evt_1","type":"data.created","timestamp":"2026-11-21T08:00:00.000Z","node":"aurora",
            "by":"agent:n8n","data":{"rows":3,"note":"a\u001b[2Jb","none":null},"added_later":1}"#;
        let view: EventView = serde_json::from_str(text).expect("view");
        let line = "2026-11-21T08:00:00.000Z  data.created            aurora  by=agent:n8n note=a\u{fffd}[2Jb rows=3\n";
        assert_eq!(view.table(Style::Color), line);
    }
}
