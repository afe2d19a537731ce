//! An answer into bytes, in one buffer that never grows and is wiped once the socket has taken it.

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::error::ApiError;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::written::written;

/// Writes the answer as JSON with status 200. No answer of this room may be kept by a cache.
///
/// # Errors
/// [`ApiError::Unwritable`] if the value cannot be written as JSON, which no type of this room can cause.
pub(super) fn answer(value: &impl Serialize) -> Result<Response, ApiError> {
    answer_in(HeaderMap::new(), value)
}

/// The same in a map of headers that has room and holds nothing.
///
/// # Errors
/// As [`answer`].
pub(super) fn answer_in(headers: HeaderMap, value: &impl Serialize) -> Result<Response, ApiError> {
    debug_assert!(headers.is_empty(), "headers of a request are no part of an answer");
    let bytes = encode(value)?;
    let mut response = Response::new(Body::from(Bytes::from_owner(Wiped(bytes))));
    *response.status_mut() = StatusCode::OK;
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn encode(value: &impl Serialize) -> Result<Plaintext, ApiError> {
    written(|to| serde_json::to_writer(to, value)).map_err(|_| ApiError::Unwritable)
}

/// A body that is wiped when its last reader lets go of it.
struct Wiped(Plaintext);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}
