//! Names of the opaque byte strings a node keeps: wrapped keys, certificates, addresses.

/// One opaque value. What must be secret was wrapped by `crypto` before it comes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobName {
    /// The root key, wrapped by the unseal key.
    RootKey,
    /// How a passphrase becomes the unseal key; absent when a key file is used.
    PassphraseParameters,
    /// Which set of shares makes the unseal key, and how many of them; absent unless it was split.
    ShareParameters,
    /// The node's identity key, wrapped.
    Identity,
    /// The node's X25519 key, wrapped.
    SealingKey,
    /// The mesh CA's key, wrapped; on the lead only.
    AuthorityKey,
    /// The mesh CA's certificate.
    AuthorityCertificate,
    /// The mesh's own X25519 key, wrapped; on the lead only.
    MeshSealingKey,
    /// Its public half, pinned when the node joined.
    MeshSealingPublicKey,
    /// The node's certificate chain.
    Certificate,
    /// What the lead is called.
    LeadName,
    /// Present while bytes that were dropped may still be in the file.
    RebuildDue,
    /// The keys agents sign their commands with, wrapped; on the lead only, once there is one.
    SigningKeys,
    /// The latest second in which a command was signed whose time lay ahead of the lead's clock, since 1970.
    SignedUntil,
    /// When the root key was last replaced, in milliseconds since 1970; absent while it is the first.
    RootRotated,
    /// When which API key was last used; on the lead only.
    KeyUse,
    /// How many checks of credentials were made on which day.
    SpentCalls,
    /// Up to where a follower's records must come before rules that were lifted no longer close: epoch and revision.
    RulesAhead,
    /// Of which dates of credentials somebody was told, so that nobody is told twice; on the lead only.
    Told,
    /// What was told of APIs and of keys that are refused, for the same reason; on the lead only.
    News,
    /// What somebody asked to be allowed, and nobody has looked at; on the lead only.
    AccessRequests,
    /// Which life of a lead's store this is: 16 bytes, drawn anew by `init`, by a restore and by a promotion; on the lead only.
    StoreId,
    /// When a snapshot was last verified, and at which revision; on the lead only.
    SnapshotVerified,
    /// What a restore did, until the node has written it into its journal.
    Restored,
    /// The statement, signed by the mesh CA, that the reign of the lead began.
    Succession,
    /// What new secrets and new scopes are numbered by, if the lead began its reign without knowing what was given out before.
    FirstNumbers,
}

impl BlobName {
    /// Every name.
    pub const ALL: [Self; 26] = [
        Self::RootKey,
        Self::PassphraseParameters,
        Self::ShareParameters,
        Self::Identity,
        Self::SealingKey,
        Self::AuthorityKey,
        Self::AuthorityCertificate,
        Self::MeshSealingKey,
        Self::MeshSealingPublicKey,
        Self::Certificate,
        Self::LeadName,
        Self::RebuildDue,
        Self::SigningKeys,
        Self::SignedUntil,
        Self::RootRotated,
        Self::KeyUse,
        Self::SpentCalls,
        Self::RulesAhead,
        Self::Told,
        Self::News,
        Self::AccessRequests,
        Self::StoreId,
        Self::SnapshotVerified,
        Self::Restored,
        Self::Succession,
        Self::FirstNumbers,
    ];

    /// The key in the file, and the label it is wrapped under. Never changed, never given to another blob.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RootKey => "root-key",
            Self::PassphraseParameters => "passphrase-parameters",
            Self::ShareParameters => "share-parameters",
            Self::Identity => "identity",
            Self::SealingKey => "sealing-key",
            Self::AuthorityKey => "authority-key",
            Self::AuthorityCertificate => "authority-certificate",
            Self::MeshSealingKey => "mesh-sealing-key",
            Self::MeshSealingPublicKey => "mesh-sealing-public-key",
            Self::Certificate => "certificate",
            Self::LeadName => "lead-name",
            Self::RebuildDue => "rebuild-due",
            Self::SigningKeys => "signing-keys",
            Self::SignedUntil => "signed-until",
            Self::RootRotated => "root-rotated",
            Self::KeyUse => "key-use",
            Self::SpentCalls => "spent-calls",
            Self::RulesAhead => "rules-ahead",
            Self::Told => "told",
            Self::News => "news",
            Self::AccessRequests => "access-requests",
            Self::StoreId => "store-id",
            Self::SnapshotVerified => "snapshot-verified",
            Self::Restored => "restored",
            Self::Succession => "succession",
            Self::FirstNumbers => "first-numbers",
        }
    }

    /// Whether the root key wraps it; what it does not wrap is no secret, or is the root key itself.
    #[must_use]
    pub fn is_wrapped(self) -> bool {
        match self {
            Self::RootKey
            | Self::PassphraseParameters
            | Self::ShareParameters
            | Self::RebuildDue
            | Self::SignedUntil
            | Self::RootRotated
            | Self::KeyUse
            | Self::SpentCalls
            | Self::RulesAhead
            | Self::Told
            | Self::News
            | Self::AccessRequests
            | Self::StoreId
            | Self::SnapshotVerified
            | Self::Restored
            | Self::Succession
            | Self::FirstNumbers => false,
            Self::Identity
            | Self::SealingKey
            | Self::AuthorityKey
            | Self::AuthorityCertificate
            | Self::MeshSealingKey
            | Self::MeshSealingPublicKey
            | Self::Certificate
            | Self::SigningKeys
            | Self::LeadName => true,
        }
    }

    /// The name of a key in the file; `None` for a key this build does not know.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_no_other_does() {
        for name in BlobName::ALL {
            assert_eq!(BlobName::parse(name.as_str()), Some(name));
        }
        assert_eq!(BlobName::parse("Root-Key"), None);
        assert_eq!(BlobName::parse(""), None);
    }
}
