//! Credentials that should be looked at, as the API tells of them: names, versions and times, never a value.

use serde::{Deserialize, Serialize};

use crate::model::name::NodeName;
use crate::model::record::Record;
use crate::model::time::Timestamp;
use crate::vault::answer_connectivity::{ExpiringList, ExpiringSecret, Unused, UnusedSecret};

/// `GET /api/expiring?within=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExpiringQuery {
    pub(super) within: Option<String>,
}

/// `GET /api/unused?for=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct UnusedQuery {
    #[serde(rename = "for")]
    pub(super) span: Option<String>,
}

/// Which version of which secret.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ExpiringPlace"))]
struct PlaceView<'a> {
    service: &'a str,
    key_name: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
    environment: &'a str,
    version: u64,
}

impl<'a> From<&'a Record> for PlaceView<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            service: record.at.secret.name.service.as_str(),
            key_name: record.at.secret.name.key.as_str(),
            scope: record.at.scope.kind(),
            scope_id: record.at.scope.id(),
            environment: record.at.secret.environment.as_str(),
            version: record.version.get(),
        }
    }
}

/// `GET /api/expiring`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ExpiringView<'a> {
    within: String,
    secrets: Vec<ExpiringSecretView<'a>>,
    complete: bool,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ExpiringSecretView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    expires_at: Option<String>,
    source: Option<&'static str>,
    expired: bool,
    days_left: Option<i64>,
    rotation_due: bool,
    rotation_due_at: Option<String>,
}

impl<'a> ExpiringView<'a> {
    /// The list, with the time it looks ahead.
    pub(super) fn new(within: String, list: &'a ExpiringList) -> Self {
        let secrets = list.secrets.iter().map(|secret| ExpiringSecretView::new(secret, list.now)).collect();
        Self { within, secrets, complete: list.complete, timestamp: list.now.to_string() }
    }
}

impl<'a> ExpiringSecretView<'a> {
    fn new(secret: &'a ExpiringSecret, now: Timestamp) -> Self {
        let expires = secret.expires;
        Self {
            place: PlaceView::from(&*secret.record),
            expires_at: expires.map(|expires| expires.at.to_string()),
            source: expires.map(|expires| expires.source.as_str()),
            expired: expires.is_some_and(|expires| expires.at <= now),
            days_left: expires.map(|expires| expires.days_left(now)),
            rotation_due: secret.rotation_due.is_some(),
            rotation_due_at: secret.rotation_due.map(|due| due.to_string()),
        }
    }
}

/// `GET /api/unused`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UnusedView<'a> {
    #[serde(rename = "for")]
    span: String,
    secrets: Vec<UnusedSecretView<'a>>,
    covers: Vec<&'a str>,
    journal_since: Option<String>,
    complete: bool,
    unreadable_lines: u64,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UnusedSecretView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    last_read: Option<String>,
    created_at: String,
    updated_at: String,
}

impl<'a> UnusedView<'a> {
    /// The list, with the time it looks back.
    pub(super) fn new(span: String, unused: &'a Unused) -> Self {
        let secret = |secret: &'a UnusedSecret| UnusedSecretView {
            place: PlaceView::from(&*secret.record),
            last_read: secret.last_read.map(|at| at.to_string()),
            created_at: secret.record.created_at.to_string(),
            updated_at: secret.record.updated_at.to_string(),
        };
        Self {
            span,
            secrets: unused.secrets.iter().map(secret).collect(),
            covers: unused.covers.iter().map(NodeName::as_str).collect(),
            journal_since: unused.journal_since.map(|at| at.to_string()),
            complete: unused.complete,
            unreadable_lines: unused.unreadable_lines,
            timestamp: unused.now.to_string(),
        }
    }
}
