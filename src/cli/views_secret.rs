//! A secret with its value, on its way to the node and back. Unknown fields of a newer node are passed over.

use serde::{Deserialize, Serialize};

use super::said::Said;
use crate::crypto::text::ValueText;
use crate::model::fields::{Field, FieldKind, Fields};
use crate::model::name::FieldName;
use crate::model::time::Timestamp;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cas: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) validate: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) force: bool,
    #[serde(flatten)]
    pub(super) said: Said,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<FieldView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
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

impl From<&Field> for FieldView {
    fn from(field: &Field) -> Self {
        Self { name: field.name.to_string(), kind: field.kind.as_str().to_owned() }
    }
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

    /// The declared fields; `None` if they are no names.
    pub(super) fn fields(&self) -> Option<Fields> {
        let field = |view: &FieldView| {
            let kind = FieldKind::parse(&view.kind).unwrap_or(FieldKind::Secret);
            FieldName::parse(&view.name).ok().map(|name| Field { name, kind })
        };
        Fields::new(self.fields.iter().map(field).collect::<Option<_>>()?).ok()
    }

    /// When it stops working, if that was said.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at.as_deref().and_then(Timestamp::parse)
    }
}
