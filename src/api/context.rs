//! What a request says about itself: the path and the headers. All of it is claim; the vault checks it.

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use axum::http::request::Parts;

use super::error::ApiError;
use super::query::{number, position};
use crate::audit::follow::Places;
use crate::model::name::{AgentName, ApiKeyName, CompanyId, GrantName, KeyName, NodeName, ServiceName};
use crate::model::number::{Position, Version};
use crate::model::secret::SecretName;
use crate::vault::request::{Context, Known};

/// The company on whose behalf a secret is read.
pub(super) const COMPANY: &str = "x-company-id";

/// The node the caller believes it is on.
const NODE: &str = "x-node-name";

/// Why; kept in the audit.
const REASON: &str = "x-aurora-reason";

/// What a watcher has seen.
const LAST_EVENT_ID: &str = "last-event-id";

/// By which a client says that a request is the same as one before (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Longest reason, in bytes: a sentence, not a document, because it is written into every audit line.
const REASON_BYTES_MAX: usize = 256;

/// The secret of `/…/{service}/{key}`. Percent-escapes are decoded once, by the router; then the names decide.
#[derive(Debug)]
pub(super) struct Named(pub(super) SecretName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((service, key)) = path.map_err(|_| ApiError::PathEncoding)?;
        secret_name(&service, &key).map(Self)
    }
}

/// The secret of `/…/{service}/{key}` by these two parts, whose escapes are decoded.
///
/// # Errors
/// When one of them is no name.
pub(super) fn secret_name(service: &str, key: &str) -> Result<SecretName, ApiError> {
    Ok(SecretName { service: ServiceName::parse(service)?, key: KeyName::parse(key)? })
}

/// The one part of a path that is a name: its escapes are decoded already.
async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, ApiError> {
    let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ApiError::PathEncoding)?;
    Ok(text)
}

/// The service, or the provider, of `/…/{service}`.
#[derive(Debug)]
pub(super) struct NamedService(pub(super) ServiceName);

impl<S: Send + Sync> FromRequestParts<S> for NamedService {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(ServiceName::parse(&segment(parts, state).await?)?))
    }
}

/// The grant of `/…/{name}`.
#[derive(Debug)]
pub(super) struct NamedGrant(pub(super) GrantName);

impl<S: Send + Sync> FromRequestParts<S> for NamedGrant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(GrantName::parse(&segment(parts, state).await?)?))
    }
}

/// What is frozen, of `/…/{target}`: read by whoever takes it as a parameter, too.
#[derive(Debug)]
pub(super) struct NamedTarget(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NamedTarget {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(segment(parts, state).await?))
    }
}

/// The node of `/…/{name}/…`.
#[derive(Debug)]
pub(super) struct NamedNode(pub(super) NodeName);

impl<S: Send + Sync> FromRequestParts<S> for NamedNode {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(NodeName::parse(&segment(parts, state).await?)?))
    }
}

/// The token of `/…/{id}`: twelve hexadecimal digits.
#[derive(Debug)]
pub(super) struct NamedToken(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NamedToken {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = segment(parts, state).await?;
        if id.len() == 12 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Self(id));
        }
        Err(ApiError::BadValue { field: "id", wanted: "twelve hexadecimal digits, as GET /api/tokens has them" })
    }
}

/// The access request of `/…/{id}`.
#[derive(Debug)]
pub(super) struct NamedRequest(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for NamedRequest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        const WANTED: &str = "a number, as GET /api/access-requests has them";
        let bad = ApiError::BadValue { field: "id", wanted: WANTED };
        number(&segment(parts, state).await?).filter(|number| *number > 0).map(Self).ok_or(bad)
    }
}

/// The subscription of `/api/subscriptions/{name}/…`.
#[derive(Debug)]
pub(super) struct NamedSubscription(pub(super) KeyName);

impl<S: Send + Sync> FromRequestParts<S> for NamedSubscription {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(KeyName::parse(&segment(parts, state).await?)?))
    }
}

/// The agent of `/api/agents/{name}/…`.
#[derive(Debug)]
pub(super) struct NamedAgent(pub(super) AgentName);

