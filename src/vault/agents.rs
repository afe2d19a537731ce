//! Agents, on the lead: who may make them and change them, and what there is.
//!
//! Whoever gives a capability must have it without any bound, or be the admin: else an agent that may make agents could give
//! itself whatever it likes.

use std::collections::BTreeSet;

use crate::model::actions::{Action, Capability};
use crate::model::agent::Agent;
use crate::model::article::{Article, Edit};
use crate::model::caller::Caller;
use crate::model::grant::Effect;
use crate::model::name::AgentName;
use crate::model::number::Revision;
use crate::model::principal::Principal;
use crate::policy::rulebook::Rulebook;

use super::account::{Account, noted};
use super::agent_error::AgentError;
use super::agent_plan::{self, Word};
use super::agent_request::{AgentDeed, AgentLine, AgentPatch, NewAgent, Page, PageRequest};
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::rule_change::Plan;

/// A page that a terminal or a screen shows at once.
const LIMIT_DEFAULT: usize = 100;

/// Bounds the memory of one answer.
const LIMIT_MAX: usize = 1000;

impl Vault {
    /// Makes an agent.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower, [`AgentError::Escalation`] for a capability the caller may not give.
    pub async fn create_agent(
        &self,
        caller: &Caller,
        new: NewAgent,
        reason: Option<&str>,
    ) -> Result<(Revision, Agent), VaultError> {
        let mut account = Account::open(caller, Action::AgentCreate, self.parts.clock.now());
        account.reason(Some(&noted(&format!("create agent {}", new.name), reason)));
        let result = self.try_create_agent(caller, new, &mut account).await;
        self.settle(&account, result).await
    }

    /// Changes what an agent may, or what is said about it.
    ///
    /// # Errors
    /// As [`Vault::create_agent`]; [`AgentError::OfPolicy`] for one that the policy file describes.
    pub async fn update_agent(
        &self,
        caller: &Caller,
        name: &AgentName,
        patch: AgentPatch,
        reason: Option<&str>,
    ) -> Result<(Revision, Agent), VaultError> {
        let mut account = Account::open(caller, Action::AgentUpdate, self.parts.clock.now());
        account.reason(Some(&noted(&format!("update agent {name}"), reason)));
        let result = self.try_update_agent(caller, name, &patch, &mut account).await;
        self.settle(&account, result).await
    }

    /// Suspends, activates or archives an agent.
    ///
    /// # Errors
    /// As [`Vault::update_agent`]; an agent of the policy file can be suspended and activated.
    pub async fn agent_deed(
        &self,
        caller: &Caller,
        name: &AgentName,
        deed: AgentDeed,
        reason: Option<&str>,
    ) -> Result<(Revision, Agent), VaultError> {
        let mut account = Account::open(caller, Action::AgentSuspend, self.parts.clock.now());
        account.reason(Some(&noted(&format!("{} agent {name}", deed.as_str()), reason)));
        let result = self.try_agent_deed(caller, name, deed, &mut account).await;
        self.settle(&account, result).await
    }

