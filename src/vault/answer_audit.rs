//! What the door answers about journals.

use crate::model::identity::KeyPin;
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// What following a journal came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Whose journal.
    pub node: NodeName,
    /// Which of that node's chains; none for the node's own journal.
    pub chain: Option<u32>,
    /// Lines whose chain was checked.
    pub lines: u64,
    /// The last line that the mesh's authority vouches for, and since when; none if there is none.
    pub sealed: Option<(u64, Timestamp)>,
    /// The first line that does not fit, with its file and reason; `None` if all do.
    pub broken: Option<String>,
    /// The authority whose seals were believed.
    pub authority: KeyPin,
}

/// The seals a node keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHeads {
    /// Oldest first, by journal.
    pub heads: Vec<KeptHead>,
    /// The authority that made them.
    pub authority: KeyPin,
}

/// A seal that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHead {
    /// Of whose journal.
    pub node: NodeName,
    /// Up to which line.
    pub seq: u64,
    /// When it was made.
    pub sealed_at: Timestamp,
    /// The seal itself, as one line of JSON.
    pub line: String,
}

/// The journals of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNodes {
    /// The lead first.
    pub nodes: Vec<AuditNode>,
    /// The authority that vouches for them.
    pub authority: KeyPin,
}

/// What the lead knows of the journal of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNode {
    /// Whose.
    pub node: NodeName,
    /// Which chain goes on; none if nothing came yet, or for the lead's own.
    pub chain: Option<u32>,
    /// The number of the last line that is on the lead.
    pub lines: u64,
    /// Lines the node said it has and the lead does not.
    pub behind: u64,
    /// When the node last proved where its journal ends.
    pub proven_at: Option<Timestamp>,
    /// How it stands.
    pub state: AuditState,
    /// Everything that is wrong, in words.
    pub gaps: Vec<String>,
}

/// How a journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditState {
    /// Nothing is missing.
    Whole,
    /// Nothing is missing up to when the node was last heard.
    Away,
    /// The node is connected, and proves nothing.
    Silent,
    /// Nothing ever came.
    Never,
    /// Something is missing, or is another than it was.
    Gap,
}

impl AuditState {
    /// For people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Away => "away",
            Self::Silent => "silent",
            Self::Never => "never",
            Self::Gap => "gap",
        }
    }
}
