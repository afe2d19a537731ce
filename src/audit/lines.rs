//! The lines of one file of a journal, in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::line::LINE_BYTES_MAX;

/// Reads one after the other.
pub(super) struct Lines {
    reader: BufReader<File>,
    buffer: Vec<u8>,
}

/// What comes next in a file.
pub(super) enum Next<'a> {
    /// A line, without its newline.
    Line(&'a [u8]),
    /// A line without an end: the file was cut within it, or it is just being written.
    Cut,
    /// More bytes than any line has.
    TooLong,
    /// Nothing.
    End,
}

impl Lines {
    /// From the beginning of a file.
    pub(super) fn of(file: File) -> Self {
        Self { reader: BufReader::new(file), buffer: Vec::new() }
    }

    /// The next line.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        self.buffer.clear();
        let bytes_max = LINE_BYTES_MAX.saturating_add(1);
        let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer)?;
        Ok(match self.buffer.strip_suffix(b"\n") {
            Some(line) => Next::Line(line),
            None if read == 0 => Next::End,
            None if read == bytes_max => Next::TooLong,
            None => Next::Cut,
        })
    }
}
