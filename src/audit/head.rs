//! The end of a chain, as the node that writes it remembers it.

use sha2::{Digest, Sha256};

use super::line::Link;
use super::seal_text::digest;
use crate::model::hex::hex;

/// The end of a chain: the last line's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; 0 when there is none.
    pub seq: u64,
    /// SHA-256 of its bytes without the newline; zeros when there is none.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first line.
    pub const GENESIS: Self = Self { seq: 0, hash: [0; 32] };

    /// The head once `line` (without newline) is written as number `seq`.
    pub(super) fn of_line(seq: u64, line: &[u8]) -> Self {
        Self { seq, hash: Sha256::digest(line).into() }
    }

    /// The head before a line, by what the line says of it; none if it says what no line says.
    pub(super) fn before(link: &Link) -> Option<Self> {
        let hash = digest(&link.prev)?;
        Some(Self { seq: link.seq.checked_sub(1)?, hash })
    }

    /// The number of the next line.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.seq.saturating_add(1)
    }

    /// The hash as the next line writes it: 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.hash)
    }
}
