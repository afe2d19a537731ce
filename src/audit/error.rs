//! Why the journal cannot be opened, written or read.

use std::io;
use std::path::PathBuf;

/// A failure of the journal, by cause.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The line is not written, so what it stands for must not happen. Asking again later may succeed.
    #[error("the audit journal cannot be written: {cause}")]
    Unavailable {
        /// What stands in the way.
        cause: Obstacle,
    },
    /// The caller's texts make a line longer than a reader of the journal takes. Nothing was written.
    #[error("the audit line would have {bytes} bytes, {bytes_max} are the most")]
    LineTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The disk refused while the journal was opened or read.
    #[error("{} cannot be used as audit journal", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A link, pipe or device stands where a journal file belongs.
    #[error("{} is not a regular file: move it away", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes this journal.
    #[error("another process writes the audit journal in {}", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A tombstone could not be signed: the library has no randomness.
    #[error("a tombstone cannot be signed: the operating system gave no random bytes")]
    Unsigned,
    /// More is wrong with the file than a crash can do: somebody must look before the chain goes on, or the file is packed or
    /// removed.
    #[error("{} is not whole, and not as a crash leaves it: keep it, and move it away", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
}

/// What stands in the way of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// It was not written in time: the disk or the file hangs, or too many lines wait.
    #[error("it was not written in time")]
    Slow,
    /// The system refused.
    #[error("{0}")]
    Refused(io::ErrorKind),
    /// The journal was closed.
    #[error("it is closed")]
    Closed,
    /// More would wait for the lead than may.
    #[error("too many lines wait for the lead to take them")]
    SpoolFull,
}

impl AuditError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// The system's own error, where there is one.
    pub(super) fn into_io(self) -> io::Error {
        if let Self::Io { source, .. } = self { source } else { io::Error::other(self) }
    }
}
