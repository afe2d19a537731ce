//! What can be wrong with a journal that others look after, and what was told of it already.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::AuditError;
use super::files::{open_to_read, open_to_write};

/// What was told, in the directory it is about.
const TOLD: &str = "gaps.json";

/// The same, before it has its name.
const NEXT: &str = "gaps.json.new";

/// A text for each cause, and no cause twice.
const TOLD_BYTES_MAX: u64 = 64 << 10;

/// The kinds of things that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Lines that were never received are not there any more.
    Missing,
    /// The journal has other lines than those that were received.
    Fork,
    /// The journal ends before a line that was received.
    Rewind,
    /// The node signs with another key than before.
    Key,
    /// A signature does not fit.
    Signature,
    /// Lines do not follow each other.
    Misfit,
    /// The copy that is kept was cut or altered.
    Copy,
    /// The node cannot read its own journal.
    Broken,
    /// The node is connected and proves nothing.
    Silent,
    /// The node is away for long.
    Gone,
    /// The lead's own journal is not the one it sealed.
    Lead,
    /// The lead's own journal is not the one of which a follower holds a seal.
    Held,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What kind of thing.
    pub cause: Cause,
    /// What exactly, with the numbers of lines.
    pub detail: String,
}

impl Gap {
    /// One of this kind.
    #[must_use]
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }
}

/// What was told about one journal: each thing once, until it is another or is over, also after a start.
#[derive(Debug)]
pub struct GapBook {
    directory: PathBuf,
    told: BTreeMap<Cause, String>,
}

impl GapBook {
    /// What was told, by the file in this directory. One that cannot be understood tells nothing: then all is told again.
    ///
    /// # Errors
    /// [`AuditError`] when the file cannot be read.
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        let path = directory.join(TOLD);
        let mut text = Vec::new();
        match open_to_read(&path) {
            Ok(file) => drop(file.take(TOLD_BYTES_MAX).read_to_end(&mut text).map_err(AuditError::io(&path))?),
            Err(AuditError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { directory: directory.to_owned(), told: serde_json::from_slice(&text).unwrap_or_default() })
    }

    /// A book in which nothing was told.
    #[must_use]
    pub fn empty(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), told: BTreeMap::new() }
    }

    /// Whether this was not told yet.
    #[must_use]
    pub fn is_news(&self, gap: &Gap) -> bool {
        self.told.get(&gap.cause) != Some(&gap.detail)
    }

    /// What is wrong now, as it was told.
    #[must_use]
    pub fn told(&self) -> Vec<Gap> {
        self.told.iter().map(|(cause, detail)| Gap::new(*cause, detail.clone())).collect()
    }

    /// It was told.
    ///
    /// # Errors
    /// [`AuditError`]: it is told again after a start.
    pub fn note(&mut self, gap: Gap) -> Result<(), AuditError> {
        self.told.insert(gap.cause, gap.detail);
        self.write()
    }

    /// It is over: should it come again, it is told again.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub fn over(&mut self, cause: Cause) -> Result<(), AuditError> {
        if self.told.remove(&cause).is_some() { self.write() } else { Ok(()) }
    }

    fn write(&self) -> Result<(), AuditError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
        made.map_err(AuditError::io(&self.directory))?;
        let (next, path) = (self.directory.join(NEXT), self.directory.join(TOLD));
        let file = open_to_write(&next)?;
        let text = serde_json::to_vec(&self.told).expect("texts always serialise");
        let write = || {
            file.set_len(0)?;
            file.write_all_at(&text, 0)?;
            file.sync_data()?;
            std::fs::rename(&next, &path)
        };
        write().map_err(AuditError::io(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_news_once_until_it_is_another_or_over_also_after_a_start() {
        let directory = tempfile::tempdir().expect("directory");
        let (gap, other) = (Gap::new(Cause::Fork, "at 3"), Gap::new(Cause::Fork, "at 9"));
        let mut book = GapBook::open(directory.path()).expect("opens");
        assert!(book.is_news(&gap));
        book.note(gap.clone()).expect("kept");
        assert!(!book.is_news(&gap) && book.is_news(&other) && book.is_news(&Gap::new(Cause::Rewind, "at 3")));
        let mut book = GapBook::open(directory.path()).expect("opens");
        assert!(!book.is_news(&gap));
        assert_eq!(book.told(), std::slice::from_ref(&gap));
        book.over(Cause::Fork).expect("kept");
        assert!(GapBook::open(directory.path()).expect("opens").is_news(&gap));
        std::fs::write(directory.path().join(TOLD), "damaged").expect("file");
        assert!(GapBook::open(directory.path()).expect("opens").is_news(&gap));
    }

    #[test]
    fn the_directory_of_a_node_of_which_only_gaps_are_known_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("directory");
        let of_node = directory.path().join("nodes").join("alpha");
        GapBook::empty(&of_node).note(Gap::new(Cause::Gone, "away")).expect("kept");
        for made in [directory.path().join("nodes"), of_node] {
            assert_eq!(std::fs::metadata(&made).expect("there").permissions().mode() & 0o777, 0o700, "{made:?}");
        }
    }
}
