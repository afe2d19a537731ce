//! The rulebook as decisions use it: every article, indexed by whom it is about.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::actions::Capability;
use crate::model::agent::{Agent, AgentState};
use crate::model::api_key::{ApiKey, ApiKeyHash};
use crate::model::article::Article;
use crate::model::freeze::{Freeze, FreezeTarget};
use crate::model::grant::{Effect, Expiry, Grant};
use crate::model::name::{AgentName, ApiKeyName, GrantName, ServiceName};
use crate::model::principal::Principal;
use crate::model::time::Timestamp;

use super::rule::Rule;
use super::shelf::Shelf;

/// Everything that says who may do what on one node. Immutable: a change makes a new one.
#[derive(Debug, Clone)]
pub struct Rulebook {
    grants: BTreeMap<GrantName, Grant>,
    agents: BTreeMap<AgentName, Agent>,
    keys: BTreeMap<(AgentName, ApiKeyName), ApiKey>,
    freezes: BTreeMap<FreezeTarget, Freeze>,
    /// What the grants and the agents come to, by whom it is about.
    about: HashMap<Principal, Shelf>,
    by_hash: HashMap<ApiKeyHash, (AgentName, ApiKeyName)>,
    /// The paths of programs whose bytes a rule tells from others.
    digests: HashSet<String>,
    /// Whether anybody has said what is in it.
    known: bool,
}

impl Default for Rulebook {
    /// The empty rulebook: only the owner of the node may do anything.
    fn default() -> Self {
        Self::new([])
    }
}

impl Rulebook {
    /// A rulebook of these articles. Of two with one id the last counts.
    #[must_use]
    pub fn new(articles: impl IntoIterator<Item = Article>) -> Self {
        let mut book = Self {
            grants: BTreeMap::new(),
            agents: BTreeMap::new(),
            keys: BTreeMap::new(),
            freezes: BTreeMap::new(),
            about: HashMap::new(),
            by_hash: HashMap::new(),
            digests: HashSet::new(),
            known: true,
        };
        for article in articles {
            match article {
                Article::Grant(grant) => drop(book.grants.insert(grant.name.clone(), grant)),
                Article::Agent(agent) => drop(book.agents.insert(agent.name.clone(), agent)),
                Article::ApiKey(key) => drop(book.keys.insert((key.agent.clone(), key.name.clone()), key)),
                Article::Freeze(freeze) => drop(book.freezes.insert(freeze.target.clone(), freeze)),
            }
        }
        book.index();
        book
    }

    /// The rulebook of a node that has never heard from its lead: empty, which is not the same as being told that it is.
    #[must_use]
    pub fn unheard() -> Self {
        Self { known: false, ..Self::default() }
    }

