//! Reading the lines of a journal strictly in order, from a place on, while it is written: how it reaches another node.
//!
//! Only lines up to a given number are read, which are those that were acknowledged. What stands behind them in
//! the file may still be taken back.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::files::{Form, Part, open_to_read, parts};
use super::head::Head;
use super::intake::{Misfit, Tip};
use super::line::{LINE_BYTES_MAX, parse_before};
use super::lines::{Lines, Next};
use crate::model::name::NodeName;

/// How much of a file is read at a time.
const BLOCK_BYTES: usize = 128 << 10;

/// A place behind a line.
pub struct Cursor {
    directory: PathBuf,
    node: NodeName,
    tip: Tip,
    open: Option<Open>,
}

/// The file that is read.
struct Open {
    part: Part,
    source: Source,
}

enum Source {
    /// It may grow, and what was read behind the last acknowledged line may change: so nothing is kept of that.
    Plain { file: File, offset: u64 },
    /// It is complete, and can only be read from its beginning; what was read too much is kept.
    Packed { lines: Lines, rest: Vec<u8> },
}

/// Lines that follow each other.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// The number of the first.
    pub first: u64,
    /// All of them, each with its newline.
    pub lines: Vec<u8>,
    /// The end of the chain behind them.
    pub tip: Tip,
}

/// Why lines cannot be read in order.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// A file cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The journal does not follow itself.
    #[error("{file}: {misfit}")]
    Broken {
        /// The file.
        file: String,
        /// Where, and how.
        #[source]
        misfit: Misfit,
    },
    /// The journal does not have the line, or not any more.
    #[error("the journal has no line {seq}")]
    Missing {
        /// Its number.
        seq: u64,
    },
}

/// The line before the oldest that is there, by its number and by the hash the oldest names; the beginning of all chains
/// for a journal that has its first line, or none. `None` if the oldest line is not one.
///
/// # Errors
/// [`AuditError`] when a file cannot be read.
pub fn before_oldest(directory: &Path) -> Result<Option<Head>, AuditError> {
    for part in parts(directory)? {
        let mut lines = Lines::of(directory, &part)?;
        match lines.next().map_err(AuditError::io(part.path(directory)))? {
            Next::Line(line) => return Ok(parse_before(line)),
            Next::End | Next::Cut => {}
            Next::TooLong => return Ok(None),
        }
    }
    Ok(Some(Head::GENESIS))
}

/// Brings what was written to a journal's newest file to the disk.
///
/// # Errors
/// [`AuditError`].
pub fn sync_newest(directory: &Path) -> Result<(), AuditError> {
    let Some(part) = parts(directory)?.pop().filter(|part| part.form == Form::Plain) else { return Ok(()) };
    let path = part.path(directory);
    open_to_read(&path)?.sync_data().map_err(AuditError::io(path))
}

impl Cursor {
    /// Behind the line with this number in the journal of a node; at its beginning, if that is the line before its oldest.
    ///
    /// # Errors
    /// [`CursorError::Missing`] when there is no such line; otherwise why it cannot be looked for.
    pub fn behind(directory: &Path, node: &NodeName, seq: u64) -> Result<Self, CursorError> {
        let mut newest_first = parts(directory)?;
        newest_first.reverse();
        for part in newest_first {
            let mut lines = Lines::of(directory, &part)?;
            let first = match lines.next().map_err(AuditError::io(part.path(directory)))? {
                Next::Line(line) => parse_before(line),
                Next::End | Next::Cut | Next::TooLong => None,
            };
            let Some(first) = first.filter(|first| first.seq <= seq) else { continue };
            let start = Self::at(directory, node, Tip::behind(first), &part)?;
            return start.skip_to(seq);
        }
        if seq > 0 {
            return Err(CursorError::Missing { seq });
        }
        Ok(Self { directory: directory.to_owned(), node: node.clone(), tip: Tip::behind(Head::GENESIS), open: None })
    }

    fn at(directory: &Path, node: &NodeName, tip: Tip, part: &Part) -> Result<Self, CursorError> {
        let open = Some(Open::beginning(directory, part)?);
        Ok(Self { directory: directory.to_owned(), node: node.clone(), tip, open })
    }

    fn skip_to(mut self, seq: u64) -> Result<Self, CursorError> {
        while self.tip.head.seq < seq {
            if self.next(seq, BLOCK_BYTES)?.is_none() {
                return Err(CursorError::Missing { seq });
            }
        }
        Ok(self)
    }

