//! What programs of a follower tell, on its way to the lead. A follower says what was told and by whom; which node it is, and in
//! which environment, the lead knows by itself. What may be told is checked by whoever takes it in.

use super::error::{FieldRule, WireError};
use crate::model::event::Post;
use crate::model::event_kind::EventKind;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::time::Timestamp;

/// Most bytes of the data: as much as a node takes from a program.
const DATA_BYTES_MAX: usize = 16 << 10;

/// Most bytes of who says so: what a principal may be.
const BY_BYTES_MAX: usize = 1024;

/// "A program here told this."
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct PublishEvent {
    /// Ties the answer to the question.
    pub id: u64,
    /// What the event is called here and everywhere; told again, it is the same event.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// Who says so.
    pub by: String,
    /// On behalf of which company, if of one.
    pub company: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What it says, a JSON object.
    pub data: String,
}

/// "It is kept."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct EventTaken {
    /// Of the question.
    pub id: u64,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl PublishEvent {
    /// The question about one event.
    #[must_use]
    pub fn new(id: u64, event: &str, post: &Post) -> Self {
        Self {
            id,
            event: event.to_owned(),
            kind: post.kind.to_string(),
            by: post.by.clone(),
            company: post.company.as_ref().map(ToString::to_string),
            at_ms: post.at.0,
            data: post.data.clone(),
        }
    }

    /// What was told on this node.
    ///
    /// # Errors
    /// [`WireError`] for what no node of ours would send.
    pub fn read(self, node: &NodeName, environment: &EnvironmentName) -> Result<(String, Post), WireError> {
        let bounded = |field, text: &str, max: usize| {
            let rule = FieldRule::TooMany(max);
            if text.len() > max { Err(WireError::Field { field, rule }) } else { Ok(()) }
        };
        bounded("data", &self.data, DATA_BYTES_MAX)?;
        bounded("by", &self.by, BY_BYTES_MAX)?;
        if self.by.chars().any(char::is_control) {
            return Err(WireError::Field { field: "by", rule: FieldRule::NotPrintable });
        }
        let unknown = |_| WireError::Field { field: "kind", rule: FieldRule::Unknown };
        let kind = EventKind::parse(&self.kind).map_err(unknown)?;
        let post = Post {
            kind,
            key: Some(self.event.clone()),
            by: self.by,
            node: node.clone(),
            environment: environment.clone(),
            company: self.company.as_deref().map(CompanyId::parse).transpose()?,
            at: Timestamp(self.at_ms),
            data: self.data,
        };
        Ok((self.event, post))
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self {
            id: 5,
            event: "evt_01ARYZ6S410000000000000000".to_owned(),
            kind: "data.created".to_owned(),
            by: "agent:a".to_owned(),
            company: Some("acme".to_owned()),
            at_ms: 1,
            data: "{}".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_node_would_send_is_refused() {
        let node = NodeName::parse("vengeance").expect("name");
        let prod = EnvironmentName::parse("prod").expect("name");
        let (event, post) = PublishEvent::sample().read(&node, &prod).expect("an event");
        assert_eq!(PublishEvent::new(5, &event, &post), PublishEvent::sample());
        for wrong in [
            PublishEvent { kind: "data.*".to_owned(), ..PublishEvent::sample() },
            PublishEvent { company: Some("A B".to_owned()), ..PublishEvent::sample() },
            PublishEvent { by: "a\nb".to_owned(), ..PublishEvent::sample() },
            PublishEvent { data: "x".repeat(DATA_BYTES_MAX + 1), ..PublishEvent::sample() },
        ] {
            assert!(wrong.clone().read(&node, &prod).is_err(), "{:?}", wrong.kind);
        }
    }
}