    /// Whether its articles are what the lead said, be it that there are none.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known
    }

    fn index(&mut self) {
        let agents = self.agents.values().filter(|agent| agent.state == AgentState::Active);
        let agents = agents.map(|agent| (Principal::Agent(agent.name.clone()), Rule::of_agent(agent)));
        let grants = self.grants.values().map(|grant| (grant.principal.clone(), Rule::of_grant(grant)));
        for grant in self.grants.values() {
            if let Principal::Executable(program) = &grant.principal
                && program.sha256().is_some()
            {
                self.digests.insert(program.path().to_owned());
            }
        }
        for (principal, rule) in std::iter::once((Principal::Admin, Rule::of_admin())).chain(grants).chain(agents) {
            self.about.entry(principal).or_default().add(rule);
        }
        for (id, key) in &self.keys {
            let previous = key.previous.iter().map(|previous| previous.text.hash);
            for hash in std::iter::once(key.current.hash).chain(previous) {
                self.by_hash.insert(hash, id.clone());
            }
        }
    }

    /// The same rules, and what these articles close besides: denies and freezes that are over, but not yet here. They
    /// decide, and are listed nowhere else.
    #[must_use]
    pub fn still_closing(mut self, articles: impl IntoIterator<Item = Article>) -> Self {
        for article in articles {
            match article {
                Article::Grant(grant) if grant.effect == Effect::Deny => {
                    self.about.entry(grant.principal.clone()).or_default().add(Rule::of_grant(&grant));
                }
                Article::Freeze(freeze) => drop(self.freezes.entry(freeze.target.clone()).or_insert(freeze)),
                Article::Grant(_) | Article::Agent(_) | Article::ApiKey(_) => {}
            }
        }
        self
    }

    /// The rules about any of these principals.
    pub fn about<'a>(&'a self, principals: &'a [Principal]) -> impl Iterator<Item = &'a Rule> {
        principals.iter().filter_map(|principal| self.about.get(principal)).flat_map(Shelf::rules)
    }

    /// Those of them that are about a capability and could cover a secret of the service, if the question is about one.
    pub fn speaking<'a>(
        &'a self,
        principals: &'a [Principal],
        capability: Capability,
        service: Option<&'a ServiceName>,
    ) -> impl Iterator<Item = &'a Rule> {
        let shelves = principals.iter().filter_map(|principal| self.about.get(principal));
        shelves.flat_map(move |shelf| shelf.about(capability, service))
    }

    /// Every rule, with whom it is about, in no order.
    pub fn all(&self) -> impl Iterator<Item = (&Principal, &Rule)> {
        self.about.iter().flat_map(|(principal, shelf)| shelf.rules().map(move |rule| (principal, rule)))
    }

    /// The groups and units that something is denied to.
    pub fn denied_groups_and_units(&self) -> impl Iterator<Item = &Principal> {
        let denied = self.all().filter(|(_, rule)| rule.effect == Effect::Deny).map(|(principal, _)| principal);
        denied.filter(|principal| match principal {
            Principal::Group(_) | Principal::GroupNamed(_) | Principal::SocketGroup | Principal::Unit(_) => true,
            Principal::User(_)
            | Principal::UserNamed(_)
            | Principal::Executable(_)
            | Principal::Agent(_)
            | Principal::Node(_)
            | Principal::Owner
            | Principal::Admin => false,
        })
    }

    /// Whether any rule is about this principal.
    #[must_use]
    pub fn mentions(&self, principal: &Principal) -> bool {
        self.about.contains_key(principal)
    }

    /// Whether any rule is about a program at this path with a digest: then the digest of a caller's own is worth taking.
    #[must_use]
    pub fn wants_digest(&self, path: &str) -> bool {
        self.digests.contains(path)
    }

    /// Every article, in the order of their ids.
    pub fn articles(&self) -> impl Iterator<Item = Article> {
        let grants = self.grants.values().cloned().map(Article::Grant);
        let agents = self.agents.values().cloned().map(Article::Agent);
        let keys = self.keys.values().cloned().map(Article::ApiKey);
        grants.chain(agents).chain(keys).chain(self.freezes.values().cloned().map(Article::Freeze))
    }

    /// The rules of the policy, by name.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values()
    }

    /// One rule of the policy.
    #[must_use]
    pub fn grant(&self, name: &GrantName) -> Option<&Grant> {
        self.grants.get(name)
    }

    /// The agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// One agent.
    #[must_use]
    pub fn agent(&self, name: &AgentName) -> Option<&Agent> {
        self.agents.get(name)
    }

    /// The API keys, by agent and name.
    pub fn keys(&self) -> impl Iterator<Item = &ApiKey> {
        self.keys.values()
    }

    /// One API key, by its name.
    #[must_use]
    pub fn key(&self, agent: &AgentName, name: &ApiKeyName) -> Option<&ApiKey> {
        self.keys.get(&(agent.clone(), name.clone()))
    }

    /// The API key with this digest, whether or not it works any more.
    #[must_use]
    pub fn key_shown(&self, hash: &ApiKeyHash) -> Option<&ApiKey> {
        self.keys.get(self.by_hash.get(hash)?)
    }

    /// Whether anything is frozen.
    #[must_use]
    pub fn has_freezes(&self) -> bool {
        !self.freezes.is_empty()
    }

    /// The freezes, by target.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.freezes.values()
    }

    /// The freeze of one target.
    #[must_use]
    pub fn freeze(&self, target: &FreezeTarget) -> Option<&Freeze> {
        self.freezes.get(target)
    }

    /// Whether somebody has this capability now without any bound of what it is about, and nothing denies any of it.
    #[must_use]
    pub fn holds_wholly(&self, principals: &[Principal], capability: Capability, now: Timestamp) -> bool {
        let speaks = |rule: &&Rule| rule.capabilities.contains(&capability) && rule.expires_at.is_after(now);
        self.about(principals).filter(speaks).any(|rule| rule.effect == Effect::Allow && rule.reach.is_everything())
            && !self.about(principals).filter(speaks).any(|rule| rule.effect == Effect::Deny)
    }

    /// Whether somebody may give this capability to others: it holds it wholly, and for good. What is given has no end of
    /// its own, and would outlast a rule that has one.
    #[must_use]
    pub fn holds_for_good(&self, principals: &[Principal], capability: Capability, now: Timestamp) -> bool {
        let lasts = |rule: &Rule| {
            rule.effect == Effect::Allow
                && rule.expires_at == Expiry::Never
                && rule.reach.is_everything()
                && rule.capabilities.contains(&capability)
        };
        self.about(principals).any(lasts) && self.holds_wholly(principals, capability, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reach::Reach;

    #[test]
    fn a_digest_is_wanted_only_where_a_rule_names_one() {
        let grant = |name: &str, principal: &str| Grant {
            name: GrantName::parse(name).expect(name),
            principal: Principal::parse(principal).expect(principal),
            capabilities: [Capability::DataRead].into(),
            reach: Reach::everything(),
            expires_at: Expiry::Never,
            effect: Effect::Allow,
            granted_by: "admin".to_owned(),
            granted_at: Timestamp(0),
            reason: "test".to_owned(),
        };
        let exactly = format!("exe:/usr/bin/backup@sha256:{}", "0".repeat(64));
        let grants = [grant("exactly", &exactly), grant("any", "exe:/usr/bin/curl"), grant("user", "user:1000")];
        let book = Rulebook::new(grants.map(Article::Grant));
        assert!(book.wants_digest("/usr/bin/backup"));
        assert!(!book.wants_digest("/usr/bin/curl") && !book.wants_digest("/usr/bin"));
        assert!(!Rulebook::default().wants_digest("/usr/bin/backup"));
    }
}
