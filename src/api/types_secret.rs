//! Reading and deleting a secret: the queries, and the answers whose shape is fixed.

use serde::{Deserialize, Serialize};

use super::types_record::MetadataView;

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

/// `GET /api/secrets?…`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only this service.
    pub(super) service: Option<String>,
    /// Only this scope.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// Only names `service/key_name` that start so.
    pub(super) prefix: Option<String>,
    /// 1 to 1000.
    pub(super) limit: Option<String>,
    /// Where the last page ended.
    pub(super) cursor: Option<String>,
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
}

/// A committed change.
#[derive(Debug, Serialize)]
pub(super) struct StoredView {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// Serial number of the secret in its scope.
    pub(super) secret_id: u64,
    /// For people.
    pub(super) message: &'static str,
    /// The new version, or the one deleted.
    pub(super) version: u64,
    /// The change.
    pub(super) revision: u64,
}
