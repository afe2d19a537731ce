//! Who asks, and may they: identification and policy in one step, whose result is needed to go on.

use crate::audit::entry::Ruling;
use crate::model::caller::Caller;
use crate::model::entitlement::Entitlement;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::secret::{Scope, ScopedSecret, SecretName};
use crate::model::time::Moment;
use crate::policy::actions::Action;
use crate::policy::decide::{Decision, Question, decide};
use crate::policy::identify::identify;
use crate::policy::principal::Principal;

use super::account::Account;
use super::error::VaultError;
use super::parts::{LeadParts, Vault};
use super::request::Context;
use super::resolve::CompanyChoice;

/// The rule named when the roster does not give the node what a caller asks it to speak for.
const ROSTER_RULE: &str = "roster";

/// An identified caller, with every principal the kernel's word makes it.
#[derive(Debug)]
pub(super) struct Identified {
    principals: Vec<Principal>,
}

impl Identified {
    /// Whether the owner asks through the admin door.
    pub(super) fn is_admin(&self) -> bool {
        self.principals.contains(&Principal::Admin)
    }
}

/// Proof that policy allowed one action.
#[derive(Debug)]
pub(super) struct Permit(());

/// What an action is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'ask> {
    pub(super) secret: Option<&'ask SecretName>,
    pub(super) company: Option<&'ask CompanyId>,
    pub(super) environment: &'ask EnvironmentName,
}

impl<'ask> Object<'ask> {
    /// The company a scope speaks for counts like one that was named.
    pub(super) fn in_scope(name: &'ask SecretName, scope: &'ask Scope, environment: &'ask EnvironmentName) -> Self {
        let company = match scope {
            Scope::Company(company) => Some(company),
            Scope::Global | Scope::Node(_) => None,
        };
        Self { secret: Some(name), company, environment }
    }
}

/// Turns the kernel's word into principals.
pub(super) fn identified(caller: &Caller, owner: u32, account: &mut Account) -> Result<Identified, VaultError> {
    let principals = identify(caller, owner).map_err(|error| {
        account.decided(Ruling::Deny, &error.to_string());
        VaultError::NoIdentity
    })?;
    let names: Vec<String> = principals.iter().map(Principal::to_string).collect();
    account.principal(names.join(" "));
    Ok(Identified { principals })
}

/// What policy is asked.
pub(super) fn question<'ask>(
    who: &'ask Identified,
    action: Action,
    object: Object<'ask>,
    now: Moment,
) -> Question<'ask> {
    let Object { secret, company, environment } = object;
    Question { principals: &who.principals, action, secret, company, environment, now: now.wall }
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
    /// Turns the kernel's word into principals.
    pub(super) fn identify(&self, caller: &Caller, account: &mut Account) -> Result<Identified, VaultError> {
        identified(caller, self.parts.owner, account)
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
        decide(&self.parts.policy, &question(who, action, object, self.parts.clock.now()))
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
