//! Why a snapshot was not made, or is not one that could be restored.

use std::io;
use std::sync::Arc;

use crate::audit::error::AuditError;
use crate::crypto::error::CryptoError;
use crate::model::identity::MeshId;
use crate::model::name::NodeName;
use crate::model::secret::ScopedSecret;
use crate::snapshot::error::SnapshotError;
use crate::store::error::StoreError;

/// A failure, by cause.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFailure {
    /// The file is not one that can be believed, or cannot be read or written.
    #[error(transparent)]
    File(#[from] SnapshotError),
    /// The store cannot be read, or what is in the file makes none.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key does not open.
    #[error(transparent)]
    Key(#[from] CryptoError),
    /// A value in the snapshot does not open.
    #[error("the value of {at} in the snapshot does not open")]
    Value {
        /// Which.
        at: Box<ScopedSecret>,
        /// Why.
        #[source]
        source: CryptoError,
    },
    /// It is of another mesh.
    #[error("the snapshot is of the mesh {0}")]
    ForeignMesh(MeshId),
    /// Its signature is of an authority that is not the one in it, or not this mesh's.
    #[error("the snapshot is signed by another authority than its mesh's")]
    ForeignAuthority,
    /// What it says of itself is not what is in it.
    #[error("the snapshot does not hold what it says: {0}")]
    Mismatch(&'static str),
    /// The journal does not have the line that the snapshot says it had.
    #[error("the journal of {node} does not have the line {seq} that the snapshot knows")]
    Journal {
        /// Whose.
        node: NodeName,
        /// Which line.
        seq: u64,
    },
    /// The journal cannot be read, or the deed cannot be written into it.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A file or a directory beside the snapshot cannot be used.
    #[error("{doing} failed")]
    Io {
        /// What.
        doing: &'static str,
        /// The system's reason.
        #[source]
        source: Arc<io::Error>,
    },
    /// The node has no directory for snapshots.
    #[error("this node has no directory for snapshots")]
    NoDirectory,
    /// Others may put files into the directory and take them away.
    #[error(
        "others may write in the directory of snapshots (mode {mode:04o}), put files there and take yours away; on the \
         lead, for the directory that [snapshot] of node.toml names: chmod go-w DIRECTORY"
    )]
    OpenDirectory {
        /// Its permissions.
        mode: u32,
    },
    /// There is no such snapshot in it.
    #[error("there is no snapshot of that name")]
    NoSuch,
    /// Another one is being made or examined.
    #[error("another snapshot is being made or examined")]
    Busy,
    /// The command that takes snapshots elsewhere did not.
    #[error("the command {0}")]
    Command(String),
    /// The work ended in the middle.
    #[error("the work was cut short")]
    CutShort,
}

impl SnapshotFailure {
    /// Whether it tells of the snapshot, and not of the machine that looked.
    #[must_use]
    pub fn is_of_the_snapshot(&self) -> bool {
        match self {
            Self::File(SnapshotError::Io { .. }) => false,
            Self::Store(
                StoreError::Corrupt { .. }
                | StoreError::Newer { .. }
                | StoreError::UnknownMigration(_)
                | StoreError::ChangedMigration(_)
                | StoreError::RowTooLarge { .. },
            )
            | Self::File(_)
            | Self::Key(_)
            | Self::Value { .. }
            | Self::ForeignMesh(_)
            | Self::ForeignAuthority
            | Self::Mismatch(_)
            | Self::Journal { .. } => true,
            Self::Store(_)
            | Self::Audit(_)
            | Self::Io { .. }
            | Self::NoDirectory
            | Self::OpenDirectory { .. }
            | Self::NoSuch
            | Self::Busy
            | Self::Command(_)
            | Self::CutShort => false,
        }
    }

    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source: Arc::new(source) }
    }
}

/// With every cause behind it, for people; none of them holds a value.
#[must_use]
pub fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
