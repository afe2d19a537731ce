//! What a caller is here, told to itself, and whether it may do something: decided as the deed would be, without the deed.

use crate::audit::entry::Ruling;
use crate::model::actions::{Action, Capability};
use crate::model::article::ArticleId;
use crate::model::caller::Caller;
use crate::model::grant::Expiry;
use crate::model::secret::{Scope, SecretName};

use super::account::Account;
use super::answer_whoami::{Allowed, Whoami};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::request::Context;
use super::resolve::CompanyChoice;

/// The rule by which everybody may ask about itself.
const SELF_RULE: &str = "self";

/// The outcome of a question whether something is allowed: unlike `ok`, it tells that nothing was done.
const CHECKED: &str = "checked";

/// May I?
#[derive(Debug, Clone)]
pub struct MayRequest {
    /// Do what.
    pub action: Action,
    /// To which secret.
    pub secret: Option<SecretName>,
    /// In which scope.
    pub scope: Option<Scope>,
    /// On whose behalf, where.
    pub context: Context,
}

impl Vault {
    /// Tells a caller what it is here, and whether it may do what it asks about. The audit has the question under the
    /// action that it is about.
    ///
    /// # Errors
    /// [`VaultError`]; `Denied` when it may not.
    pub async fn whoami(&self, caller: &Caller, may: Option<&MayRequest>) -> Result<Whoami, VaultError> {
        let now = self.parts.clock.now();
        let mut account = match may {
            Some(may) => Account::open(caller, may.action, now),
            None => Account::of_oneself(caller, now),
        };
        account.reason(may.and_then(|may| may.context.reason.as_deref()));
        let result = self.try_whoami(caller, may, &mut account);
        self.settle_as(if may.is_some() { CHECKED } else { "ok" }, &account, result).await
    }

    /// Whether any rule tells the bytes of the program at this path from others: then its digest is worth taking.
    #[must_use]
    pub fn wants_digest(&self, path: &str) -> bool {
        self.parts.board.rules.load().wants_digest(path)
    }

    fn try_whoami(
        &self,
        caller: &Caller,
        may: Option<&MayRequest>,
        account: &mut Account,
    ) -> Result<Whoami, VaultError> {
        let who = self.identify(caller, account)?;
        let allowed = match may {
            Some(may) => Some(self.try_may(&who, may, account)?),
            None => {
                account.decided(Ruling::Allow, SELF_RULE);
                None
            }
        };
        Ok(Whoami {
            door: caller.door,
            uid: caller.uid,
            gid: caller.gid,
            groups: caller.groups.to_vec(),
            pid: caller.pid,
            attested: caller.attested.clone(),
            principals: who.principals().to_vec(),
            besides: who.besides().to_vec(),
            agent: who.agent().cloned(),
            key: who.key().map(|key| ArticleId::ApiKey(key.agent.clone(), key.name.clone()).to_string()),
            key_until: who.key().and_then(|key| match key.until {
                Expiry::Never => None,
                Expiry::At(end) => Some(end),
            }),
            allowed,
        })
    }

    fn try_may(&self, who: &Identified, may: &MayRequest, account: &mut Account) -> Result<Allowed, VaultError> {
        let MayRequest { action, secret, scope, context } = may;
        self.check_node(context)?;
        let environment = self.environment(who, context.environment.as_ref())?;
        match secret {
            Some(name) => account.about(name, &environment),
            None => account.environment(&environment),
        }
        account.company(context.company.as_ref());
        if let Some(scope) = scope {
            account.scope(scope);
        }
        let of_scope = match scope {
            Some(Scope::Company(company)) => Some(company),
            Some(Scope::Global | Scope::Node(_)) | None => None,
        };
        let entitlement = &self.parts.board.held.load().entitlement;
        let beyond = of_scope.is_some_and(|company| !entitlement.companies.contains(company));
        let anywhere = self.parts.lead.is_some() && who.is_admin();
        if matches!(Self::company(context, entitlement), CompanyChoice::Refused) || (beyond && !anywhere) {
            return Err(self.refused_by_roster(account));
        }
        let company = context.company.as_ref().or(of_scope);
        if action.capability() == Capability::SystemAdmin && secret.is_none() && company.is_none() {
            self.authorise_wholly(who, *action, account)?;
        } else {
            let object = Object { secret: secret.as_ref(), scope: scope.as_ref(), company, environment: &environment };
            self.authorise(who, *action, object, account)?;
        }
        Ok(Allowed { action: *action, rule: account.rule().to_owned() })
    }
}
