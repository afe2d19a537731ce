//! A plaintext that is written out by somebody else, in buffers that never grow: one that grows leaves copies behind.

use std::io;

use super::plaintext::Plaintext;

/// What fits into this is written once. An answer with a key in it does.
const FIRST_BYTES: usize = 512;

/// What `write` writes. It is called again, with as much room as it takes, if that was more than a first buffer has; it must
/// write the same both times.
///
/// # Errors
/// Whatever `write` says; what it had written by then is wiped.
pub fn written<E>(write: impl Fn(&mut dyn io::Write) -> Result<(), E>) -> Result<Plaintext, E> {
    let (first, size) = written_to(Room::of(FIRST_BYTES), &write)?;
    if size <= FIRST_BYTES {
        return Ok(first);
    }
    written_to(Room::of(size), &write).map(|(whole, _)| whole)
}

/// What there was room for, and how much was written.
fn written_to<E>(
    mut room: Room,
    write: &impl Fn(&mut dyn io::Write) -> Result<(), E>,
) -> Result<(Plaintext, usize), E> {
    let outcome = write(&mut room);
    let bytes = Plaintext::new(room.bytes);
    outcome.map(|()| (bytes, room.size))
}

/// Keeps what there is room for, and counts all of it.
struct Room {
    bytes: Vec<u8>,
    size: usize,
}

impl Room {
    fn of(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), size: 0 }
    }
}

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size = self.size.saturating_add(bytes.len());
        if self.size <= self.bytes.capacity() {
            self.bytes.extend_from_slice(bytes);
        }
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
    fn what_is_written_is_whole_whether_or_not_it_fits_into_the_first_buffer() {
        for times in [0, 1, FIRST_BYTES / 7, FIRST_BYTES, 100 * FIRST_BYTES] {
            let parts: Vec<&[u8]> = std::iter::repeat_n(b"\"b\xc3\xa9\0 a".as_slice(), times).collect();
            let whole = written(|to| parts.iter().try_for_each(|part| to.write_all(part))).expect("memory takes it");
            assert_eq!(whole.expose(), parts.concat());
        }
        let failed = written(|to| to.write_all(b"half").and(Err(io::Error::other("then it fails"))));
        assert!(failed.is_err());
    }
}
