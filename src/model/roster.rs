//! The lead's list of nodes, and the join tokens that lead into it.

use super::entitlement::Entitlement;
use super::entitlement_history::{EntitlementHistory, Period};
use super::hex::hex;
use super::identity::{KeyPin, Role, SealingPublicKey};
use super::name::NodeName;
use super::number::Revision;
use super::time::Timestamp;

/// One node the mesh knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterEntry {
    /// Its name: in its certificate, nowhere asserted otherwise.
    pub name: NodeName,
    /// What it is.
    pub role: Role,
    /// The pinned identity key.
    pub pin: KeyPin,
    /// The key scope keys are sealed to.
    pub sealing_key: SealingPublicKey,
    /// What it may hold.
    pub entitlement: Entitlement,
    /// Since when, and to what before.
    pub history: EntitlementHistory,
    /// When it joined.
    pub joined_at: Timestamp,
    /// Whether it is taken for a member.
    pub standing: Standing,
    /// The change that last wrote this entry; a follower that stands before it needs a snapshot.
    pub changed_at: Revision,
}

impl RosterEntry {
    /// Whether it is, or once was, a member: then it may hold what it was entitled to. A node that waits for approval is one
    /// that never was, or one that a new reign does not know to be one still: that has a history.
    #[must_use]
    pub fn was_member(&self) -> bool {
        self.standing != Standing::Pending || !self.history.former.is_empty()
    }

    /// Every entitlement by which it holds or held something, with its time, oldest first. What it waits to get is none.
    pub fn held(&self) -> impl Iterator<Item = (&Entitlement, Period)> {
        let is_waiting = self.standing == Standing::Pending;
        self.history.with(&self.entitlement).filter(move |(_, period)| !is_waiting || period.until.is_some())
    }

    /// Whether it is a member now: only a member is let in, gets certificates and holds anything.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.standing == Standing::Active
    }
}

/// How the mesh takes a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It has shown its token, and nobody has compared its key yet: it gets no certificate, and holds nothing.
    Pending,
    /// A member.
    Active,
    /// It was thrown out. On the lead since when and why; on the node itself since when it knows.
    Banned {
        /// When.
        at: Timestamp,
        /// Why, in the words of whoever did it; empty on the node itself, which is not told.
        reason: String,
    },
}

impl Standing {
    /// The word for it in answers and tables.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Banned { .. } => "banned",
        }
    }
}

/// SHA-256 of a join token's secret: all the lead keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// What a token is called in lists: the first six bytes of its hash. It admits nobody.
    #[must_use]
    pub fn id(&self) -> String {
        hex(&self.0[..6])
    }
}

/// A join token as the lead remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// Its hash; the secret itself is shown once and forgotten.
    pub hash: TokenHash,
    /// The only node it can admit.
    pub node: NodeName,
    /// What that node will be entitled to.
    pub entitlement: Entitlement,
    /// Whether the node stays pending until somebody has compared its key.
    pub approve: bool,
    /// When it was made; not known of a token from before this was written down.
    pub issued_at: Option<Timestamp>,
    /// After this it admits nobody.
    pub expires_at: Timestamp,
    /// The key it was consumed with, if it was: the same key may repeat the request, another raises an alarm.
    pub consumed_by: Option<KeyPin>,
}