    /// One page of the agents, by name.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn agents(&self, caller: &Caller, ask: &PageRequest<AgentName>) -> Result<Page<AgentLine>, VaultError> {
        let mut account = Account::open(caller, Action::AgentUpdate, self.parts.clock.now());
        account.reason(Some("list agents"));
        let permitted = self.node_permit(caller, Action::AgentUpdate, &mut account);
        let result = permitted.and_then(|()| self.lead()).map(|_| agent_page(&self.parts.board.rules.load(), ask));
        self.settle(&account, result).await
    }

    /// One agent.
    ///
    /// # Errors
    /// As [`Vault::agents`]; [`AgentError::NoSuch`].
    pub async fn agent(&self, caller: &Caller, name: &AgentName) -> Result<AgentLine, VaultError> {
        let mut account = Account::open(caller, Action::AgentUpdate, self.parts.clock.now());
        account.reason(Some(&format!("show agent {name}")));
        let permitted = self.node_permit(caller, Action::AgentUpdate, &mut account);
        let result = permitted.and_then(|()| self.lead()).and_then(|_| {
            let rules = self.parts.board.rules.load();
            let agent = rules.agent(name).ok_or_else(|| AgentError::NoSuch(name.clone()))?;
            Ok(AgentLine { agent: agent.clone(), keys: rules.keys().filter(|key| key.agent == *name).count() })
        });
        self.settle(&account, result).await
    }

    async fn try_create_agent(
        &self,
        caller: &Caller,
        new: NewAgent,
        account: &mut Account,
    ) -> Result<(Revision, Agent), VaultError> {
        let who = self.agent_permit(caller, Action::AgentCreate, account)?;
        let (author, now) = (who.author(), self.parts.clock.now().wall);
        self.change_rules(account, |articles| {
            let planned = agent_plan::create(articles, new.clone(), Word { author: &author, now })?;
            self.may_give(&who, &planned.agent)?;
            Ok(put(planned.agent))
        })
        .await
    }

    async fn try_update_agent(
        &self,
        caller: &Caller,
        name: &AgentName,
        patch: &AgentPatch,
        account: &mut Account,
    ) -> Result<(Revision, Agent), VaultError> {
        let who = self.agent_permit(caller, Action::AgentUpdate, account)?;
        let (author, now) = (who.author(), self.parts.clock.now().wall);
        self.change_rules(account, |articles| {
            let planned = agent_plan::update(articles, name, patch.clone(), Word { author: &author, now })?;
            if planned.gives {
                self.may_give(&who, &planned.agent)?;
            }
            Ok(put(planned.agent))
        })
        .await
    }

    async fn try_agent_deed(
        &self,
        caller: &Caller,
        name: &AgentName,
        deed: AgentDeed,
        account: &mut Account,
    ) -> Result<(Revision, Agent), VaultError> {
        let who = self.agent_permit(caller, Action::AgentSuspend, account)?;
        let changed = self.change_rules(account, |articles| {
            let (planned, edits) = agent_plan::deed(articles, name, deed)?;
            if planned.gives {
                self.may_give(&who, &planned.agent)?;
            }
            Ok(Plan { edits, told: planned.agent })
        });
        let changed = changed.await?;
        self.forget_key_uses();
        Ok(changed)
    }

    /// Who asks, if it may do this to agents, and this is the place for it.
    pub(super) fn agent_permit(
        &self,
        caller: &Caller,
        action: Action,
        account: &mut Account,
    ) -> Result<Identified, VaultError> {
        let who = self.identify(caller, account)?;
        // Agents are of no company: whoever manages some of what they are about would manage those of others.
        self.authorise_wholly(&who, action, account)?;
        self.lead()?;
        Ok(who)
    }

    /// Whether the caller may let somebody act as this agent: it has whatever the agent may without any bound.
    pub(super) fn may_give(&self, who: &Identified, agent: &Agent) -> Result<(), AgentError> {
        if who.is_admin() {
            return Ok(());
        }
        let (rules, now) = (self.parts.board.rules.load(), self.parts.clock.now().wall);
        let given = capabilities(&rules, agent);
        let lacking = given.into_iter().find(|capability| !who.may_give(&rules, *capability, now));
        lacking.map_or(Ok(()), |capability| Err(AgentError::Escalation(capability)))
    }
}

/// Whatever an agent may: what was given to it, and what the policy grants to it.
fn capabilities(rules: &Rulebook, agent: &Agent) -> BTreeSet<Capability> {
    let principal = Principal::Agent(agent.name.clone());
    let granted = rules.grants().filter(|grant| grant.principal == principal && grant.effect == Effect::Allow);
    let granted = granted.flat_map(|grant| grant.capabilities.iter().copied());
    agent.capabilities.iter().map(|held| held.capability).chain(granted).collect()
}

fn put(agent: Agent) -> Plan<Agent> {
    Plan { edits: vec![Edit::Put(Article::Agent(agent.clone()))], told: agent }
}

fn agent_page(rules: &Rulebook, ask: &PageRequest<AgentName>) -> Page<AgentLine> {
    let after = |agent: &&Agent| ask.after.as_ref().is_none_or(|last| agent.name > *last);
    let mut counts = std::collections::BTreeMap::<&AgentName, usize>::new();
    for key in rules.keys() {
        *counts.entry(&key.agent).or_default() += 1;
    }
    page(rules.agents().filter(after), ask.limit, |agent| AgentLine {
        agent: agent.clone(),
        keys: counts.get(&agent.name).copied().unwrap_or_default(),
    })
}

/// The first so many of the rest of a list.
pub(super) fn page<'all, T: 'all, L>(
    rest: impl Iterator<Item = &'all T>,
    limit: Option<usize>,
    line: impl Fn(&'all T) -> L,
) -> Page<L> {
    let mut rest = rest.peekable();
    let items = rest.by_ref().take(limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)).map(line).collect();
    Page { items, more: rest.peek().is_some() }
}
