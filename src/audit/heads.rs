//! The seals that are kept beside a journal: the newest in `head.json`, and one an hour in `heads.jsonl`.
//!
//! They only go forward. A seal for a place before the newest, or another one for the same place, is refused: whoever made it
//! has told two stories.

use std::fs::{DirBuilder, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::AuditError;
use super::files::{open_to_add, open_to_read, open_to_write, sync_directory};
use super::seal::Seal;
use super::seal_text::{SEAL_BYTES_MAX, parse, render};
use crate::model::time::Timestamp;

/// The newest seal.
const NEWEST: &str = "head.json";

/// The newest seal, before it has its name.
const NEXT: &str = "head.json.new";

/// Seals of before, oldest first.
const KEPT: &str = "heads.jsonl";

/// Between two seals of `heads.jsonl`: ten megabytes a year.
const KEPT_EVERY: Duration = Duration::from_secs(60 * 60);

/// The seals in one directory.
#[derive(Debug)]
pub struct Heads {
    directory: PathBuf,
    newest: Option<Seal>,
    /// When the last one in `heads.jsonl` was made.
    kept_at: Option<Timestamp>,
}

/// One line of a file of seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSeal {
    /// The name of the file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The seal; none if the line is not one.
    pub seal: Option<Seal>,
}

/// Why a seal is not kept.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    /// It is about a place before one that was sealed already.
    #[error("line {found} was sealed after line {known} had been: the journal went back")]
    Back {
        /// The newest that is kept.
        known: u64,
        /// The one that came.
        found: u64,
    },
    /// It says something else about a line than the one that is kept.
    #[error("line {seq} was sealed twice, with different contents: the journal was rewritten")]
    Fork {
        /// Which line.
        seq: u64,
    },
    /// The disk refused.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl Heads {
    /// The seals of a directory, made with mode 0700 if it is missing. What a crash tore off the end is cut.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(AuditError::io(directory))?;
        let kept = last_kept(&directory.join(KEPT))?;
        let newest = newest(directory)?.or_else(|| kept.clone());
        Ok(Self { directory: directory.to_owned(), newest, kept_at: kept.map(|seal| seal.sealed_at) })
    }

    /// The newest.
    #[must_use]
    pub fn newest(&self) -> Option<&Seal> {
        self.newest.as_ref()
    }

    /// Keeps a seal that was checked, on the disk. One that says what is known already changes nothing.
    ///
    /// # Errors
    /// [`HeadsError`]; nothing is kept then.
    pub fn keep(&mut self, seal: Seal) -> Result<(), HeadsError> {
        if let Some(known) = self.newest.as_ref().map(Seal::chain_head) {
            let found = seal.chain_head();
            if found.seq < known.seq {
                return Err(HeadsError::Back { known: known.seq, found: found.seq });
            }
            if found.seq == known.seq {
                let same = found.hash == known.hash;
                return if same { Ok(()) } else { Err(HeadsError::Fork { seq: found.seq }) };
            }
        }
        self.write_newest(&seal)?;
        let is_due = |at: Timestamp| seal.sealed_at.since(at).is_none_or(|since| since >= KEPT_EVERY);
        if self.kept_at.is_none_or(is_due) {
            self.add(&seal)?;
            self.kept_at = Some(seal.sealed_at);
        }
        self.newest = Some(seal);
        Ok(())
    }

    fn write_newest(&self, seal: &Seal) -> Result<(), AuditError> {
        let (next, newest) = (self.directory.join(NEXT), self.directory.join(NEWEST));
        let file = open_to_write(&next)?;
        let line = format!("{}\n", render(seal));
        let write = || {
            file.set_len(0)?;
            file.write_all_at(line.as_bytes(), 0)?;
            file.sync_data()?;
            std::fs::rename(&next, &newest)
        };
        write().map_err(AuditError::io(&newest))
    }

    fn add(&self, seal: &Seal) -> Result<(), AuditError> {
        let path = self.directory.join(KEPT);
        let mut file = open_to_add(&path)?;
        let line = format!("{}\n", render(seal));
        let add = |file: &mut File| file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        add(&mut file).and_then(|()| sync_directory(&self.directory)).map_err(AuditError::io(&path))
    }
}

/// The newest seal of a directory, as `head.json` has it; none if there is no such file, or it holds something else.
///
/// # Errors
/// [`AuditError`] when the file cannot be read.
pub fn newest(directory: &Path) -> Result<Option<Seal>, AuditError> {
    let mut newest = None;
    each(directory, NEWEST, |kept| newest = kept.seal)?;
    Ok(newest)
}

/// Every seal of a directory, oldest first, and every line there that is none.
///
/// # Errors
/// [`AuditError`] when a file cannot be read; a file that is missing holds none.
pub fn seals(directory: &Path) -> Result<Vec<KeptSeal>, AuditError> {
    let mut seals = Vec::new();
    for name in [KEPT, NEWEST] {
        each(directory, name, |kept| seals.push(kept))?;
    }
    Ok(seals)
}

/// The number of the last line that is sealed in a directory; 0 if none is.
///
/// # Errors
/// As [`newest`].
pub fn sealed_seq(directory: &Path) -> Result<u64, AuditError> {
    Ok(newest(directory)?.map_or(0, |seal| seal.chain_head().seq))
}

