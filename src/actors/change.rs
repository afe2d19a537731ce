//! What can be committed on the lead, and what came of it.

use std::sync::Arc;

use crate::crypto::plaintext::Plaintext;
use crate::model::entitlement::Entitlement;
use crate::model::identity::{KeyPin, SealingPublicKey};
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::NodeName;
use crate::model::number::{Revision, Version};
use crate::model::roster::{JoinToken, RosterEntry, TokenHash};
use crate::model::secret::ScopedSecret;

/// A change of the authoritative state, already authorised.
#[derive(Debug)]
pub enum Change {
    /// A new version.
    Put(Box<NewValue>),
    /// The current version is deleted.
    Delete {
        /// Which.
        at: ScopedSecret,
    },
    /// A node is entitled to something else.
    Entitle {
        /// Which.
        node: NodeName,
        /// To what.
        entitlement: Entitlement,
    },
    /// A token may admit a node.
    IssueToken(JoinToken),
    /// A node asks to be admitted.
    Admit(Applicant),
}

/// A value to store.
#[derive(Debug)]
pub struct NewValue {
    /// Where.
    pub at: ScopedSecret,
    /// What.
    pub value: Plaintext,
    /// Texts for people.
    pub metadata: Metadata,
    /// How it is kept and served.
    pub options: SecretOptions,
    /// The version that must be current; 0 = none may be.
    pub cas: Option<u64>,
}

/// Who asks to join, by what it has shown.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The token it knows.
    pub token: TokenHash,
    /// The key it proved to hold.
    pub pin: KeyPin,
    /// The key scope keys will be sealed to.
    pub sealing_key: SealingPublicKey,
}

/// What came of a change.
#[derive(Debug, Clone)]
pub enum Committed {
    /// A secret changed.
    Secret {
        /// Its serial number.
        secret_id: u64,
        /// The new version, or the one deleted.
        version: Version,
        /// The change.
        revision: Revision,
    },
    /// A node joined or is entitled to something else.
    Node(Arc<RosterEntry>),
    /// A token was noted.
    Token,
}
