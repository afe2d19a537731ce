//! Reading and changing a secret: the queries, and the value as it is answered.

use serde::{Deserialize, Serialize};

use super::types_record::{FieldView, MetadataView};

/// `GET /api/secrets/{service}/{key}?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The query of a route that has no parameters.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// `POST /api/secrets?…`, `POST /api/rollback?…` and `POST /api/environments/mirror?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct PutQuery {
    /// `true`: tell what it would come to, and store nothing.
    pub(super) dry_run: Option<String>,
}

/// `PATCH` and `DELETE /api/secrets/{service}/{key}?…` and `POST …/undelete?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChangeQuery {
    /// `global`, `company` or `node`; global if absent.
    pub(super) scope: Option<String>,
    /// The company or node of the scope.
    pub(super) scope_id: Option<String>,
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
    /// `true`: tell what it would come to, and change nothing.
    pub(super) dry_run: Option<String>,
}

/// `GET …/versions?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// `true`: tell what it would come to, and change nothing.
    pub(super) dry_run: Option<String>,
}

/// `POST …/rollback?…`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// `true`: tell what it would come to, and change nothing.
    pub(super) dry_run: Option<String>,
}

/// `GET /api/explain/…?environment=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExplainQuery {
    /// Another environment than the node's.
    pub(super) environment: Option<String>,
}

/// A secret with its value.
// The value is borrowed: it is copied once, into the answer's buffer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// When the credential stops working, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<String>,
}
