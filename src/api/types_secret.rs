//! Reading and deleting a secret: the queries, and the answers whose shape is fixed.

use serde::{Deserialize, Serialize};

use super::types_record::{FieldView, MetadataView};
use crate::vault::answer::Stored;

/// `GET /api/secrets/{service}/{key}?…`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReadQuery {
    /// `global`, `company` or `node`: read this scope instead of resolving.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// An older version.
    pub(super) version: Option<String>,
    /// One field of a value that has several.
    pub(super) field: Option<String>,
    /// `true`: confirm with the lead first.
    pub(super) refresh: Option<String>,
}

/// `DELETE /api/secrets/{service}/{key}?…` and `GET …/versions?…`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PlaceQuery {
    /// `global`, `company` or `node`; global if absent.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
}

/// `POST …/destroy?…`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DestroyQuery {
    /// `global`, `company` or `node`; global if absent.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// Numbers between commas; every version if absent.
    pub(super) versions: Option<String>,
}

/// `POST …/rollback?…`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RollbackQuery {
    /// `global`, `company` or `node`; global if absent.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// The version whose value becomes the new one.
    pub(super) to: Option<String>,
}

/// `GET /api/explain/…?environment=`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExplainQuery {
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
}

/// A secret with its value. The value is borrowed: it is copied once, into the answer's buffer.
#[derive(Serialize)]
pub(super) struct SecretView<'a> {
    /// The provider or application.
    pub(super) service: &'a str,
    /// The credential within it.
    pub(super) key_name: &'a str,
    /// The value.
    pub(super) key_value: &'a str,
    /// The scope that won.
    pub(super) scope: &'static str,
    /// Its company or node; `null` for global.
    pub(super) scope_id: Option<&'a str>,
    /// Texts for people; only those that are set.
    pub(super) metadata: MetadataView<'a>,
    /// `node` or `company` when that scope won over a wider one; `null` for global, or when a scope was asked for.
    pub(super) override_applied: Option<&'static str>,
    /// Which value it is.
    pub(super) version: u64,
    /// Where it lives.
    pub(super) environment: &'a str,
    /// The field that was asked for: `key_value` is its text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<&'a str>,
    /// The declared fields, if the value has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<FieldView<'a>>,
}

/// A committed change.
#[derive(Debug, Serialize)]
pub(super) struct StoredView {
    /// Always true: a failure has the shape of an error.
    success: bool,
    /// Serial number of the secret in its scope.
    secret_id: u64,
    /// For people.
    message: &'static str,
    /// The new version, or the one deleted.
    version: u64,
    /// The change, or the last one if there was none to make.
    revision: u64,
    /// Present when the request asked for what is there already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unchanged: bool,
}

impl StoredView {
    /// A change as it is told: with these words if there was one to make.
    pub(super) fn new(stored: &Stored, message: &'static str) -> Self {
        Self {
            success: true,
            secret_id: stored.secret_id,
            message: if stored.changed { message } else { "Nothing to change: it is so already" },
            version: stored.version.get(),
            revision: stored.revision.get(),
            unchanged: !stored.changed,
        }
    }
}
