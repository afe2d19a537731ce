//! What a freeze means at the door: it is asked after policy, in the one place that every request passes, and once more
//! just before a value is written out.
//!
//! Policy comes first, because only whoever would be allowed may hear that something is frozen, and why.

use std::sync::Arc;

use crate::audit::entry::Ruling;
use crate::model::actions::Action;
use crate::model::article::ArticleId;
use crate::model::freeze::Freeze;
use crate::model::name::CompanyId;
use crate::policy::frozen::{FrozenQuestion, frozen};

use super::account::Account;
use super::answer::ReadAnswer;
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;

/// On whose behalf a value was opened, to be asked about again before it leaves. The default is nobody's.
#[derive(Debug, Clone, Default)]
pub struct Behalf {
    asked: Option<Asked>,
}

#[derive(Debug, Clone)]
struct Asked {
    who: Arc<Identified>,
    action: Action,
    company: Option<CompanyId>,
}

impl Behalf {
    pub(super) fn of(who: &Arc<Identified>, action: Action, company: Option<&CompanyId>) -> Self {
        Self { asked: Some(Asked { who: Arc::clone(who), action, company: company.cloned() }) }
    }
}

impl Vault {
    /// Whether a freeze holds up what policy allows, and that in the account.
    pub(super) fn not_frozen(
        &self,
        who: &Identified,
        action: Action,
        object: Object<'_>,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        match self.freeze_of(who, action, object) {
            None => Ok(()),
            Some(freeze) => {
                account.decided(Ruling::Deny, ArticleId::Freeze(freeze.target.clone()).to_string());
                Err(VaultError::Frozen(Box::new(freeze)))
            }
        }
    }

    /// The freeze that holds up an action. Costs next to nothing while nothing is frozen.
    pub(super) fn freeze_of(&self, who: &Identified, action: Action, object: Object<'_>) -> Option<Freeze> {
        let rules = self.parts.board.rules.load();
        let Object { secret, scope, company, environment: _ } = object;
        let question = FrozenQuestion {
            node: &self.parts.node,
            principals: who.principals(),
            besides: who.besides(),
            action,
            secret,
            scope,
            company,
        };
        frozen(&rules, &question).cloned()
    }

    /// Whether a freeze came while a value was on its way out.
    pub(super) fn still_unfrozen(&self, answer: &ReadAnswer) -> Result<(), VaultError> {
        let Some(Asked { who, action, company }) = &answer.behalf.asked else { return Ok(()) };
        let at = &answer.record.at;
        let object = Object {
            company: company.as_ref(),
            ..Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment)
        };
        match self.freeze_of(who, *action, object) {
            None => Ok(()),
            Some(freeze) => Err(VaultError::Frozen(Box::new(freeze))),
        }
    }
}
