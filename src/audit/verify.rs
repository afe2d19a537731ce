//! Following a chain from its first line, and naming the first place where it does not hold.

use std::fmt;
use std::path::Path;

use super::error::AuditError;
use super::files::parts;
use super::head::Head;
use super::line::parse_link;
use super::lines::{Lines, Next};
use super::proof::Proof;
use super::tombstone::Trust;
use super::tombstones::beginning;

/// What following the chain came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Lines that hold, from the first that is there.
    pub lines: u64,
    /// The last of them.
    pub head: Head,
    /// The first place that does not hold; `None` if all do.
    pub broken: Option<Break>,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The name of the file; empty when there is no line at all.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// What is wrong there.
    pub flaw: Flaw,
}

impl fmt::Display for Break {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file.as_str() {
            "" => write!(formatter, "the beginning {}", self.flaw),
            file => write!(formatter, "{file} line {} {}", self.line, self.flaw),
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not JSON with a number and a link, or longer than any line that was ever written.
    #[error("is not a line of a journal")]
    NotALine,
    /// The file stops within it.
    #[error("has no end: the file was cut within it")]
    Cut,
    /// A number is missing, doubled or out of order.
    #[error("has number {found} where {expected} belongs: lines were removed, added or moved")]
    OutOfOrder {
        /// The number that belongs there.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// Its hash is not what the line after it says.
    #[error("does not match the hash kept in the line after it: one of the two was altered")]
    Altered,
    /// It is the first line, but says that there is one before it.
    #[error("is the first line but names one before it")]
    NotFirst,
    /// It is the first line there is, and what was before it was removed without a word.
    #[error("has number {first} and is the first, but what was removed with a tombstone ends with number {accounted}")]
    BeginningMissing {
        /// Its number.
        first: u64,
        /// The last number that a tombstone accounts for.
        accounted: u64,
    },
    /// A line of the tombstones that no key signed that may.
    #[error("is not a tombstone of this journal that its node or the mesh signed")]
    FalseTombstone,
    /// A tombstone of lines that do not follow on those of the tombstone before.
    #[error("is a tombstone that does not follow on the one before it: one was removed, added or moved")]
    LooseTombstone,
    /// The node wrote on from here.
    #[error("is where the chain ends, but the node has written up to number {head}: the end was removed")]
    EndMissing {
        /// The number of the last line the node wrote.
        head: u64,
    },
    /// It says that it is of an earlier format than the line before it.
    #[error("is of format {found} behind a line of format {before}: it was relabelled")]
    OlderFormat {
        /// The format of the line before.
        before: u8,
        /// Its format.
        found: u8,
    },
    /// It is of another node's journal.
    #[error("is a line of another node's journal")]
    OtherNode,
    /// A seal says something else about it.
    #[error("is not what was sealed as number {seq}: the journal was rewritten")]
    NotSealed {
        /// Its number.
        seq: u64,
    },
    /// Lines behind it were sealed.
    #[error("is where the chain ends, but number {sealed} was sealed: the end was removed")]
    SealedBeyond {
        /// The last number that was sealed.
        sealed: u64,
    },
    /// A seal that proves nothing.
    #[error("is a seal that {why}")]
    FalseSeal {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing vouches for a line.
    #[error("is behind the last seal: nothing proves it")]
    Unsealed,
    /// The node remembers another last line.
    #[error("is not the line the node wrote there: it was altered")]
    NotTheHead,
}

/// Follows the chain in a directory to its end.
///
/// A chain shows everything but a missing end, and that its very last line was altered: see [`verify_to`].
///
/// # Errors
/// [`AuditError`] when a file cannot be read: that is not the same as a chain that holds, or does not.
pub fn verify(directory: &Path) -> Result<Verdict, AuditError> {
    follow(directory, Head::GENESIS, None, &mut Proof::none())
}

/// Follows the chain to the line that the writing node remembers as its last. Lines behind it are newer and not looked at,
/// so this can be asked while the node writes.
///
/// # Errors
/// As [`verify`].
pub fn verify_to(directory: &Path, head: &Head) -> Result<Verdict, AuditError> {
    follow(directory, Head::GENESIS, Some(head), &mut Proof::none())
}

/// Follows the chain from where it begins by the word of tombstones that are believed, to the head if there is one. Lines
/// that are gone are accepted exactly as far as such tombstones reach, and count as lines that hold.
///
/// # Errors
/// As [`verify`].
pub fn verify_kept(directory: &Path, head: Option<&Head>, trust: &Trust) -> Result<Verdict, AuditError> {
    match beginning(directory, trust)? {
        Ok(begin) => follow(directory, begin, head, &mut Proof::none()),
        Err(broken) => Ok(Verdict { lines: 0, head: Head::GENESIS, broken: Some(broken) }),
    }
}

/// A place in the journal.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: u64,
}

impl Place {
    pub(super) fn broken(&self, flaw: Flaw) -> Break {
        Break { file: self.file.clone(), line: self.line, flaw }
    }
}

/// The chain as far as it was followed.
pub(super) struct Walk {
    begin: Head,
    pub(super) head: Head,
    /// Where the head stands.
    pub(super) last: Option<Place>,
}

/// Follows the chain that begins behind `begin`, with what is known of it.
pub(super) fn follow(
    directory: &Path,
    begin: Head,
    until: Option<&Head>,
    proof: &mut Proof,
) -> Result<Verdict, AuditError> {
    let mut walk = Walk::behind(begin);
    let reached = |walk: &Walk| until.is_some_and(|until| walk.head.seq == until.seq);
    for part in parts(directory)? {
        let path = part.path(directory);
        let mut lines = Lines::of(directory, &part)?;
        let mut place = Place { file: part.file_name(), line: 0 };
        while !reached(&walk) {
            place.line = place.line.saturating_add(1);
            let step = match lines.next().map_err(AuditError::io(&path))? {
                Next::End => break,
                Next::Line(line) => walk.step(&place, line, proof),
                Next::Cut => Err(place.broken(Flaw::Cut)),
                Next::TooLong => Err(place.broken(Flaw::NotALine)),
            };
            if let Err(broken) = step {
                return Ok(walk.verdict(Some(broken)));
            }
        }
    }
    let broken = until.and_then(|until| walk.missing(until)).or_else(|| walk.sealed_beyond(proof));
    Ok(walk.verdict(broken))
}

impl Walk {
    /// Before the first line behind a head.
    pub(super) fn behind(begin: Head) -> Self {
        Self { begin, head: begin, last: None }
    }

