//! What can be committed on the lead, and what came of it.

use std::sync::Arc;

use crate::crypto::plaintext::Plaintext;
use crate::crypto::signing::SigningKey;
use crate::model::article::Edit;
use crate::model::entitlement::Entitlement;
use crate::model::fields::Fields;
use crate::model::identity::{KeyPin, SealingPublicKey};
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::{AgentName, NodeName};
use crate::model::number::{Generation, Revision, Version};
use crate::model::patch::Patch;
use crate::model::record::Record;
use crate::model::roster::{JoinToken, RosterEntry, TokenHash};
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::model::time::Timestamp;
use crate::replication::back::Back;

/// A change of the authoritative state, already authorised.
#[derive(Debug)]
pub enum Change {
    /// A new version.
    Put(Box<NewValue>),
    /// Something else is said about a secret; its value stays.
    Describe {
        /// Which.
        at: ScopedSecret,
        /// What is wished.
        patch: Box<Patch>,
    },
    /// The current version is deleted, and can be undeleted.
    Delete {
        /// Which.
        at: ScopedSecret,
    },
    /// The deleted version is current again.
    Undelete {
        /// Which.
        at: ScopedSecret,
    },
    /// Values are gone for good.
    Destroy {
        /// Of which secret.
        at: ScopedSecret,
        /// Whether the current version is among them, and is this one.
        current: Option<Version>,
        /// The older versions among them.
        older: Vec<Version>,
    },
    /// The value of an older version becomes a new version.
    Rollback(Box<Rollback>),
    /// Many secrets go back to what they were, all or none.
    GoBack(Box<GoBack>),
    /// Several values, all or none.
    Import(Vec<NewValue>),
    /// The values of a service in one scope are replaced by others, all or none.
    Replace(Box<Replacement>),
    /// Something is done to several secrets, to all or to none.
    Steps(Vec<(ScopedSecret, Step)>),
    /// Secrets become known that have no value yet; those that are known already stay as they are.
    Declare(Vec<Declaration>),
    /// A node is entitled to something else.
    Entitle {
        /// Which.
        node: NodeName,
        /// To what.
        entitlement: Entitlement,
    },
    /// Scopes get a key of a new generation. A scope whose last rotation is unfinished goes on with that one.
    BeginRotation {
        /// Which.
        scopes: Vec<KeyScope>,
    },
    /// Current values are sealed anew under the newest key of their scope, as far as they are not.
    Reseal {
        /// Which.
        at: Vec<ScopedSecret>,
    },
    /// Older versions are sealed anew under the newest key of their scope, as far as they are still as they were read.
    ResealOlder {
        /// As they were read.
        versions: Vec<Record>,
    },
    /// The generations before these seal nothing any more, and go.
    FinishRotation {
        /// The scopes, each with the first generation that stays.
        targets: Vec<KeyTarget>,
    },
    /// The root key is replaced, and everything it wraps is wrapped anew.
    RotateRoot,
    /// An agent gets a new key to sign with, or has none any more.
    SigningKey {
        /// Which.
        agent: AgentName,
        /// The key, and until when the one before it works beside it.
        key: Option<(Arc<SigningKey>, Timestamp)>,
    },
    /// A command is about to be carried out whose signature is of a time to come.
    SignedAhead {
        /// In seconds since 1970.
        until: i64,
    },
    /// Articles of the rulebook change, all or none.
    Rules {
        /// The last change of the rulebook that was known when this one was planned.
        seen: Revision,
        /// What becomes of which.
        edits: Vec<Edit>,
    },
    /// A node that waits for approval becomes a member.
    Approve {
        /// Which.
        node: NodeName,
        /// The fingerprint of its key, as it was compared.
        fingerprint: String,
    },
    /// A node is a member no more, and stays known as one that was thrown out.
    Ban {
        /// Which.
        node: NodeName,
        /// Why.
        reason: String,
    },
    /// A node is forgotten; its name can be given again.
    Remove {
        /// Which.
        node: NodeName,
    },
    /// A token may admit a node.
    IssueToken(JoinToken),
    /// A token admits nobody any more.
    RevokeToken(TokenHash),
    /// A node asks to be admitted.
    Admit(Applicant),
}

/// Changes of more secrets, or articles, than this take a while to plan.
const LARGE: usize = 64;

