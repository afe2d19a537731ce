//! One rule as decisions use it: a grant, what an agent was given, or the rule that every node has.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::actions::Capability;
use crate::model::agent::Agent;
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::principal::Principal;
use crate::model::reach::Reach;

use super::decide::DEFAULT_RULE;

/// The rule that lets the owner of a node do everything there. It is part of every rulebook and cannot be taken out: else
/// nobody could put anything back in. No grant may have its name.
pub const ADMIN_RULE: &str = "admin";

/// The rule named when the roster does not give the node what a caller asks it to speak for.
pub const ROSTER_RULE: &str = "roster";

/// The rule named before a request came to a decision.
pub const UNDECIDED_RULE: &str = "undecided";

/// The rules that are no grant. A grant of one of these names could not be told from them in the audit.
const RESERVED: [&str; 14] = [
    ADMIN_RULE,
    DEFAULT_RULE,
    ROSTER_RULE,
    UNDECIDED_RULE,
    "node",
    "self",
    "frozen",
    "agent-suspended",
    "agent-archived",
    "agent-unknown",
    "escalation",
    "bounded-grant",
    "rate-limit",
    "signature",
];

/// Whether a rule of this name is one that every node has, and no grant.
#[must_use]
pub fn is_reserved(rule: &str) -> bool {
    RESERVED.contains(&rule)
}

/// What is allowed or denied to somebody.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What an audit line and an explanation show: the name of a grant, `agent:NAME`, or [`ADMIN_RULE`].
    pub name: Arc<str>,
    /// Whether it opens or closes.
    pub effect: Effect,
    /// What it is about.
    pub capabilities: BTreeSet<Capability>,
    /// On what.
    pub reach: Reach,
    /// Until when it holds.
    pub expires_at: Expiry,
}

impl Rule {
    pub(super) fn of_grant(grant: &Grant) -> Self {
        Self {
            name: grant.name.as_str().into(),
            effect: grant.effect,
            capabilities: grant.capabilities.clone(),
            reach: grant.reach.clone(),
            expires_at: grant.expires_at,
        }
    }

    pub(super) fn of_agent(agent: &Agent) -> Self {
        Self {
            name: Principal::Agent(agent.name.clone()).to_string().into(),
            effect: Effect::Allow,
            capabilities: agent.capabilities.iter().map(|held| held.capability).collect(),
            reach: agent.reach.clone(),
            expires_at: Expiry::Never,
        }
    }

    pub(super) fn of_admin() -> Self {
        Self {
            name: ADMIN_RULE.into(),
            effect: Effect::Allow,
            capabilities: Capability::ALL.iter().copied().collect(),
            reach: Reach::everything(),
            expires_at: Expiry::Never,
        }
    }
}
