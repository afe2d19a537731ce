//! A sealed record: the same bytes at rest on the lead, on the wire, and in every cache.

use super::change::ChangeKind;
use super::fields::Fields;
use super::metadata::{Metadata, SecretOptions};
use super::number::{Generation, Position, Revision, Version};
use super::rare::Rare;
use super::secret::{KeyScope, ScopedSecret};
use super::time::{Moment, Timestamp};

/// The largest value any node may be configured to take: with the longest metadata it still fits one frame of 1 MiB.
pub const VALUE_BYTES_MAX: usize = 960 * 1024;

/// A value under its scope key, as `crypto` made it. Opens only at the address and version it was sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// Which key of the scope seals it.
    pub generation: Generation,
    /// 192 random bits.
    pub nonce: [u8; 24],
    /// Ciphertext followed by the 16-byte tag.
    pub ciphertext: Vec<u8>,
}

/// What one version holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordBody {
    /// A value.
    Sealed(SealedValue),
    /// The version was deleted.
    Deleted {
        /// The value, kept on the lead so that a deletion can be undone; it never travels to a follower.
        kept: Option<SealedValue>,
    },
    /// The value of this version is gone for good.
    Destroyed,
    /// The secret is declared, and has had no value so far. The first one takes this version's number.
    Unset,
}

/// What has become of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// It can be read.
    Live,
    /// It was deleted, and can be undeleted.
    Deleted,
    /// Its value is gone for good.
    Destroyed,
    /// There has been no value so far.
    Unset,
}

impl RecordState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Live, Self::Deleted, Self::Destroyed, Self::Unset];

    /// `live`, `deleted`, `destroyed` or `unset`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Deleted => "deleted",
            Self::Destroyed => "destroyed",
            Self::Unset => "unset",
        }
    }

    /// Reads the word for a state.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One version of one secret in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which secret, in which scope.
    pub at: ScopedSecret,
    /// A serial number for people and older clients; one per (secret, scope), never reused.
    pub secret_id: u64,
    /// Which value it is.
    pub version: Version,
    /// The change that wrote it last.
    pub revision: Revision,
    /// What that change did.
    pub change: ChangeKind,
    /// The last change that destroyed a version of this secret: whoever held one writes its file anew.
    pub purged: Option<Revision>,
    /// The value, or that it is gone.
    pub body: RecordBody,
    /// Texts for people.
    pub metadata: Rare<Metadata>,
    /// How it is kept and served.
    pub options: Rare<SecretOptions>,
    /// The fields of the value, if it has several.
    pub fields: Rare<Fields>,
    /// When the first version of this secret was stored.
    pub created_at: Timestamp,
    /// When this record was written.
    pub updated_at: Timestamp,
}

impl Record {
    /// What has become of it.
    #[must_use]
    pub fn state(&self) -> RecordState {
        match &self.body {
            RecordBody::Sealed(_) => RecordState::Live,
            RecordBody::Deleted { .. } => RecordState::Deleted,
            RecordBody::Destroyed => RecordState::Destroyed,
            RecordBody::Unset => RecordState::Unset,
        }
    }

    /// The sealed value that can be read.
    #[must_use]
    pub fn sealed(&self) -> Option<&SealedValue> {
        match &self.body {
            RecordBody::Sealed(value) => Some(value),
            RecordBody::Deleted { .. } | RecordBody::Destroyed | RecordBody::Unset => None,
        }
    }

    /// The sealed value that is there, to be read or to be undeleted.
    #[must_use]
    pub fn kept(&self) -> Option<&SealedValue> {
        match &self.body {
            RecordBody::Sealed(value) => Some(value),
            RecordBody::Deleted { kept } => kept.as_ref(),
            RecordBody::Destroyed | RecordBody::Unset => None,
        }
    }
}

/// A scope key as it is stored or sent: wrapped by the root key on the lead, HPKE-sealed to one node elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedScopeKey {
    /// What the key covers.
    pub at: KeyScope,
    /// Which key of that scope it is.
    pub generation: Generation,
    /// The sealed bytes; only `crypto` knows their shape.
    pub sealed: Vec<u8>,
    /// When the lead made the key; it tells nobody, and does not know it of keys from before it was noted.
    pub made_at: Option<Timestamp>,
}

/// The last proof that a cache was current: "up to `position`, at `at`" in the follower's own clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// What the lead vouched for.
    pub position: Position,
    /// When the question was asked that the lead's beacon answered.
    pub at: Moment,
}

#[cfg(test)]
impl Record {
    /// The first version of a secret, sealed by this generation; only what a test is about need be changed.
    pub(crate) fn sample(at: ScopedSecret, generation: Generation, ciphertext: Vec<u8>) -> Self {
        Self {
            at,
            secret_id: 1,
            version: Version::FIRST,
            revision: Revision(1),
            change: ChangeKind::Stored,
            purged: None,
            body: RecordBody::Sealed(SealedValue { generation, nonce: [0; 24], ciphertext }),
            metadata: Rare::default(),
            options: Rare::default(),
            fields: Rare::default(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node holds every record it may read in memory: a field that is added here is paid for a million times.
    #[test]
    fn a_record_of_which_nothing_special_is_said_takes_little_room() {
        assert!(size_of::<Record>() <= 224, "{} bytes", size_of::<Record>());
    }
}
