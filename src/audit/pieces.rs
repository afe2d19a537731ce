//! Pieces of journals, and looking through one for the lines of a query.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use memchr::memmem::Finder;
use roaring::RoaringBitmap;

use super::copies::JournalDir;
use super::error::AuditError;
use super::files::{Part, open_to_read};
use super::index::Index;
use super::lines::{Lines, Next};
use super::members;
use super::query::{Query, Told};
use super::selection::{Cursor, Selection};
use crate::model::time::Timestamp;

/// A stretch of a journal's file, and between which times its lines are that may be found; all times before that is known.
pub(super) struct Piece {
    pub(super) journal: Arc<JournalDir>,
    pub(super) part: Part,
    pub(super) place: Place,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// Which stretch.
pub(super) enum Place {
    /// One chunk of a plain file.
    Chunk(u64),
    /// These lines of the member that begins there.
    Member { offset: u64, lines: Vec<u32> },
    /// A packed file without an index.
    Whole,
}

impl Piece {
    /// Orders pieces by their last line.
    pub(super) fn place_of_end(&self) -> (Timestamp, &Part, u64) {
        (self.last, &self.part, self.offset())
    }

    /// Orders pieces by their first line.
    pub(super) fn place_of_begin(&self) -> (Timestamp, &Part, u64) {
        (self.first, &self.part, self.offset())
    }

    /// Nothing more in it is looked for.
    fn empty(&mut self) {
        (self.first, self.last) = (Timestamp(i64::MAX), Timestamp(i64::MIN));
    }

    fn offset(&self) -> u64 {
        match &self.place {
            Place::Chunk(number) => *number,
            Place::Member { offset, .. } => *offset,
            Place::Whole => 0,
        }
    }
}

/// The pieces an index leads to.
pub(super) struct Indexed;

impl Indexed {
    /// The members with lines that may meet the query, and the times of each.
    pub(super) fn of(
        index: &Index,
        lines: RoaringBitmap,
        query: &Query,
    ) -> impl Iterator<Item = (Place, Timestamp, Timestamp)> {
        index.blocks().iter().enumerate().filter(|(_, block)| query.meets(block.first, block.last)).filter_map(
            move |(number, block)| {
                let range = block.first_line..index.end_of(number);
                let lines: Vec<u32> = lines.range(range).map(|line| line - block.first_line).collect();
                let place = Place::Member { offset: block.offset, lines };
                matches!(&place, Place::Member { lines, .. } if !lines.is_empty()).then_some((
                    place,
                    block.first,
                    block.last,
                ))
            },
        )
    }
}

/// Looks through pieces, and remembers what was wrong with them.
pub(super) struct Scan {
    pub(super) query: Query,
    pub(super) damaged: BTreeSet<String>,
    pub(super) unreadable: u64,
    needles: Vec<Finder<'static>>,
    raw: Vec<u8>,
    open: Option<(PathBuf, File)>,
}

/// The times of the lines that may be found.
type Times = Option<(Timestamp, Timestamp)>;

impl Scan {
    pub(super) fn new(query: Query) -> Self {
        let needles = query.needles().iter().map(|needle| Finder::new(needle).into_owned()).collect();
        Self { query, damaged: BTreeSet::new(), unreadable: 0, needles, raw: Vec::new(), open: None }
    }

