//! What a committed change did to a secret: the word in the log, on the record it wrote, and in what watchers are told.

use std::fmt;

/// The kind of a change. Numbers are those of the file and the wire: never changed, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A new version was stored.
    Stored,
    /// Only what is said about the secret changed.
    Described,
    /// The current version was deleted; it can be undeleted.
    Deleted,
    /// The deleted version is current again.
    Undeleted,
    /// The value of one version or of several is gone for good.
    Destroyed,
    /// The secret is known, without a value so far.
    Declared,
    /// The same value was sealed again, under a newer key.
    Resealed,
}

impl ChangeKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Stored,
        Self::Described,
        Self::Deleted,
        Self::Undeleted,
        Self::Destroyed,
        Self::Declared,
        Self::Resealed,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Described => "described",
            Self::Deleted => "deleted",
            Self::Undeleted => "undeleted",
            Self::Destroyed => "destroyed",
            Self::Declared => "declared",
            Self::Resealed => "resealed",
        }
    }

    /// The number in a file or a frame.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Described => 1,
            Self::Deleted => 2,
            Self::Undeleted => 3,
            Self::Destroyed => 4,
            Self::Declared => 5,
            Self::Resealed => 6,
        }
    }

    /// The kind of a number; `None` for one this build does not know.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_number_and_no_other_number_does() {
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(ChangeKind::from_number(7), None);
    }
}
