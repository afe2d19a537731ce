//! The change log: which revision changed what, so that a follower that was away can be told only what it missed.

use super::article::ArticleId;
use super::change::ChangeKind;
use super::name::NodeName;
use super::number::{Revision, Version};
use super::secret::{KeyScope, ScopedSecret};
use super::time::Timestamp;

/// One committed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its place in the history.
    pub revision: Revision,
    /// When the lead committed it.
    pub at: Timestamp,
    /// The audit line that announced it.
    pub audit_seq: u64,
    /// What it changed.
    pub subject: LogSubject,
}

/// What a change was about. The new content is in the current record or roster entry: the log never holds content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSubject {
    /// A secret.
    Secret {
        /// Which, in which scope.
        at: ScopedSecret,
        /// What was done to it.
        change: ChangeKind,
        /// The version that was current after it.
        version: Version,
    },
    /// A node joined, left, or is entitled to something else.
    Node(NodeName),
    /// A scope key got a new generation, or lost its old ones.
    ScopeKey(KeyScope),
    /// An article of the rulebook.
    Article(ArticleId),
}
