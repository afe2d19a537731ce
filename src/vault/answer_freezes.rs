//! What the door is asked about freezes, and what it tells of them.

use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::model::time::Timestamp;

/// Freeze something, or freeze it otherwise.
#[derive(Debug, Clone)]
pub struct FreezeRequest {
    /// What.
    pub target: FreezeTarget,
    /// How much.
    pub level: FreezeLevel,
    /// Why: told to whoever is refused.
    pub reason: String,
}

/// A freeze that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// It.
    pub freeze: Freeze,
    /// Whether there is such an agent or node; of other targets nobody asks.
    pub known: bool,
    /// The change that made it: a node that has acknowledged this revision is frozen.
    pub revision: Revision,
}

/// Who has a change of the rulebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// The change.
    pub revision: Revision,
    /// Every node, by name.
    pub nodes: Vec<HolderLine>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderLine {
    /// Its name.
    pub node: NodeName,
    /// How far it is.
    pub state: HolderState,
}

/// Whether a node has a change of the rulebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderState {
    /// It has, on its disk.
    Frozen,
    /// It is connected, and has not said so yet.
    Waiting,
    /// It cannot be told.
    Unreachable {
        /// From then on it gives out no value of what it holds, because its copies are too old by its own rules. A time
        /// that is past is when it stopped.
        stops_by: Timestamp,
        /// Whether it has been heard since this lead started. If not, the time is counted from that start.
        heard: bool,
        /// Whether its own durations are not known, and the longest that are known were taken in their place.
        assumed: bool,
    },
    /// Nothing that the freeze is about is or could be there.
    NotConcerned,
}

impl HolderState {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Waiting => "waiting",
            Self::Unreachable { .. } => "unreachable",
            Self::NotConcerned => "not_concerned",
        }
    }
}
