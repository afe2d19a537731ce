//! The directory a lead saves itself into: files that appear under their names only once they are whole, and go when their
//! time is over. Blocks on the disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::snapshot_error::SnapshotFailure;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;
use crate::snapshot::name::{EXTENSION, SnapshotName};
use crate::store::failpoint::{self, Failpoint};

/// What the name of a file that is not finished ends with.
const UNFINISHED: &str = ".tmp";

/// Beside a snapshot: when it was found whole.
const VERIFIED: &str = ".verified";

/// A snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name, which says when it was taken and what is in it.
    pub name: SnapshotName,
    /// How large it is.
    pub bytes: u64,
    /// When it was last restored and found whole; none if it never was.
    pub verified_at: Option<Timestamp>,
}

/// The directory of one node.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    node: NodeName,
}

impl Folder {
    pub(super) fn new(path: PathBuf, node: NodeName) -> Self {
        Self { path, node }
    }

    /// Removes what a kill left: files that were not finished, and notes about files that are gone. Only this node's.
    pub(super) fn tidy(&self) -> Result<(), SnapshotFailure> {
        for name in self.names()? {
            let unfinished = name.strip_suffix(UNFINISHED).and_then(|name| name.strip_prefix('.'));
            let note = name.strip_suffix(VERIFIED).filter(|name| !self.path.join(name).exists());
            if unfinished.or(note).is_some_and(|name| self.is_own(name)) {
                remove(&self.path.join(&name))?;
            }
        }
        Ok(())
    }

    /// A new file, which only its owner reads, under a name that nobody takes for a snapshot.
    pub(super) fn create(&self, name: &SnapshotName) -> Result<(PathBuf, File), SnapshotFailure> {
        let making = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        making.map_err(SnapshotFailure::io("making the directory of snapshots"))?;
        let path = self.path.join(format!(".{name}{UNFINISHED}"));
        remove(&path)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        Ok((path, file.map_err(SnapshotFailure::io("making the file of a snapshot"))?))
    }

    /// Gives a file that was written, brought to the disk and found whole its name, and brings that to the disk too. The
    /// note that it was found whole comes first, so that no name is there without it.
    pub(super) fn place(
        &self,
        from: &Path,
        name: &SnapshotName,
        verified_at: Timestamp,
    ) -> Result<(), SnapshotFailure> {
        self.note(name, Some(verified_at))?;
        failpoint::pass(Failpoint::SnapshotNoted);
        let placed = fs::rename(from, self.path.join(name.as_str()));
        placed.map_err(SnapshotFailure::io("giving a snapshot its name"))?;
        sync(&self.path)
    }

    /// Notes when a snapshot was found whole, or that it is not.
    pub(super) fn note(&self, name: &SnapshotName, verified_at: Option<Timestamp>) -> Result<(), SnapshotFailure> {
        let path = self.path.join(format!("{name}{VERIFIED}"));
        let Some(at) = verified_at else { return remove(&path) };
        remove(&path)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, format!("{at}\n").as_bytes()))
            .map_err(SnapshotFailure::io("noting that a snapshot is whole"))
    }

    /// What is there, newest first.
    pub(super) fn list(&self) -> Result<Vec<Kept>, SnapshotFailure> {
        let mut kept = Vec::new();
        for name in self.names()?.iter().filter_map(|name| SnapshotName::parse(name)) {
            let found = match fs::symlink_metadata(self.path.join(name.as_str())) {
                Ok(found) if found.is_file() => found,
                // It went meanwhile, or is something else.
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(SnapshotFailure::io("looking at a snapshot")(error)),
            };
            let note = fs::read_to_string(self.path.join(format!("{name}{VERIFIED}"))).ok();
            let verified_at = note.and_then(|text| Timestamp::parse(text.trim_end()));
            kept.push(Kept { name, bytes: found.len(), verified_at });
        }
        kept.sort_by(|left, right| {
            let key = |kept: &Kept| (kept.name.taken_at, kept.name.position, kept.name.to_string());
            key(right).cmp(&key(left))
        });
        Ok(kept)
    }

    /// Where one of them is.
    pub(super) fn place_of(&self, name: &SnapshotName) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// One of them, to be read.
    pub(super) fn open(&self, name: &SnapshotName) -> Result<File, SnapshotFailure> {
        let path = self.path.join(name.as_str());
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(SnapshotFailure::NoSuch),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(SnapshotFailure::NoSuch),
            Err(error) => return Err(SnapshotFailure::io("looking at a snapshot")(error)),
        }
        File::open(&path).map_err(SnapshotFailure::io("opening a snapshot"))
    }

    /// Removes all of this node's but the newest so many, and never the newest that was found whole. Gives what went.
    pub(super) fn retire(&self, keep: usize) -> Result<Vec<SnapshotName>, SnapshotFailure> {
        let own: Vec<Kept> = self.list()?.into_iter().filter(|kept| kept.name.node == self.node).collect();
        let last_whole = own.iter().position(|kept| kept.verified_at.is_some());
        let mut gone = Vec::new();
        for (at, kept) in own.into_iter().enumerate().skip(keep) {
            if Some(at) != last_whole {
                remove(&self.path.join(kept.name.as_str()))?;
                self.note(&kept.name, None)?;
                gone.push(kept.name);
            }
        }
        if !gone.is_empty() {
            sync(&self.path)?;
        }
        Ok(gone)
    }

    fn is_own(&self, name: &str) -> bool {
        name.ends_with(EXTENSION) && SnapshotName::parse(name).is_some_and(|name| name.node == self.node)
    }

    /// Names in it that are text; there are none where it does not exist.
    fn names(&self) -> Result<Vec<String>, SnapshotFailure> {
        let reading = SnapshotFailure::io("reading the directory of snapshots");
        let items = match fs::read_dir(&self.path) {
            Ok(items) => items,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(reading(error)),
        };
        let names: Result<Vec<_>, _> = items.map(|item| item.map(|item| item.file_name())).collect();
        Ok(names.map_err(reading)?.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }
}

