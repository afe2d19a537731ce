//! The text of a template as it grows: in memory that is wiped, and not beyond a limit.

use std::io::{self, Write};
use std::mem;

use crate::crypto::plaintext::Plaintext;

/// A text in the making. What was left of it when it is dropped is wiped.
pub(super) struct Text {
    bytes: Vec<u8>,
    bytes_max: usize,
    is_full: bool,
}

impl Text {
    /// An empty one that takes so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, is_full: false }
    }

    /// Whether something did not fit.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The whole text.
    pub(super) fn finish(mut self) -> Plaintext {
        Plaintext::new(mem::take(&mut self.bytes))
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.bytes.len().saturating_add(bytes.len());
        if needed > self.bytes_max {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if needed > self.bytes.capacity() {
            // A buffer that grows in place leaves a copy behind that nobody wipes.
            let mut larger = Vec::with_capacity(needed.max(self.bytes.capacity().saturating_mul(2)));
            larger.extend_from_slice(&self.bytes);
            drop(Plaintext::new(mem::replace(&mut self.bytes, larger)));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        drop(Plaintext::new(mem::take(&mut self.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_grows_up_to_its_limit_and_says_that_it_is_full() {
        let mut text = Text::new(10);
        for piece in ["abc", "", "defgh"] {
            text.write_all(piece.as_bytes()).expect("it fits");
        }
        assert!(text.write_all(b"ijk").is_err() && text.is_full());
        text.write_all(b"ij").expect("up to the last byte");
        assert_eq!(text.finish().expose(), b"abcdefghij");
    }
}