    /// Takes the lines of a piece that are looked for.
    ///
    /// # Errors
    /// [`AuditError`]; a file whose bytes are damaged is only remembered.
    pub(super) fn read(&mut self, piece: &mut Piece, into: &mut Selection) -> Result<(), AuditError> {
        let path = piece.part.path(&piece.journal.path);
        let mut raw = std::mem::take(&mut self.raw);
        let read = match &piece.place {
            Place::Chunk(number) => self.chunk(piece, *number, &mut raw, into),
            Place::Member { offset, lines } => self.member(piece, *offset, lines, &mut raw, into),
            Place::Whole => self.whole(piece, into),
        };
        self.raw = raw;
        match read {
            Ok(Some((first, last))) => (piece.first, piece.last) = (first, last),
            Ok(None) => piece.empty(),
            Err(error) if error.is_damage() => {
                self.damaged.insert(path.display().to_string());
                piece.empty();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        piece: &Piece,
        number: u64,
        raw: &mut Vec<u8>,
        into: &mut Selection,
    ) -> Result<Times, AuditError> {
        let path = piece.part.path(&piece.journal.path);
        members::chunk(self.file(&path)?, number, raw).map_err(AuditError::io(&path))?;
        let mut times = None;
        let counts = piece.first == Timestamp(i64::MIN);
        for line in members::lines(raw) {
            self.line(piece, line, counts, &mut times, into);
        }
        Ok(times)
    }

    fn member(
        &mut self,
        piece: &Piece,
        offset: u64,
        wanted: &[u32],
        raw: &mut Vec<u8>,
        into: &mut Selection,
    ) -> Result<Times, AuditError> {
        let path = piece.part.path(&piece.journal.path);
        members::at(self.file(&path)?, offset, raw).map_err(AuditError::io(&path))?;
        let (mut times, mut wanted) = (None, wanted.iter().peekable());
        for (number, line) in (0_u32..).zip(members::lines(raw)) {
            if wanted.next_if(|wanted| **wanted == number).is_some() {
                self.line(piece, line, false, &mut times, into);
            } else if wanted.peek().is_none() {
                break;
            }
        }
        Ok(times)
    }

    fn whole(&mut self, piece: &Piece, into: &mut Selection) -> Result<Times, AuditError> {
        let path = piece.part.path(&piece.journal.path);
        let mut lines = Lines::of(&piece.journal.path, &piece.part)?;
        let counts = piece.first == Timestamp(i64::MIN);
        let mut times = None;
        loop {
            match lines.next().map_err(AuditError::io(&path))? {
                Next::Line(line) => self.line(piece, line, counts, &mut times, into),
                Next::TooLong => self.unreadable = self.unreadable.saturating_add(counts.into()),
                Next::Cut | Next::End => return Ok(times),
            }
        }
    }

    /// Takes a line, if it is looked for. What is cheap to find out comes first.
    fn line(&mut self, piece: &Piece, line: &[u8], counts: bool, times: &mut Times, into: &mut Selection) {
        if self.needles.iter().any(|needle| needle.find(line).is_none()) {
            return;
        }
        let known = quick_time(line);
        if let Some(time) = known {
            if !self.query.covers_time(time) {
                return;
            }
            note(times, time);
            if !into.admits(time) {
                return;
            }
        }
        let Some((told, time)) = Told::parse(line) else {
            self.unreadable = self.unreadable.saturating_add(counts.into());
            return;
        };
        note(times, time);
        if self.query.covers(&told, time) {
            let at = Cursor::new(time, &piece.journal.node, piece.journal.chain, told.seq);
            // What is JSON is UTF-8.
            if let Ok(text) = std::str::from_utf8(line) {
                into.take(at, text);
            }
        }
    }

    /// The file, which stays open for the next piece of it.
    fn file(&mut self, path: &PathBuf) -> Result<&File, AuditError> {
        let file = match self.open.take() {
            Some((of, file)) if of == *path => file,
            _ => open_to_read(path)?,
        };
        let (_, file) = self.open.insert((path.clone(), file));
        Ok(file)
    }
}

fn note(times: &mut Times, time: Timestamp) {
    let (first, last) = times.unwrap_or((time, time));
    *times = Some((first.min(time), last.max(time)));
}

/// The time of a line as this program writes it, without understanding the rest: it stands after the number and the hash.
fn quick_time(line: &[u8]) -> Option<Timestamp> {
    const BEFORE: &[u8] = b",\"time\":\"";
    const WITHIN: usize = 140;
    let head = line.get(..WITHIN.min(line.len()))?;
    let at = memchr::memmem::find(head, BEFORE)?.checked_add(BEFORE.len())?;
    let text = line.get(at..at.checked_add(24)?)?;
    milliseconds(text.try_into().ok()?).map(Timestamp)
}

/// `2026-11-21T08:00:00.123Z` in milliseconds since 1970 (days from the civil date: H. Hinnant, chrono-compatible low-level
/// date algorithms); `None` for any other shape.
fn milliseconds(text: &[u8; 24]) -> Option<i64> {
    let shape = b"dddd-dd-ddTdd:dd:dd.dddZ";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    if !text.iter().zip(shape).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).unwrap_or_default();
        digits.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'))
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let year = if month > 2 { year } else { year - 1 };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + number(20, 23))
}

impl AuditError {
    /// Whether the bytes of a file are not what they should be, rather than out of reach.
    pub(super) fn is_damage(&self) -> bool {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_to_a_time_agrees_with_the_long_one() {
        let mut at = Timestamp(-62_000_000_000_000);
        while at.0 < 250_000_000_000_000 {
            let text = at.to_string();
            let found = text.as_bytes().try_into().ok().and_then(milliseconds);
            assert_eq!(found.map(Timestamp), Some(at), "{text}");
            at = Timestamp(at.0 + 86_399_999 * 37);
        }
        for text in ["2026-13-21T08:00:00.123Z", "2026-11-21T24:00:00.123Z", "2026-11-21 08:00:00.123Z"] {
            assert_eq!(milliseconds(text.as_bytes().try_into().expect("24 bytes")), None, "{text}");
        }
    }

    #[test]
    fn a_line_without_a_time_where_it_belongs_is_left_to_be_understood() {
        let line = br#"{"v":2,"seq":1,"prev":"0","time":"2026-11-21T08:00:00.123Z"}"#;
        assert_eq!(quick_time(line), Some(Timestamp(1_795_248_000_123)));
        for line in [&b"{}"[..], b"", br#"{"seq":1,"time":"2026"}"#, br#"{"reason":"x"}"#] {
            assert_eq!(quick_time(line), None);
        }
    }
}
