//! May they: what policy is asked, and the permit that is needed to go on.

use std::sync::Arc;

use crate::audit::entry::Ruling;
use crate::model::actions::Action;
use crate::model::entitlement::Entitlement;
use crate::model::name::{CompanyId, EnvironmentName};
use crate::model::secret::{Scope, ScopedSecret, SecretName};
use crate::policy::decide::Decision;
use crate::policy::rule::ROSTER_RULE;

use super::account::Account;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::{LeadParts, Vault};
use super::request::Context;
use super::resolve::CompanyChoice;

/// The rule named when a grant that is bounded is used for what cannot be.
const BOUNDED_RULE: &str = "bounded-grant";

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

    /// A list of one scope, if it is narrowed to one: the company the scope speaks for counts like one that was named.
    pub(super) fn of_list(scope: Option<&'ask Scope>, environment: &'ask EnvironmentName) -> Self {
        Self { scope, company: scope.and_then(company_of), ..Self::of_node(environment) }
    }

    /// A secret, before it is known in which scope it will be found.
    pub(super) fn of_secret(name: &'ask SecretName, environment: &'ask EnvironmentName) -> Self {
        Self { secret: Some(name), ..Self::of_node(environment) }
    }

    /// The company a scope speaks for counts like one that was named.
    pub(super) fn in_scope(name: &'ask SecretName, scope: &'ask Scope, environment: &'ask EnvironmentName) -> Self {
        Self { secret: Some(name), ..Self::of_list(Some(scope), environment) }
    }
}

fn company_of(scope: &Scope) -> Option<&CompanyId> {
    match scope {
        Scope::Company(company) => Some(company),
        Scope::Global | Scope::Node(_) => None,
    }
}

/// Puts the decision into the account.
pub(super) fn ruled(decision: Decision, account: &mut Account) -> Result<Permit, VaultError> {
    match decision {
        Decision::Allowed { rule } => {
            account.decided(Ruling::Allow, rule);
            Ok(Permit(()))
        }
        Decision::Denied { rule } => {
            account.decided(Ruling::Deny, Arc::clone(&rule));
            Err(VaultError::Denied { rule: rule.to_string() })
        }
    }
}

impl Vault {
    /// Asks policy, and then whether a freeze holds it up.
    pub(super) fn authorise(
        &self,
        who: &Identified,
        action: Action,
        object: Object<'_>,
        account: &mut Account,
    ) -> Result<Permit, VaultError> {
        let permit = ruled(self.decide(who, action, object), account).map_err(|denied| self.unless_unheard(denied))?;
        self.not_frozen(who, action, object, account)?;
        Ok(permit)
    }

    /// A node that has never been told any rules cannot say that they deny something.
    fn unless_unheard(&self, denied: VaultError) -> VaultError {
        if self.parts.board.rules.load().is_known() { denied } else { VaultError::NoRules }
    }

    /// Asks policy about what is of no single company, such as the journal or the roster: a grant that is bounded allows
    /// none of it, because the answer could not be.
    pub(super) fn authorise_wholly(
        &self,
        who: &Identified,
        action: Action,
        account: &mut Account,
    ) -> Result<Permit, VaultError> {
        let permit = self.authorise(who, action, Object::of_node(&self.parts.environment), account)?;
        let rules = self.parts.board.rules.load();
        let now = self.parts.clock.now().wall;
        if who.is_admin() || who.holds_wholly(&rules, action.capability(), now) {
            return Ok(permit);
        }
        account.decided(Ruling::Deny, BOUNDED_RULE);
        Err(VaultError::Denied { rule: BOUNDED_RULE.to_owned() })
    }

    pub(super) fn decide(&self, who: &Identified, action: Action, object: Object<'_>) -> Decision {
        let (rules, now) = (self.parts.board.rules.load(), self.parts.clock.now());
        who.decide(&rules, action, object, now)
    }

    /// Whether policy allows it and no freeze holds it up.
    pub(super) fn is_allowed(&self, who: &Identified, action: Action, object: Object<'_>) -> bool {
        self.is_granted(who, action, object) && self.freeze_of(who, action, object).is_none()
    }

    /// Whether policy allows it, frozen or not.
    pub(super) fn is_granted(&self, who: &Identified, action: Action, object: Object<'_>) -> bool {
        matches!(self.decide(who, action, object), Decision::Allowed { .. })
    }

    /// Whether this caller may know of a secret in a scope: nobody hears of what the node may not hold, but for an admin on
    /// the lead. What is frozen is still known of: a freeze holds up a list as a whole, and leaves nothing out of it.
    pub(super) fn may_know(&self, who: &Identified, entitled: &Entitlement, at: &ScopedSecret, action: Action) -> bool {
        let here = entitled.covers(&self.parts.node, at) || (self.parts.lead.is_some() && who.is_admin());
        here && self.is_granted(who, action, Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment))
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

    /// A node that was banned holds neither secrets nor rules, and says that instead of calling everything absent or denied.
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
        self.reigning().ok_or_else(|| VaultError::NotLead { lead: self.parts.board.lead.load().as_ref().clone() })
    }

    /// What only the lead has, as long as this node is it: one whose reign is over has the parts, and may not use them.
    pub(super) fn reigning(&self) -> Option<&LeadParts> {
        self.parts.lead.as_ref().filter(|lead| lead.board.ended_by.borrow().is_none())
    }
}
