//! Who asks: the kernel's word, the API key that was shown, and the agent somebody acts as instead of itself.
//!
//! A request that shows a key is made by the key's agent or by nobody: it never falls back to whoever runs the process. What
//! the process is counts all the same where something was denied to it.

use std::fmt::Write;

use crate::audit::entry::Ruling;
use crate::model::actions::{Action, Capability};
use crate::model::agent::AgentState;
use crate::model::api_key::{ApiKey, ApiKeyHash};
use crate::model::article::ArticleId;
use crate::model::caller::{Caller, Door, ShownKey};
use crate::model::grant::{Effect, Expiry};
use crate::model::name::{AgentName, ApiKeyName};
use crate::model::principal::Principal;
use crate::model::reach::Reach;
use crate::model::time::{Moment, Timestamp};
use crate::policy::decide::{Decision, Question, Within, decide};
use crate::policy::identify::{House, for_unit, identify};
use crate::policy::rulebook::Rulebook;

use super::account::Account;
use super::authorise::{Object, ruled};
use super::error::VaultError;
use super::parts::Vault;

/// The rule named when the agent of a key, or one somebody wants to act as, is suspended.
const SUSPENDED_RULE: &str = "agent-suspended";

/// The same for one that is archived.
const ARCHIVED_RULE: &str = "agent-archived";

/// The same for one that is not there: also of a key whose agent does not act in this environment.
const UNKNOWN_RULE: &str = "agent-unknown";

/// The rule named when the process that connected has ended: what is said on its socket is said by somebody else.
const GONE_RULE: &str = "caller gone";

/// The rule named when nothing tells who asks: on the loopback listener only a key does.
const NO_KEY: &str = "no API key";

/// Most bytes of an audit line for whom its caller acts as, so that no caller can be too much for a line.
const PRINCIPAL_BYTES_MAX: usize = 4 << 10;

/// As many as most callers need.
const PRINCIPAL_BYTES: usize = 192;

/// An identified caller.
#[derive(Debug)]
pub(super) struct Identified {
    /// What it acts as.
    principals: Vec<Principal>,
    /// What it is besides: only an explicit deny of these counts.
    besides: Vec<Principal>,
    /// The API key it showed.
    key: Option<KeyShown>,
    /// What it acts as by its own right, if it acts as another agent.
    behind: Option<Vec<Principal>>,
}

/// An API key that works.
#[derive(Debug)]
pub(super) struct KeyShown {
    /// Whose it is. Not the agent that is acted as, if that is another.
    pub(super) agent: AgentName,
    /// What it is called among those of the agent.
    pub(super) name: ApiKeyName,
    hash: ApiKeyHash,
    is_newest: bool,
    /// Until when the text that was shown works, if nothing is done to the key.
    pub(super) until: Expiry,
    reach: Reach,
    rule: String,
}

impl KeyShown {
    /// A key that works, as a bound; shown by the text with this digest.
    pub(super) fn new(key: &ApiKey, hash: ApiKeyHash) -> Self {
        let (agent, name) = (key.agent.clone(), key.name.clone());
        let rule = ArticleId::ApiKey(agent.clone(), name.clone()).to_string();
        let old = key.previous.as_ref().filter(|previous| previous.text.hash == hash);
        let until = old.map_or(key.expires_at, |previous| key.expires_at.sooner(Expiry::At(previous.until)));
        Self { agent, name, hash, is_newest: old.is_none(), until, reach: key.reach.clone(), rule }
    }

    /// Whether whoever showed it may make this key, or give it a new text: no key works longer than the one by which it was
    /// got, but for that one itself when it is given its next text in time.
    pub(super) fn may_make(&self, key: &ApiKey) -> bool {
        let renews = self.is_newest && (&key.agent, &key.name) == (&self.agent, &self.name);
        renews || key.expires_at.sooner(self.until) == key.expires_at
    }
}

impl Identified {
    /// A caller who acts as `principals`, is `besides` besides, and is `behind` another agent.
    pub(super) fn new(
        principals: Vec<Principal>,
        besides: Vec<Principal>,
        key: Option<KeyShown>,
        behind: Option<Vec<Principal>>,
    ) -> Self {
        Self { principals, besides, key, behind }
    }

    /// Whether the owner asks through the admin door.
    pub(super) fn is_admin(&self) -> bool {
        self.principals.contains(&Principal::Admin)
    }

    /// What it acts as.
    pub(super) fn principals(&self) -> &[Principal] {
        &self.principals
    }

    /// What it is besides, and does not act as: the process behind a key, and whoever acts as another agent.
    pub(super) fn besides(&self) -> &[Principal] {
        &self.besides
    }

    /// The agent it acts as: that of its key, or another.
    pub(super) fn agent(&self) -> Option<&AgentName> {
        self.principals.iter().find_map(Principal::agent)
    }

    /// The API key it showed.
    pub(super) fn key(&self) -> Option<&KeyShown> {
        self.key.as_ref()
    }

