//! Why bytes are no snapshot that can be believed.

use std::io;
use std::sync::Arc;

use crate::crypto::error::CryptoError;

/// A failure, by cause.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SnapshotError {
    /// It could not be read or written.
    #[error("{doing} failed")]
    Io {
        /// What.
        doing: &'static str,
        /// The system's reason.
        #[source]
        source: Arc<io::Error>,
    },
    /// It is something else.
    #[error("this is no snapshot")]
    Foreign,
    /// A later version wrote it.
    #[error("the snapshot has a format that this version does not know; use the version that wrote it")]
    UnknownFormat,
    /// Its header is longer than any.
    #[error("the header of the snapshot is {bytes} bytes long, and may be {bytes_max}")]
    HeaderTooLong {
        /// What it says.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Its header is not of the shape it must have.
    #[error("the header of the snapshot is wrong: {0}")]
    BadHeader(&'static str),
    /// It ends before its end.
    #[error("the snapshot is cut off")]
    Cut,
    /// Bytes follow its end.
    #[error("bytes follow the end of the snapshot")]
    Trailing,
    /// A part does not have the shape it must have.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    /// A piece or a key does not open.
    #[error(transparent)]
    Closed(#[from] CryptoError),
    /// It does not hold as many rows as it says.
    #[error("the snapshot does not hold the rows that it says it holds")]
    Counts,
    /// The signature is not of the authority it names.
    #[error("the signature does not fit the snapshot")]
    Signature,
    /// It was not made for this recovery key.
    #[error("the snapshot was not made for this recovery key")]
    NotForKey,
    /// Nothing could be signed: the library has no randomness.
    #[error("the snapshot could not be signed")]
    Unsigned,
}

impl SnapshotError {
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                return Self::Cut;
            }
            Self::Io { doing, source: Arc::new(source) }
        }
    }
}
