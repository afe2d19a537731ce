//! A plaintext that is written out by somebody else, in a buffer that never grows: one that grows leaves copies behind.

use std::io;

use super::plaintext::Plaintext;

/// What `write` writes. It is called twice, once to count and once to fill, and must write the same both times.
///
/// # Errors
/// Whatever `write` says; what it had written by then is wiped.
pub fn written<E>(write: impl Fn(&mut dyn io::Write) -> Result<(), E>) -> Result<Plaintext, E> {
    let mut size = Size(0);
    write(&mut size)?;
    let mut bytes = Vec::with_capacity(size.0);
    let outcome = write(&mut bytes);
    let bytes = Plaintext::new(bytes);
    outcome.map(|()| bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_is_sized_before_it_is_filled() {
        let parts = ["a\"b", "\u{1}é", ""].map(str::as_bytes);
        let whole = written(|to| parts.iter().try_for_each(|part| to.write_all(part))).expect("memory takes it");
        assert_eq!(whole.expose(), parts.concat());
        let failed = written(|to| to.write_all(b"half").and(Err(io::Error::other("then it fails"))));
        assert!(failed.is_err());
    }
}
