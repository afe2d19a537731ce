//! Who asks, and may they: identification and policy in one step, whose result is needed to go on.

use crate::audit::entry::Ruling;
use crate::model::actions::Action;
use crate::model::api_key::ApiKeyHash;
use crate::model::article::ArticleId;
use crate::model::caller::{Caller, ShownKey};
use crate::model::entitlement::Entitlement;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::principal::Principal;
use crate::model::reach::Reach;
use crate::model::secret::{Scope, ScopedSecret, SecretName};
use crate::model::time::Moment;
use crate::policy::decide::{Decision, Question, Within, decide};
use crate::policy::identify::{House, identify};

use super::account::Account;
use super::error::VaultError;
use super::parts::{LeadParts, Vault};
use super::request::Context;
use super::resolve::CompanyChoice;

/// The rule named when the roster does not give the node what a caller asks it to speak for.
const ROSTER_RULE: &str = "roster";

/// An identified caller.
#[derive(Debug)]
pub(super) struct Identified {
    /// What it acts as.
    principals: Vec<Principal>,
    /// What it is besides: only an explicit deny of these counts.
    besides: Vec<Principal>,
    /// The API key it showed.
    key: Option<KeyShown>,
}

/// An API key that works.
#[derive(Debug)]
struct KeyShown {
    reach: Reach,
    rule: String,
}

impl Identified {
    /// Whether the owner asks through the admin door.
    pub(super) fn is_admin(&self) -> bool {
        self.principals.contains(&Principal::Admin)
    }

    /// What it acts as.
    pub(super) fn principals(&self) -> &[Principal] {
        &self.principals
    }
}

/// Proof that policy allowed one action.
#[derive(Debug)]
pub(super) struct Permit(());

/// What an action is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'ask> {
    pub(super) secret: Option<&'ask SecretName>,
    pub(super) scope: Option<&'ask Scope>,
    pub(super) company: Option<&'ask CompanyId>,
    pub(super) environment: &'ask EnvironmentName,
}

impl<'ask> Object<'ask> {
    /// No secret: the node itself, or a list whose entries are asked about one by one.
    pub(super) fn of_node(environment: &'ask EnvironmentName) -> Self {
        Self { secret: None, scope: None, company: None, environment }
    }

    /// A secret, before it is known in which scope it will be found.
    pub(super) fn of_secret(name: &'ask SecretName, environment: &'ask EnvironmentName) -> Self {
        Self { secret: Some(name), ..Self::of_node(environment) }
    }

    /// The company a scope speaks for counts like one that was named.
    pub(super) fn in_scope(name: &'ask SecretName, scope: &'ask Scope, environment: &'ask EnvironmentName) -> Self {
        let company = match scope {
            Scope::Company(company) => Some(company),
            Scope::Global | Scope::Node(_) => None,
        };
        Self { scope: Some(scope), company, ..Self::of_secret(name, environment) }
    }
}

/// Turns the kernel's word into principals, and nothing else: what a caller shows is not looked at.
pub(super) fn by_kernel(caller: &Caller, house: House, account: &mut Account) -> Result<Identified, VaultError> {
    let principals = identify(caller, house).map_err(|error| {
        account.decided(Ruling::Deny, &error.to_string());
        VaultError::NoIdentity
    })?;
    account.principal(texts(&principals));
    Ok(Identified { principals, besides: Vec::new(), key: None })
}

fn texts(principals: &[Principal]) -> String {
    let names: Vec<String> = principals.iter().map(Principal::to_string).collect();
    names.join(" ")
}

/// What policy is asked.
pub(super) fn question<'ask>(
    who: &'ask Identified,
    action: Action,
    object: Object<'ask>,
    now: Moment,
) -> Question<'ask> {
    let Object { secret, scope, company, environment } = object;
    Question {
        principals: &who.principals,
        besides: &who.besides,
        within: who.key.as_ref().map(|key| Within { reach: &key.reach, rule: &key.rule }),
        action,
        secret,
        scope,
        company,
        environment,
        now: now.wall,
    }
}

/// Puts the decision into the account.
pub(super) fn ruled(decision: Decision, account: &mut Account) -> Result<Permit, VaultError> {
    match decision {
        Decision::Allowed { rule } => {
            account.decided(Ruling::Allow, &rule);
            Ok(Permit(()))
        }
        Decision::Denied { rule } => {
            account.decided(Ruling::Deny, &rule);
            Err(VaultError::Denied { rule })
        }
    }
}

