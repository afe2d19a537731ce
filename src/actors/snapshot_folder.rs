//! The directory a lead saves itself into: files that appear under their names only once they are whole, and go when their
//! time is over. Blocks on the disk.
//!
//! The directory may be shared, also with the lead of another mesh that has the same name. So nothing is removed that does not
//! say by itself that it is of this lead and of this mesh: a snapshot in its header, a note in its text, an unfinished file in
//! its name, for it may hold nothing yet.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufReader, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::snapshot_error::SnapshotFailure;
use crate::model::identity::MeshId;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;
use crate::snapshot::name::SnapshotName;
use crate::snapshot::read::Reader;
use crate::store::failpoint::{self, Failpoint};

/// By which others may put files into a directory, and take them away.
const OTHERS_WRITE: u32 = 0o022;

/// With which they may take away only their own.
const STICKY: u32 = 0o1000;

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
    mesh: MeshId,
    node: NodeName,
}

impl Folder {
    pub(super) fn new(path: PathBuf, mesh: MeshId, node: NodeName) -> Self {
        Self { path, mesh, node }
    }

    /// Removes what a kill left: files that were not finished, and notes about files that are gone. Only this node's.
    pub(super) fn tidy(&self) -> Result<(), SnapshotFailure> {
        for name in self.names()? {
            let of_node = |name: &str| SnapshotName::parse(name).is_some_and(|name| name.node == self.node);
            let unfinished = name.strip_suffix(&self.unfinished()).and_then(|name| name.strip_prefix('.'));
            let note = name.strip_suffix(VERIFIED).filter(|name| !self.path.join(name).exists());
            let is_own_note = || note.is_some_and(|name| of_node(name) && self.is_noted_here(name));
            if unfinished.is_some_and(of_node) || is_own_note() {
                self.check_directory()?;
                remove(&self.path.join(&name))?;
            }
        }
        Ok(())
    }

    /// A new file, which only its owner reads, under a name that nobody takes for a snapshot.
    pub(super) fn create(&self, name: &SnapshotName) -> Result<(PathBuf, File), SnapshotFailure> {
        let making = DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        making.map_err(SnapshotFailure::io("making the directory of snapshots"))?;
        self.check_directory()?;
        let path = self.path.join(format!(".{name}{}", self.unfinished()));
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
        if self.place_of(name).exists() && !self.is_own(name) {
            let taken = std::io::Error::from(ErrorKind::AlreadyExists);
            return Err(SnapshotFailure::io("giving a snapshot its name")(taken));
        }
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
        file.and_then(|mut file| std::io::Write::write_all(&mut file, format!("{at}\n{}\n", self.mesh).as_bytes()))
            .map_err(SnapshotFailure::io("noting that a snapshot is whole"))
    }

