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
#[expect(clippy::large_enum_variant, reason = "edits are few and short-lived, and most of them put")]
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
            Self::Freeze(freeze) => freeze.target.concerns(node, entitled).then(|| self.clone()),
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

#[cfg(test)]
mod tests {
    use super::super::actions::Capability;
    use super::super::freeze::FreezeLevel;
    use super::super::glob::SecretGlob;
    use super::super::grant::Expiry;
    use super::super::name::{CompanyId, EnvironmentName};
    use super::super::time::Timestamp;
    use super::*;

    fn companies(texts: &[&str]) -> Companies {
        Companies::Only(texts.iter().map(|text| CompanyId::parse(text).expect(text)).collect())
    }

    fn environments(texts: &[&str]) -> Environments {
        Environments::Only(texts.iter().map(|text| EnvironmentName::parse(text).expect(text)).collect())
    }

    fn grant(principal: &str, effect: Effect, reach: Reach) -> Article {
        Article::Grant(Grant {
            name: GrantName::parse("rule").expect("name"),
            principal: Principal::parse(principal).expect(principal),
            capabilities: [Capability::DataRead].into(),
            reach,
            expires_at: Expiry::Never,
            effect,
            granted_by: "admin".to_owned(),
            granted_at: Timestamp(0),
            reason: "test".to_owned(),
        })
    }

    /// What `vengeance`, in prod and for acme, holds of an article.
    fn held(article: &Article) -> Option<Article> {
        let entitled = Entitlement {
            environment: EnvironmentName::parse("prod").expect("environment"),
            companies: companies(&["acme"]),
            globs: vec![SecretGlob::parse("openai/*").expect("glob")],
        };
        article.for_node(&NodeName::parse("vengeance").expect("name"), &entitled)
    }

    fn held_reach(reach: Reach) -> Option<Reach> {
        match held(&grant("user:1000", Effect::Allow, reach))? {
            Article::Grant(grant) => Some(grant.reach),
            Article::Agent(_) | Article::ApiKey(_) | Article::Freeze(_) => None,
        }
    }

    #[test]
    fn a_node_learns_of_no_other_company_and_of_no_other_environment() {
        let both = Reach {
            companies: companies(&["acme", "globex"]),
            environments: environments(&["prod", "dev"]),
            ..Reach::everything()
        };
        let held = held_reach(both).expect("it concerns prod");
        assert_eq!((held.companies, held.environments), (companies(&["acme"]), environments(&["prod"])));
        let elsewhere = Reach { environments: environments(&["dev"]), ..Reach::everything() };
        assert_eq!(held_reach(elsewhere), None);
        assert_eq!(held_reach(Reach::everything()), Some(Reach::everything()));
    }

    #[test]
    fn a_grant_to_another_node_concerns_that_node_alone() {
        assert!(held(&grant("node:vengeance", Effect::Allow, Reach::everything())).is_some());
        assert_eq!(held(&grant("node:runpod-tx", Effect::Allow, Reach::everything())), None);
    }

    #[test]
    fn a_deny_for_companies_the_node_cannot_speak_for_is_not_told_and_one_for_all_is() {
        let globex = Reach { companies: companies(&["globex"]), ..Reach::everything() };
        assert_eq!(held(&grant("user:1000", Effect::Deny, globex.clone())), None);
        assert!(held(&grant("user:1000", Effect::Allow, globex)).is_some(), "it still opens what is of no company");
        assert!(held(&grant("user:1000", Effect::Deny, Reach::everything())).is_some());
    }

    #[test]
    fn a_freeze_concerns_whoever_could_do_what_is_frozen() {
        let concerned = |target: &str| {
            let target = FreezeTarget::parse(target).expect(target);
            let freeze = Freeze {
                target,
                level: FreezeLevel::All,
                reason: "test".to_owned(),
                frozen_by: "admin".to_owned(),
                frozen_at: Timestamp(0),
            };
            held(&Article::Freeze(freeze)).is_some()
        };
        for target in ["mesh", "agent:openclaw", "secret:openai/api_key", "node:vengeance", "company:acme"] {
            assert!(concerned(target), "{target}");
        }
        for target in ["secret:hubspot/api_key", "node:runpod-tx", "company:globex"] {
            assert!(!concerned(target), "{target}");
        }
    }
}
