//! What is told about a record: names, scope, version, texts and times. There is no field for a value.

use std::time::Duration;

use serde::Serialize;

use crate::model::fields::Field;
use crate::model::freshness::Offline;
use crate::model::metadata::Metadata;
use crate::model::number::Version;
use crate::model::record::{Record, RecordState};
use crate::vault::answer::{Freshness, Holder, Listed, Served};

/// Texts for people; only those that are set are printed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct MetadataView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

impl<'a> From<&'a Metadata> for MetadataView<'a> {
    fn from(metadata: &'a Metadata) -> Self {
        Self {
            description: metadata.description.as_deref(),
            owner: metadata.owner.as_deref(),
            contact: metadata.contact.as_deref(),
            note: metadata.note.as_deref(),
            provider: metadata.provider.as_deref(),
            tags: &metadata.tags,
        }
    }
}

/// A declared field: its name and kind, never its text.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FieldView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> From<&'a Field> for FieldView<'a> {
    fn from(field: &'a Field) -> Self {
        Self { name: field.name.as_str(), kind: field.kind.as_str() }
    }
}

/// One version of one secret in one scope.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RecordView<'a> {
    service: &'a str,
    key_name: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
    environment: &'a str,
    secret_id: u64,
    version: u64,
    revision: u64,
    deleted: bool,
    state: &'static str,
    metadata: MetadataView<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldView<'a>>,
    expires_at: Option<String>,
    ttl: Option<u64>,
    max_stale: Option<u64>,
    offline: &'static str,
    rotation_reminder_days: u16,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_validated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_status: Option<&'static str>,
}

impl<'a> From<&'a Record> for RecordView<'a> {
    fn from(record: &'a Record) -> Self {
        let (secret, scope, options) = (&record.at.secret, &record.at.scope, &record.options);
        Self {
            service: secret.name.service.as_str(),
            key_name: secret.name.key.as_str(),
            scope: scope.kind(),
            scope_id: scope.id(),
            environment: secret.environment.as_str(),
            secret_id: record.secret_id,
            version: record.version.get(),
            revision: record.revision.get(),
            deleted: record.state() == RecordState::Deleted,
            state: record.state().as_str(),
            metadata: MetadataView::from(&*record.metadata),
            fields: record.fields.iter().map(FieldView::from).collect(),
            expires_at: options.expires_at.map(|at| at.to_string()),
            ttl: options.ttl.map(|ttl| ttl.as_secs()),
            max_stale: options.max_stale.map(|max_stale| max_stale.as_secs()),
            offline: match options.offline {
                Offline::Allow => "allow",
                Offline::Deny => "deny",
            },
            rotation_reminder_days: options.rotation_reminder_days,
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
            last_validated_at: None,
            validation_status: None,
        }
    }
}

/// With the last check of it on this node; a value that was never asked about says nothing of one.
impl<'a> From<&'a Listed> for RecordView<'a> {
    fn from(Listed { record, check }: &'a Listed) -> Self {
        let found = check.as_ref().and_then(|check| Some((check.checked_at?, check.verdict?)));
        Self {
            last_validated_at: found.map(|(at, _)| at.to_string()),
            validation_status: found.map(|(_, verdict)| verdict.validation().as_str()),
            ..Self::from(&**record)
        }
    }
}

/// How fresh an answer is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FreshnessView {
    served: &'static str,
    age_ms: u64,
    fresh_until: String,
    servable_for_ms: Option<u64>,
}

impl From<&Freshness> for FreshnessView {
    fn from(freshness: &Freshness) -> Self {
        Self {
            served: served(freshness.served),
            age_ms: milliseconds(freshness.age),
            fresh_until: freshness.fresh_until.to_string(),
            servable_for_ms: freshness.servable_for.map(milliseconds),
        }
    }
}

/// The word of `X-Cache`.
pub(super) fn served(served: Served) -> &'static str {
    match served {
        Served::Lead => "LEAD",
        Served::Hit => "HIT",
        Served::Stale => "STALE",
    }
}

/// Whole milliseconds; saturates after 584 million years.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which node holds a version.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HolderView<'a> {
    node: &'a str,
    entitled: bool,
    current: Option<bool>,
    version: Option<u64>,
}

impl<'a> From<&'a Holder> for HolderView<'a> {
    fn from(holder: &'a Holder) -> Self {
        Self {
            node: holder.node.as_str(),
            entitled: holder.entitled,
            current: holder.current,
            version: holder.version.map(Version::get),
        }
    }
}

/// `GET /api/secrets`: one page.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ListView<'a> {
    /// The current version of each secret in each scope.
    pub(super) secrets: Vec<RecordView<'a>>,
    /// Where the next page starts.
    pub(super) next_cursor: Option<&'a str>,
    /// Now, on the node's clock: what the times above are relative to.
    pub(super) timestamp: String,
}

/// `GET …/versions`: newest first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VersionsView<'a> {
    /// The provider or application.
    pub(super) service: &'a str,
    /// The credential within it.
    pub(super) key_name: &'a str,
    /// The scope whose versions these are.
    pub(super) scope: &'static str,
    /// Its company or node.
    pub(super) scope_id: Option<&'a str>,
    /// Where it lives.
    pub(super) environment: &'a str,
    /// The versions that are kept.
    pub(super) versions: Vec<RecordView<'a>>,
    /// Who holds the current one.
    pub(super) nodes: Vec<HolderView<'a>>,
    /// Now, on the node's clock.
    pub(super) timestamp: String,
}