impl Vault {
    /// Whom a request is made by: its agent, if it shows an API key; else whoever the kernel says. A key that does not work
    /// is nobody, never whoever showed it.
    pub(super) fn identify(&self, caller: &Caller, account: &mut Account) -> Result<Identified, VaultError> {
        let who = by_kernel(caller, self.parts.house, account)?;
        match caller.shown.key {
            ShownKey::None => Ok(who),
            ShownKey::Malformed => Err(self.no_such_key(account)),
            ShownKey::Key(hash) => self.by_key(&hash, who, account),
        }
    }

    fn by_key(&self, hash: &ApiKeyHash, who: Identified, account: &mut Account) -> Result<Identified, VaultError> {
        let rules = self.parts.board.rules.load();
        let now = self.parts.clock.now().wall;
        let Some(key) = rules.key_shown(hash).filter(|key| key.admits(hash, now)) else {
            return Err(self.no_such_key(account));
        };
        let agent = Principal::Agent(key.agent.clone());
        account.principal(texts(&[&[agent.clone()], who.principals.as_slice()].concat()));
        let rule = ArticleId::ApiKey(key.agent.clone(), key.name.clone()).to_string();
        Ok(Identified {
            principals: vec![agent],
            besides: who.principals,
            key: Some(KeyShown { reach: key.reach.clone(), rule }),
        })
    }

    fn no_such_key(&self, account: &mut Account) -> VaultError {
        account.decided(Ruling::Deny, "no such API key");
        VaultError::NoIdentity
    }

    /// Asks policy.
    pub(super) fn authorise(
        &self,
        who: &Identified,
        action: Action,
        object: Object<'_>,
        account: &mut Account,
    ) -> Result<Permit, VaultError> {
        ruled(self.decide(who, action, object), account)
    }

    pub(super) fn decide(&self, who: &Identified, action: Action, object: Object<'_>) -> Decision {
        decide(&self.parts.board.rules.load(), &question(who, action, object, self.parts.clock.now()))
    }

    pub(super) fn is_allowed(&self, who: &Identified, action: Action, object: Object<'_>) -> bool {
        matches!(self.decide(who, action, object), Decision::Allowed { .. })
    }

    /// Whether this caller may know of a secret in a scope: nobody hears of what the node may not hold, but for an admin on
    /// the lead.
    pub(super) fn may_know(&self, who: &Identified, entitled: &Entitlement, at: &ScopedSecret, action: Action) -> bool {
        let here = entitled.covers(&self.parts.node, at) || (self.parts.lead.is_some() && who.is_admin());
        here && self.is_allowed(who, action, Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment))
    }

    /// The environment a request is about: the node's own, unless an admin on the lead names another.
    pub(super) fn environment(
        &self,
        who: &Identified,
        asked: Option<&EnvironmentName>,
    ) -> Result<EnvironmentName, VaultError> {
        let own = &self.parts.environment;
        match asked {
            None => Ok(own.clone()),
            Some(asked) if asked == own || (who.is_admin() && self.parts.lead.is_some()) => Ok(asked.clone()),
            Some(asked) => {
                Err(VaultError::BadScope(format!("this node is in environment {own}; it holds nothing of {asked}")))
            }
        }
    }

    /// A node that was banned holds nothing, and says that instead of calling everything absent.
    pub(super) fn check_standing(&self) -> Result<(), VaultError> {
        match &*self.parts.board.banned.load() {
            Some(at) => Err(VaultError::Banned { at: **at }),
            None => Ok(()),
        }
    }

    /// `X-Node-Name`, if sent, must be this node.
    pub(super) fn check_node(&self, context: &Context) -> Result<(), VaultError> {
        match &context.node {
            Some(claimed) if *claimed != self.parts.node => {
                Err(VaultError::NodeMismatch { claimed: claimed.clone(), node: self.parts.node.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the roster lets this node speak for the company that was named.
    pub(super) fn company<'ask>(context: &'ask Context, entitlement: &Entitlement) -> CompanyChoice<'ask> {
        match &context.company {
            None => CompanyChoice::NotNamed,
            Some(company) if entitlement.companies.contains(company) => CompanyChoice::Honoured(company),
            Some(_) => CompanyChoice::Refused,
        }
    }

    pub(super) fn refused_by_roster(&self, account: &mut Account) -> VaultError {
        account.decided(Ruling::Deny, ROSTER_RULE);
        VaultError::Denied { rule: ROSTER_RULE.to_owned() }
    }

    /// What only the lead has, or where to go instead.
    pub(super) fn lead(&self) -> Result<&LeadParts, VaultError> {
        self.parts
            .lead
            .as_ref()
            .ok_or_else(|| VaultError::NotLead { lead: self.parts.board.lead.load().as_ref().clone() })
    }
}
