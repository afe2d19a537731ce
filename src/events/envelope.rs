//! An event as everybody reads it: one JSON object with `id`, `type`, `timestamp`, where it happened, and `data`; the shape
//! that Standard Webhooks recommends (<https://www.standardwebhooks.com>, "Payload structure").

use serde::Serialize;
use serde_json::{Map, Value};

use super::audience::Audience;
use super::facts::facts;
use super::id::EventId;
use super::kept::KeptEvent;
use super::subject::{Home, Subject};
use crate::model::event::Event;
use crate::model::time::Timestamp;

/// The text, with its members in the order they are written.
#[derive(Serialize)]
struct EnvelopeText<'event> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    node: &'event str,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'event str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'event str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'event str>,
    data: Map<String, Value>,
}

/// An event that was told here at this time, as it is kept under this number. `by` says which program tells of it; without
/// it, it is the word of the node.
#[must_use]
pub fn envelope(event: &Event, home: &Home, (number, id): (u64, EventId), now: Timestamp) -> KeptEvent {
    let subject = Subject::of(event, home);
    let post = if let Event::Posted(post) = event { Some(post) } else { None };
    let (at, by) = post.map_or((now, None), |post| (post.at, Some(post.by.as_str())));
    let text = EnvelopeText {
        id: id.to_string(),
        kind: subject.kind.as_str(),
        timestamp: at.to_string(),
        node: subject.node.as_str(),
        environment: subject.environment.as_ref().map(|name| name.as_str()),
        company: subject.company.as_ref().map(|name| name.as_str()),
        by,
        data: facts(event),
    };
    // Strings and numbers can always be written.
    let body = serde_json::to_string(&text).unwrap_or_default();
    KeptEvent { number, id, at, audience: Audience::of(event), subject, body }
}
