//! What a request says about itself: the path and the headers. All of it is claim; the vault checks it.

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use axum::http::request::Parts;

use super::error::ApiError;
use super::query::number;
use crate::model::name::{CompanyId, KeyName, NodeName, ServiceName};
use crate::model::number::Version;
use crate::model::secret::SecretName;
use crate::vault::request::Context;

/// The company on whose behalf a secret is read.
const COMPANY: &str = "x-company-id";

/// The node the caller believes it is on.
const NODE: &str = "x-node-name";

/// Why; kept in the audit.
const REASON: &str = "x-aurora-reason";

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
        Ok(Self(SecretName { service: ServiceName::parse(&service)?, key: KeyName::parse(&key)? }))
    }
}

/// The node of `/…/{name}/…`.
#[derive(Debug)]
pub(super) struct NamedNode(pub(super) NodeName);

impl<S: Send + Sync> FromRequestParts<S> for NamedNode {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|_| ApiError::PathEncoding)?;
        Ok(Self(NodeName::parse(&name)?))
    }
}

/// The headers a read is made with; the environment comes from the query.
///
/// # Errors
/// [`ApiError`] names the header.
pub(super) fn context(headers: &HeaderMap) -> Result<Context, ApiError> {
    Ok(Context {
        company: header(headers, COMPANY)?.map(CompanyId::parse).transpose()?,
        node: header(headers, NODE)?.map(NodeName::parse).transpose()?,
        environment: None,
        reason: reason(headers)?,
    })
}

/// The caller's reason, if it gives one.
///
/// # Errors
/// [`ApiError::BadValue`] when it is too long or no text.
pub(super) fn reason(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let bad = ApiError::BadValue { field: "X-Aurora-Reason", wanted: "at most 256 bytes of UTF-8 text on one line" };
    match header(headers, REASON)? {
        Some(text) if text.len() > REASON_BYTES_MAX || text.chars().any(char::is_control) => Err(bad),
        text => Ok(text.map(str::to_owned)),
    }
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

/// The version the caller has, from `If-None-Match: "3"`. Of several the highest counts, and what is no version of
/// ours is passed over: the worst that follows is a full answer, which is always right.
pub(super) fn known(headers: &HeaderMap) -> Option<Version> {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).filter_map(tagged).max()
}

fn tagged(tag: &str) -> Option<Version> {
    let tag = tag.trim();
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    number(quoted.strip_prefix('"')?.strip_suffix('"')?).and_then(Version::new)
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

    #[test]
    fn the_highest_tag_that_is_a_version_counts() {
        let known = |text: &str| known(&headers(&[("if-none-match", text)])).map(Version::get);
        assert_eq!(known("\"3\""), Some(3));
        assert_eq!(known("W/\"3\", \"12\""), Some(12));
        for text in ["3", "*", "\"0\"", "\"x\"", "\"+3\"", ""] {
            assert_eq!(known(text), None, "{text}");
        }
    }
}
