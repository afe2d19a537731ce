//! Names, versions and times, never values: list and versions.

use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::EnvironmentName;
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};

use super::account::Account;
use super::answer::{ListPage, Listed, VersionList};
use super::authorise::Object;
use super::error::VaultError;
use super::parts::Vault;
use super::request::{Context, ListRequest, Place};

/// A page that a terminal or a screen shows at once.
const LIMIT_DEFAULT: usize = 100;

/// Bounds the memory of one answer.
const LIMIT_MAX: usize = 1000;

/// Records one page may look at, whether it shows them or not: a caller who asks for what is not there must not keep the
/// node from its heartbeats. The page then ends early, with a cursor.
const EXAMINED_MAX: usize = 10_000;

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
    pub async fn versions(&self, caller: &Caller, ask: Place) -> Result<VersionList, VaultError> {
        let mut account = Account::open(caller, Action::SecretInfo, self.parts.clock.now());
        account.reason(ask.reason.as_deref());
        let result = self.try_versions(caller, &ask, &mut account).await;
        self.settle(&account, result).await
    }

    fn try_list(&self, caller: &Caller, ask: &ListRequest, account: &mut Account) -> Result<ListPage, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(&Context::on(ask.node.as_ref()))?;
        let environment = self.environment(&who, ask.environment.as_ref())?;
        self.check_standing()?;
        let object = Object::of_list(ask.filter.scope.as_ref(), &environment);
        self.authorise(&who, Action::SecretList, object, account)?;
        let limit = ask.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        let cursor = ask.cursor.as_deref().map(parse_cursor).transpose()?;
        let held = self.parts.board.held.load();
        let matrix = self.parts.board.connectivity.matrix();
        let own = matrix.row(&self.parts.node);
        let filter = &ask.filter;
        let mut records = held
            .view
            .within(&environment, filter.first_service().as_ref(), cursor.as_ref())
            .take_while(|record| !filter.is_passed(&record.at.secret.name.service))
            .peekable();
        let mut items = Vec::new();
        let mut last = None;
        for record in records.by_ref().take(EXAMINED_MAX) {
            last = Some(&record.at);
            // A list shows no name that the same caller could not ask about one by one.
            if filter.wants(record) && self.may_know(&who, &held.entitlement, &record.at, Action::SecretList) {
                let check = self.last_check(own.map(|row| &**row), record);
                items.push(Listed { record: record.clone(), check });
            }
            if items.len() >= limit {
                break;
            }
        }
        let next_cursor = last.filter(|_| records.peek().is_some()).map(cursor_text);
        Ok(ListPage { items, next_cursor })
    }

    async fn try_versions(
        &self,
        caller: &Caller,
        ask: &Place,
        account: &mut Account,
    ) -> Result<VersionList, VaultError> {
        let Place { name, scope, .. } = ask;
        let who = self.identify(caller, account)?;
        account.about(name, &self.parts.environment);
        account.scope(scope);
        self.check_node(&Context::on(ask.node.as_ref()))?;
        let environment = self.environment(&who, ask.environment.as_ref())?;
        account.about(name, &environment);
        self.check_standing()?;
        self.authorise(&who, Action::SecretInfo, Object::in_scope(name, scope, &environment), account)?;
        let secret = SecretAddress { environment, name: name.clone() };
        let held = self.parts.board.held.load_full();
        self.check_scope(&who, &held.entitlement, &secret, scope, account)?;
        let at = secret.within(scope.clone());
        let versions = self.parts.store.versions(at.clone()).await;
        let versions = versions.map_err(|error| VaultError::Internal(error.to_string()))?;
        let Some(newest) = versions.first() else {
            return Err(VaultError::NotFound { name: name.clone(), tried: vec![scope.clone()] });
        };
        let holders = self.holders(&who, newest);
        Ok(VersionList { at, versions, holders })
    }
}

/// The last record that was looked at, shown or not.
fn cursor_text(at: &ScopedSecret) -> String {
    format!("{}:{}@{}", at.secret.environment, at.secret.name, at.scope)
}

fn parse_cursor(text: &str) -> Result<ScopedSecret, VaultError> {
    let parts = text.split_once(':').and_then(|(environment, rest)| Some((environment, rest.split_once('@')?)));
    let (environment, (name, scope)) = parts.ok_or(VaultError::BadCursor)?;
    let environment = EnvironmentName::parse(environment).map_err(|_| VaultError::BadCursor)?;
    let name = SecretName::parse(name).map_err(|_| VaultError::BadCursor)?;
    let scope = Scope::parse(scope).map_err(|_| VaultError::BadCursor)?;
    Ok(SecretAddress { environment, name }.within(scope))
}
