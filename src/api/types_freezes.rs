//! Freezes as the API tells of them: what is frozen, and who has heard of it.

use serde::{Deserialize, Serialize};

use crate::model::freeze::Freeze;
use crate::vault::answer_freezes::{Frozen, HolderLine, HolderState, Holders};

/// The body of `POST /api/freezes`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeBody {
    pub(super) target: String,
    pub(super) level: String,
    pub(super) reason: String,
}

/// `DELETE /api/freezes?target=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct TargetQuery {
    pub(super) target: Option<String>,
}

/// `GET /api/freezes/holders?revision=&target=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct HoldersQuery {
    pub(super) revision: Option<String>,
    pub(super) target: Option<String>,
}

/// One freeze, as everybody whom it refuses hears of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FreezeView {
    target: String,
    level: &'static str,
    reason: String,
    since: String,
}

impl From<&Freeze> for FreezeView {
    fn from(freeze: &Freeze) -> Self {
        Self {
            target: freeze.target.to_string(),
            level: freeze.level.as_str(),
            reason: freeze.reason.clone(),
            since: freeze.frozen_at.to_string(),
        }
    }
}

/// `POST /api/freezes`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FrozenView {
    success: bool,
    message: &'static str,
    #[serde(flatten)]
    freeze: FreezeView,
    known: bool,
    revision: u64,
}

impl From<&Frozen> for FrozenView {
    fn from(frozen: &Frozen) -> Self {
        let freeze = FreezeView::from(&frozen.freeze);
        Self { success: true, message: "Frozen", freeze, known: frozen.known, revision: frozen.revision.get() }
    }
}

/// `DELETE /api/freezes/{target}`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UnfrozenView {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// For people.
    pub(super) message: &'static str,
    /// What is not frozen any more.
    pub(super) target: String,
    /// The change that lifted the freeze.
    pub(super) revision: u64,
}

/// `GET /api/freezes`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct FreezesView<'a> {
    freezes: Vec<ListedView<'a>>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ListedView<'a> {
    #[serde(flatten)]
    freeze: FreezeView,
    frozen_by: &'a str,
}

impl<'a> FreezesView<'a> {
    /// The list, as of now.
    pub(super) fn new(freezes: &'a [Freeze], timestamp: String) -> Self {
        let listed = |freeze: &'a Freeze| ListedView { freeze: freeze.into(), frozen_by: &freeze.frozen_by };
        Self { freezes: freezes.iter().map(listed).collect(), timestamp }
    }
}

/// `GET /api/freezes/holders`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HoldersView<'a> {
    revision: u64,
    nodes: Vec<HolderView<'a>>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FreezeHolder"))]
struct HolderView<'a> {
    node: &'a str,
    state: &'static str,
    /// When a node that cannot be reached stops by itself, or stopped.
    stops_by: Option<String>,
    /// Whether the lead has heard it since it started; `null` for a node that can be reached.
    heard: Option<bool>,
    /// Whether the node's own durations are not known, and the longest that are were taken.
    assumed: Option<bool>,
}

impl<'a> HoldersView<'a> {
    /// The nodes, as of now.
    pub(super) fn new(holders: &'a Holders, timestamp: String) -> Self {
        let nodes = holders.nodes.iter().map(HolderView::from).collect();
        Self { revision: holders.revision.get(), nodes, timestamp }
    }
}

impl<'a> From<&'a HolderLine> for HolderView<'a> {
    fn from(line: &'a HolderLine) -> Self {
        let (stops_by, heard, assumed) = match line.state {
            HolderState::Unreachable { stops_by, heard, assumed } => {
                (Some(stops_by.to_string()), Some(heard), Some(assumed))
            }
            HolderState::Frozen | HolderState::Waiting | HolderState::NotConcerned => (None, None, None),
        };
        Self { node: line.node.as_str(), state: line.state.as_str(), stops_by, heard, assumed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::NodeName;
    use crate::model::number::Revision;
    use crate::model::time::Timestamp;

    #[test]
    fn a_node_that_cannot_be_told_says_when_it_stops_and_how_sure_that_is() {
        let line = |node: &str, state| HolderLine { node: NodeName::parse(node).expect(node), state };
        let stops_by = Timestamp(1_795_248_000_123);
        let nodes = vec![
            line("aurora", HolderState::Frozen),
            line("gone", HolderState::Unreachable { stops_by, heard: false, assumed: true }),
        ];
        let holders = Holders { revision: Revision(7), nodes };
        let told = serde_json::to_string(&HoldersView::new(&holders, "now".to_owned())).expect("json");
        assert_eq!(
            told,
            concat!(
                r#"{"revision":7,"nodes":[{"node":"aurora","state":"frozen","stops_by":null,"heard":null,"assumed":null},"#,
                r#"{"node":"gone","state":"unreachable","stops_by":"2026-11-21T08:00:00.123Z","heard":false,"assumed":true}],"#,
                r#""timestamp":"now"}"#
            )
        );
    }
}
