//! An event as it is kept: one line that says what it is about and who may hear of it, and then its JSON as it was and will
//! always be told. The line is JSON too.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::audience::Audience;
use super::id::EventId;
use super::subject::Subject;
use crate::model::event::Post;
use crate::model::event_kind::EventKind;
use crate::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use crate::model::secret::{Scope, SecretAddress, SecretName};
use crate::model::time::Timestamp;

/// One event of the history of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// Its place in the history of this node: each number once, going up.
    pub number: u64,
    /// What it is called, everywhere.
    pub id: EventId,
    /// When it was told.
    pub at: Timestamp,
    /// What it is about.
    pub subject: Subject,
    /// Who may hear of it.
    pub audience: Audience,
    /// The JSON that everybody reads.
    pub body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    at: i64,
    audience: String,
    node: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    company: Option<String>,
}

/// What the envelope of a program's event holds besides what the line says.
#[derive(Deserialize)]
struct Posted {
    by: Option<String>,
    data: Map<String, Value>,
}

impl KeptEvent {
    /// The row.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        fn text<T: ToString>(name: Option<&T>) -> Option<String> {
            name.map(ToString::to_string)
        }
        let Self { subject, .. } = self;
        let audience = match self.audience {
            Audience::Secret(_) => "secret",
            Audience::Named(_) => "named",
            Audience::Service(_) => "service",
            Audience::Admins => "admins",
            Audience::Everyone => "everyone",
        };
        let head = Head {
            id: self.id.to_string(),
            kind: subject.kind.to_string(),
            at: self.at.0,
            audience: audience.to_owned(),
            node: subject.node.to_string(),
            about: text(subject.about.as_ref()),
            environment: text(subject.environment.as_ref()),
            service: text(subject.service.as_ref()),
            key: text(subject.key.as_ref()),
            scope: text(subject.scope.as_ref()),
            company: text(subject.company.as_ref()),
        };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(self.body.as_bytes());
        bytes
    }

    /// What a program told, if this is the event of one.
    #[must_use]
    pub fn post(&self) -> Option<Post> {
        let told: Posted = serde_json::from_str(&self.body).ok()?;
        let Subject { kind, node, environment, company, .. } = self.subject.clone();
        let (by, data) = (told.by?, serde_json::to_string(&told.data).ok()?);
        Some(Post { kind, key: None, by, node, environment: environment?, company, at: self.at, data })
    }

    /// Reads a row; `None` for what this program did not write.
    #[must_use]
    pub fn parse(number: u64, bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(bytes.get(..end)?).ok()?;
        let body = String::from_utf8(bytes.get(end.saturating_add(1)..)?.to_vec()).ok()?;
        fn named<T, E>(text: Option<&String>, parse: impl Fn(&str) -> Result<T, E>) -> Option<Option<T>> {
            text.map(|text| parse(text)).transpose().ok()
        }
        let subject = Subject {
            kind: EventKind::parse(&head.kind).ok()?,
            node: NodeName::parse(&head.node).ok()?,
            about: named(head.about.as_ref(), NodeName::parse)?,
            environment: named(head.environment.as_ref(), EnvironmentName::parse)?,
            service: named(head.service.as_ref(), ServiceName::parse)?,
            key: named(head.key.as_ref(), KeyName::parse)?,
            scope: named(head.scope.as_ref(), Scope::parse)?,
            company: named(head.company.as_ref(), CompanyId::parse)?,
        };
        let audience = audience(&head.audience, &subject)?;
        let id = EventId::parse(&head.id)?;
        Some(Self { number, id, at: Timestamp(head.at), subject, audience, body })
    }
}

fn audience(word: &str, subject: &Subject) -> Option<Audience> {
    let name = || Some(SecretName { service: subject.service.clone()?, key: subject.key.clone()? });
    Some(match word {
        "secret" => {
            let environment = subject.environment.clone()?;
            Audience::Secret(SecretAddress { environment, name: name()? }.within(subject.scope.clone()?))
        }
        "named" => Audience::Named(name()?),
        "service" => Audience::Service(subject.service.clone()?),
        "admins" => Audience::Admins,
        "everyone" => Audience::Everyone,
        _ => return None,
    })
}
