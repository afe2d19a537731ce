//! The articles of the rulebook: everything that says who may do what, each known by an id and replaced as a whole.

use std::collections::BTreeSet;
use std::fmt;

use super::agent::Agent;
use super::api_key::ApiKey;
use super::company::Companies;
use super::entitlement::Entitlement;
use super::freeze::{Freeze, FreezeTarget};
use super::grant::{Effect, Grant};
use super::name::{AgentName, ApiKeyName, GrantName, NodeName};
use super::principal::Principal;
use super::reach::{Environments, Reach};

/// Which article. Ordered: grants, agents, keys, freezes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArticleId {
    /// A rule of the policy.
    Grant(GrantName),
    /// An agent.
    Agent(AgentName),
    /// A key of an agent.
    ApiKey(AgentName, ApiKeyName),
    /// A freeze.
    Freeze(FreezeTarget),
}

/// One article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Article {
    /// A rule of the policy.
    Grant(Grant),
    /// An agent.
    Agent(Agent),
    /// A key of an agent.
    ApiKey(ApiKey),
    /// A freeze.
    Freeze(Freeze),
}

/// What becomes of one article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It is there, and says this.
    Put(Article),
    /// It is not there any more.
    Drop(ArticleId),
}

impl Edit {
    /// Which article it is about.
    #[must_use]
    pub fn id(&self) -> ArticleId {
        match self {
            Self::Put(article) => article.id(),
            Self::Drop(id) => id.clone(),
        }
    }
}

impl Article {
    /// By what it is known.
    #[must_use]
    pub fn id(&self) -> ArticleId {
        match self {
            Self::Grant(grant) => ArticleId::Grant(grant.name.clone()),
            Self::Agent(agent) => ArticleId::Agent(agent.name.clone()),
            Self::ApiKey(key) => ArticleId::ApiKey(key.agent.clone(), key.name.clone()),
            Self::Freeze(freeze) => ArticleId::Freeze(freeze.target.clone()),
        }
    }

    /// The article as a node may hold it, or `None` when it does not concern that node.
    ///
    /// A node learns of no company it may not speak for, of no environment but its own, and of no grant to another node.
    #[must_use]
    pub fn for_node(&self, node: &NodeName, entitled: &Entitlement) -> Option<Self> {
        match self {
            Self::Grant(grant) => {
                if matches!(&grant.principal, Principal::Node(other) if other != node) {
                    return None;
                }
                let reach = narrowed(&grant.reach, entitled)?;
                // Closing companies that the node cannot speak for would close nothing there.
                let closes_nothing = grant.effect == Effect::Deny && reach.companies == Companies::default();
                (!closes_nothing).then(|| Self::Grant(Grant { reach, ..grant.clone() }))
            }
            Self::Agent(agent) => {
                Some(Self::Agent(Agent { reach: narrowed(&agent.reach, entitled)?, ..agent.clone() }))
            }
            Self::ApiKey(key) => Some(Self::ApiKey(ApiKey { reach: narrowed(&key.reach, entitled)?, ..key.clone() })),
            Self::Freeze(freeze) => {
                let concerned = match &freeze.target {
                    FreezeTarget::Agent(_) | FreezeTarget::Mesh => true,
                    FreezeTarget::Secret(name) => entitled.covers_name(name),
                    FreezeTarget::Node(name) => name == node,
                    FreezeTarget::Company(company) => entitled.companies.contains(company),
                };
                concerned.then(|| self.clone())
            }
        }
    }
}

/// The reach within what a node may hold; `None` when it does not reach into the node's environment.
fn narrowed(reach: &Reach, entitled: &Entitlement) -> Option<Reach> {
    if !reach.environments.contains(&entitled.environment) {
        return None;
    }
    let companies = match (&reach.companies, &entitled.companies) {
        (companies, Companies::All) | (companies @ Companies::All, Companies::Only(_)) => companies.clone(),
        (Companies::Only(granted), Companies::Only(held)) => {
            Companies::Only(granted.intersection(held).cloned().collect())
        }
    };
    let environments = match &reach.environments {
        Environments::All => Environments::All,
        Environments::Only(_) => Environments::Only(BTreeSet::from([entitled.environment.clone()])),
    };
    Some(Reach { companies, environments, ..reach.clone() })
}

impl fmt::Display for ArticleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(name) => write!(formatter, "grant:{name}"),
            Self::Agent(name) => write!(formatter, "agent:{name}"),
            Self::ApiKey(agent, name) => write!(formatter, "apikey:{agent}/{name}"),
            Self::Freeze(target) => write!(formatter, "freeze:{target}"),
        }
    }
}
