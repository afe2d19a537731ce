//! A request body, read into one buffer that is wiped, never larger than the largest value can need.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use super::budget::Share;
use super::error::ApiError;
use crate::crypto::plaintext::Plaintext;

/// A byte of a value is at most six of JSON (`\u0001`).
const JSON_BYTES_PER_BYTE: usize = 6;

/// Room for the names, the metadata texts and 32 tags of 1 KiB beside the value; more than all their limits come to
/// unless most of their characters are escaped.
const BYTES_BESIDE_VALUE: usize = 64 << 10;

/// The first buffer for a body that does not say how long it is.
const FIRST_BUFFER_BYTES: usize = 4 << 10;

/// Longest field name an error repeats.
const FIELD_CHARACTERS_MAX: usize = 64;

/// Reads the body as JSON. The limit is checked before anything is allocated, by the length the client announces and
/// again by what really comes. The content type is not looked at: what a page in a browser sends is turned away before.
///
/// # Errors
/// [`ApiError::BodyTooLarge`], [`ApiError::TooManyBodies`], [`ApiError::BodyCutOff`], or what is wrong with the JSON, without quoting it.
pub(super) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    value_bytes_max: usize,
    budget: Share<'_>,
) -> Result<T, ApiError> {
    parse(&read(headers, body, value_bytes_max, budget).await?)
}

/// Reads a body that holds names, a share or a passphrase: its limit leaves room for no value of a secret.
///
/// # Errors
/// As [`read_json`].
pub(super) async fn read_without_value<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    budget: Share<'_>,
) -> Result<T, ApiError> {
    read_json(headers, body, 0, budget).await
}

/// The same for a body that may be left out.
///
/// # Errors
/// As [`read_json`].
pub(super) async fn read_optional<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: Body,
    budget: Share<'_>,
) -> Result<T, ApiError> {
    let bytes = read(headers, body, 0, budget).await?;
    if bytes.expose().trim_ascii().is_empty() { Ok(T::default()) } else { parse(&bytes) }
}

/// Sees to it that nothing was sent where nothing is read: a scope or a version in the body would be overlooked, and the
/// change made to something else.
///
/// # Errors
/// [`ApiError::BadValue`] for anything but white space, `null` or `{}`; [`ApiError::BodyCutOff`].
pub(super) async fn none(mut body: Body) -> Result<(), ApiError> {
    const WANTED: &str = "empty: the query says what the change is about";
    const BYTES_MAX: usize = 16;
    let refused = || ApiError::BadValue { field: "the body", wanted: WANTED };
    let mut gathered = Gathered::default();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| ApiError::BodyCutOff)?.into_data() else { continue };
        if gathered.len().saturating_add(bytes.len()) > BYTES_MAX {
            return Err(refused());
        }
        gathered.append(&bytes);
    }
    let nothing = matches!(gathered.finish().expose().trim_ascii(), b"" | b"null" | b"{}");
    if nothing { Ok(()) } else { Err(refused()) }
}

/// Reads one JSON object.
///
/// # Errors
/// What is wrong with it, without quoting it.
pub(super) fn parse<T: DeserializeOwned>(bytes: &Plaintext) -> Result<T, ApiError> {
    serde_json::from_slice(bytes.expose()).map_err(|error| told(&error))
}

/// The longest body that a value of this many bytes can need.
pub(super) fn bytes_max(value_bytes_max: usize) -> usize {
    value_bytes_max.saturating_mul(JSON_BYTES_PER_BYTE).saturating_add(BYTES_BESIDE_VALUE)
}

async fn read(
    headers: &HeaderMap,
    mut body: Body,
    value_bytes_max: usize,
    budget: Share<'_>,
) -> Result<Plaintext, ApiError> {
    let bytes_max = bytes_max(value_bytes_max);
    let too_large = ApiError::BodyTooLarge { bytes_max: value_bytes_max };
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(too_large);
    }
    // A buffer that grows may come to twice of what it holds.
    let _taken = budget.take(announced.unwrap_or(bytes_max.saturating_mul(2)))?;
    let mut gathered = Gathered(Vec::with_capacity(announced.unwrap_or(FIRST_BUFFER_BYTES)));
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| ApiError::BodyCutOff)?.into_data() else { continue };
        if gathered.0.len().saturating_add(bytes.len()) > bytes_max {
            return Err(too_large);
        }
        gathered.append(&bytes);
    }
    Ok(gathered.finish())
}

/// What has come so far; wiped whichever way it ends, also when the request is given up half way.
#[derive(Default)]
pub(super) struct Gathered(Vec<u8>);

impl Gathered {
    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends; when the buffer is full, moves to a larger one and wipes the old.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            drop(Plaintext::new(std::mem::replace(&mut self.0, larger)));
        }
        self.0.extend_from_slice(bytes);
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Plaintext {
        Plaintext::new(std::mem::take(&mut self.0))
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        drop(Plaintext::new(std::mem::take(&mut self.0)));
    }
}

