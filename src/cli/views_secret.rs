//! Secrets as the node tells of them, and the body that stores one. Unknown fields of a newer node are passed over.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::ago::{seen_from, span};
use super::output::Shown;
use super::table::{Style, pairs, rows};
use crate::crypto::plaintext::Plaintext;

/// The body of `POST /api/secrets`. The value is borrowed; what is not given is not sent.
#[derive(Serialize)]
pub(super) struct PutBody<'a> {
    pub(super) service: &'a str,
    pub(super) key_name: &'a str,
    pub(super) key_value: &'a str,
    pub(super) scope: &'a str,
    pub(super) scope_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<&'a str>,
    pub(super) metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ttl: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_stale: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offline: Option<&'static str>,
}

/// Texts about a secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
}

/// A secret with its value.
#[derive(Serialize, Deserialize)]
pub(super) struct SecretView {
    service: String,
    key_name: String,
    /// The value.
    pub(super) key_value: ValueText,
    scope: String,
    scope_id: Option<String>,
    metadata: Metadata,
    override_applied: Option<String>,
    version: u64,
    environment: String,
}

/// A value within JSON or YAML: becomes a plaintext as soon as it is read.
pub(super) struct ValueText(pub(super) Plaintext);

impl Serialize for ValueText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let text = std::str::from_utf8(self.0.expose()).map_err(|_| S::Error::custom("a value that is no text"))?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for ValueText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = ValueText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ValueText, E> {
        Ok(ValueText(Plaintext::new(text.as_bytes().to_vec())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<ValueText, E> {
        Ok(ValueText(Plaintext::new(text.into_bytes())))
    }
}

/// A committed change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredView {
    success: bool,
    secret_id: u64,
    message: String,
    version: u64,
    revision: u64,
}

impl Shown for StoredView {
    fn table(&self, _style: Style) -> String {
        format!("{}: version {}, revision {}\n", self.message, self.version, self.revision)
    }
}

/// One version of one secret in one scope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordView {
    pub(super) service: String,
    pub(super) key_name: String,
    pub(super) scope: String,
    pub(super) scope_id: Option<String>,
    environment: String,
    secret_id: u64,
    version: u64,
    revision: u64,
    deleted: bool,
    metadata: Metadata,
    expires_at: Option<String>,
    ttl: Option<u64>,
    max_stale: Option<u64>,
    offline: String,
    rotation_reminder_days: u64,
    created_at: String,
    updated_at: String,
}

impl RecordView {
    /// `3`, or `3 (deleted)`.
    pub(super) fn version_text(&self) -> String {
        if self.deleted { format!("{} (deleted)", self.version) } else { self.version.to_string() }
    }

    /// `company:acme`.
    pub(super) fn scope_text(&self) -> String {
        scope_text(&self.scope, self.scope_id.as_deref())
    }

    fn details(&self, style: Style, now: &str) -> String {
        let seconds = |seconds: u64| span(std::time::Duration::from_secs(seconds));
        let tags = Some(self.metadata.tags.join(", ")).filter(|tags| !tags.is_empty());
        let details = [
            ("secret", Some(format!("{}/{}", self.service, self.key_name))),
            ("scope", Some(self.scope_text())),
            ("environment", Some(self.environment.clone())),
            ("version", Some(self.version_text())),
            ("revision", Some(self.revision.to_string())),
            ("created", Some(seen_from(now, &self.created_at))),
            ("updated", Some(seen_from(now, &self.updated_at))),
            ("expires", self.expires_at.as_deref().map(|at| seen_from(now, at))),
            ("fresh for", self.ttl.map(seconds)),
            ("then usable for", self.max_stale.map(seconds)),
            ("offline", Some(self.offline.clone())),
            ("description", self.metadata.description.clone()),
            ("owner", self.metadata.owner.clone()),
            ("contact", self.metadata.contact.clone()),
            ("note", self.metadata.note.clone()),
            ("provider", self.metadata.provider.clone()),
            ("tags", tags),
        ];
        pairs(style, details)
    }
}

/// `global`, `company:acme`.
pub(super) fn scope_text(kind: &str, id: Option<&str>) -> String {
    id.map_or_else(|| kind.to_owned(), |id| format!("{kind}:{id}"))
}

/// A page of the list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListView {
    /// The lines.
    pub(super) secrets: Vec<RecordView>,
    /// Where the next page starts.
    pub(super) next_cursor: Option<String>,
    /// The node's time.
    pub(super) timestamp: String,
}

impl Shown for ListView {
    fn table(&self, style: Style) -> String {
        let header = ["SECRET", "SCOPE", "ENVIRONMENT", "VERSION", "UPDATED", "EXPIRES", "DESCRIPTION"];
        let line = |record: &RecordView| {
            vec![
                format!("{}/{}", record.service, record.key_name),
                record.scope_text(),
                record.environment.clone(),
                record.version_text(),
                seen_from(&self.timestamp, &record.updated_at),
                record.expires_at.as_deref().map_or_else(|| "-".to_owned(), |at| seen_from(&self.timestamp, at)),
                record.metadata.description.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        rows(style, &header, self.secrets.iter().map(line))
    }
}

/// One secret in each scope it has a value in.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct InfoView(pub(super) ListView);

impl Shown for InfoView {
    fn table(&self, style: Style) -> String {
        let each = self.0.secrets.iter().map(|record| record.details(style, &self.0.timestamp));
        each.collect::<Vec<_>>().join("\n")
    }
}

/// The versions of one secret in one scope.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VersionsView {
    service: String,
    key_name: String,
    scope: String,
    scope_id: Option<String>,
    environment: String,
    versions: Vec<RecordView>,
    nodes: Vec<HolderView>,
    timestamp: String,
}

impl Shown for VersionsView {
    fn table(&self, style: Style) -> String {
        let line = |record: &RecordView| {
            vec![
                record.version_text(),
                record.revision.to_string(),
                seen_from(&self.timestamp, &record.updated_at),
                record.metadata.note.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        let versions = rows(style, &["VERSION", "REVISION", "WRITTEN", "NOTE"], self.versions.iter().map(line));
        format!("{versions}\n{}", holders(style, &self.nodes))
    }
}

/// Which node holds the current version.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HolderView {
    node: String,
    entitled: bool,
    current: Option<bool>,
}

/// A table of holders.
pub(super) fn holders(style: Style, holders: &[HolderView]) -> String {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let line = |holder: &HolderView| {
        let current = holder.current.map_or_else(|| "not known here".to_owned(), yes_no);
        vec![holder.node.clone(), yes_no(holder.entitled), current]
    };
    rows(style, &["NODE", "ENTITLED", "HOLDS CURRENT"], holders.iter().map(line))
}
