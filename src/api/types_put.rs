//! Storing a secret: the body of `POST /api/secrets`. Unknown fields are refused at every level.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::error::ApiError;
use super::query;
use crate::crypto::plaintext::Plaintext;
use crate::model::freshness::Offline;
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::{KeyName, NodeName, ServiceName};
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;
use crate::vault::request::PutRequest;

/// The body as it is sent. `Debug` shows no value because [`Plaintext`] shows none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PutBody {
    service: String,
    key_name: String,
    key_value: ValueText,
    scope: Option<String>,
    scope_id: Option<String>,
    environment: Option<String>,
    #[serde(default)]
    metadata: MetadataBody,
    expires_at: Option<String>,
    cas: Option<u64>,
    ttl: Option<u64>,
    max_stale: Option<u64>,
    offline: Option<String>,
    rotation_reminder_days: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MetadataBody {
    description: Option<String>,
    owner: Option<String>,
    contact: Option<String>,
    note: Option<String>,
    provider: Option<String>,
    tags: Vec<String>,
}

impl PutBody {
    /// The request it stands for. The value is moved, never copied.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self, node: Option<NodeName>, reason: Option<String>) -> Result<PutRequest, ApiError> {
        let scope = query::scope(self.scope.as_deref(), self.scope_id.as_deref())?;
        let metadata = Metadata {
            description: self.metadata.description,
            owner: self.metadata.owner,
            contact: self.metadata.contact,
            note: self.metadata.note,
            provider: self.metadata.provider,
            tags: self.metadata.tags,
        };
        let options = SecretOptions {
            expires_at: self.expires_at.as_deref().map(timestamp).transpose()?,
            ttl: self.ttl.map(Duration::from_secs),
            max_stale: self.max_stale.map(Duration::from_secs),
            offline: offline(self.offline.as_deref())?,
            rotation_reminder_days: self
                .rotation_reminder_days
                .unwrap_or(SecretOptions::default().rotation_reminder_days),
        };
        Ok(PutRequest {
            name: SecretName { service: ServiceName::parse(&self.service)?, key: KeyName::parse(&self.key_name)? },
            scope: scope.unwrap_or(Scope::Global),
            environment: query::environment(self.environment.as_deref())?,
            value: self.key_value.0,
            metadata,
            options,
            cas: self.cas,
            node,
            reason,
        })
    }
}

fn timestamp(text: &str) -> Result<Timestamp, ApiError> {
    let wanted = "a time in RFC 3339, such as 2027-01-31T00:00:00Z";
    Timestamp::parse(text).ok_or(ApiError::BadValue { field: "expires_at", wanted })
}

fn offline(text: Option<&str>) -> Result<Offline, ApiError> {
    match text {
        None | Some("allow") => Ok(Offline::Allow),
        Some("deny") => Ok(Offline::Deny),
        Some(_) => Err(ApiError::BadValue { field: "offline", wanted: "allow or deny" }),
    }
}

/// A JSON string that becomes a plaintext as soon as it is read, and in one copy.
#[derive(Debug)]
struct ValueText(Plaintext);

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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(put.name.to_string(), "hubspot/api_key");
        assert_eq!(put.scope, Scope::parse("company:company-town-foods").expect("scope"));
        assert_eq!(put.value.expose(), b"pat-na1-abc123");
        assert_eq!(put.metadata.contact.as_deref(), Some("ops@example.com"));
        assert_eq!(put.options, SecretOptions::default());
        assert_eq!((put.cas, put.environment), (None, None));
        assert!(!format!("{:?}", request(r#"{"service":"a","key_name":"b","key_value":"pat"}"#)).contains("pat"));
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
        assert_eq!(put.options.ttl, Some(Duration::from_secs(60)));
        assert_eq!(put.options.max_stale, Some(Duration::ZERO));
        assert_eq!(put.options.offline, Offline::Deny);
        assert_eq!(put.options.rotation_reminder_days, 30);
        assert_eq!(put.options.expires_at, Some(Timestamp(1_795_248_000_000)));
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
