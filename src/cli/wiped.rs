//! Buffers that may hold a value: JSON on its way to the node, and answers and files on their way in. None of them grows
//! in place, because a buffer that grows leaves a copy behind.

use std::{io, mem};

use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;

use super::error::CliError;
use crate::crypto::digest::sha256;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::written::written;

/// Writes a value as JSON, in a buffer of the right size.
///
/// # Errors
/// [`CliError::Garbled`] if the value cannot be written as JSON, which no view of this room can cause.
pub(super) fn json(value: &impl Serialize) -> Result<Plaintext, CliError> {
    let unwritable = |_| CliError::Garbled { what: "it cannot be written as JSON" };
    written(|to| serde_json::to_writer(to, value)).map_err(unwritable)
}

/// Writes values as JSON, one a line, in a buffer of the right size.
///
/// # Errors
/// As [`json`].
pub(super) fn lines<T: Serialize>(values: impl Iterator<Item = T> + Clone) -> Result<Plaintext, CliError> {
    let line = |to: &mut dyn io::Write, value: &T| {
        serde_json::to_writer(&mut *to, value).map_err(io::Error::from).and_then(|()| to.write_all(b"\n"))
    };
    let unwritable = |_| CliError::Garbled { what: "it cannot be written as JSON" };
    written(|to| values.clone().try_for_each(|value| line(to, &value))).map_err(unwritable)
}

/// A request body that is wiped once it is sent.
pub(super) fn body(bytes: Plaintext) -> Full<Bytes> {
    Full::new(self::bytes(bytes))
}

/// Bytes for a connection that are wiped once it has taken them.
pub(super) fn bytes(bytes: Plaintext) -> Bytes {
    Bytes::from_owner(Owned(bytes))
}

/// SHA-256 of a body.
pub(super) fn digest(body: &Plaintext) -> [u8; 32] {
    sha256(body.expose())
}

struct Owned(Plaintext);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

/// Bytes that come in pieces.
#[derive(Default)]
pub(super) struct Gathered(Vec<u8>);

impl Gathered {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Appends; when the buffer is full, moves to a larger one and wipes the old.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            drop(Plaintext::new(mem::replace(&mut self.0, larger)));
        }
        self.0.extend_from_slice(bytes);
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Plaintext {
        Plaintext::new(mem::take(&mut self.0))
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        drop(Plaintext::new(mem::take(&mut self.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_whole() {
        let text = "a\"b\n\u{1}é".repeat(50);
        assert_eq!(json(&text).expect("json").expose(), serde_json::to_string(&text).expect("json").as_bytes());
    }

    #[test]
    fn pieces_arrive_in_order() {
        let mut gathered = Gathered::default();
        for piece in ["a", "bcd", "", "efghijklmnop"] {
            gathered.append(piece.as_bytes());
        }
        assert_eq!(gathered.len(), 16);
        assert_eq!(gathered.finish().expose(), b"abcdefghijklmnop");
    }
}
