//! An answer into bytes, in one buffer of the right size that is wiped once the socket has taken it.
//!
//! The size is counted first, so the buffer never grows: a buffer that grows leaves copies of a value behind.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::error::ApiError;
use crate::crypto::plaintext::Plaintext;

/// Writes the answer as JSON with status 200. No answer of this room may be kept by a cache.
///
/// # Errors
/// [`ApiError::Unwritable`] if the value cannot be written as JSON, which no type of this room can cause.
pub(super) fn answer(value: &impl Serialize) -> Result<Response, ApiError> {
    let bytes = encode(value)?;
    let mut response = Response::new(Body::from(Bytes::from_owner(Wiped(bytes))));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn encode(value: &impl Serialize) -> Result<Plaintext, ApiError> {
    let mut size = Size(0);
    serde_json::to_writer(&mut size, value).map_err(|_| ApiError::Unwritable)?;
    let mut bytes = Vec::with_capacity(size.0);
    let written = serde_json::to_writer(&mut bytes, value);
    let bytes = Plaintext::new(bytes);
    written.map(|()| bytes).map_err(|_| ApiError::Unwritable)
}

/// Counts what is written and keeps nothing.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body that is wiped when its last reader lets go of it.
struct Wiped(Plaintext);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_sized_before_it_is_filled() {
        let text = "a\"b\\c\n\u{1}é".repeat(100);
        let expected = serde_json::to_string(&text).expect("json");
        assert_eq!(encode(&text).expect("json").expose(), expected.as_bytes());
        let mut size = Size(0);
        serde_json::to_writer(&mut size, &text).expect("json");
        assert_eq!(size.0, expected.len());
    }
}
