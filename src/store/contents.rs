//! All of a store that a node works with: read once at the start, and published from memory after that.

use std::collections::BTreeMap;

use super::applied::AppliedMigration;
use super::blob::BlobName;
use super::facts::Facts;
use crate::model::article::Article;
use crate::model::log::LogEntry;
use crate::model::number::{Position, Version};
use crate::model::record::{Contact, Record, SealedScopeKey};
use crate::model::roster::{JoinToken, RosterEntry};
use crate::model::secret::ScopedSecret;

/// One consistent reading of every table but the older versions, which are asked for when somebody wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Whose store it is.
    pub facts: Facts,
    /// The last change it holds.
    pub position: Position,
    /// The current version of each (secret, scope), deleted ones included; ordered by address.
    pub records: Vec<Record>,
    /// Every scope key, all generations; ordered by scope, then generation.
    pub scope_keys: Vec<SealedScopeKey>,
    /// The nodes of the mesh; empty on a follower.
    pub roster: Vec<RosterEntry>,
    /// The join tokens that are remembered.
    pub tokens: Vec<JoinToken>,
    /// Who may do what: the rulebook, or on a follower what of it concerns that node.
    pub articles: Vec<Article>,
    /// Up to where a follower holds the rulebook; `None` as long as it never heard of one.
    pub rules_position: Option<Position>,
    /// The change log as far as it is kept, ascending.
    pub log: Vec<LogEntry>,
    /// When the lead last vouched for this cache.
    pub contact: Option<Contact>,
    /// The highest version ever stored of each (secret, scope), dropped ones included.
    pub high_water: Vec<(ScopedSecret, Version)>,
    /// The opaque values.
    pub blobs: BTreeMap<BlobName, Vec<u8>>,
    /// The serial number the next new (secret, scope) gets.
    pub next_secret_id: u64,
    /// What was done to the file to bring it to its schema, in order.
    pub migrations: Vec<AppliedMigration>,
}
