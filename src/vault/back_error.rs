//! Why the secrets of the mesh did not go back to what they were.

use crate::model::number::Revision;
use crate::model::secret::ScopedSecret;
use crate::replication::back::Stuck;

/// Most secrets that one refusal names.
const NAMES_MAX: usize = 20;

/// A refusal, by cause. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackError {
    /// The change log begins later.
    #[error("the change log does not reach back to revision {to}: it begins after revision {oldest}")]
    LogTooShort {
        /// What was asked for.
        to: Revision,
        /// The earliest that would do.
        oldest: Revision,
    },
    /// There has been no such revision.
    #[error("there is no revision {to}: the lead stands at {here}")]
    NotReached {
        /// What was asked for.
        to: Revision,
        /// Where the lead stands.
        here: Revision,
    },
    /// What some secrets held is gone.
    #[error("{} secrets cannot go back to revision {to}: {}", stuck.len(), names(stuck))]
    Stuck {
        /// What was asked for.
        to: Revision,
        /// Which, and why.
        stuck: Vec<(ScopedSecret, Stuck)>,
    },
}

impl BackError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::LogTooShort { .. } => "log_too_short",
            Self::NotReached { .. } => "no_such_revision",
            Self::Stuck { .. } => "value_gone",
        }
    }
}

fn names(stuck: &[(ScopedSecret, Stuck)]) -> String {
    let mut named: Vec<String> = stuck.iter().take(NAMES_MAX).map(|(at, why)| format!("{at} ({why})")).collect();
    match stuck.len().saturating_sub(NAMES_MAX) {
        0 => {}
        more => named.push(format!("and {more} more")),
    }
    named.join(", ")
}
