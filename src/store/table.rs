//! The tables of the file. All map bytes to bytes: what is in them is `record`'s business, so a changed row type is a
//! new format beside the old one and never a table of another type.

use std::path::Path;

use redb::{
    Database, Durability, ReadOnlyTable, ReadTransaction, Table as OpenTable, TableDefinition, WriteTransaction,
};

use super::error::{RowFault, StoreError};

/// Keys and rows as redb holds them.
pub(super) type Bytes = &'static [u8];

/// One table. Names in the file are never changed and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Text keys: schema, facts, position, contact, next secret id, rules position.
    Meta,
    /// Address to the current version.
    Records,
    /// Address and version to an older version.
    Versions,
    /// Address to the highest version ever stored.
    HighWater,
    /// Scope and generation to a sealed scope key.
    ScopeKeys,
    /// Node name to roster entry.
    Nodes,
    /// Token hash to join token.
    Tokens,
    /// Blob name to opaque bytes.
    Blobs,
    /// Revision to log entry.
    Log,
    /// Article id to article.
    Articles,
    /// Name of a migration to when, by which version and in which wording it was applied.
    Migrations,
}

impl Table {
    /// Every table.
    pub(super) const ALL: [Self; 11] = [
        Self::Meta,
        Self::Records,
        Self::Versions,
        Self::HighWater,
        Self::ScopeKeys,
        Self::Nodes,
        Self::Tokens,
        Self::Blobs,
        Self::Log,
        Self::Articles,
        Self::Migrations,
    ];

    /// Its number in a snapshot. Written out, never changed and never given to another.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Meta => 1,
            Self::Records => 2,
            Self::Versions => 3,
            Self::HighWater => 4,
            Self::ScopeKeys => 5,
            Self::Nodes => 6,
            Self::Tokens => 7,
            Self::Blobs => 8,
            Self::Log => 9,
            Self::Articles => 10,
            Self::Migrations => 11,
        }
    }

    /// The table of a number; `None` for one this build does not know.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.number() == number)
    }

    /// What it is called in the file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Records => "records",
            Self::Versions => "versions",
            Self::HighWater => "high_water",
            Self::ScopeKeys => "scope_keys",
            Self::Nodes => "nodes",
            Self::Tokens => "tokens",
            Self::Blobs => "blobs",
            Self::Log => "log",
            Self::Articles => "articles",
            Self::Migrations => "migrations",
        }
    }

    /// How redb finds it.
    pub(super) fn definition(self) -> TableDefinition<'static, Bytes, Bytes> {
        TableDefinition::new(self.name())
    }

    /// Opens it for writing; it is created if it is not there.
    pub(super) fn write<'txn>(self, txn: &'txn WriteTransaction) -> Result<OpenTable<'txn, Bytes, Bytes>, StoreError> {
        Ok(txn.open_table(self.definition())?)
    }

    /// Opens it for reading.
    pub(super) fn read(self, txn: &ReadTransaction) -> Result<ReadOnlyTable<Bytes, Bytes>, StoreError> {
        match txn.open_table(self.definition()) {
            Ok(table) => Ok(table),
            Err(redb::TableError::Storage(error)) => Err(error.into()),
            Err(error) => Err(StoreError::corrupt(self.name(), b"", RowFault::Engine(error.to_string()))),
        }
    }
}

/// From this length on the commits of a file carry the allocator's state. A shorter one is read through within 10 ms after a
/// crash, and not to write that state saves each of its commits a third of the processor time.
const QUICK_REPAIR_BYTES: u64 = 8 * 1024 * 1024;

/// Begins one of the transactions that come all the time, in the file at this path.
pub(super) fn begin_frequent_write(database: &Database, path: Option<&Path>) -> Result<WriteTransaction, StoreError> {
    let mut txn = begin_write(database)?;
    txn.set_quick_repair(path.is_none_or(is_long));
    Ok(txn)
}

/// Whether it takes long to read the file through. One that cannot be asked may be of any length.
fn is_long(path: &Path) -> bool {
    path.metadata().map_or(true, |file| file.len() >= QUICK_REPAIR_BYTES)
}

/// Begins a transaction as all of ours are: on the disk before it is answered, in two phases so that a torn write can
/// never pass for a commit, and with the allocator's state, so that opening after a crash does not scan the file.
pub(super) fn begin_write(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = database.begin_write()?;
    // Refused only with persistent savepoints, of which this room makes none; immediate is also redb's default.
    let _ = txn.set_durability(Durability::Immediate);
    #[cfg(feature = "seeded_bugs")]
    drop(crate::model::seeded::bug(1).then(|| txn.set_durability(Durability::None)));
    txn.set_two_phase_commit(true);
    txn.set_quick_repair(true);
    Ok(txn)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::sync::Arc;

    use super::super::engine::Engine;
    use super::super::ground::Files;
    use super::super::mutation::Mutation;
    use super::super::test_support::{facts, record};
    use super::super::{file, load, step};
    use super::*;

    #[test]
    fn only_the_commits_of_a_long_file_carry_what_saves_reading_it_through() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        assert!(is_long(&path), "one that cannot be asked");
        let sparse = File::create(&path).expect("created");
        for (bytes, long) in [(0, false), (QUICK_REPAIR_BYTES - 1, false), (QUICK_REPAIR_BYTES, true)] {
            sparse.set_len(bytes).expect("grown");
            assert_eq!(is_long(&path), long, "{bytes}");
        }
    }

    #[test]
    fn a_short_file_is_whole_after_a_kill_at_any_commit() {
        let directory = tempfile::tempdir().expect("directory");
        let (path, killed) = (directory.path().join("store.redb"), directory.path().join("killed.redb"));
        let database = file::create(&Files, &path, &facts(), None).expect("created");
        let mut engine = Engine::new(database, Some((path.clone(), Arc::new(Files))));
        for number in 1..=20 {
            let wanted = record("a/b", "global", number, b"sealed");
            let steps = step::encode(vec![Mutation::PutRecord(wanted.clone())]).expect("encoded");
            assert!(engine.commit(&[steps])[0].is_ok());
            fs::copy(&path, &killed).expect("copied");
            let opened = file::open(&Files, &killed, None).expect("opened");
            assert_eq!(load::contents(&opened).expect("contents").records, [wanted]);
            drop(opened);
        }
    }
}
