//! Files of the journal whose time is over: first the tombstone, then a line of the journal that says so (the caller's
//! part), then the file. A crash in between leaves the file where it is, and the next call goes on from there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::files::{Form, Month, Part, listed, parts, sync_directory};
use super::head::Head;
use super::line::parse_link;
use super::lines::{Lines, Next};
use super::tombstone::{Tombstone, Trust};
use super::tombstones;
use crate::crypto::signature::Signer;
use crate::model::time::Timestamp;

/// A journal of which old files are to go.
pub struct Graveyard<'a> {
    /// Its directory.
    pub directory: &'a Path,
    /// Whose it is, and whose tombstones count.
    pub trust: &'a Trust,
    /// Who signs new ones.
    pub signer: &'a dyn Signer,
    /// How many months a file is kept behind the one it was begun in.
    pub keep_months: u32,
    /// The last line somebody else has too; none where nobody has to have them.
    pub forwarded_seq: Option<u64>,
}

impl Graveyard<'_> {
    /// Writes the tombstone of the oldest file, if its time is over and there is a line behind it; gives back what is to be
    /// told and then [removed](remove).
    ///
    /// # Errors
    /// [`AuditError::Corrupt`] when the file or the tombstones do not hold: such a file stays, as what somebody has to look
    /// at. [`AuditError::Io`] when the disk refuses, [`AuditError::Unsigned`] when the library has no randomness.
    pub fn bury(&self, now: Timestamp) -> Result<Option<Tombstone>, AuditError> {
        let parts = parts(self.directory)?;
        let [oldest, newer @ ..] = parts.as_slice() else { return Ok(None) };
        if newer.is_empty() {
            return Ok(None);
        }
        if !oldest.month.is_past(self.keep_months, now) {
            return Ok(None);
        }
        let corrupt = || AuditError::Corrupt { path: oldest.path(self.directory) };
        let Some(Walked { before, last }) = self.walk(oldest)? else {
            // It was begun and never written: nothing is lost with it, and it must not keep the next from its time.
            let path = oldest.path(self.directory);
            fs::remove_file(&path).map_err(AuditError::io(&path))?;
            return self.bury(now);
        };
        // The last line there is stays: the next start reads in it where the chain goes on.
        if !self.holds_a_line(newer)? || self.forwarded_seq.is_some_and(|forwarded| last.seq > forwarded) {
            return Ok(None);
        }
        let tombstone = Tombstone {
            mesh: self.trust.mesh,
            node: self.trust.node.clone(),
            file: oldest.as_form(Form::Plain).file_name(),
            before,
            last,
            time: now,
        };
        let reached = tombstones::reach(self.directory, self.trust)?.map_err(|_| corrupt())?;
        if reached == last {
            // A crash came between the tombstone and the removal.
            return Ok(Some(tombstone));
        }
        if reached != before {
            return Err(corrupt());
        }
        let signed = tombstone.signed(self.signer).ok_or(AuditError::Unsigned)?;
        tombstones::add(self.directory, &signed)?;
        Ok(Some(tombstone))
    }

    fn holds_a_line(&self, parts: &[Part]) -> Result<bool, AuditError> {
        for part in parts {
            let first = Lines::of(self.directory, part)?.next().map(|next| matches!(next, Next::Line(_)));
            if first.map_err(AuditError::io(part.path(self.directory)))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Follows the chain within one file; none if it has no line.
    fn walk(&self, part: &Part) -> Result<Option<Walked>, AuditError> {
        let path = part.path(self.directory);
        let corrupt = || AuditError::Corrupt { path: path.clone() };
        let mut walked: Option<Walked> = None;
        let mut lines = Lines::of(self.directory, part)?;
        loop {
            let line = match lines.next().map_err(AuditError::io(&path))? {
                Next::Line(line) => line,
                Next::End => return Ok(walked),
                Next::Cut | Next::TooLong => return Err(corrupt()),
            };
            let link = parse_link(line).ok_or_else(corrupt)?;
            let before = match &walked {
                Some(walked) => walked.last,
                None => Head::before(&link).ok_or_else(corrupt)?,
            };
            if link.seq != before.next_seq() || link.prev != before.hex() {
                return Err(corrupt());
            }
            let first = walked.map_or(before, |walked| walked.before);
            walked = Some(Walked { before: first, last: Head::of_line(link.seq, line) });
        }
    }
}

/// A file whose chain holds.
#[derive(Debug, Clone, Copy)]
struct Walked {
    before: Head,
    last: Head,
}

/// Removes the file a tombstone is about, in whatever form it is there, and what was made from it. Removing it twice is no
/// error.
///
/// # Errors
/// [`AuditError::Io`] when the disk refuses.
pub fn remove(directory: &Path, tombstone: &Tombstone) -> Result<(), AuditError> {
    for part in listed(directory)?.iter().filter(|part| part.as_form(Form::Plain).file_name() == tombstone.file) {
        let path = part.path(directory);
        fs::remove_file(&path).map_err(AuditError::io(&path))?;
    }
    let index: PathBuf = directory.join(&tombstone.file).with_extension("idx");
    match fs::remove_file(&index) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(AuditError::io(&index)(error)),
        Ok(()) | Err(_) => sync_directory(directory).map_err(AuditError::io(directory)),
    }
}

