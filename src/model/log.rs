//! The change log: which revision changed what, so that a follower that was away can be told only what it missed.

use super::name::NodeName;
use super::number::Revision;
use super::secret::ScopedSecret;
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
    /// A secret got a new version or lost one.
    Secret(ScopedSecret),
    /// A node joined, left, or is entitled to something else.
    Node(NodeName),
}
