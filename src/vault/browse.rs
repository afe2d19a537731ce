//! Names, versions and times, never values: list and versions.

use crate::model::caller::Caller;
use crate::model::name::EnvironmentName;
use crate::model::record::Record;
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::policy::actions::Action;

use super::account::Account;
use super::answer::{ListPage, Listed, VersionList};
use super::authorise::{Identified, Object};
use super::error::VaultError;
use super::parts::Vault;
use super::request::{Context, ListRequest, VersionsRequest};

/// A page that a terminal or a screen shows at once.
const LIMIT_DEFAULT: usize = 100;

/// Bounds the memory of one answer.
const LIMIT_MAX: usize = 1000;

impl Vault {
    /// One page of what this node holds and the caller may list, in order of name and scope.
    ///
    /// # Errors
    /// [`VaultError`]; `BadCursor` when the cursor is not one of ours.
    pub async fn list(&self, caller: &Caller, ask: ListRequest) -> Result<ListPage, VaultError> {
        let mut account = Account::open(caller, Action::SecretList, self.parts.clock.now());
        let result = self.try_list(caller, &ask, &mut account);
        self.settle(&account, result).await
    }

    /// The versions of a secret in one scope that are kept here, newest first.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound` when there never was one.
    pub async fn versions(&self, caller: &Caller, ask: VersionsRequest) -> Result<VersionList, VaultError> {
        let mut account = Account::open(caller, Action::SecretInfo, self.parts.clock.now());
        let result = self.try_versions(caller, &ask, &mut account).await;
        self.settle(&account, result).await
    }

    fn try_list(&self, caller: &Caller, ask: &ListRequest, account: &mut Account) -> Result<ListPage, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(&Context::on(ask.node.as_ref()))?;
        let environment = self.environment(&who, ask.environment.as_ref())?;
        self.authorise(
            &who,
            Action::SecretList,
            Object { secret: None, company: None, environment: &environment },
            account,
        )?;
        let limit = ask.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        let cursor = ask.cursor.as_deref().map(|text| parse_cursor(text, &environment)).transpose()?;
        let view = self.parts.board.view.load();
        let mut lines = view
            .after(cursor.as_ref())
            .filter(|record| record.at.secret.environment == environment && wanted(record, ask))
            .filter(|record| self.may_list(&who, record));
        let items: Vec<Listed> = lines.by_ref().take(limit).map(|record| Listed { record: record.clone() }).collect();
        let more = lines.next().is_some();
        let last = items.last().map(|item| cursor_text(&item.record.at));
        Ok(ListPage { items, next_cursor: last.filter(|_| more) })
    }

    /// A list shows no name that the same caller could not ask about one by one.
    fn may_list(&self, who: &Identified, record: &Record) -> bool {
        let at = &record.at;
        let here = self.parts.board.entitlement.load().covers(&self.parts.node, at);
        let object = Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment);
        (here || (self.parts.lead.is_some() && who.is_admin())) && self.is_allowed(who, Action::SecretList, object)
    }

    async fn try_versions(
        &self,
        caller: &Caller,
        ask: &VersionsRequest,
        account: &mut Account,
    ) -> Result<VersionList, VaultError> {
        let VersionsRequest { name, scope, .. } = ask;
        let who = self.identify(caller, account)?;
        account.about(name, &self.parts.environment);
        account.scope(scope);
        self.check_node(&Context::on(ask.node.as_ref()))?;
        let environment = self.environment(&who, ask.environment.as_ref())?;
        account.about(name, &environment);
        self.authorise(&who, Action::SecretInfo, Object::in_scope(name, scope, &environment), account)?;
        let secret = SecretAddress { environment, name: name.clone() };
        self.check_scope(&who, &secret, scope, account)?;
        let at = secret.within(scope.clone());
        let versions = self.parts.store.versions(at.clone()).await;
        let versions = versions.map_err(|error| VaultError::Internal(error.to_string()))?;
        let Some(newest) = versions.first() else {
            return Err(VaultError::NotFound { name: name.clone(), tried: vec![scope.clone()] });
        };
        let holders = self.holders(newest);
        Ok(VersionList { at, versions, holders })
    }
}

fn wanted(record: &Record, ask: &ListRequest) -> bool {
    let at = &record.at;
    ask.service.as_ref().is_none_or(|service| *service == at.secret.name.service)
        && ask.scope.as_ref().is_none_or(|scope| *scope == at.scope)
        && ask.prefix.as_ref().is_none_or(|prefix| at.secret.name.to_string().starts_with(prefix))
}

fn cursor_text(at: &ScopedSecret) -> String {
    format!("{}@{}", at.secret.name, at.scope)
}

fn parse_cursor(text: &str, environment: &EnvironmentName) -> Result<ScopedSecret, VaultError> {
    let (name, scope) = text.split_once('@').ok_or(VaultError::BadCursor)?;
    let name = SecretName::parse(name).map_err(|_| VaultError::BadCursor)?;
    let scope = Scope::parse(scope).map_err(|_| VaultError::BadCursor)?;
    Ok(SecretAddress { environment: environment.clone(), name }.within(scope))
}