impl Change {
    /// Whether it seals or changes so much that planning it would hold up whoever does it.
    pub(super) fn is_large(&self) -> bool {
        match self {
            Self::Import(values) => values.len() > LARGE,
            Self::GoBack(plan) => plan.steps.len() > LARGE,
            Self::Replace(new) => new.values.len() > LARGE,
            Self::Steps(steps) => steps.len() > LARGE,
            Self::Declare(declarations) => declarations.len() > LARGE,
            Self::Rules { edits, .. } => edits.len() > LARGE,
            Self::BeginRotation { scopes } => scopes.len() > LARGE,
            Self::Reseal { .. } | Self::ResealOlder { .. } | Self::FinishRotation { .. } | Self::RotateRoot => true,
            Self::Put(_)
            | Self::Describe { .. }
            | Self::Delete { .. }
            | Self::Undelete { .. }
            | Self::Destroy { .. }
            | Self::Rollback(_)
            | Self::Entitle { .. }
            | Self::Approve { .. }
            | Self::Ban { .. }
            | Self::Remove { .. }
            | Self::SigningKey { .. }
            | Self::SignedAhead { .. }
            | Self::IssueToken(_)
            | Self::RevokeToken(_)
            | Self::Admit(_) => false,
        }
    }
}

/// A value to store.
#[derive(Debug)]
pub struct NewValue {
    /// Where.
    pub at: ScopedSecret,
    /// What.
    pub value: Plaintext,
    /// What else is wished; what is not mentioned stays.
    pub patch: Patch,
    /// The version that must be current; 0 = none may be.
    pub cas: Option<u64>,
}

/// Values of one service in one scope that are written together, and have the same version from then on.
#[derive(Debug)]
pub struct Replacement {
    /// The values; all of one service, in one scope.
    pub values: Vec<NewValue>,
    /// What is deleted at the same time, as far as it has a value.
    pub dropped: Vec<ScopedSecret>,
    /// What the expected version is not about: those of the service that whoever asks did not see when it asked. What has
    /// come since then counts.
    pub unseen: Vec<ScopedSecret>,
    /// The greatest version there must be of the others and of the values; 0 = none of them may have a value.
    pub cas: Option<u64>,
}

/// What brings secrets back to what they were at a revision.
#[derive(Debug)]
pub struct GoBack {
    /// Where the lead stood when this was planned; if something was committed since, nothing is done.
    pub seen: Revision,
    /// What is done to which.
    pub steps: Vec<(ScopedSecret, Back)>,
}

/// What is done to one secret of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its current version is deleted, if it is this one.
    Delete(Version),
    /// Its deleted version is current again.
    Undelete,
    /// Something else is said about it.
    Describe(Patch),
    /// An older version becomes this: deleted, or readable again. Nothing, if its value is not the one that was read.
    Older(Box<Record>),
    /// Values of it are gone for good.
    Destroy {
        /// Whether the current version is among them, and is this one.
        current: Option<Version>,
        /// The older versions among them.
        older: Vec<Version>,
    },
}

/// A version to go back to.
#[derive(Debug)]
pub struct Rollback {
    /// The older version, as it was read.
    pub from: Record,
    /// The current record's revision when it was read: if the secret changed since, it must be read again.
    pub seen: Revision,
}

/// A secret without a value.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Where.
    pub at: ScopedSecret,
    /// What is said about it.
    pub metadata: Metadata,
    /// How it will be kept and served.
    pub options: SecretOptions,
    /// The fields its value will have.
    pub fields: Fields,
}

/// One generation of a scope key: that towards which a rotation works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyTarget {
    /// What the key covers.
    pub at: KeyScope,
    /// Which key of that scope.
    pub generation: Generation,
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
    /// A secret changed, or was found to be as it was asked for.
    Secret(CommittedSecret),
    /// Several secrets, in the order they were asked for.
    Secrets(Vec<CommittedSecret>),
    /// A node joined or is entitled to something else.
    Node(Arc<RosterEntry>),
    /// A step of the rotation of keys.
    Keys(KeyStep),
    /// A node was banned or removed.
    LockedOut(LockedOut),
    /// A join token or something about signing was noted, which is no change of the history.
    Token,
    /// The rulebook changed, at this revision.
    Rules(Revision),
}

/// What became of a node that was thrown out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedOut {
    /// The change.
    pub revision: Revision,
    /// So many scopes have a new key, which the node never sees.
    pub scopes: usize,
}

/// What a step of the rotation of keys came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyStep {
    /// Scopes are being rotated, to these generations.
    Begun(Vec<KeyTarget>),
    /// So many values were sealed anew.
    Resealed(u64),
    /// These generations are now the first of their scopes.
    Finished(Vec<KeyTarget>),
    /// The root key was replaced.
    Root,
}

/// A secret after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommittedSecret {
    /// Its serial number.
    pub secret_id: u64,
    /// The current version.
    pub version: Version,
    /// The change, or the last one if there was none to make.
    pub revision: Revision,
    /// Whether anything changed.
    pub changed: bool,
    /// The version that could be read before, if there was one.
    pub before: Option<Version>,
}