impl<S: Send + Sync> FromRequestParts<S> for NamedAgent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(AgentName::parse(&segment(parts, state).await?)?))
    }
}

/// The API key of `/api/agents/{name}/keys/{key}/…`.
#[derive(Debug)]
pub(super) struct NamedApiKey(pub(super) AgentName, pub(super) ApiKeyName);

impl<S: Send + Sync> FromRequestParts<S> for NamedApiKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((agent, name)) = path.map_err(|_| ApiError::PathEncoding)?;
        Ok(Self(AgentName::parse(&agent)?, ApiKeyName::parse(&name)?))
    }
}

/// The headers a read is made with; the environment comes from the query.
///
/// # Errors
/// [`ApiError`] names the header.
pub(super) fn context(headers: &HeaderMap) -> Result<Context, ApiError> {
    Ok(Context {
        company: header(headers, COMPANY)?.map(CompanyId::parse).transpose()?,
        node: node(headers)?,
        environment: None,
        reason: reason(headers)?,
    })
}

/// The node the caller believes it is on, if it says so.
///
/// # Errors
/// [`ApiError`] when it is no name of a node.
pub(super) fn node(headers: &HeaderMap) -> Result<Option<NodeName>, ApiError> {
    Ok(header(headers, NODE)?.map(NodeName::parse).transpose()?)
}

/// The last event a watcher has seen, if it comes back (HTML, 9.2.3: the `Last-Event-ID` header).
///
/// # Errors
/// [`ApiError`] when it is no id of an event.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    let text = header(headers, LAST_EVENT_ID)?.filter(|text| !text.is_empty());
    text.map(|text| position("Last-Event-ID", text)).transpose()
}

/// Where somebody stopped following the journals, if it comes back.
///
/// # Errors
/// [`ApiError`] when it is no id of one of those events.
pub(super) fn followed_places(headers: &HeaderMap) -> Result<Option<Places>, ApiError> {
    let text = header(headers, LAST_EVENT_ID)?.filter(|text| !text.is_empty());
    let bad = |_| ApiError::BadValue { field: "Last-Event-ID", wanted: "the id of an event, such as aurora.0.42" };
    text.map(|text| Places::parse(text).map_err(bad)).transpose()
}

/// The number of the last event the client saw, if it says so.
///
/// # Errors
/// [`ApiError::BadValue`] when it is no number.
pub(super) fn event_number(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let bad = ApiError::BadValue { field: "Last-Event-ID", wanted: "a number that this node gave" };
    let text = header(headers, LAST_EVENT_ID)?.filter(|text| !text.is_empty());
    text.map(|text| number(text).ok_or(bad)).transpose()
}

/// By which a second try of the same is known, if the client says so.
///
/// # Errors
/// [`ApiError::BadValue`] when it is no text.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    Ok(header(headers, IDEMPOTENCY_KEY)?.map(str::to_owned))
}

/// The caller's reason, if it gives one.
///
/// # Errors
/// [`ApiError::BadValue`] when it is too long or no text.
pub(super) fn reason(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    header(headers, REASON)?.map(|text| reason_of("X-Aurora-Reason", text.to_owned())).transpose()
}

/// The reason that is said in this field.
///
/// # Errors
/// [`ApiError::BadValue`] when it is too long or more than a line.
pub(super) fn reason_of(field: &'static str, text: String) -> Result<String, ApiError> {
    let bad = ApiError::BadValue { field, wanted: "at most 256 bytes of UTF-8 text on one line" };
    if text.len() > REASON_BYTES_MAX || text.chars().any(char::is_control) { Err(bad) } else { Ok(text) }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::GivenTwice { field: name.to_owned() });
    }
    let text = std::str::from_utf8(value.as_bytes());
    text.map(Some).map_err(|_| ApiError::BadValue { field: name, wanted: "UTF-8 text" })
}

/// The tag of a value, for `ETag`: versions count per scope, so only with the secret's serial number do they tell the
/// value of one scope from that of another.
pub(super) fn tag(secret_id: u64, version: Version) -> String {
    format!("\"{secret_id}.{version}\"")
}