    /// What is written down as the author of something: `admin`, `user:1000`, `agent:robot`.
    pub(super) fn author(&self) -> String {
        let names = |principals: &[Principal]| principals.first().map_or_else(String::new, Principal::to_string);
        match &self.behind {
            Some(behind) => format!("{} by {}", names(&self.principals), names(behind)),
            None => names(&self.principals),
        }
    }

    /// What policy says. Whoever acts as another agent may do what that agent may, as far as its own right to act as others
    /// reaches.
    pub(super) fn decide(&self, rules: &Rulebook, action: Action, object: Object<'_>, now: Moment) -> Decision {
        if let Some(behind) = &self.behind {
            let may =
                decide(rules, &Question { principals: behind, ..self.question(Action::AgentImpersonate, object, now) });
            if matches!(may, Decision::Denied { .. }) {
                return may;
            }
        }
        decide(rules, &self.question(action, object, now))
    }

    fn question<'ask>(&'ask self, action: Action, object: Object<'ask>, now: Moment) -> Question<'ask> {
        let Object { secret, scope, company, environment } = object;
        Question {
            principals: &self.principals,
            besides: &self.besides,
            within: self.key.as_ref().map(|key| Within { reach: &key.reach, rule: &key.rule }),
            action,
            secret,
            scope,
            company,
            environment,
            now: now.wall,
        }
    }

    /// Whether it may give this capability to others: it holds it wholly, and no part of that ends by itself.
    pub(super) fn may_give(&self, rules: &Rulebook, capability: Capability, now: Timestamp) -> bool {
        self.holds_wholly(rules, capability, now)
            && rules.holds_for_good(&self.principals, capability, now)
            && self.behind.as_ref().is_none_or(|own| rules.holds_for_good(own, Capability::AgentImpersonate, now))
    }

    /// Whether it has this capability without any bound of what it is about: its key bounds nothing, and nothing denies any
    /// of it to whoever is behind it.
    pub(super) fn holds_wholly(&self, rules: &Rulebook, capability: Capability, now: Timestamp) -> bool {
        let denied = |principals: &[Principal]| {
            rules.about(principals).any(|rule| {
                rule.effect == Effect::Deny && rule.capabilities.contains(&capability) && rule.expires_at.is_after(now)
            })
        };
        rules.holds_wholly(&self.principals, capability, now)
            && !denied(&self.besides)
            && self.key.as_ref().is_none_or(|key| key.reach.is_everything())
            && self.behind.as_ref().is_none_or(|own| rules.holds_wholly(own, Capability::AgentImpersonate, now))
    }
}

/// Turns the kernel's word into principals, and nothing else: what a caller shows is not looked at.
pub(super) fn by_kernel(caller: &Caller, house: House, account: &mut Account) -> Result<Identified, VaultError> {
    if !caller.attested.presence.is_there() {
        account.decided(Ruling::Deny, GONE_RULE);
        return Err(VaultError::CallerGone);
    }
    let principals = identify(caller, house).map_err(|error| {
        account.decided(Ruling::Deny, error.to_string());
        VaultError::NoIdentity
    })?;
    match caller.door {
        Door::Agent | Door::Admin | Door::Workload => {
            account.principal(texts(&principals));
            Ok(Identified::new(principals, Vec::new(), None, None))
        }
        // Whoever it is must show a key: see `recognise`.
        Door::Loopback => Ok(Identified::new(principals, Vec::new(), None, None)),
        Door::Credentials => {
            let (units, besides) = for_unit(principals).map_err(|error| {
                account.decided(Ruling::Deny, error.to_string());
                VaultError::NoIdentity
            })?;
            account.principal(texts(&units));
            Ok(Identified::new(units, besides, None, None))
        }
    }
}

/// A key where none is known, or what is none: nobody.
pub(super) fn no_such_key(account: &mut Account, why: &str) -> VaultError {
    account.decided(Ruling::Deny, why);
    VaultError::NoIdentity
}

fn texts(principals: &[Principal]) -> String {
    let mut text = String::with_capacity(PRINCIPAL_BYTES);
    for (at, principal) in principals.iter().enumerate() {
        let before = text.len();
        let blank = if at == 0 { "" } else { " " };
        // A string takes everything.
        let _ = write!(text, "{blank}{principal}");
        if text.len() > PRINCIPAL_BYTES_MAX {
            text.truncate(before);
            return format!("{text} (and {} more)", principals.len() - at);
        }
    }
    text
}

impl Vault {
    /// Whom a request is made by: its agent, if it shows an API key; else whoever the kernel says; or the agent that one of
    /// them acts as. A key that does not work is nobody, never whoever showed it.
    ///
    /// What an agent asks is counted against its limits, and what it signed is checked, as soon as it is known: once for
    /// each request. Whoever asks before all of the body was read, asks with [`Self::recognise`] first.
    pub(super) fn identify(&self, caller: &Caller, account: &mut Account) -> Result<Identified, VaultError> {
        let who = self.recognise(caller, account)?;
        let rules = self.parts.board.rules.load();
        let agent = who.key().and_then(|key| rules.agent(&key.agent));
        self.check_signature(caller, agent, account)?;
        Ok(who)
    }