    /// Behind which line this is.
    #[must_use]
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// The lines behind it up to number `until`, about so many bytes at most but at least one line, on the disk; none if it
    /// has come to there. After an error the place is undefined.
    ///
    /// # Errors
    /// [`CursorError`].
    pub fn next_durable(&mut self, until: u64, bytes_max: usize) -> Result<Option<Batch>, CursorError> {
        let batch = self.next(until, bytes_max)?;
        if let (Some(_), Some(Open { part, source: Source::Plain { file, .. } })) = (&batch, &self.open) {
            // A line that another node has and this one lost in a power cut would look like a journal that was cut.
            file.sync_data().map_err(AuditError::io(part.path(&self.directory)))?;
        }
        Ok(batch)
    }

    fn next(&mut self, until: u64, bytes_max: usize) -> Result<Option<Batch>, CursorError> {
        while self.tip.head.seq < until {
            if let Some(open) = &mut self.open {
                let path = open.part.path(&self.directory);
                let lines = open.read(bytes_max).map_err(AuditError::io(path))?;
                if let Some(batch) = self.take(&lines, until)? {
                    return Ok(Some(batch));
                }
            }
            if !self.turn()? {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Goes on with the file behind the open one, if there is one.
    fn turn(&mut self) -> Result<bool, CursorError> {
        let later = |part: &Part| {
            self.open.as_ref().is_none_or(|open| (&part.month, part.number) > (&open.part.month, open.part.number))
        };
        let Some(next) = parts(&self.directory)?.into_iter().find(later) else { return Ok(false) };
        if let Some(Open { part, source: Source::Plain { file, offset } }) = &self.open {
            // It was written to until the next one was begun, which may be since it was read.
            let lines = read_plain(file, *offset, BLOCK_BYTES).map_err(AuditError::io(part.path(&self.directory)))?;
            if !lines.is_empty() {
                return Ok(true);
            }
        }
        self.open = Some(Open::beginning(&self.directory, &next)?);
        Ok(true)
    }

    /// Takes those lines up to number `until`.
    fn take(&mut self, lines: &[u8], until: u64) -> Result<Option<Batch>, CursorError> {
        let first = self.tip.head.next_seq();
        let mut taken = 0;
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else { break };
            if self.tip.head.seq >= until {
                break;
            }
            self.tip = self.tip.follow(&self.node, text).map_err(|misfit| self.broken(misfit))?;
            taken += line.len();
        }
        let (lines, too_much) = lines.split_at_checked(taken).unwrap_or((lines, &[]));
        match self.open.as_mut().map(|open| &mut open.source) {
            Some(Source::Plain { offset, .. }) => {
                *offset = offset.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            }
            Some(Source::Packed { rest, .. }) => too_much.clone_into(rest),
            None => {}
        }
        Ok((taken > 0).then(|| Batch { first, lines: lines.to_vec(), tip: self.tip }))
    }

    fn broken(&self, misfit: Misfit) -> CursorError {
        let file = self.open.as_ref().map(|open| open.part.file_name()).unwrap_or_default();
        CursorError::Broken { file, misfit }
    }
}

impl Open {
    fn beginning(directory: &Path, part: &Part) -> Result<Self, AuditError> {
        let source = match part.form {
            Form::Plain => Source::Plain { file: open_to_read(&part.path(directory))?, offset: 0 },
            Form::Packed => Source::Packed { lines: Lines::of(directory, part)?, rest: Vec::new() },
        };
        Ok(Self { part: part.clone(), source })
    }

    /// Whole lines from the place on: at least one, if there is one, and about so many bytes. A packed file moves on.
    fn read(&mut self, bytes_max: usize) -> io::Result<Vec<u8>> {
        match &mut self.source {
            Source::Plain { file, offset } => read_plain(file, *offset, bytes_max),
            Source::Packed { lines, rest } => read_packed(lines, std::mem::take(rest), bytes_max),
        }
    }
}

fn read_plain(file: &File, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
    // Room for one line more than the limit, so that a longest line is always whole in it.
    let mut bytes = vec![0; bytes_max.max(LINE_BYTES_MAX.saturating_add(1))];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    // Bytes without any newline that fill the room are no line: they are given, and refused as what they are.
    if whole > 0 || filled <= LINE_BYTES_MAX {
        bytes.truncate(whole);
    } else {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// A packed file is complete, so all its lines are acknowledged.
fn read_packed(lines: &mut Lines, rest: Vec<u8>, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = rest;
    while bytes.len() < bytes_max {
        match lines.next()? {
            Next::Line(line) => {
                bytes.extend_from_slice(line);
                bytes.push(b'\n');
            }
            Next::TooLong | Next::Cut => bytes.extend_from_slice(b"\n"),
            Next::End => break,
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::sample;
    use super::*;

    fn pack(lines: &[String]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(lines.concat().as_bytes()).expect("packed");
        packed.finish().expect("packed")
    }

    /// Two packed files and a plain one, of nine lines.
    fn journal() -> (tempfile::TempDir, Vec<String>) {
        let (directory, lines) = (tempfile::tempdir().expect("directory"), sample::lines(9));
        fs::write(directory.path().join("audit-2026-10.jsonl.gz"), pack(&lines[..3])).expect("file");
        fs::write(directory.path().join("audit-2026-11.jsonl.gz"), pack(&lines[3..6])).expect("file");
        fs::write(directory.path().join("audit-2026-11.002.jsonl"), lines[6..].concat()).expect("file");
        (directory, lines)
    }

    fn read(directory: &Path, from: u64, until: u64, bytes_max: usize) -> String {
        let mut cursor = Cursor::behind(directory, &sample::node(), from).expect("there");
        let mut text = Vec::new();
        while let Some(batch) = cursor.next_durable(until, bytes_max).expect("readable") {
            text.extend_from_slice(&batch.lines);
        }
        assert_eq!(cursor.tip().head.seq, until.max(from));
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn lines_come_in_order_from_every_place_to_every_place_across_files_of_both_forms() {
        let (directory, lines) = journal();
        for from in 0..=9 {
            for until in from..=9 {
                let (first, last) = (usize::try_from(from).expect("small"), usize::try_from(until).expect("small"));
                for bytes_max in [1, 700, 1 << 20] {
                    let read = read(directory.path(), from, until, bytes_max);
                    assert_eq!(read, lines[first..last].concat(), "{from}..{until} {bytes_max}");
                }
            }
        }
    }

    #[test]
    fn lines_that_are_written_later_follow_and_those_not_acknowledged_are_not_read() {
        let (directory, lines) = journal();
        let plain = directory.path().join("audit-2026-11.002.jsonl");
        fs::write(&plain, lines[6..8].concat()).expect("file");
        let mut cursor = Cursor::behind(directory.path(), &sample::node(), 6).expect("there");
        let mut next = |until| cursor.next_durable(until, 1 << 20).expect("readable").map(|batch| batch.lines);
        assert_eq!(next(7), Some(lines[6].clone().into_bytes()), "what stands behind is not acknowledged yet");
        // It was taken back, and another line stands there now; then a file was begun.
        fs::write(&plain, lines[6..8].concat()).expect("file");
        fs::write(directory.path().join("audit-2026-12.jsonl"), &lines[8]).expect("file");
        assert_eq!(next(9), Some(lines[7].clone().into_bytes()));
        assert_eq!(next(9), Some(lines[8].clone().into_bytes()));
        assert_eq!(next(9), None);
    }

    #[test]
    fn what_is_missing_and_what_does_not_follow_is_told() {
        let (directory, lines) = journal();
        let behind = |seq| Cursor::behind(directory.path(), &sample::node(), seq);
        assert!(matches!(behind(10), Err(CursorError::Missing { seq: 10 })));
        fs::remove_file(directory.path().join("audit-2026-10.jsonl.gz")).expect("removed");
        assert!(matches!(behind(2), Err(CursorError::Missing { seq: 2 })));
        assert_eq!(before_oldest(directory.path()).expect("readable"), Some(behind(3).expect("there").tip().head));
        let altered = lines[7].replace("user:1000", "user:1001");
        fs::write(
            directory.path().join("audit-2026-11.002.jsonl"),
            [&lines[6], &altered, &lines[8]].map(String::as_str).concat(),
        )
        .expect("file");
        let told = behind(6).expect("there").next_durable(9, 1 << 20).expect_err("broken").to_string();
        assert!(told.starts_with("audit-2026-11.002.jsonl: line 9 does not follow"), "{told}");
        let empty = tempfile::tempdir().expect("directory");
        assert_eq!(before_oldest(empty.path()).expect("readable"), Some(Head::GENESIS));
    }
}