/// What the caller has, from `If-None-Match` (RFC 9110, 13.1.2): `*`, or a list of tags, each the whole `ETag` of an earlier
/// answer. A bare `"3"` stands for version 3 of whichever scope answers; it says too little to be told from version 3 of
/// another scope, so it counts only if no whole tag is there. Weak tags (`W/`) match nothing, for no answer has one, and
/// what is no tag of ours is passed over: the worst that follows is a full answer, which is always right.
pub(super) fn known(headers: &HeaderMap) -> Option<Known> {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let tags: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    if tags == ["*"] {
        return Some(Known::Any);
    }
    let opaque = || tags.iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    let values: Vec<(u64, Version)> = opaque().filter_map(value).collect();
    if !values.is_empty() {
        return Some(Known::Values(values));
    }
    let versions: Vec<Version> = opaque().filter_map(version).collect();
    (!versions.is_empty()).then_some(Known::Versions(versions))
}

fn value(tag: &str) -> Option<(u64, Version)> {
    let (secret_id, number) = tag.split_once('.')?;
    self::number(secret_id).zip(version(number))
}

fn version(text: &str) -> Option<Version> {
    number(text).and_then(Version::new)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value"))).collect()
    }

    #[test]
    fn the_context_is_what_the_headers_claim() {
        let claimed = context(&headers(&[("X-Company-Id", "acme"), ("X-Node-Name", "vengeance")])).expect("good");
        assert_eq!(claimed.company.as_ref().map(CompanyId::as_str), Some("acme"));
        assert_eq!(claimed.node.as_ref().map(NodeName::as_str), Some("vengeance"));
        assert!(matches!(context(&headers(&[("X-Company-Id", "Acme")])), Err(ApiError::Name(_))));
        assert!(matches!(context(&headers(&[("X-Company-Id", "")])), Err(ApiError::Name(_))));
    }

    #[test]
    fn a_header_given_twice_is_refused_because_neither_counts() {
        let mut twice = headers(&[("x-company-id", "acme")]);
        twice.append("x-company-id", HeaderValue::from_static("other"));
        assert!(matches!(context(&twice), Err(ApiError::GivenTwice { .. })));
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(reason(&headers(&[("x-aurora-reason", "nightly run")])), Ok(Some("nightly run".into())));
        assert!(reason(&headers(&[("x-aurora-reason", &"a".repeat(257))])).is_err());
        assert!(reason(&headers(&[("x-aurora-reason", "a\tb")])).is_err());
    }

    /// Versions count per scope, and the tag was the version alone: who had version 1 of the company's value was told
    /// that nothing had changed when that was deleted and version 1 of the global value took its place.
    #[test]
    fn a_tag_is_of_one_value_and_a_version_alone_counts_only_without_one() {
        let known = |text: &str| known(&headers(&[("if-none-match", text)]));
        let version = |number| Version::new(number).expect("a version");
        assert_eq!(known(&tag(2, version(3))), Some(Known::Values(vec![(2, version(3))])));
        assert_eq!(known("\"2.3\" ,\"x\", \"5.12\""), Some(Known::Values(vec![(2, version(3)), (5, version(12))])));
        assert_eq!(known("\"3\", \"12\""), Some(Known::Versions(vec![version(3), version(12)])));
        assert_eq!(known("\"3\", \"2.3\""), Some(Known::Values(vec![(2, version(3))])));
        assert_eq!(known("*"), Some(Known::Any));
        for text in
            ["3", "W/\"3\"", "W/\"2.3\"", "\"*\"", "*, *", "\"0\"", "\"2.0\"", "\"2.3.4\"", "\".3\"", "\"+3\"", ""]
        {
            assert_eq!(known(text), None, "{text}");
        }
    }

    #[test]
    fn tags_in_several_headers_are_one_list() {
        let mut several = headers(&[("if-none-match", "\"2.1\"")]);
        several.append("if-none-match", HeaderValue::from_static("\"3.1\""));
        let known = known(&several).expect("two tags");
        assert!(known.holds(2, Version::FIRST) && known.holds(3, Version::FIRST) && !known.holds(4, Version::FIRST));
    }
}
