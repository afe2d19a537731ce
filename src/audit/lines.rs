//! The lines of one file of a journal, in bounded memory.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::error::AuditError;
use super::files::{Form, Part, open_to_read};
use super::line::LINE_BYTES_MAX;

/// Reads one after the other.
pub(super) struct Lines {
    reader: Box<dyn BufRead + Send>,
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
    /// From the beginning of a file, packed or not. One that was packed since it was listed is read as it is now.
    ///
    /// # Errors
    /// As [`open_to_read`].
    pub(super) fn of(directory: &Path, part: &Part) -> Result<Self, AuditError> {
        match Self::open(directory, part) {
            Err(AuditError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && part.form == Form::Plain =>
            {
                Self::open(directory, &part.as_form(Form::Packed))
            }
            opened => opened,
        }
    }

    fn open(directory: &Path, part: &Part) -> Result<Self, AuditError> {
        let file = BufReader::new(open_to_read(&part.path(directory))?);
        Ok(match part.form {
            Form::Plain => Self::over(Box::new(file)),
            Form::Packed => Self::over(Box::new(BufReader::new(MultiGzDecoder::new(file)))),
        })
    }

    /// Over any bytes.
    pub(super) fn over(reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader, buffer: Vec::new() }
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
