//! What can go wrong with the store, by cause: the caller's order of changes, the file, or the disk.

use std::path::PathBuf;
use std::sync::Arc;

use super::applied::AppliedMigration;
use crate::model::number::{Position, Revision, Version};
use crate::model::secret::ScopedSecret;

/// A refusal or a failure. Cheap to clone, because one failed commit is told to everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no file to open. It is never created by opening.
    #[error("there is no store at {path}; `aurora init` or `aurora join` makes one")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a file already where one should be created.
    #[error("there is a store at {path} already")]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// Another process, or another part of this one, has the store open.
    #[error("the store is open already; is another aurora running?")]
    InUse,
    /// The file was written by a later version. It was not touched.
    #[error(
        "the store has schema {found}{}, this version knows {known}; run the version that wrote it, or a later one",
        last.as_ref().map(|last| format!(" ({last})")).unwrap_or_default()
    )]
    Newer {
        /// The file's schema.
        found: u32,
        /// The newest schema this build reads.
        known: u32,
        /// The last of the migrations on record, if they can be read.
        last: Option<Box<AppliedMigration>>,
    },
    /// A migration is on record that this build has never heard of. The file was not touched.
    #[error(
        "the store went through a migration this version does not know: {0}; run the version that applied it, or a later one"
    )]
    UnknownMigration(Box<AppliedMigration>),
    /// A migration is on record in another wording than this build has for it: what it did is not what this build believes.
    /// The file was not touched.
    #[error(
        "the store went through another migration of the same name than this version has: {0}; run the version that applied \
         it, and report this as a defect of the one you run: a migration that was released is never changed"
    )]
    ChangedMigration(Box<AppliedMigration>),
    /// A row or table does not hold what it must. Nothing is skipped and nothing repaired: restore the file.
    #[error("the store is damaged in table {table}, row \"{row}\"")]
    Corrupt {
        /// The table; `file` when the damage is below the tables.
        table: &'static str,
        /// The row's key, escaped and shortened; keys hold names, numbers and hashes only.
        row: String,
        /// What is wrong with it.
        #[source]
        fault: RowFault,
    },
    /// A record older than one that was stored or served before.
    #[error("version {found} of {at} is older than version {high_water}, which was stored before")]
    StaleVersion {
        /// Which secret, in which scope.
        at: Box<ScopedSecret>,
        /// The version that was refused.
        found: Version,
        /// The least that is accepted.
        high_water: Version,
    },
    /// A log entry that is not the next one.
    #[error("the change log continues with revision {expected}, not {found}")]
    OutOfOrder {
        /// The next revision.
        expected: Revision,
        /// The one that was refused.
        found: Revision,
    },
    /// A position before the one that was reached.
    #[error("the store stands at {current:?} and does not go back to {found:?}")]
    PositionWentBack {
        /// Where it stands.
        current: Position,
        /// The one that was refused.
        found: Position,
    },
    /// A row that could be written but never read again.
    #[error("a row of {bytes} bytes for table {table} is over the limit of {bytes_max}")]
    RowTooLarge {
        /// The table.
        table: &'static str,
        /// How large it would be.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The disk, the file system or the database engine failed. If this answers a commit, the outcome is unknown.
    #[error("the store's database failed")]
    Engine(#[source] Arc<redb::Error>),
    /// A file operation beside the database failed.
    #[error("{doing} failed")]
    File {
        /// Which one.
        doing: &'static str,
        /// The system's reason.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// An earlier commit failed, so nobody knows what is on the disk. The node must stop and open the store again.
    #[error("the store stopped after a disk failure; restart the node")]
    Poisoned,
    /// The store was closed. If this answers a commit, the outcome is unknown.
    #[error("the store is closed")]
    Closed,
    /// The store is not in a file of its own, so it cannot be written anew.
    #[error("this store is not in a file and cannot be rebuilt")]
    NotAFile,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// It must be there and is not.
    #[error("it is missing")]
    Absent,
    /// Its format byte is one this build does not know.
    #[error("it has the unknown format {0}")]
    Format(u8),
    /// Its bytes are not of its type.
    #[error("it cannot be decoded")]
    Undecodable,
    /// Bytes follow its end.
    #[error("bytes follow its end")]
    TrailingBytes,
    /// A field holds what it may not.
    #[error("its field {0} is invalid")]
    Field(&'static str),
    /// The key is not of the table's kind.
    #[error("its key is invalid")]
    Key,
    /// The database engine found the damage.
    #[error("the database reports: {0}")]
    Engine(String),
}

impl StoreError {
    /// Whether a transaction was refused for what it asks, before anything of it was written.
    /// Whether the store refused one transaction and goes on, as opposed to having failed.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::StaleVersion { .. }
            | Self::OutOfOrder { .. }
            | Self::PositionWentBack { .. }
            | Self::RowTooLarge { .. } => true,
            Self::Missing { .. }
            | Self::Exists { .. }
            | Self::InUse
            | Self::Newer { .. }
            | Self::UnknownMigration(_)
            | Self::ChangedMigration(_)
            | Self::Corrupt { .. }
            | Self::Engine(_)
            | Self::File { .. }
            | Self::Poisoned
            | Self::Closed
            | Self::NotAFile => false,
        }
    }

    /// The file is damaged in a way the engine could not name.
    pub(super) fn damaged() -> Self {
        Self::corrupt("file", b"", RowFault::Engine("its pages do not hold together".to_owned()))
    }

    pub(super) fn corrupt(table: &'static str, key: &[u8], fault: RowFault) -> Self {
        /// Enough to find the row by; a damaged key may be of any length.
        const SHOWN_MAX: usize = 120;
        let row = key.escape_ascii().to_string().chars().take(SHOWN_MAX).collect();
        Self::Corrupt { table, row, fault }
    }

    pub(super) fn file(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { doing, source: Arc::new(source) }
    }

    fn engine(error: redb::Error) -> Self {
        if let redb::Error::Corrupted(reason) = error {
            return Self::corrupt("file", b"", RowFault::Engine(reason));
        }
        if let redb::Error::Io(source) = &error
            && source.kind() == std::io::ErrorKind::InvalidData
        {
            // How redb says that the file is no database of its own.
            return Self::corrupt("file", b"", RowFault::Engine(source.to_string()));
        }
        if matches!(error, redb::Error::DatabaseAlreadyOpen) {
            return Self::InUse;
        }
        if matches!(error, redb::Error::PreviousIo) {
            return Self::Poisoned;
        }
        Self::Engine(Arc::new(error))
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::engine(error.into())
            }
        }
    )*};
}

from_redb!(DatabaseError, StorageError, TableError, TransactionError, CommitError);