/// Brings a file's name to the disk.
fn sync(directory: &Path) -> Result<(), SnapshotFailure> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(SnapshotFailure::io("bringing the name of a snapshot to the disk"))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), SnapshotFailure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(SnapshotFailure::io("removing a file of snapshots")(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::number::{Epoch, Position, Revision};

    fn folder(directory: &tempfile::TempDir) -> Folder {
        Folder::new(directory.path().join("snapshots"), NodeName::parse("aurora").expect("name"))
    }

    fn name(node: &str, hour: i64) -> SnapshotName {
        let position = Position { epoch: Epoch(1), revision: Revision(7) };
        let at = Timestamp(1_795_248_000_000 + hour * 3_600_000);
        SnapshotName::new(&NodeName::parse(node).expect("name"), at, position)
    }

    fn put(folder: &Folder, node: &str, hour: i64, is_verified: bool) -> SnapshotName {
        let name = name(node, hour);
        let (path, _) = folder.create(&name).expect("made");
        folder.place(&path, &name, Timestamp(5)).expect("placed");
        if !is_verified {
            folder.note(&name, None).expect("noted");
        }
        name
    }

    fn names(folder: &Folder) -> Vec<String> {
        folder.list().expect("listed").into_iter().map(|kept| kept.name.to_string()).collect()
    }

    #[test]
    fn a_snapshot_has_its_name_once_it_is_placed_and_says_when_it_was_found_whole() {
        let directory = tempfile::tempdir().expect("directory");
        let folder = folder(&directory);
        assert_eq!(folder.list().expect("no directory is no snapshot"), []);
        let (path, _file) = folder.create(&name("aurora", 1)).expect("made");
        assert_eq!(names(&folder), [""; 0]);
        folder.place(&path, &name("aurora", 1), Timestamp(5)).expect("placed");
        let listed = folder.list().expect("listed");
        assert_eq!((listed.len(), listed[0].verified_at), (1, Some(Timestamp(5))));
        assert!(folder.open(&name("aurora", 1)).is_ok());
        assert!(matches!(folder.open(&name("aurora", 2)), Err(SnapshotFailure::NoSuch)));
    }

    #[test]
    fn what_a_kill_left_goes_and_nothing_of_anybody_else() {
        let directory = tempfile::tempdir().expect("directory");
        let folder = folder(&directory);
        let whole = put(&folder, "aurora", 1, true);
        folder.create(&name("aurora", 2)).expect("unfinished");
        folder.create(&name("other", 2)).expect("unfinished, of another lead");
        folder.note(&name("aurora", 3), Some(Timestamp(5))).expect("a note of a file that has no name yet");
        fs::write(folder.path.join("notes.txt"), "mine").expect("written");
        folder.tidy().expect("tidied");
        let mut left = folder.names().expect("names");
        left.sort();
        let expected =
            [format!(".{}.tmp", name("other", 2)), whole.to_string(), format!("{whole}.verified"), "notes.txt".into()];
        assert_eq!(left, expected);
    }

    #[test]
    fn the_newest_stay_and_the_last_that_was_whole_always_does() {
        let directory = tempfile::tempdir().expect("directory");
        let folder = folder(&directory);
        let whole = put(&folder, "aurora", 1, true);
        put(&folder, "aurora", 0, true);
        let foreign = put(&folder, "other", 0, false);
        let newer: Vec<SnapshotName> = (2..5).map(|hour| put(&folder, "aurora", hour, false)).collect();
        let gone = folder.retire(2).expect("retired");
        assert_eq!(gone, [newer[0].clone(), name("aurora", 0)]);
        let expected = [&newer[2], &newer[1], &whole, &foreign].map(ToString::to_string);
        assert_eq!(names(&folder), expected);
        assert!(!folder.path.join(format!("{}.verified", name("aurora", 0))).exists());
    }
}
