//! `GET /api/explain/{service}/{key}`: each scope tried, the winner, the rule, the freshness, and who holds what.

use serde::Serialize;

use super::types_record::{FreshnessView, HolderView, RecordView};
use crate::model::number::Version;
use crate::model::secret::Scope;
use crate::model::time::Timestamp;
use crate::vault::answer::{Durations, Explanation, SetBy, Tried, TriedScope};

/// Why a read comes out as it does.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ExplainView<'a> {
    service: &'a str,
    key_name: &'a str,
    environment: &'a str,
    tried: Vec<TriedView<'a>>,
    winner: Option<RecordView<'a>>,
    allowed: bool,
    rule: &'a str,
    freshness: Option<FreshnessView>,
    durations: DurationsView,
    nodes: Vec<HolderView<'a>>,
    timestamp: String,
}

impl<'a> ExplainView<'a> {
    /// The answer, with the time on the node's clock that its times are relative to.
    pub(super) fn new(explanation: &'a Explanation, now: Timestamp) -> Self {
        Self {
            service: explanation.name.service.as_str(),
            key_name: explanation.name.key.as_str(),
            environment: explanation.environment.as_str(),
            tried: explanation.tried.iter().map(TriedView::from).collect(),
            winner: explanation.winner.as_deref().map(RecordView::from),
            allowed: explanation.allowed,
            rule: &explanation.rule,
            freshness: explanation.freshness.as_ref().map(FreshnessView::from),
            durations: DurationsView::from(&explanation.durations),
            nodes: explanation.holders.iter().map(HolderView::from).collect(),
            timestamp: now.to_string(),
        }
    }
}

/// What became of one scope.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TriedView<'a> {
    scope: &'static str,
    scope_id: Option<&'a str>,
    outcome: &'static str,
    version: Option<u64>,
}

/// The durations in force, in seconds, each with who sets it: `secret` or `node`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DurationsView {
    ttl: u64,
    ttl_from: &'static str,
    max_stale: u64,
    max_stale_from: &'static str,
}

impl From<&Durations> for DurationsView {
    fn from(durations: &Durations) -> Self {
        let word = |by| match by {
            SetBy::Secret => "secret",
            SetBy::Node => "node",
        };
        Self {
            ttl: durations.policy.ttl.as_secs(),
            ttl_from: word(durations.ttl_by),
            max_stale: durations.policy.max_stale.as_secs(),
            max_stale_from: word(durations.max_stale_by),
        }
    }
}

impl<'a> From<&'a TriedScope> for TriedView<'a> {
    fn from(tried: &'a TriedScope) -> Self {
        let (outcome, version) = outcome(&tried.outcome);
        Self {
            scope: tried.kind,
            scope_id: tried.scope.as_ref().and_then(Scope::id),
            outcome,
            version: version.map(Version::get),
        }
    }
}

fn outcome(tried: &Tried) -> (&'static str, Option<Version>) {
    match tried {
        Tried::Won { version } => ("won", Some(*version)),
        Tried::Overridden { version } => ("overridden", Some(*version)),
        Tried::Absent => ("absent", None),
        Tried::Deleted { version } => ("deleted", Some(*version)),
        Tried::Destroyed { version } => ("destroyed", Some(*version)),
        Tried::Unset => ("unset", None),
        Tried::NotEntitled => ("not_entitled", None),
        Tried::NotNamed => ("not_named", None),
        Tried::NotAllowed => ("not_allowed", None),
    }
}