    pub(super) fn step(&mut self, place: &Place, line: &[u8], proof: &mut Proof) -> Result<(), Break> {
        let link = parse_link(line).ok_or_else(|| place.broken(Flaw::NotALine))?;
        let expected = self.head.next_seq();
        if link.seq != expected {
            return Err(place.broken(Flaw::OutOfOrder { expected, found: link.seq }));
        }
        if link.prev != self.head.hex() {
            return Err(match &self.last {
                Some(last) => last.broken(Flaw::Altered),
                None => place.broken(Flaw::NotFirst),
            });
        }
        proof.step(&self.head, line).map_err(|flaw| place.broken(flaw))?;
        self.head = Head::of_line(link.seq, line);
        self.last = Some(place.clone());
        Ok(())
    }

    /// What is wrong with the end, by the seals.
    pub(super) fn sealed_beyond(&self, proof: &Proof) -> Option<Break> {
        let flaw = proof.missing(&self.head)?;
        Some(self.last.clone().unwrap_or(Place { file: String::new(), line: 0 }).broken(flaw))
    }

    /// What is wrong with the end, as seen from the head the node remembers.
    fn missing(&self, until: &Head) -> Option<Break> {
        let last = self.last.clone().unwrap_or(Place { file: String::new(), line: 0 });
        #[cfg(feature = "seeded_bugs")]
        if crate::model::seeded::bug(30) && self.head.seq < until.seq {
            return None;
        }
        if self.head.seq != until.seq {
            return Some(last.broken(Flaw::EndMissing { head: until.seq }));
        }
        (self.head.hash != until.hash).then(|| last.broken(Flaw::NotTheHead))
    }

    pub(super) fn verdict(self, broken: Option<Break>) -> Verdict {
        let lines = self.head.seq.saturating_sub(self.begin.seq);
        Verdict { lines, head: self.head, broken }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::sample;
    use super::*;

    const FIRST: &str = "audit-2026-11.jsonl";
    const SECOND: &str = "audit-2026-12.jsonl";

    /// Ten lines in two files, changed by `change`.
    fn journal(change: impl Fn(&mut Vec<String>, &mut Vec<String>)) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("directory");
        let mut first = sample::lines(10);
        let mut second = first.split_off(6);
        change(&mut first, &mut second);
        fs::write(directory.path().join(FIRST), first.concat()).expect("file");
        fs::write(directory.path().join(SECOND), second.concat()).expect("file");
        directory
    }

    fn broken(change: impl Fn(&mut Vec<String>, &mut Vec<String>)) -> (String, u64, Flaw) {
        let directory = journal(change);
        let broken = verify(directory.path()).expect("readable").broken.expect("broken");
        (broken.file, broken.line, broken.flaw)
    }

    fn head() -> Head {
        Head::of_line(10, sample::lines(10)[9].trim_end().as_bytes())
    }

    #[test]
    fn a_whole_chain_holds_to_its_head() {
        let directory = journal(|_, _| {});
        let whole = Verdict { lines: 10, head: head(), broken: None };
        assert_eq!(verify(directory.path()).expect("readable"), whole);
        assert_eq!(verify_to(directory.path(), &head()).expect("readable"), whole);
    }

