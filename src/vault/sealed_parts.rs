//! What the door of a sealed node stands on, what is brought to it, and what it says of itself.

use std::fmt;
use std::sync::Arc;

use crate::audit::journal::Journal;
use crate::crypto::gathering::Progress;
use crate::crypto::passphrase::PassphraseParameters;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::shares::ShareParameters;
use crate::model::identity::{MeshId, Role};
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::number::Position;
use crate::model::time::{Clock, Timestamp};
use crate::policy::identify::House;

/// Everything the door uses; built once by the daemon.
pub struct SealedParts {
    /// The mesh, to which the root key is bound.
    pub mesh: MeshId,
    /// This node.
    pub node: NodeName,
    /// What it is.
    pub role: Role,
    /// Its environment.
    pub environment: EnvironmentName,
    /// The last change its store holds.
    pub position: Position,
    /// Who is special here.
    pub house: House,
    /// The journal.
    pub journal: Journal,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The wrapped root key, by which a key is known to be the right one.
    pub root: Vec<u8>,
    /// What opens it.
    pub lock: Lock,
}

/// What opens a node that does not open by itself. Nothing of it is secret.
#[derive(Debug, Clone)]
pub enum Lock {
    /// Shares of a key.
    Shares(ShareParameters),
    /// A passphrase.
    Passphrase(PassphraseParameters),
}

/// What somebody brings to unseal the node.
#[derive(Debug)]
pub enum Offer {
    /// One share.
    Share(Plaintext),
    /// The passphrase.
    Passphrase(Plaintext),
    /// Nothing, and the shares that are there shall be forgotten.
    Reset,
}

impl Offer {
    /// For the journal.
    pub(super) fn deed(&self) -> &'static str {
        match self {
            Self::Share(_) => "unseal: a share is offered",
            Self::Passphrase(_) => "unseal: a passphrase is offered",
            Self::Reset => "unseal: the shares are to be forgotten",
        }
    }
}

/// What a sealed node waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// More shares.
    Shares(Progress),
    /// Its passphrase.
    Passphrase,
    /// Nothing any more: it has its key and starts.
    Start,
}

impl fmt::Display for Awaits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shares(progress) => write!(formatter, "the node is sealed: it has {progress}"),
            Self::Passphrase => formatter.write_str("the node is sealed: it waits for its passphrase"),
            Self::Start => formatter.write_str("the node has been unsealed and is starting"),
        }
    }
}

/// How a sealed node is.
#[derive(Debug, Clone)]
pub struct SealedHealth {
    /// This node.
    pub node: NodeName,
    /// What it is.
    pub role: Role,
    /// The last change its store holds.
    pub position: Position,
    /// What it waits for.
    pub awaits: Awaits,
    /// Which shares fit, if shares open it.
    pub shares: Option<ShareParameters>,
    /// The node's time.
    pub now: Timestamp,
}
