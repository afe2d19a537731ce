//! What a lead remembers of the last snapshot that was found whole, and whether somebody was told that it is too old.

use crate::model::identity::StoreId;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::time::Timestamp;

/// The first byte of the bytes it is kept in.
const FORMAT: u8 = 1;

/// All of them.
const BYTES: usize = 2 + 8 + 8 + 8 + 16;

/// Set in the second byte once somebody was told.
const TOLD: u8 = 1;

/// Set in the second byte if there is such a snapshot.
const IS_VERIFIED: u8 = 2;

/// A snapshot that was restored, opened and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// When it was taken: what was stored after that is not in it.
    pub taken_at: Timestamp,
    /// The last change in it.
    pub position: Position,
    /// Of which life of the store it is.
    pub store: StoreId,
}

/// The mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The newest snapshot that was found whole, if there is one.
    pub verified: Option<Verified>,
    /// Whether it was told that it is too old.
    pub told: bool,
}

impl Mark {
    /// As the store keeps it: format (1), flags (1), when (8), epoch (8), revision (8), store (16); big endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut flags = if self.told { TOLD } else { 0 };
        let none = Verified { taken_at: Timestamp(0), position: Position::default(), store: StoreId([0; 16]) };
        let Verified { taken_at, position, store } = self.verified.unwrap_or(none);
        if self.verified.is_some() {
            flags |= IS_VERIFIED;
        }
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(&[FORMAT, flags]);
        bytes.extend_from_slice(&taken_at.0.to_be_bytes());
        bytes.extend_from_slice(&position.epoch.0.to_be_bytes());
        bytes.extend_from_slice(&position.revision.0.to_be_bytes());
        bytes.extend_from_slice(&store.0);
        bytes
    }

    /// Reads it back; what is no mark says that nothing was verified, which is the safe thing to believe.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        Self::read(bytes).filter(|mark| mark.to_bytes() == bytes).unwrap_or_default()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[FORMAT, flags], rest) = bytes.split_first_chunk::<2>()? else { return None };
        let (taken_at, rest) = rest.split_first_chunk::<8>()?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (revision, rest) = rest.split_first_chunk::<8>()?;
        let verified = Verified {
            taken_at: Timestamp(i64::from_be_bytes(*taken_at)),
            position: Position {
                epoch: Epoch(u64::from_be_bytes(*epoch)),
                revision: Revision(u64::from_be_bytes(*revision)),
            },
            store: StoreId(rest.try_into().ok()?),
        };
        Some(Self { verified: (flags & IS_VERIFIED != 0).then_some(verified), told: flags & TOLD != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hex::hex;

    fn verified() -> Verified {
        let position = Position { epoch: Epoch(2), revision: Revision(300) };
        Verified { taken_at: Timestamp(1_795_248_000_123), position, store: StoreId([9; 16]) }
    }

    #[test]
    fn a_mark_has_these_bytes_for_ever_and_reads_back() {
        let mark = Mark { verified: Some(verified()), told: true };
        assert_eq!(
            hex(&mark.to_bytes()),
            "0103000001a1fd1e8c7b0000000000000002000000000000012c09090909090909090909090909090909"
        );
        for mark in [mark, Mark { told: false, ..mark }, Mark { verified: None, told: true }, Mark::default()] {
            assert_eq!(Mark::parse(&mark.to_bytes()), mark);
        }
    }

    #[test]
    fn what_is_no_mark_says_that_nothing_was_verified() {
        let good = Mark { verified: Some(verified()), told: false }.to_bytes();
        assert_eq!(Mark::parse(b""), Mark::default());
        assert_eq!(Mark::parse(&good[1..]), Mark::default());
        assert_eq!(Mark::parse(&[&good[..], b"x"].concat()), Mark::default());
        let mut newer = good;
        newer[0] = 2;
        assert_eq!(Mark::parse(&newer), Mark::default());
    }
}
