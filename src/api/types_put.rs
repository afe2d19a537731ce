//! Storing a secret: the body of `POST /api/secrets`. Unknown fields are refused at every level.

use serde::Deserialize;

use super::error::ApiError;
use super::query;
use super::types_patch::{FieldBody, MetadataBody, OptionsBody, given, patch};
use crate::crypto::fields_object::TextOrObject;
use crate::model::name::{KeyName, NodeName, ServiceName};
use crate::model::secret::{Scope, SecretName};
use crate::vault::answer_validation::Refused;
use crate::vault::request::{Place, PutRequest};

/// The body of `POST /api/secrets`.
// `Debug` shows no value because `TextOrObject` shows none.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct PutBody {
    service: String,
    key_name: String,
    #[cfg_attr(test, schemars(schema_with = "text_or_object"))]
    key_value: TextOrObject,
    scope: Option<String>,
    scope_id: Option<String>,
    environment: Option<String>,
    #[serde(default)]
    metadata: MetadataBody,
    cas: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    ttl: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given")]
    max_stale: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given")]
    offline: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    rotation_reminder_days: Option<Option<u16>>,
    #[serde(default, deserialize_with = "given")]
    fields: Option<Option<Vec<FieldBody>>>,
    #[serde(default)]
    validate: bool,
    #[serde(default)]
    force: bool,
}

/// What [`TextOrObject`] takes, as it is described.
#[cfg(test)]
fn text_or_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let object = serde_json::json!({"type": "object", "additionalProperties": {"type": "string"}});
    schemars::json_schema!({"anyOf": [{"type": "string"}, object]})
}

impl PutBody {
    /// Whether the provider is to be asked about the value first, and what becomes of one that it refuses.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] when a check is to be passed over that was not asked for.
    pub(super) fn check(&self) -> Result<Option<Refused>, ApiError> {
        match (self.validate, self.force) {
            (false, false) => Ok(None),
            (true, false) => Ok(Some(Refused::Stays)),
            (true, true) => Ok(Some(Refused::GoesIn)),
            (false, true) => Err(ApiError::BadValue { field: "force", wanted: "given together with validate" }),
        }
    }

    /// The request it stands for. The value is moved, never copied.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self, node: Option<NodeName>, reason: Option<String>) -> Result<PutRequest, ApiError> {
        let options = OptionsBody {
            expires_at: self.expires_at,
            ttl: self.ttl,
            max_stale: self.max_stale,
            offline: self.offline,
            rotation_reminder_days: self.rotation_reminder_days,
            fields: self.fields,
        };
        let place = Place {
            name: SecretName { service: ServiceName::parse(&self.service)?, key: KeyName::parse(&self.key_name)? },
            scope: query::scope(self.scope.as_deref(), self.scope_id.as_deref())?.unwrap_or(Scope::Global),
            environment: query::environment(self.environment.as_deref())?,
            node,
            reason,
        };
        let patch = patch(self.metadata, options)?;
        Ok(PutRequest { place, value: self.key_value.into_plaintext(), patch, cas: self.cas })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::freshness::Offline;
    use crate::model::patch::Wish;
    use crate::model::time::Timestamp;

    fn request(text: &str) -> Result<PutRequest, ApiError> {
        serde_json::from_str::<PutBody>(text).expect("json").into_request(None, None)
    }

    #[test]
    fn the_published_example_is_understood() {
        let put = request(
            r#"{"service":"hubspot","key_name":"api_key","key_value":"pat-na1-abc123","scope":"company",
            "scope_id":"company-town-foods","metadata":{"description":"Own","contact":"ops@example.com"}}"#,
        )
        .expect("good");
        assert_eq!(put.place.name.to_string(), "hubspot/api_key");
        assert_eq!(put.place.scope, Scope::parse("company:company-town-foods").expect("scope"));
        assert_eq!(put.value.expose(), b"pat-na1-abc123");
        assert_eq!(put.patch.contact, Wish::Set("ops@example.com".to_owned()));
        assert_eq!((put.patch.ttl, put.cas, put.place.environment), (Wish::Keep, None, None));
        assert!(!format!("{:?}", request(r#"{"service":"a","key_name":"b","key_value":"canary"}"#)).contains("canary"));
    }

    #[test]
    fn a_value_with_fields_is_an_object_spelt_in_one_way() {
        let put = request(
            r#"{"service":"google","key_name":"oauth","key_value":{"client_secret":"canary","client_id":"1"},
            "fields":[{"name":"client_id","type":"string"},{"name":"client_secret","type":"secret"}]}"#,
        )
        .expect("good");
        assert_eq!(put.value.expose(), br#"{"client_id":"1","client_secret":"canary"}"#);
        assert!(matches!(&put.patch.fields, Wish::Set(fields) if fields.len() == 2));
        assert!(!format!("{put:?}").contains("canary"));
    }

    #[test]
    fn every_option_arrives() {
        let put = request(
            r#"{"service":"a","key_name":"b","key_value":"\u0000\"é","scope":"global","scope_id":null,
            "environment":"prod","expires_at":"2026-11-21T08:00:00Z","cas":0,"ttl":60,"max_stale":0,"offline":"deny",
            "rotation_reminder_days":30}"#,
        )
        .expect("good");
        assert_eq!(put.value.expose(), "\0\"é".as_bytes());
        assert_eq!(put.cas, Some(0));
        assert_eq!(put.patch.ttl, Wish::Set(Duration::from_secs(60)));
        assert_eq!(put.patch.max_stale, Wish::Set(Duration::ZERO));
        assert_eq!(put.patch.offline, Wish::Set(Offline::Deny));
        assert_eq!(put.patch.rotation_reminder_days, Wish::Set(30));
        assert_eq!(put.patch.expires_at, Wish::Set(Timestamp(1_795_248_000_000)));
    }

    #[test]
    fn a_check_is_asked_for_and_only_one_that_is_can_be_passed_over() {
        let check = |rest: &str| {
            let text = format!(r#"{{"service":"a","key_name":"b","key_value":"c"{rest}}}"#);
            serde_json::from_str::<PutBody>(&text).expect("json").check()
        };
        assert_eq!(check(""), Ok(None));
        assert_eq!(check(r#","validate":true"#), Ok(Some(Refused::Stays)));
        assert_eq!(check(r#","validate":true,"force":true"#), Ok(Some(Refused::GoesIn)));
        assert!(matches!(check(r#","force":true"#), Err(ApiError::BadValue { field: "force", .. })));
    }

    #[test]
    fn names_and_values_out_of_their_range_are_refused() {
        let with = |rest: &str| request(&format!(r#"{{"service":"a","key_name":"b","key_value":"c"{rest}}}"#));
        assert!(matches!(request(r#"{"service":"../a","key_name":"b","key_value":"c"}"#), Err(ApiError::Name(_))));
        assert!(matches!(with(r#","scope":"team"}"#.trim_end_matches('}')), Err(ApiError::Scope(_))));
        assert!(matches!(with(r#","scope":"global","scope_id":"x""#), Err(ApiError::Scope(_))));
        assert!(matches!(with(r#","scope_id":"x""#), Err(ApiError::BadValue { .. })));
        assert!(matches!(with(r#","expires_at":"tomorrow""#), Err(ApiError::BadValue { .. })));
        assert!(matches!(with(r#","offline":"maybe""#), Err(ApiError::BadValue { .. })));
        assert!(matches!(with(r#","environment":"global""#), Err(ApiError::Name(_))));
    }
}
