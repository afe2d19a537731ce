//! A secret with its value, on its way to the node and back. Unknown fields of a newer node are passed over.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain};
use crate::crypto::text::ValueText;

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

/// A declared field.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FieldView {
    /// Its name.
    pub(super) name: String,
    /// `secret` or `string`.
    #[serde(rename = "type")]
    pub(super) kind: String,
}

impl SecretView {
    /// The scope that won: `global`, `company:ID` or `node:NAME`.
    pub(super) fn scope_text(&self) -> String {
        match &self.scope_id {
            Some(id) => format!("{}:{id}", self.scope),
            None => self.scope.clone(),
        }
    }

    /// Which value it is.
    pub(super) fn version(&self) -> u64 {
        self.version
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

impl StoredView {
    /// The change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

/// A committed change, and what was changed: a person sees in which scope, which is global unless they said otherwise.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ChangeView {
    /// What the node answered.
    pub(super) stored: StoredView,
    /// `hubspot/api_key in company:acme`
    #[serde(skip)]
    pub(super) what: String,
}

impl Shown for ChangeView {
    fn table(&self, _style: Style) -> String {
        let StoredView { message, version, revision, .. } = &self.stored;
        format!("{}: {}, version {version}, revision {revision}\n", plain(message), self.what)
    }
}