fn each(directory: &Path, name: &str, mut tell: impl FnMut(KeptSeal)) -> Result<(), AuditError> {
    let path = directory.join(name);
    let Some(file) = if_there(open_to_read(&path))? else { return Ok(()) };
    let mut reader = BufReader::new(file);
    let mut line = 0_u64;
    loop {
        line = line.saturating_add(1);
        let bytes_max = u64::try_from(SEAL_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let read = reader.by_ref().take(bytes_max).read_until(b'\n', &mut bytes).map_err(AuditError::io(&path))?;
        if read == 0 {
            return Ok(());
        }
        let seal = bytes.strip_suffix(b"\n").and_then(parse);
        let is_end = !bytes.ends_with(b"\n");
        tell(KeptSeal { file: name.to_owned(), line, seal });
        if is_end {
            // Nothing behind a line without an end is a line of this file.
            return Ok(());
        }
    }
}

/// The last seal of a file; what stands behind its last whole line is cut.
fn last_kept(path: &Path) -> Result<Option<Seal>, AuditError> {
    if if_there(open_to_read(path))?.is_none() {
        return Ok(None);
    }
    let file = open_to_write(path)?;
    let length = file.metadata().map_err(AuditError::io(path))?.len();
    let window_max = u64::try_from(SEAL_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(2);
    let start = length.saturating_sub(window_max);
    let mut window = vec![0; usize::try_from(length.saturating_sub(start)).unwrap_or_default()];
    file.read_exact_at(&mut window, start).map_err(AuditError::io(path))?;
    let whole = window.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    if whole < window.len() {
        let end = start.saturating_add(u64::try_from(whole).unwrap_or_default());
        file.set_len(end).and_then(|()| file.sync_all()).map_err(AuditError::io(path))?;
    }
    let last = window.get(..whole).and_then(|lines| lines.strip_suffix(b"\n"));
    Ok(last.and_then(|lines| lines.rsplit(|&byte| byte == b'\n').next()).and_then(parse))
}

fn if_there(opened: Result<File, AuditError>) -> Result<Option<File>, AuditError> {
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(AuditError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::head::Head;
    use super::super::seal_sample::{seal, signed};
    use super::*;
    use crate::crypto::signature_testing::Key;

    fn at(seq: u64, sealed_at: &str) -> Seal {
        let key = Key::new();
        let head = Head { seq, hash: [u8::try_from(seq).expect("small"); 32] };
        Seal::new(signed(&key, head), Timestamp::parse(sealed_at).expect("time"), &key).expect("sealed")
    }

    #[test]
    fn the_newest_is_kept_and_one_an_hour_and_both_are_there_after_a_start() {
        let directory = tempfile::tempdir().expect("directory");
        let mut heads = Heads::open(directory.path()).expect("opens");
        assert_eq!((heads.newest(), sealed_seq(directory.path()).expect("readable")), (None, 0));
        for (seq, time) in [(1, "08:00:00"), (2, "08:30:00"), (3, "09:00:00"), (4, "09:59:59")] {
            heads.keep(at(seq, &format!("2026-11-21T{time}Z"))).expect("kept");
        }
        let found = |dir: &Path| -> Vec<(String, u64)> {
            let seq = |kept: &KeptSeal| kept.seal.as_ref().expect("a seal").chain_head().seq;
            seals(dir).expect("readable").iter().map(|kept| (kept.file.clone(), seq(kept))).collect()
        };
        let expected = [("heads.jsonl", 1), ("heads.jsonl", 3), ("head.json", 4)];
        assert_eq!(found(directory.path()), expected.map(|(file, seq)| (file.to_owned(), seq)));
        let mut again = Heads::open(directory.path()).expect("opens");
        assert_eq!(again.newest().map(|seal| seal.chain_head().seq), Some(4));
        again.keep(at(5, "2026-11-21T10:00:00Z")).expect("kept");
        assert_eq!(found(directory.path()).len(), 4, "an hour after the last that was kept, not after the newest");
    }

    #[test]
    fn a_seal_that_goes_back_or_tells_another_story_is_refused_also_after_a_start() {
        let directory = tempfile::tempdir().expect("directory");
        let (node, authority) = (Key::new(), Key::new());
        let seal = |seq, fill| seal(&node, &authority, Head { seq, hash: [fill; 32] });
        Heads::open(directory.path()).expect("opens").keep(seal(7, 1)).expect("kept");
        let mut heads = Heads::open(directory.path()).expect("opens");
        assert!(matches!(heads.keep(seal(6, 1)), Err(HeadsError::Back { known: 7, found: 6 })));
        assert!(matches!(heads.keep(seal(7, 2)), Err(HeadsError::Fork { seq: 7 })));
        heads.keep(seal(7, 1)).expect("it says the same");
        assert_eq!(heads.newest(), Some(&heads.newest().expect("one").clone()));
        heads.keep(seal(8, 2)).expect("kept");
    }

    #[test]
    fn what_a_crash_tore_is_cut_and_a_line_that_is_no_seal_is_shown_as_one_that_is_none() {
        let directory = tempfile::tempdir().expect("directory");
        let kept = directory.path().join(KEPT);
        Heads::open(directory.path()).expect("opens").keep(at(1, "2026-11-21T08:00:00Z")).expect("kept");
        let whole = fs::read_to_string(&kept).expect("readable");
        fs::write(&kept, format!("{whole}{{\"seal\":{{\"me")).expect("file");
        assert_eq!(seals(directory.path()).expect("readable")[1].seal, None);
        Heads::open(directory.path()).expect("opens");
        assert_eq!(fs::read_to_string(&kept).expect("readable"), whole);
        fs::write(&kept, format!("{{}}\n{whole}")).expect("file");
        assert_eq!(seals(directory.path()).expect("readable")[0].seal, None);
    }
}