    /// What is there, newest first: that is what holds the most changes, and of two that hold the same the later one. The time
    /// alone says nothing, for a clock may have been wrong.
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
            let verified_at = self.noted(name.as_str()).and_then(|text| Timestamp::parse(text.lines().next()?));
            kept.push(Kept { name, bytes: found.len(), verified_at });
        }
        kept.sort_by(|left, right| {
            let key = |kept: &Kept| (kept.name.position, kept.name.taken_at, kept.name.to_string());
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

    /// The newest of this lead.
    pub(super) fn newest(&self) -> Result<Option<Kept>, SnapshotFailure> {
        Ok(self.list()?.into_iter().find(|kept| self.is_own(&kept.name)))
    }

    /// Removes all of this lead's but the newest so many, of which the one that was just placed is always one, and never the
    /// newest that was found whole. What another user put there is not this lead's. Gives what went.
    pub(super) fn retire(&self, keep: usize, placed: &SnapshotName) -> Result<Vec<SnapshotName>, SnapshotFailure> {
        self.check_directory()?;
        let Some(owner) = self.owner(placed) else { return Ok(Vec::new()) };
        let mut own = self.list()?;
        own.retain(|kept| self.owner(&kept.name) == Some(owner) && self.is_own(&kept.name));
        // The sort is stable: behind the one that was placed the order stays.
        own.sort_by_key(|kept| kept.name != *placed);
        let last_whole = own.iter().position(|kept| kept.verified_at.is_some());
        let mut gone = Vec::new();
        for (at, kept) in own.into_iter().enumerate().skip(keep.max(1)) {
            if Some(at) != last_whole {
                remove(&self.place_of(&kept.name))?;
                self.note(&kept.name, None)?;
                gone.push(kept.name);
            }
        }
        if !gone.is_empty() {
            sync(&self.path)?;
        }
        Ok(gone)
    }

    /// Whether a file is a snapshot of this lead and says so: its header agrees with its name and with this mesh. What cannot
    /// be read is not this lead's.
    fn is_own(&self, name: &SnapshotName) -> bool {
        let opened = Some(name).filter(|name| name.node == self.node).and_then(|name| self.open(name).ok());
        let Some(Ok(reader)) = opened.map(|file| Reader::open(BufReader::new(file))) else { return false };
        let header = reader.header();
        header.mesh == self.mesh && SnapshotName::new(&header.node, header.taken_at, header.position) == *name
    }

    fn owner(&self, name: &SnapshotName) -> Option<u32> {
        fs::symlink_metadata(self.place_of(name)).ok().map(|found| found.uid())
    }

    /// Whether a node of this mesh noted that it was whole.
    fn is_noted_here(&self, name: &str) -> bool {
        self.noted(name).is_some_and(|note| note.lines().nth(1) == Some(self.mesh.to_string().as_str()))
    }

    fn noted(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path.join(format!("{name}{VERIFIED}"))).ok()
    }

    /// What the name of a file of this mesh that is not finished ends with.
    fn unfinished(&self) -> String {
        format!(".{}{UNFINISHED}", self.mesh)
    }

    /// Where others may put files and take them away, no file is what it was, and retiring would follow their names.
    fn check_directory(&self) -> Result<(), SnapshotFailure> {
        let found = fs::metadata(&self.path).map_err(SnapshotFailure::io("looking at the directory of snapshots"))?;
        let mode = found.mode() & 0o7777;
        let is_open = mode & OTHERS_WRITE != 0 && mode & STICKY == 0;
        if is_open { Err(SnapshotFailure::OpenDirectory { mode }) } else { Ok(()) }
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
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::crypto::root::RootKey;
    use crate::crypto::signature::Signer;
    use crate::crypto::signature_testing::Key;
    use crate::crypto::system_entropy::SystemEntropy;
    use crate::model::identity::StoreId;
    use crate::model::number::{Epoch, Position, Revision};
    use crate::snapshot::header::{FreshKey, Header, JournalHead, WrappedRoot};
    use crate::snapshot::write::Writer;

    const HERE: MeshId = MeshId([7; 16]);
    const ELSEWHERE: MeshId = MeshId([8; 16]);

    /// A clock that was ten years ahead.
    const AHEAD: i64 = 10 * 365 * 24;

    fn folder(directory: &tempfile::TempDir) -> Folder {
        folder_of(directory, HERE)
    }

    fn folder_of(directory: &tempfile::TempDir, mesh: MeshId) -> Folder {
        Folder::new(directory.path().join("snapshots"), mesh, NodeName::parse("aurora").expect("name"))
    }

    fn name(node: &str, hour: i64) -> SnapshotName {
        name_at(node, hour, 7)
    }

    fn name_at(node: &str, hour: i64, revision: u64) -> SnapshotName {
        let position = Position { epoch: Epoch(1), revision: Revision(revision) };
        let at = Timestamp(1_795_248_000_000 + hour * 3_600_000);
        SnapshotName::new(&NodeName::parse(node).expect("name"), at, position)
    }

    /// The beginning of a snapshot, which says whose it is.
    fn beginning(mesh: MeshId, name: &SnapshotName) -> Vec<u8> {
        let root = RootKey::generate(&SystemEntropy).expect("key");
        let FreshKey { key, content, recipients } = FreshKey::generate(&mesh, &root, &[], &SystemEntropy).expect("key");
        let header = Header {
            mesh,
            store: StoreId([3; 16]),
            node: name.node.clone(),
            position: name.position,
            schema: 4,
            build: "test".to_owned(),
            taken_at: name.taken_at,
            heads: vec![JournalHead { node: name.node.clone(), chain: None, seq: 0, hash: [0; 32] }],
            root_key: WrappedRoot { wrapped: vec![1], passphrase: None, shares: None },
            content,
            recipients,
            authority: Key::new().public_key(),
        };
        let mut bytes = Vec::new();
        Writer::begin(&mut bytes, &header, &key).expect("begun");
        bytes
    }

    fn put(folder: &Folder, node: &str, hour: i64, is_verified: bool) -> SnapshotName {
        put_as(folder, name(node, hour), is_verified)
    }

    fn put_as(folder: &Folder, name: SnapshotName, is_verified: bool) -> SnapshotName {
        let (path, mut file) = folder.create(&name).expect("made");
        file.write_all(&beginning(folder.mesh, &name)).expect("written");
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
        let (folder, namesake) = (folder(&directory), folder_of(&directory, ELSEWHERE));
        let whole = put(&folder, "aurora", 1, true);
        folder.create(&name("aurora", 2)).expect("unfinished");
        folder.create(&name("other", 2)).expect("unfinished, of another lead");
        folder.note(&name("aurora", 3), Some(Timestamp(5))).expect("a note of a file that has no name yet");
        namesake.create(&name("aurora", 2)).expect("unfinished, of a lead of the same name");
        namesake.note(&name("aurora", 4), Some(Timestamp(5))).expect("noted, and about to be placed");
        fs::write(folder.path.join("notes.txt"), "mine").expect("written");
        folder.tidy().expect("tidied");
        let mut left = folder.names().expect("names");
        left.sort();
        let mut expected = [
            format!(".{}.{ELSEWHERE}.tmp", name("aurora", 2)),
            format!(".{}.{HERE}.tmp", name("other", 2)),
            whole.to_string(),
            format!("{whole}.verified"),
            format!("{}.verified", name("aurora", 4)),
            "notes.txt".into(),
        ];
        expected.sort();
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
        let gone = folder.retire(2, &newer[2]).expect("retired");
        assert_eq!(gone, [newer[0].clone(), name("aurora", 0)]);
        let expected = [&newer[2], &newer[1], &whole, &foreign].map(ToString::to_string);
        assert_eq!(names(&folder), expected);
        assert!(!folder.path.join(format!("{}.verified", name("aurora", 0))).exists());
    }

    /// A snapshot that was taken while the clock was ten years ahead stayed the newest for ten years: with `keep = 1` each that
    /// was taken after it was removed as soon as it was placed.
    #[test]
    fn a_snapshot_of_a_clock_that_was_ahead_pushes_no_later_one_out() {
        for behind in [8, 7] {
            let directory = tempfile::tempdir().expect("directory");
            let folder = folder(&directory);
            let ahead = put(&folder, "aurora", AHEAD, true);
            let placed = put_as(&folder, name_at("aurora", 1, behind), true);
            assert_eq!(folder.retire(1, &placed).expect("retired"), [ahead]);
            assert_eq!(names(&folder), [placed.to_string()]);
        }
        let directory = tempfile::tempdir().expect("directory");
        let folder = folder(&directory);
        put(&folder, "aurora", AHEAD, true);
        let later = put_as(&folder, name_at("aurora", 1, 8), true);
        assert_eq!(folder.newest().expect("listed").map(|kept| kept.name), Some(later));
    }

    /// Two meshes, each with a lead named `aurora`, saved into one directory of a file server, and each removed the other's.
    #[test]
    fn a_lead_of_the_same_name_in_another_mesh_keeps_its_snapshots() {
        let directory = tempfile::tempdir().expect("directory");
        let (folder, namesake) = (folder(&directory), folder_of(&directory, ELSEWHERE));
        let theirs: Vec<SnapshotName> = (0..3).map(|hour| put(&namesake, "aurora", hour, false)).collect();
        fs::write(folder.place_of(&name("aurora", 3)), "no header").expect("written");
        let misnamed = name("aurora", 4);
        fs::write(folder.place_of(&misnamed), beginning(HERE, &name("aurora", 9))).expect("written");
        let ours = put(&folder, "aurora", 5, true);
        let latest = put(&namesake, "aurora", 6, true);
        assert_eq!(folder.retire(1, &ours).expect("retired"), []);
        assert_eq!(folder.newest().expect("listed").map(|kept| kept.name), Some(ours));
        let (path, _file) = folder.create(&latest).expect("made");
        let taken = folder.place(&path, &latest, Timestamp(5));
        assert!(matches!(taken, Err(SnapshotFailure::Io { .. })), "{taken:?}");
        assert_eq!(namesake.retire(1, &latest).expect("retired"), [2, 1, 0].map(|at| theirs[at].clone()));
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused_unless_they_take_away_only_their_own() {
        let directory = tempfile::tempdir().expect("directory");
        let folder = folder(&directory);
        let placed = put(&folder, "aurora", 1, true);
        let open = |mode| {
            fs::set_permissions(&folder.path, fs::Permissions::from_mode(mode)).expect("set");
            (folder.create(&name("aurora", 2)).map(drop), folder.retire(1, &placed).map(drop))
        };
        for mode in [0o777, 0o770, 0o702] {
            let (created, retired) = open(mode);
            let told = created.expect_err("refused").to_string();
            assert!(told.contains(&format!("{mode:04o}")) && told.contains("chmod go-w"), "{told}");
            assert!(matches!(retired, Err(SnapshotFailure::OpenDirectory { .. })), "{retired:?}");
        }
        for mode in [0o1777, 0o755, 0o700] {
            let (created, retired) = open(mode);
            assert!(created.is_ok() && retired.is_ok(), "{mode:o}: {created:?}, {retired:?}");
        }
    }
}
