//! The lead's list of nodes, and the join tokens that lead into it.

use super::entitlement::Entitlement;
use super::entitlement_history::EntitlementHistory;
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
    /// The change that last wrote this entry; a follower that stands before it needs a snapshot.
    pub changed_at: Revision,
}

/// SHA-256 of a join token's secret: all the lead keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A join token as the lead remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// Its hash; the secret itself is shown once and forgotten.
    pub hash: TokenHash,
    /// The only node it can admit.
    pub node: NodeName,
    /// What that node will be entitled to.
    pub entitlement: Entitlement,
    /// After this it admits nobody.
    pub expires_at: Timestamp,
    /// The key it was consumed with, if it was: the same key may repeat the request, another raises an alarm.
    pub consumed_by: Option<KeyPin>,
}
