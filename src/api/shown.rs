//! What a request shows besides the process that makes it: an API key, and the agent it wants to act as.
//!
//! The key is taken out of the request before anything is routed, so that nothing behind this can log it or pass it on.
//! What a client sent stays in the connection's read buffer until that is used again: hyper keeps no other copy.

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use super::context::COMPANY;
use super::dialect::Dialect;
use super::error::ApiError;
use super::signed::signing;
use crate::crypto::api_key::ApiKeyText;
use crate::crypto::plaintext::Plaintext;
use crate::model::api_key::ApiKeyHash;
use crate::model::caller::{Shown, ShownKey};
use crate::model::name::{AgentName, CompanyId};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Where clients of HashiCorp Vault show their token.
pub(super) const X_VAULT_TOKEN: HeaderName = HeaderName::from_static("x-vault-token");

/// Where clients of the AWS Secrets Manager Agent show theirs; that agent takes the header of Vault too.
pub(super) const X_AWS_TOKEN: HeaderName = HeaderName::from_static("x-aws-parameters-secrets-token");

/// The method by which clients of HashiCorp Vault ask for names.
const LIST: &str = "LIST";

/// The agent a caller wants to act as.
const ACT_AS: HeaderName = HeaderName::from_static("x-aurora-act-as");

/// Takes what a request shows out of it.
///
/// # Errors
/// [`ApiError`] when the agent to act as is none, or is given twice. A key that is none is no error here: the vault refuses
/// it, and writes that down.
pub(super) fn shown(request: &mut Request<Body>) -> Result<Shown, ApiError> {
    let reads = [Method::GET.as_str(), Method::HEAD.as_str(), LIST];
    let command = !reads.contains(&request.method().as_str());
    let dialect = Dialect::of(request.uri().path());
    let key = key(request.headers_mut(), dialect);
    let acts_as = acts_as(request.headers())?;
    let company = company(request.headers());
    let signing = signing(request);
    Ok(Shown { key, acts_as, company, signing, command, ..Shown::default() })
}

/// The key in `X-API-Key`, after `Bearer` in `Authorization` (RFC 6750, 2.1), or where clients of this dialect show theirs.
/// More than one of them may be there if all hold the same; two of a kind are never one key. The headers of a dialect are
/// taken out of every request, and looked at in its own paths alone.
fn key(headers: &mut HeaderMap, dialect: Dialect) -> ShownKey {
    let bare = |value: HeaderValue| parsed(value.as_bytes());
    let plain = taken(headers, &X_API_KEY).map(|value| value.and_then(bare));
    let bearer = taken(headers, &AUTHORIZATION).map(|value| value.and_then(|value| parsed(bearer(value.as_bytes())?)));
    let vault = taken(headers, &X_VAULT_TOKEN).map(|value| value.and_then(bare));
    let aws = taken(headers, &X_AWS_TOKEN).map(|value| value.and_then(bare));
    match dialect {
        Dialect::Aurora => agreed(&[plain, bearer]),
        Dialect::Vault => agreed(&[plain, bearer, vault]),
        Dialect::Aws => agreed(&[plain, bearer, vault, aws]),
    }
}

/// What several places say together: `None` says nothing, `Some(None)` something that is no key.
fn agreed(places: &[Option<Option<ApiKeyHash>>]) -> ShownKey {
    let mut said = places.iter().copied().flatten();
    match said.next() {
        None => ShownKey::None,
        Some(Some(first)) if said.all(|other| other == Some(first)) => ShownKey::Key(first),
        Some(_) => ShownKey::Malformed,
    }
}

/// Takes a header out: `None` if it is not there, `Some(None)` if it is there more than once.
fn taken(headers: &mut HeaderMap, name: &HeaderName) -> Option<Option<HeaderValue>> {
    let count = headers.get_all(name).iter().count();
    let value = headers.remove(name)?;
    Some((count == 1).then_some(value))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| rest.trim_ascii_start())
}

fn parsed(text: &[u8]) -> Option<ApiKeyHash> {
    ApiKeyText::parse(Plaintext::new(text.to_vec())).ok().map(|key| key.hash())
}

/// The company that is named, if it is one and named once: a route that reads it refuses anything else.
fn company(headers: &HeaderMap) -> Option<CompanyId> {
    let mut values = headers.get_all(COMPANY).iter();
    let company = CompanyId::parse(values.next()?.to_str().ok()?).ok();
    company.filter(|_| values.next().is_none())
}

