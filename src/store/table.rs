//! The tables of the file. All map bytes to bytes: what is in them is `record`'s business, so a changed row type is a
//! new format beside the old one and never a table of another type.

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
