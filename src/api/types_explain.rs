//! `GET /api/explain/{service}/{key}`: each scope tried, the winner, the rule, the freshness, and who holds what.

use serde::Serialize;

use super::types_record::{FreshnessView, HolderView, RecordView};
use crate::model::number::Version;
use crate::model::secret::Scope;
use crate::vault::answer::{Explanation, Tried, TriedScope};

/// Why a read comes out as it does.
#[derive(Debug, Serialize)]
pub(super) struct ExplainView<'a> {
    service: &'a str,
    key_name: &'a str,
    environment: &'a str,
    tried: Vec<TriedView<'a>>,
    winner: Option<RecordView<'a>>,
    allowed: bool,
    rule: &'a str,
    freshness: Option<FreshnessView>,
    nodes: Vec<HolderView<'a>>,
}

impl<'a> From<&'a Explanation> for ExplainView<'a> {
    fn from(explanation: &'a Explanation) -> Self {
        Self {
            service: explanation.name.service.as_str(),
            key_name: explanation.name.key.as_str(),
            environment: explanation.environment.as_str(),
            tried: explanation.tried.iter().map(TriedView::from).collect(),
            winner: explanation.winner.as_deref().map(RecordView::from),
            allowed: explanation.allowed,
            rule: &explanation.rule,
            freshness: explanation.freshness.as_ref().map(FreshnessView::from),
            nodes: explanation.holders.iter().map(HolderView::from).collect(),
        }
    }
}

/// What became of one scope.
#[derive(Debug, Serialize)]
struct TriedView<'a> {
    scope: &'static str,
    scope_id: Option<&'a str>,
    outcome: &'static str,
    version: Option<u64>,
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
        Tried::NotNamed => ("not_named", None),
        Tried::NotAllowed => ("not_allowed", None),
    }
}