    /// The same, for a request whose signature cannot be checked yet: [`Self::identify`] must follow.
    pub(super) fn recognise(&self, caller: &Caller, account: &mut Account) -> Result<Identified, VaultError> {
        let who = by_kernel(caller, self.parts.house, account)?;
        let rules = self.parts.board.rules.load();
        let who = match caller.shown.key {
            ShownKey::None if caller.door == Door::Loopback => return Err(no_such_key(account, NO_KEY)),
            ShownKey::None => who,
            ShownKey::Malformed => return Err(no_such_key(account, "malformed API key")),
            ShownKey::Key(hash) => {
                account.shows_key(caller.door);
                self.by_key(&rules, &hash, who, account).and_then(|who| {
                    self.within_limits(&rules, caller, &who, account)?;
                    Ok(who)
                })?
            }
        };
        let mut who = match &caller.shown.acts_as {
            None => who,
            Some(other) => self.acting_as(&rules, other, who, account)?,
        };
        if caller.attested.is_unseen {
            who.besides.extend(rules.denied_groups_and_units().cloned());
        }
        Ok(who)
    }

    fn by_key(
        &self,
        rules: &Rulebook,
        hash: &ApiKeyHash,
        who: Identified,
        account: &mut Account,
    ) -> Result<Identified, VaultError> {
        let now = self.parts.clock.now().wall;
        // Found by its digest: what the time this takes could tell is of a digest, of which nobody makes a key.
        let key = rules.key_shown(hash).ok_or_else(|| match rules.is_known() {
            true => no_such_key(account, "no such API key"),
            false => VaultError::NoRules,
        })?;
        let agent = Principal::Agent(key.agent.clone());
        account.principal(texts(&[std::slice::from_ref(&agent), &who.principals].concat()));
        let shown = KeyShown::new(key, *hash);
        if !key.admits(hash, now) {
            return Err(no_such_key(account, &format!("{} works no more", shown.rule)));
        }
        is_active(rules, &key.agent, account)?;
        account.counts_as(&agent);
        self.parts.board.key_use.note((key.agent.clone(), key.name.clone()), now);
        self.keep_key_uses();
        Ok(Identified::new(vec![agent], who.principals, Some(shown), None))
    }

    /// Whether somebody who was identified a while ago still is who it was: its key works, and the agents are active.
    pub(super) fn is_still(&self, who: &Identified) -> bool {
        let (rules, now) = (self.parts.board.rules.load(), self.parts.clock.now().wall);
        let acts = |name: &AgentName| rules.agent(name).is_some_and(|agent| agent.state == AgentState::Active);
        let works = |shown: &KeyShown| {
            acts(&shown.agent) && rules.key_shown(&shown.hash).is_some_and(|key| key.admits(&shown.hash, now))
        };
        who.key().is_none_or(works) && who.agent().is_none_or(acts)
    }

    /// Counts the request against the limits of the agent and the key it is made with.
    fn within_limits(
        &self,
        rules: &Rulebook,
        caller: &Caller,
        who: &Identified,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let Some(shown) = who.key() else { return Ok(()) };
        match rules.agent(&shown.agent).zip(rules.key(&shown.agent, &shown.name)) {
            Some(of) => self.count(rules, caller, of, account),
            None => Ok(()),
        }
    }

    /// Whoever may act as others acts as this agent: its own grants count no more, what is denied to it does.
    fn acting_as(
        &self,
        rules: &Rulebook,
        other: &AgentName,
        who: Identified,
        account: &mut Account,
    ) -> Result<Identified, VaultError> {
        let agent = Principal::Agent(other.clone());
        account.principal(texts(&[std::slice::from_ref(&agent), &who.principals, &who.besides].concat()));
        let object = Object::of_node(&self.parts.environment);
        let may = who.decide(rules, Action::AgentImpersonate, object, self.parts.clock.now());
        ruled(may, account)?;
        is_active(rules, other, account)?;
        let Identified { principals: own, besides, key, .. } = who;
        let besides = [own.as_slice(), besides.as_slice()].concat();
        Ok(Identified::new(vec![agent], besides, key, Some(own)))
    }
}

/// Only an active agent acts.
fn is_active(rules: &Rulebook, name: &AgentName, account: &mut Account) -> Result<(), VaultError> {
    let rule = match rules.agent(name).map(|agent| agent.state) {
        Some(AgentState::Active) => return Ok(()),
        Some(AgentState::Suspended) => SUSPENDED_RULE,
        Some(AgentState::Archived) => ARCHIVED_RULE,
        None => UNKNOWN_RULE,
    };
    account.decided(Ruling::Deny, rule);
    Err(VaultError::Denied { rule: rule.to_owned() })
}