impl Month {
    /// Whether what was begun in this month has been kept for so many months behind it.
    fn is_past(self, keep_months: u32, now: Timestamp) -> bool {
        let age = Self::of(now).and_then(|now| now.count().checked_sub(self.count()));
        age.is_some_and(|age| age > keep_months)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::super::verify::{Break, Flaw, verify, verify_kept};
    use super::*;
    use crate::crypto::signature::pin;
    use crate::crypto::signature_testing::Key;
    use crate::model::identity::MeshId;

    const FILES: [&str; 3] = ["audit-2025-09.jsonl", "audit-2025-10.jsonl", "audit-2026-11.jsonl"];

    /// Nine lines in three files, two of them older than a year.
    fn journal() -> (tempfile::TempDir, Key, Trust) {
        let directory = tempfile::tempdir().expect("directory");
        let all = sample::lines(9);
        for (name, lines) in FILES.iter().zip(all.chunks(3)) {
            fs::write(directory.path().join(name), lines.concat()).expect("file");
        }
        let key = Key::new();
        let trust = Trust { mesh: MeshId([7; 16]), node: sample::node(), keys: vec![pin(&key.public_key())] };
        (directory, key, trust)
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-21T08:00:00Z").expect("time")
    }

    fn bury(directory: &Path, key: &Key, trust: &Trust, forwarded_seq: Option<u64>) -> Option<Tombstone> {
        let graveyard = Graveyard { directory, trust, signer: key, keep_months: 12, forwarded_seq };
        graveyard.bury(now()).expect("whole")
    }

    fn names(directory: &Path) -> Vec<String> {
        parts(directory).expect("readable").iter().map(Part::file_name).collect()
    }

    #[test]
    fn what_is_past_its_months_goes_oldest_first_and_the_rest_verifies_by_the_tombstones_alone() {
        let (directory, key, trust) = journal();
        for (gone, lines) in [(FILES[0], 3), (FILES[1], 3)] {
            let tombstone = bury(directory.path(), &key, &trust, None).expect("due");
            assert_eq!((tombstone.file.as_str(), tombstone.lines()), (gone, lines));
            remove(directory.path(), &tombstone).expect("removed");
            remove(directory.path(), &tombstone).expect("removed twice");
            let verdict = verify_kept(directory.path(), None, &trust).expect("readable");
            assert_eq!((verdict.head.seq, verdict.broken), (9, None));
            assert!(
                verify(directory.path()).expect("readable").broken.is_some(),
                "without them a beginning is missing"
            );
        }
        assert_eq!(names(directory.path()), FILES[2..]);
        assert_eq!(bury(directory.path(), &key, &trust, None), None, "what is written is never removed");
    }

    #[test]
    fn a_file_is_kept_for_its_months_and_a_clock_before_it_removes_nothing() {
        let (directory, key, trust) = journal();
        let at = |time: &str, keep_months| {
            let graveyard = Graveyard {
                directory: directory.path(),
                trust: &trust,
                signer: &key,
                keep_months,
                forwarded_seq: None,
            };
            graveyard.bury(Timestamp::parse(time).expect(time)).expect("whole").is_some()
        };
        assert!(!at("2026-10-31T23:59:59Z", 13) && !at("2020-01-01T00:00:00Z", 1) && !at("2025-09-30T00:00:00Z", 1));
        assert!(!at("2026-11-01T00:00:00Z", 14));
        assert!(at("2026-11-01T00:00:00Z", 13));
    }

    #[test]
    fn a_file_without_a_line_goes_without_a_word_and_keeps_no_other_from_its_time() {
        let (directory, key, trust) = journal();
        fs::write(directory.path().join("audit-2025-08.jsonl"), "").expect("file");
        assert_eq!(bury(directory.path(), &key, &trust, None).expect("due").file, FILES[0]);
        assert_eq!(names(directory.path()), FILES);
    }

    #[test]
    fn lines_that_only_this_node_has_are_never_removed() {
        let (directory, key, trust) = journal();
        for forwarded in 0..3 {
            assert_eq!(bury(directory.path(), &key, &trust, Some(forwarded)), None);
        }
        assert!(bury(directory.path(), &key, &trust, Some(3)).is_some());
    }

    #[test]
    fn a_crash_between_the_tombstone_and_the_removal_is_made_good_with_one_tombstone() {
        let (directory, key, trust) = journal();
        let first = bury(directory.path(), &key, &trust, None).expect("due");
        assert_eq!(verify_kept(directory.path(), None, &trust).expect("readable").broken, None);
        let file = directory.path().join("tombstones.jsonl");
        let one = fs::read_to_string(&file).expect("file");
        assert_eq!(bury(directory.path(), &key, &trust, None).expect("still due").file, first.file);
        assert_eq!(fs::read_to_string(&file).expect("file"), one);
        remove(directory.path(), &first).expect("removed");
        // One that was torn is about a file that is there.
        fs::write(&file, format!("{one}{}", &one[..40])).expect("torn");
        assert_eq!(verify_kept(directory.path(), None, &trust).expect("readable").broken, None);
        assert_eq!(bury(directory.path(), &key, &trust, None).expect("due").file, FILES[1]);
        assert_eq!(fs::read_to_string(&file).expect("file").lines().count(), 2);
        assert_eq!(verify_kept(directory.path(), None, &trust).expect("readable").broken, None);
    }

    #[test]
    fn a_file_that_was_altered_is_not_buried() {
        let (directory, key, trust) = journal();
        let path = directory.path().join(FILES[0]);
        let whole = fs::read_to_string(&path).expect("file");
        let graveyard = Graveyard {
            directory: directory.path(),
            trust: &trust,
            signer: &key,
            keep_months: 12,
            forwarded_seq: None,
        };
        for altered in [whole.replace("r2", "r9"), whole[..whole.len() - 9].to_owned(), format!("{whole}x\n")] {
            fs::write(&path, altered).expect("file");
            assert!(matches!(graveyard.bury(now()), Err(AuditError::Corrupt { .. })));
            assert!(!directory.path().join("tombstones.jsonl").exists());
        }
    }

    /// What is wrong once the first file is gone and the tombstones are changed.
    fn broken(change: impl Fn(&str) -> String) -> Break {
        let (directory, key, trust) = journal();
        for _ in 0..2 {
            let tombstone = bury(directory.path(), &key, &trust, None).expect("due");
            remove(directory.path(), &tombstone).expect("removed");
        }
        let path = directory.path().join("tombstones.jsonl");
        let text = fs::read_to_string(&path).expect("file");
        fs::write(&path, change(&text)).expect("file");
        verify_kept(directory.path(), None, &trust).expect("readable").broken.expect("broken")
    }

    #[test]
    fn a_beginning_is_missing_exactly_as_far_as_tombstones_reach_and_anything_else_is_named() {
        let line = |text: &str, at: usize| format!("{}\n", text.lines().nth(at).expect("line"));
        let cut = broken(|text| line(text, 0));
        assert_eq!((cut.file.as_str(), cut.flaw), (FILES[2], Flaw::BeginningMissing { first: 7, accounted: 3 }));
        let altered = broken(|text| text.replace("\"last_seq\":3", "\"last_seq\":6"));
        assert_eq!((altered.file.as_str(), altered.line, altered.flaw), ("tombstones.jsonl", 1, Flaw::FalseTombstone));
        assert_eq!(broken(|text| line(text, 1)).flaw, Flaw::LooseTombstone);
        assert_eq!(broken(|text| line(text, 1) + &line(text, 0)).flaw, Flaw::LooseTombstone);
        assert_eq!(broken(|_| String::new()).flaw, Flaw::OutOfOrder { expected: 1, found: 7 });
        assert_eq!(broken(|_| "x".repeat(1 << 20)).flaw, Flaw::FalseTombstone);
        let forged = |_: &str| {
            let head = |seq: u64| Head { seq, hash: [0; 32] };
            let file = FILES[0].to_owned();
            let (mesh, node, time) = (MeshId([7; 16]), sample::node(), now());
            Tombstone { mesh, node, file, before: head(0), last: head(6), time }.signed(&Key::new()).expect("signed")
        };
        assert_eq!(broken(forged).flaw, Flaw::FalseTombstone, "a key of somebody else");
    }

    #[test]
    fn a_line_put_in_the_place_of_the_first_that_is_left_is_named() {
        let (directory, key, trust) = journal();
        let tombstone = bury(directory.path(), &key, &trust, None).expect("due");
        remove(directory.path(), &tombstone).expect("removed");
        let path = directory.path().join(FILES[1]);
        let text = fs::read_to_string(&path).expect("file");
        let hash = tombstone.last.hex();
        fs::write(&path, text.replacen(&hash, &"0".repeat(64), 1)).expect("file");
        let broken = verify_kept(directory.path(), None, &trust).expect("readable").broken.expect("broken");
        assert_eq!((broken.file.as_str(), broken.line, broken.flaw), (FILES[1], 1, Flaw::NotFirst));
    }
}
