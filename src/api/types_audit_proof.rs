//! What proves that journals are whole, as it is answered.

use serde::{Deserialize, Serialize};

use crate::vault::answer_audit::{AuditNode, AuditVerdict, KeptHead};

/// `?node=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct NodeQuery {
    /// Whose journal, on the lead; else that of the node that is asked.
    pub(super) node: Option<String>,
}

/// `GET /api/audit/verify`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerdictView {
    /// Whether every line fits.
    pub(super) valid: bool,
    /// Whose journal it is.
    node: String,
    /// Which of the node's chains, on the lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<u32>,
    /// Lines that were checked.
    lines: u64,
    /// The last that is sealed; null if none is.
    sealed: Option<u64>,
    /// When it was sealed.
    sealed_at: Option<String>,
    /// The first that does not fit, with its file and reason.
    broken: Option<String>,
    /// The pin of the authority whose seals were believed.
    authority: String,
}

impl From<AuditVerdict> for VerdictView {
    fn from(verdict: AuditVerdict) -> Self {
        let AuditVerdict { node, chain, lines, sealed, broken, authority } = verdict;
        Self {
            valid: broken.is_none(),
            node: node.to_string(),
            chain,
            lines,
            sealed: sealed.map(|(seq, _)| seq),
            sealed_at: sealed.map(|(_, at)| at.to_string()),
            broken,
            authority: authority.to_string(),
        }
    }
}

/// `GET /api/audit/verify?node=`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerdictsView {
    /// Whether every line of every chain fits.
    pub(super) valid: bool,
    /// The chains, oldest first.
    pub(super) chains: Vec<VerdictView>,
}

/// `GET /api/audit/heads`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HeadsView {
    /// Oldest first, by journal.
    pub(super) heads: Vec<HeadView>,
    /// The pin of the authority that made them.
    pub(super) authority: String,
}

/// One seal.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct HeadView {
    node: String,
    seq: u64,
    sealed_at: String,
    /// The seal as one line of JSON.
    line: String,
}

impl From<KeptHead> for HeadView {
    fn from(kept: KeptHead) -> Self {
        let KeptHead { node, seq, sealed_at, line } = kept;
        Self { node: node.to_string(), seq, sealed_at: sealed_at.to_string(), line }
    }
}

/// `GET /api/audit/nodes`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AuditNodesView {
    /// The lead first.
    pub(super) nodes: Vec<AuditNodeView>,
    /// The pin of the authority that vouches for them.
    pub(super) authority: String,
}

/// The journal of one node.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AuditNodeView {
    node: String,
    chain: Option<u32>,
    lines: u64,
    behind: u64,
    proven_at: Option<String>,
    state: &'static str,
    gaps: Vec<String>,
}

impl From<AuditNode> for AuditNodeView {
    fn from(known: AuditNode) -> Self {
        let AuditNode { node, chain, lines, behind, proven_at, state, gaps } = known;
        let proven_at = proven_at.map(|at| at.to_string());
        Self { node: node.to_string(), chain, lines, behind, proven_at, state: state.as_str(), gaps }
    }
}
