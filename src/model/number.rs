//! Counters that must not be mixed up: versions, revisions, epochs and key generations.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// Counts the values of one secret in one scope, from 1. Never reused, not even after destroy or restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// The version of a first value.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// `None` for zero, which is no version.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The version after this one; saturates after 2^64 values of one secret.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Counts the generations of one scope key, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(NonZeroU32);

impl Generation {
    /// The first key of a scope.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// `None` for zero, which is no generation.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The plain number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The generation after this one; saturates.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What the first value of a new secret and the first key of a new scope are numbered by: 1, unless a lead began its reign
/// without knowing which numbers were given out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstNumbers {
    /// Of a secret in a scope that had none.
    pub version: Version,
    /// Of a scope that had no key.
    pub generation: Generation,
}

impl Default for FirstNumbers {
    fn default() -> Self {
        Self { version: Version::FIRST, generation: Generation::FIRST }
    }
}

impl FirstNumbers {
    /// The higher one of each.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self { version: self.version.max(other.version), generation: self.generation.max(other.generation) }
    }

    /// As it is kept in a store: both numbers, big-endian.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        [self.version.get().to_be_bytes().as_slice(), &self.generation.get().to_be_bytes()].concat()
    }

    /// Reads what was kept.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, generation) = bytes.split_at_checked(8)?;
        let version = Version::new(u64::from_be_bytes(version.try_into().ok()?))?;
        Some(Self { version, generation: Generation::new(u32::from_be_bytes(generation.try_into().ok()?))? })
    }
}

/// Counts the committed changes of the whole store; 0 is the empty store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The reign of a lead; goes up at promotion and at restore; 0 is "never heard of a lead".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// A point in the history of a mesh. Totally ordered: epoch first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The reign.
    pub epoch: Epoch,
    /// The change within it.
    pub revision: Revision,
}

macro_rules! display_number {
    ($($name:ident => $field:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.$field(), formatter)
            }
        }
    )*};
}

impl Revision {
    /// The plain number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Epoch {
    /// The plain number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

display_number!(Version => get, Generation => get, Revision => get, Epoch => get);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_numbers_read_back_and_nothing_else_reads() {
        let later = FirstNumbers { version: Version::FIRST.next(), generation: Generation::FIRST.next() };
        assert_eq!(later.to_bytes(), [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2]);
        assert_eq!(FirstNumbers::parse(&later.to_bytes()), Some(later));
        let mixed = FirstNumbers { version: Version::FIRST, ..later };
        assert_eq!(mixed.later(FirstNumbers { generation: Generation::FIRST, ..later }), later);
        for bad in [&[][..], &[0; 12], &[1; 11], &[1; 13]] {
            assert_eq!(FirstNumbers::parse(bad), None, "{bad:?}");
        }
    }
}