fn acts_as(headers: &HeaderMap) -> Result<Option<AgentName>, ApiError> {
    let mut values = headers.get_all(ACT_AS).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::GivenTwice { field: ACT_AS.to_string() });
    }
    let text =
        value.to_str().map_err(|_| ApiError::BadValue { field: "X-Aurora-Act-As", wanted: "an agent's name" })?;
    Ok(Some(AgentName::parse(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{Entropy, EntropyUnavailable};

    struct Same(u8);

    impl Entropy for Same {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    fn key(byte: u8) -> (String, ApiKeyHash) {
        let key = ApiKeyText::generate(&Same(byte)).expect("a key");
        (String::from_utf8(key.plaintext().expose().to_vec()).expect("ascii"), key.hash())
    }

    fn showing(headers: &[(&str, &str)]) -> Result<Shown, ApiError> {
        showing_at("/api/secrets", headers)
    }

    fn showing_at(path: &str, headers: &[(&str, &str)]) -> Result<Shown, ApiError> {
        let mut request = Request::builder().method("POST").uri(path);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        let mut request = request.body(Body::empty()).expect("a request");
        let shown = shown(&mut request);
        for name in [AUTHORIZATION, X_API_KEY, X_VAULT_TOKEN, X_AWS_TOKEN] {
            assert!(!request.headers().contains_key(&name), "{name} stayed at {path}");
        }
        shown
    }

    fn shown_key(headers: &[(&str, &str)]) -> ShownKey {
        showing(headers).expect("no other header").key
    }

    #[test]
    fn a_key_is_taken_from_either_header_and_from_both_if_they_agree() {
        let (text, hash) = key(7);
        for bearer in [format!("Bearer {text}"), format!("bearer   {text}")] {
            assert_eq!(shown_key(&[("authorization", &bearer)]), ShownKey::Key(hash));
            assert_eq!(shown_key(&[("authorization", &bearer), ("x-api-key", &text)]), ShownKey::Key(hash));
        }
        assert_eq!(shown_key(&[("x-api-key", &text)]), ShownKey::Key(hash));
        assert_eq!(shown_key(&[]), ShownKey::None);
    }

    #[test]
    fn whatever_else_is_in_those_headers_is_somebody_and_nobody() {
        let ((text, _), (other, _)) = (key(7), key(8));
        let bearer = format!("Bearer {text}");
        let long = "mj_agent_".repeat(800);
        let refused: [&[(&str, &str)]; 12] = [
            &[("x-api-key", "")],
            &[("x-api-key", "é")],
            &[("x-api-key", &long)],
            &[("x-api-key", &bearer)],
            &[("x-api-key", &text[..57])],
            &[("x-api-key", &text), ("x-api-key", &text)],
            &[("x-api-key", &other), ("authorization", &bearer)],
            &[("x-api-key", &text), ("authorization", "Basic YTpi")],
            &[("x-api-key", ""), ("authorization", &bearer)],
            &[("authorization", "Basic YTpi")],
            &[("authorization", "Bearer")],
            &[("authorization", &bearer), ("authorization", &bearer)],
        ];
        for headers in refused {
            assert_eq!(shown_key(headers), ShownKey::Malformed, "{headers:?}");
        }
    }

    #[test]
    fn the_token_header_of_another_system_is_a_key_in_its_own_paths_and_nothing_elsewhere() {
        let ((text, hash), (other, _)) = (key(7), key(8));
        let bearer = format!("Bearer {text}");
        let at = |path: &str, headers: &[(&str, &str)]| showing_at(path, headers).expect("no other header").key;
        let (vault, aws) = (("x-vault-token", text.as_str()), ("x-aws-parameters-secrets-token", text.as_str()));
        let same = [vault, ("x-api-key", &text), ("authorization", &bearer)];
        for (path, headers) in
            [("/v1/sys/mounts", [vault].as_slice()), ("/v1/x", &same), ("/secretsmanager/get", &[vault])]
        {
            assert_eq!(at(path, headers), ShownKey::Key(hash), "{path} {headers:?}");
        }
        assert_eq!(at("/secretsmanager/get", &[aws]), ShownKey::Key(hash));
        assert_eq!(at("/secretsmanager/get", &[aws, vault]), ShownKey::Key(hash));
        for (path, header) in
            [("/v1/x", aws), ("/v1", vault), ("/api/secrets", vault), ("/ping", vault), ("/ping", aws)]
        {
            assert_eq!(at(path, &[header]), ShownKey::None, "{path}");
        }
        let refused: [&[(&str, &str)]; 5] = [
            &[("x-vault-token", "")],
            &[("x-vault-token", "hvs.example")],
            &[vault, vault],
            &[vault, ("x-api-key", &other)],
            &[("x-vault-token", ""), ("authorization", &bearer)],
        ];
        for headers in refused {
            for path in ["/v1/secret/data/openai", "/secretsmanager/get"] {
                assert_eq!(at(path, headers), ShownKey::Malformed, "{path} {headers:?}");
            }
        }
        assert_eq!(at("/secretsmanager/get", &[vault, (aws.0, &other)]), ShownKey::Malformed);
        assert_eq!(at("/secretsmanager/get", &[vault, (aws.0, "")]), ShownKey::Malformed);
    }

    #[test]
    fn the_agent_to_act_as_is_a_name_and_one() {
        let acts_as = |headers: &[(&str, &str)]| showing(headers).map(|shown| shown.acts_as);
        assert_eq!(acts_as(&[("x-aurora-act-as", "robot")]), Ok(AgentName::parse("robot").ok()));
        assert_eq!(acts_as(&[]), Ok(None));
        assert!(acts_as(&[("x-aurora-act-as", "Robot")]).is_err());
        assert!(acts_as(&[("x-aurora-act-as", "é")]).is_err());
        assert!(acts_as(&[("x-aurora-act-as", "robot"), ("x-aurora-act-as", "robot")]).is_err());
    }

    #[test]
    fn a_request_that_only_reads_is_no_command() {
        for (method, command) in
            [("GET", false), ("HEAD", false), ("LIST", false), ("POST", true), ("DELETE", true), ("BREW", true)]
        {
            let mut request = Request::builder().method(method).body(Body::empty()).expect("a request");
            assert_eq!(shown(&mut request).expect("nothing shown").command, command, "{method}");
        }
    }
}
