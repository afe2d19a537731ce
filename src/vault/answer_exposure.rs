//! What the door tells of exposure: the values that one could have read, never a value.

use std::collections::BTreeSet;

use crate::model::entitlement_history::Period;
use crate::model::name::NodeName;
use crate::model::number::Version;
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

/// The list to work through after an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The values, those that are still in use first.
    pub values: Vec<ExposedValue>,
    /// The nodes that could read them, when a node or a company was asked about.
    pub nodes: BTreeSet<NodeName>,
    /// Whom the policy of this node lets read them, when a company was asked about.
    pub principals: BTreeSet<String>,
    /// The nodes whose journals were read to learn what was given out, and when.
    pub covers: BTreeSet<NodeName>,
    /// Whether the list is all there is; a longer one ends after those in use.
    pub complete: bool,
    /// Lines of those journals that could not be understood: the list may lack what they tell.
    pub unreadable_lines: u64,
}

/// One version that could have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposedValue {
    /// Which secret, in which scope.
    pub at: ScopedSecret,
    /// Which version of it.
    pub version: Version,
    /// What is to be done about it.
    pub standing: Standing,
    /// When it could have been read; of a principal, from the first to the last time that it was.
    pub period: Period,
    /// When it was read last, as far as those journals tell.
    pub last_read: Option<Timestamp>,
    /// The nodes that could; empty when a principal was asked about.
    pub nodes: BTreeSet<NodeName>,
}

/// Whether a value is still in use. The order is that of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is what is given out today: replace it at the provider, and store the new one.
    Current,
    /// It was deleted here; the provider may still take it.
    Deleted,
    /// A newer version is stored: see that the provider refuses this one.
    Replaced,
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
        }
    }
}