    #[test]
    fn an_altered_line_is_named() {
        let alter = |line: &mut String| *line = line.replace("user:1000", "user:1001");
        assert_eq!(broken(|first, _| alter(&mut first[2])), (FIRST.to_owned(), 3, Flaw::Altered));
        assert_eq!(broken(|first, _| alter(&mut first[5])), (FIRST.to_owned(), 6, Flaw::Altered));
        assert_eq!(broken(|_, second| alter(&mut second[0])), (SECOND.to_owned(), 1, Flaw::Altered));
        assert_eq!(broken(|_, second| second[1] = "{}\n".to_owned()), (SECOND.to_owned(), 2, Flaw::NotALine));
    }

    #[test]
    fn a_removed_line_is_named_where_it_is_missing() {
        let missing = |expected| Flaw::OutOfOrder { expected, found: expected + 1 };
        assert_eq!(broken(|first, _| drop(first.remove(0))), (FIRST.to_owned(), 1, missing(1)));
        assert_eq!(broken(|first, _| drop(first.remove(3))), (FIRST.to_owned(), 4, missing(4)));
        assert_eq!(broken(|_, second| drop(second.remove(0))), (SECOND.to_owned(), 1, missing(7)));
    }

    #[test]
    fn a_removed_file_and_a_removed_end_of_a_month_are_named() {
        let gap = Flaw::OutOfOrder { expected: 1, found: 7 };
        assert_eq!(broken(|first, _| first.clear()), (SECOND.to_owned(), 1, gap));
        let gap = Flaw::OutOfOrder { expected: 5, found: 7 };
        assert_eq!(broken(|first, _| first.truncate(4)), (SECOND.to_owned(), 1, gap));
    }

    #[test]
    fn lines_in_another_order_and_lines_written_twice_are_named() {
        let swapped = Flaw::OutOfOrder { expected: 3, found: 4 };
        assert_eq!(broken(|first, _| first.swap(2, 3)), (FIRST.to_owned(), 3, swapped));
        let doubled = Flaw::OutOfOrder { expected: 3, found: 2 };
        assert_eq!(broken(|first, _| first.insert(2, first[1].clone())), (FIRST.to_owned(), 3, doubled));
    }

    #[test]
    fn a_line_cut_in_its_middle_is_named() {
        let cut = |line: &mut String| line.truncate(line.len() / 2);
        assert_eq!(broken(|first, _| cut(&mut first[5])), (FIRST.to_owned(), 6, Flaw::Cut));
        assert_eq!(broken(|first, _| cut(&mut first[2])), (FIRST.to_owned(), 3, Flaw::NotALine));
        assert_eq!(broken(|_, second| cut(&mut second[3])), (SECOND.to_owned(), 4, Flaw::Cut));
    }

    #[test]
    fn a_chain_that_was_joined_to_another_past_is_named() {
        let rewrite = |line: &mut String| *line = line.replace(&"0".repeat(64), &"1".repeat(64));
        assert_eq!(broken(|first, _| rewrite(&mut first[0])), (FIRST.to_owned(), 1, Flaw::NotFirst));
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        assert_eq!(broken(|first, _| first[1] = "x".repeat(1 << 20)), (FIRST.to_owned(), 2, Flaw::NotALine));
    }

    #[test]
    fn a_missing_end_and_an_altered_last_line_show_against_the_head_the_node_remembers() {
        let against_head = |change: fn(&mut Vec<String>, &mut Vec<String>)| {
            let directory = journal(change);
            assert_eq!(verify(directory.path()).expect("readable").broken, None, "the chain alone cannot know");
            verify_to(directory.path(), &head()).expect("readable").broken.expect("broken").to_string()
        };
        assert_eq!(
            against_head(|_, second| second.truncate(2)),
            "audit-2026-12.jsonl line 2 is where the chain ends, but the node has written up to number 10: the end was removed"
        );
        assert_eq!(
            against_head(|_, second| second[3] = second[3].replace("allow", "deny")),
            "audit-2026-12.jsonl line 4 is not the line the node wrote there: it was altered"
        );
        assert_eq!(
            against_head(|first, second| [first, second].into_iter().for_each(Vec::clear)),
            "the beginning is where the chain ends, but the node has written up to number 10: the end was removed"
        );
    }

    #[test]
    fn lines_behind_the_head_are_newer_and_not_looked_at() {
        let directory = journal(|_, second| second.push("{\"seq\":11,".to_owned()));
        assert_eq!(verify_to(directory.path(), &head()).expect("readable").broken, None);
        assert!(verify(directory.path()).expect("readable").broken.is_some());
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_an_error_and_not_a_verdict() {
        let directory = journal(|_, _| {});
        sample::make_pipe(&directory.path().join("audit-2027-01.jsonl"));
        assert!(matches!(verify(directory.path()), Err(AuditError::NotAFile { .. })));
        assert!(matches!(verify(&directory.path().join("missing")), Err(AuditError::Io { .. })));
    }
}
