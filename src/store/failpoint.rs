//! Places at which a test ends the process, to see that whatever is half done there is finished by the next start. Only in
//! debug builds: a release build has none of this.
//!
//! `AURORA_FAILPOINT=name`, or `name:3` for the third passing, makes the process kill itself as `kill -9` would.

/// A place where the process may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// A rotation was announced in the journal; nothing else is done.
    RotationAnnounced,
    /// The new generation is committed; nobody was told.
    RotationBegun,
    /// A batch of current values was chosen.
    ResealChosen,
    /// A batch of current values is committed.
    ResealDone,
    /// Every current value is under the new key; no older version was looked at.
    CurrentDone,
    /// A batch of older versions was chosen.
    OlderChosen,
    /// A batch of older versions is committed.
    OlderDone,
    /// Everything is under the new key; the old one is still there.
    FinishChosen,
    /// Keys or values are dropped; their bytes are still in the file.
    PurgeBegun,
    /// The file was copied without them; the copy does not have its name yet.
    FileCopied,
    /// The copy has the name; its directory is not synchronised.
    FileNamed,
    /// The file is free of them; it is still noted that it may not be.
    PurgeDone,
    /// Nothing is left to do; nobody was told.
    PurgeNoted,
    /// The rotation of the root key was announced; nothing else is done.
    RootAnnounced,
    /// The new root key is in force; nobody was told.
    RootReplaced,
    /// The secrets of an import are in the journal one by one; it was not announced as a whole.
    ImportPlanned,
    /// The import was announced; nothing is stored.
    ImportAnnounced,
    /// Every row of a transaction is written; it is not committed.
    RowsWritten,
    /// The import is stored; nobody was told.
    ImportStored,
    /// The key file of a new node is begun; nothing is in it.
    KeyFileBegun,
    /// A snapshot lies open beside the store that it is to replace.
    SnapshotUnpacked,
    /// The store that is to take the place is built, and was opened wholly.
    StoreBuilt,
    /// The store that is to be replaced has its second name.
    StoreKept,
    /// The new store has the place; its directory is not synchronised.
    StorePlaced,
    /// The new store has its place for good; the configuration is what it was.
    StoreReplaced,
    /// A snapshot is on the disk under a name nobody takes for one; it was not examined.
    SnapshotWritten,
    /// It was restored; nothing of it was opened.
    SnapshotRestored,
    /// It was found whole; that is not noted.
    SnapshotProven,
    /// That is noted; it does not have its name.
    SnapshotNoted,
    /// It has its name; nobody was told.
    SnapshotNamed,
}

impl Failpoint {
    /// The places of a rotation of scope keys or of the root key, in the order they are passed.
    pub const OF_ROTATION: [Self; 15] = [
        Self::RotationAnnounced,
        Self::RotationBegun,
        Self::ResealChosen,
        Self::ResealDone,
        Self::CurrentDone,
        Self::OlderChosen,
        Self::OlderDone,
        Self::FinishChosen,
        Self::PurgeBegun,
        Self::FileCopied,
        Self::FileNamed,
        Self::PurgeDone,
        Self::PurgeNoted,
        Self::RootAnnounced,
        Self::RootReplaced,
    ];

    /// The places of an import, in the order they are passed.
    pub const OF_IMPORT: [Self; 4] =
        [Self::ImportPlanned, Self::ImportAnnounced, Self::RowsWritten, Self::ImportStored];

    /// The places of the beginning of a node.
    pub const OF_BEGINNING: [Self; 1] = [Self::KeyFileBegun];

    /// The places of a restore or a promotion, in the order they are passed.
    pub const OF_REPLACEMENT: [Self; 5] =
        [Self::SnapshotUnpacked, Self::StoreBuilt, Self::StoreKept, Self::StorePlaced, Self::StoreReplaced];

    /// The places of a snapshot that the lead saves by itself, in the order they are passed.
    pub const OF_SNAPSHOT: [Self; 5] =
        [Self::SnapshotWritten, Self::SnapshotRestored, Self::SnapshotProven, Self::SnapshotNoted, Self::SnapshotNamed];

    /// What it is called in `AURORA_FAILPOINT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RotationAnnounced => "rotation-announced",
            Self::RotationBegun => "rotation-begun",
            Self::ResealChosen => "reseal-chosen",
            Self::ResealDone => "reseal-done",
            Self::CurrentDone => "current-done",
            Self::OlderChosen => "older-chosen",
            Self::OlderDone => "older-done",
            Self::FinishChosen => "finish-chosen",
            Self::PurgeBegun => "purge-begun",
            Self::FileCopied => "file-copied",
            Self::FileNamed => "file-named",
            Self::PurgeDone => "purge-done",
            Self::PurgeNoted => "purge-noted",
            Self::RootAnnounced => "root-announced",
            Self::RootReplaced => "root-replaced",
            Self::ImportPlanned => "import-planned",
            Self::ImportAnnounced => "import-announced",
            Self::RowsWritten => "rows-written",
            Self::ImportStored => "import-stored",
            Self::KeyFileBegun => "key-file-begun",
            Self::SnapshotUnpacked => "snapshot-unpacked",
            Self::StoreBuilt => "store-built",
            Self::StoreKept => "store-kept",
            Self::StorePlaced => "store-placed",
            Self::StoreReplaced => "store-replaced",
            Self::SnapshotWritten => "snapshot-written",
            Self::SnapshotRestored => "snapshot-restored",
            Self::SnapshotProven => "snapshot-proven",
            Self::SnapshotNoted => "snapshot-noted",
            Self::SnapshotNamed => "snapshot-named",
        }
    }
}

/// The process passes this place. In a release build nothing happens here.
#[cfg(not(debug_assertions))]
#[inline]
pub fn pass(_point: Failpoint) {}

/// The process passes this place, and ends if a test wants it to.
#[cfg(debug_assertions)]
pub fn pass(point: Failpoint) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: LazyLock<Option<(String, AtomicU64)>> = LazyLock::new(|| {
        let text = std::env::var("AURORA_FAILPOINT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicU64::new(count.parse().unwrap_or(1))))
    });
    let Some((name, left)) = &*WANTED else { return };
    if name == point.name() && left.fetch_sub(1, Ordering::SeqCst) == 1 {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own_and_nothing_happens_where_none_is_wanted() {
        let all = || {
            let of_writes =
                Failpoint::OF_ROTATION.into_iter().chain(Failpoint::OF_IMPORT).chain(Failpoint::OF_BEGINNING);
            of_writes.chain(Failpoint::OF_SNAPSHOT).chain(Failpoint::OF_REPLACEMENT)
        };
        let names: BTreeSet<&str> = all().map(Failpoint::name).collect();
        assert_eq!(names.len(), all().count());
        all().for_each(pass);
    }
}
