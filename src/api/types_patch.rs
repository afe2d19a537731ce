//! What a request says about a secret besides its value. A field that is left out stays as it is; `null`, or an empty
//! text or list, clears it.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer};

use super::error::ApiError;
use crate::model::fields::{Field, FieldKind, Fields};
use crate::model::freshness::Offline;
use crate::model::name::FieldName;
use crate::model::patch::{Patch, Wish};
use crate::model::time::Timestamp;

/// Left out, `null`, or given.
type Given<T> = Option<Option<T>>;

/// Reads a field that is there; one that is left out is `None` by default.
pub(super) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Texts for people.
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct MetadataBody {
    #[serde(deserialize_with = "given")]
    description: Given<String>,
    #[serde(deserialize_with = "given")]
    owner: Given<String>,
    #[serde(deserialize_with = "given")]
    contact: Given<String>,
    #[serde(deserialize_with = "given")]
    note: Given<String>,
    #[serde(deserialize_with = "given")]
    provider: Given<String>,
    #[serde(deserialize_with = "given")]
    tags: Given<Vec<String>>,
}

/// How a secret is kept and served, and the fields of its value.
#[derive(Debug, Default)]
pub(super) struct OptionsBody {
    pub(super) expires_at: Given<String>,
    pub(super) ttl: Given<u64>,
    pub(super) max_stale: Given<u64>,
    pub(super) offline: Given<String>,
    pub(super) rotation_reminder_days: Given<u16>,
    pub(super) fields: Given<Vec<FieldBody>>,
}

/// `{"name":"client_id","type":"string"}`
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct FieldBody {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// `PATCH /api/secrets/{service}/{key}`
#[derive(Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct PatchBody {
    metadata: MetadataBody,
    #[serde(deserialize_with = "given")]
    expires_at: Given<String>,
    #[serde(deserialize_with = "given")]
    ttl: Given<u64>,
    #[serde(deserialize_with = "given")]
    max_stale: Given<u64>,
    #[serde(deserialize_with = "given")]
    offline: Given<String>,
    #[serde(deserialize_with = "given")]
    rotation_reminder_days: Given<u16>,
    #[serde(deserialize_with = "given")]
    fields: Given<Vec<FieldBody>>,
}

impl PatchBody {
    /// The wishes.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_patch(self) -> Result<Patch, ApiError> {
        let Self { metadata, expires_at, ttl, max_stale, offline, rotation_reminder_days, fields } = self;
        patch(metadata, OptionsBody { expires_at, ttl, max_stale, offline, rotation_reminder_days, fields })
    }
}

/// The wishes of a body.
///
/// # Errors
/// [`ApiError`] names the field.
pub(super) fn patch(metadata: MetadataBody, options: OptionsBody) -> Result<Patch, ApiError> {
    Ok(Patch {
        description: text(metadata.description),
        owner: text(metadata.owner),
        contact: text(metadata.contact),
        note: text(metadata.note),
        provider: text(metadata.provider),
        tags: wish(metadata.tags, Ok)?,
        expires_at: wish(options.expires_at, |text| timestamp(&text))?,
        ttl: wish(options.ttl, |seconds| Ok(Duration::from_secs(seconds)))?,
        max_stale: wish(options.max_stale, |seconds| Ok(Duration::from_secs(seconds)))?,
        offline: wish(options.offline, |text| offline(&text))?,
        rotation_reminder_days: wish(options.rotation_reminder_days, Ok)?,
        fields: wish(options.fields, fields)?,
    })
}

fn wish<T, U>(given: Given<T>, parse: impl FnOnce(T) -> Result<U, ApiError>) -> Result<Wish<U>, ApiError> {
    Ok(match given {
        None => Wish::Keep,
        Some(None) => Wish::Clear,
        Some(Some(value)) => Wish::Set(parse(value)?),
    })
}

fn text(given: Given<String>) -> Wish<String> {
    match given {
        None => Wish::Keep,
        Some(text) => Wish::text(Some(text.unwrap_or_default())),
    }
}

fn timestamp(text: &str) -> Result<Timestamp, ApiError> {
    let wanted = "a time in RFC 3339, such as 2027-01-31T00:00:00Z";
    Timestamp::parse(text).ok_or(ApiError::BadValue { field: "expires_at", wanted })
}

fn offline(text: &str) -> Result<Offline, ApiError> {
    match text {
        "allow" => Ok(Offline::Allow),
        "deny" => Ok(Offline::Deny),
        _ => Err(ApiError::BadValue { field: "offline", wanted: "allow or deny" }),
    }
}

fn fields(bodies: Vec<FieldBody>) -> Result<Fields, ApiError> {
    let bad = |wanted| ApiError::BadValue { field: "fields", wanted };
    let field = |body: FieldBody| {
        let kind = FieldKind::parse(&body.kind).ok_or(bad("fields of type secret or string"))?;
        Ok(Field { name: FieldName::parse(&body.name)?, kind })
    };
    let fields = bodies.into_iter().map(field).collect::<Result<_, ApiError>>()?;
    Fields::new(fields).map_err(|_| bad("at most 32 fields, each declared once"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(text: &str) -> Result<Patch, ApiError> {
        serde_json::from_str::<PatchBody>(text).expect("json").into_patch()
    }

    #[test]
    fn what_is_left_out_stays_and_what_is_null_or_empty_is_cleared() {
        assert!(patch("{}").expect("nothing").is_empty());
        let wishes = patch(
            r#"{"metadata":{"description":null,"owner":"","note":"n","tags":[]},"expires_at":null,"ttl":60,
            "offline":"deny","fields":[{"name":"client_id","type":"string"}]}"#,
        )
        .expect("good");
        assert_eq!((wishes.description, wishes.owner, wishes.contact), (Wish::Clear, Wish::Clear, Wish::Keep));
        assert_eq!((wishes.note, wishes.tags), (Wish::Set("n".to_owned()), Wish::Set(vec![])));
        assert_eq!((wishes.expires_at, wishes.ttl), (Wish::Clear, Wish::Set(Duration::from_secs(60))));
        assert_eq!((wishes.offline, wishes.max_stale), (Wish::Set(Offline::Deny), Wish::Keep));
        let Wish::Set(fields) = wishes.fields else { panic!("fields") };
        assert_eq!(fields.get("client_id").map(|field| field.kind), Some(FieldKind::Text));
    }

    #[test]
    fn a_wrong_field_is_named() {
        let refused = |text: &str| match patch(text) {
            Err(ApiError::BadValue { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(r#"{"expires_at":"tomorrow"}"#), "expires_at");
        assert_eq!(refused(r#"{"offline":"maybe"}"#), "offline");
        assert_eq!(refused(r#"{"fields":[{"name":"a","type":"text"}]}"#), "fields");
        let twice = r#"{"fields":[{"name":"a","type":"secret"},{"name":"a","type":"secret"}]}"#;
        assert_eq!(refused(twice), "fields");
    }
}