/// Sorts the parser's errors. Its texts quote what they stumbled over, which may be the value: only a field's *name* is
/// taken out of them, and only if it looks like one.
fn told(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let named = |prefix: &str| field_after(&text, prefix);
    if let Some(field) = named("unknown field `") {
        return ApiError::UnknownField { field };
    }
    if let Some(field) = named("missing field `") {
        return ApiError::MissingField { field };
    }
    if let Some(field) = named("duplicate field `") {
        return ApiError::GivenTwice { field };
    }
    ApiError::BadJson { line: error.line(), column: error.column() }
}

/// The name between a prefix and the next backtick; a name that is odd is shown as `?`.
pub(super) fn field_after(text: &str, prefix: &str) -> Option<String> {
    let (name, _) = text.strip_prefix(prefix)?.split_once('`')?;
    let plain = name.len() <= FIELD_CHARACTERS_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    Some(if plain { name.to_owned() } else { "?".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::budget::BodyBytes;
    use super::super::types_put::PutBody;
    use super::*;

    async fn parse(text: &str) -> ApiError {
        let body = Body::from(text.to_owned());
        read_json::<PutBody>(&HeaderMap::new(), body, 1024, BodyBytes::new(1 << 20, 1 << 20).share(0))
            .await
            .expect_err("refused")
    }

    #[tokio::test]
    async fn an_error_never_quotes_what_was_sent() {
        for text in [
            r#"{"service":"a","key_name":"b","key_value":"c","cas":"pat-na1-secret"}"#,
            r#"{"service":"a","key_name":"b","key_value":{"pat-na1-secret":1}}"#,
            r#"["pat-na1-secret"]"#,
            r#""pat-na1-secret""#,
            r#"{"service":"pat-na1-secret"#,
        ] {
            let error = parse(text).await;
            assert!(matches!(error, ApiError::BadJson { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("pat"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn unknown_missing_and_doubled_fields_are_named() {
        let unknown = parse(r#"{"service":"a","key_name":"b","key_value":"c","vlaue":1}"#).await;
        assert_eq!(unknown, ApiError::UnknownField { field: "vlaue".into() });
        let nested = parse(r#"{"service":"a","key_name":"b","key_value":"c","metadata":{"color":"x"}}"#).await;
        assert_eq!(nested, ApiError::UnknownField { field: "color".into() });
        let odd = parse(r#"{"service":"a","key_name":"b","key_value":"c","a b":1}"#).await;
        assert_eq!(odd, ApiError::UnknownField { field: "?".into() });
        let missing = parse(r#"{"service":"a","key_name":"b"}"#).await;
        assert_eq!(missing, ApiError::MissingField { field: "key_value".into() });
        let doubled = parse(r#"{"service":"a","service":"b","key_name":"b","key_value":"c"}"#).await;
        assert_eq!(doubled, ApiError::GivenTwice { field: "service".into() });
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_announced_or_not() {
        let too_large = ApiError::BodyTooLarge { bytes_max: 10 };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, axum::http::HeaderValue::from_static("99999999999"));
        let announced =
            read(&headers, Body::empty(), 10, BodyBytes::new(1 << 20, 1 << 20).share(0)).await.expect_err("refused");
        assert_eq!(announced, too_large);
        let sent =
            read(&HeaderMap::new(), Body::from(vec![b' '; 70_000]), 10, BodyBytes::new(1 << 20, 1 << 20).share(0))
                .await
                .expect_err("refused");
        assert_eq!(sent, too_large);
    }

    #[tokio::test]
    async fn a_body_takes_the_length_it_announces_or_the_longest_it_may_have_and_gives_it_back() {
        let budget = BodyBytes::new(1000, 1000);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, axum::http::HeaderValue::from_static("1000"));
        for _ in 0..2 {
            let body = Body::from(vec![b' '; 1000]);
            assert_eq!(read(&headers, body, 10, budget.share(0)).await.expect("there is room").expose().len(), 1000);
        }
        let silent = read(&HeaderMap::new(), Body::from("x"), 10, budget.share(0)).await.expect_err("it could be long");
        assert_eq!(silent, ApiError::TooManyBodies);
    }

    #[tokio::test]
    async fn a_body_where_none_is_read_is_refused_not_overlooked() {
        assert_eq!(none(Body::empty()).await, Ok(()));
        for nothing in ["", "\n", "null", "{}"] {
            assert_eq!(none(Body::from(nothing)).await, Ok(()), "{nothing}");
        }
        assert!(none(Body::from(r#"{"to":1}"#)).await.is_err());
        let scope = none(Body::from(r#"{"scope":"company","scope_id":"acme"}"#)).await;
        assert!(matches!(scope, Err(ApiError::BadValue { field: "the body", .. })), "{scope:?}");
    }

    #[test]
    fn a_buffer_that_grows_keeps_its_content() {
        let mut gathered = Gathered(Vec::with_capacity(2));
        for chunk in ["ab", "cdefgh", "i", "jklmnopqrstuvw"] {
            gathered.append(chunk.as_bytes());
        }
        assert_eq!(gathered.finish().expose(), b"abcdefghijklmnopqrstuvw");
    }
}
