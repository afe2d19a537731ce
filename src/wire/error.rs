//! Why bytes are not a frame, or a frame not what it claims. All but [`WireError::Unencodable`] and an oversized frame of
//! our own are the peer's fault.

use crate::model::freeze::FreezeError;
use crate::model::glob::GlobError;
use crate::model::metadata::MetadataError;
use crate::model::name::NameError;
use crate::model::principal::PrincipalError;

/// A refusal to read or write a frame.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The announced length is over the limit of the stream; nothing was allocated for it.
    #[error("frame of {length} bytes, the limit is {max}")]
    FrameTooLarge {
        /// What was announced, or what our own frame came to.
        length: usize,
        /// The limit.
        max: usize,
    },
    /// The announced length does not even hold the format byte and the frame number.
    #[error("frame of {length} bytes is too short to be one")]
    FrameTooShort {
        /// What was announced.
        length: usize,
    },
    /// A body format newer than ours.
    #[error("frame format {found} is unknown")]
    UnknownFormat {
        /// The format byte.
        found: u8,
    },
    /// A frame number that does not belong on this stream.
    #[error("frame number {number} does not belong here")]
    UnknownFrame {
        /// The number.
        number: u16,
    },
    /// The body is not what its number says.
    #[error("frame number {number} is malformed")]
    Malformed {
        /// The frame.
        number: u16,
        /// What the codec found.
        #[source]
        source: bincode::error::DecodeError,
    },
    /// The body goes on after its last field.
    #[error("frame number {number} has {count} bytes too many")]
    TrailingBytes {
        /// The frame.
        number: u16,
        /// How many bytes were left.
        count: usize,
    },
    /// Our own frame could not be written; a defect here, not at the peer.
    #[error("frame number {number} could not be encoded")]
    Unencodable {
        /// The frame.
        number: u16,
        /// What the codec said.
        #[source]
        source: bincode::error::EncodeError,
    },
    /// A field holds a value that no node of ours would send.
    #[error("field {field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it broke.
        rule: FieldRule,
    },
    /// A name is not canonical.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A glob is none.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// Metadata is over its bounds.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A principal is none.
    #[error(transparent)]
    Principal(#[from] PrincipalError),
    /// Nothing that could be frozen.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
}

/// The rule a field broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldRule {
    /// A counter that starts at one is zero.
    #[error("zero is not a number of this kind")]
    Zero,
    /// More bytes or entries than this.
    #[error("more than {0}")]
    TooMany(usize),
    /// Characters that are not printable ASCII.
    #[error("only printable ASCII is allowed")]
    NotPrintable,
    /// A number that stands for nothing this build knows.
    #[error("this build does not know what it stands for")]
    Unknown,
    /// Something that must be there once is there twice, or too often.
    #[error("an entry is there twice, or there are too many")]
    Repeated,
    /// Bytes that are not of their format.
    #[error("its bytes are not of its format")]
    Malformed,
    /// Two fields that exclude each other.
    #[error("contradicts another field")]
    Contradiction,
}
