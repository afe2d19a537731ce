//! Why a snapshot was not made, or is none that could be restored, as its caller is told.

use super::error::VaultError;
use crate::actors::snapshot_error::{SnapshotFailure, whole};

/// A refusal, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The node is told of no directory, and of no command.
    #[error("this node has no place for snapshots")]
    NoPlace,
    /// The directory has no such snapshot.
    #[error("there is no snapshot of that name here")]
    NoSuch,
    /// One at a time.
    #[error("another snapshot is being made or examined")]
    Busy,
    /// It could not be restored as it is.
    #[error("this snapshot could not be restored: {reason}")]
    Unsound {
        /// The first thing that is not as it must be.
        reason: String,
    },
    /// The machine failed, not the snapshot.
    #[error("the snapshot failed: {reason}")]
    Failed {
        /// How.
        reason: String,
    },
}

impl BackupError {
    /// The stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlace => "no_place",
            Self::NoSuch => "not_found",
            Self::Busy => "overloaded",
            Self::Unsound { .. } => "unsound_snapshot",
            Self::Failed { .. } => "snapshot_failed",
        }
    }
}

/// What a caller is told.
pub(super) fn told(failure: &SnapshotFailure) -> VaultError {
    let reason = || whole(failure);
    let error = match failure {
        SnapshotFailure::NoDirectory => BackupError::NoPlace,
        SnapshotFailure::NoSuch => BackupError::NoSuch,
        SnapshotFailure::Busy => BackupError::Busy,
        other if other.is_of_the_snapshot() => BackupError::Unsound { reason: reason() },
        SnapshotFailure::File(_)
        | SnapshotFailure::Store(_)
        | SnapshotFailure::Key(_)
        | SnapshotFailure::Value { .. }
        | SnapshotFailure::ForeignMesh(_)
        | SnapshotFailure::ForeignAuthority
        | SnapshotFailure::Mismatch(_)
        | SnapshotFailure::Journal { .. }
        | SnapshotFailure::Audit(_)
        | SnapshotFailure::Io { .. }
        | SnapshotFailure::OpenDirectory { .. }
        | SnapshotFailure::Command(_)
        | SnapshotFailure::CutShort => BackupError::Failed { reason: reason() },
    };
    VaultError::Backup(error)
}
