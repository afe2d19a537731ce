//! A write on the lead: authorise, announce in the audit, seal and commit, account for the outcome.

use crate::actors::change::{Change, Committed, NewValue};
use crate::actors::error::CommitError;
use crate::model::caller::Caller;
use crate::model::secret::{ScopedSecret, SecretAddress};
use crate::policy::actions::Action;

use super::account::Account;
use super::answer::Stored;
use super::authorise::Object;
use super::error::VaultError;
use super::parts::Vault;
use super::refusal::{Subject, refusal};
use super::request::{DeleteRequest, PutRequest};

impl Vault {
    /// Stores a new version.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` names where to go.
    pub async fn put(&self, caller: &Caller, ask: PutRequest) -> Result<Stored, VaultError> {
        let mut account = Account::open(caller, Action::SecretWrite, self.parts.clock.now());
        account.reason(ask.reason.as_deref());
        let result = self.try_put(caller, ask, &mut account).await;
        self.settle(&account, result).await
    }

    /// Deletes the current version; the next put continues the count.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound` when there is nothing to delete.
    pub async fn delete(&self, caller: &Caller, ask: DeleteRequest) -> Result<Stored, VaultError> {
        let mut account = Account::open(caller, Action::SecretDelete, self.parts.clock.now());
        account.reason(ask.reason.as_deref());
        let result = self.try_delete(caller, ask, &mut account).await;
        self.settle(&account, result).await
    }

    async fn try_put(&self, caller: &Caller, ask: PutRequest, account: &mut Account) -> Result<Stored, VaultError> {
        let who = self.identify(caller, account)?;
        account.about(&ask.name, &self.parts.environment);
        account.scope(&ask.scope);
        let environment = self.environment(&who, ask.environment.as_ref())?;
        account.about(&ask.name, &environment);
        let object = Object::in_scope(&ask.name, &ask.scope, &environment);
        self.authorise(&who, Action::SecretWrite, object, account)?;
        let lead = self.lead()?;
        ask.metadata.check()?;
        if ask.value.len() > self.parts.value_bytes_max {
            return Err(VaultError::ValueTooLarge { bytes_max: self.parts.value_bytes_max });
        }
        let audit_seq = self.journal(account, "intent").await?;
        let at = SecretAddress { environment, name: ask.name }.within(ask.scope);
        let new =
            NewValue { at: at.clone(), value: ask.value, metadata: ask.metadata, options: ask.options, cas: ask.cas };
        let committed = lead.secrets.commit(Change::Put(Box::new(new)), audit_seq).await;
        stored(at, committed, account)
    }

    async fn try_delete(
        &self,
        caller: &Caller,
        ask: DeleteRequest,
        account: &mut Account,
    ) -> Result<Stored, VaultError> {
        let who = self.identify(caller, account)?;
        account.about(&ask.name, &self.parts.environment);
        account.scope(&ask.scope);
        let environment = self.environment(&who, ask.environment.as_ref())?;
        account.about(&ask.name, &environment);
        let object = Object::in_scope(&ask.name, &ask.scope, &environment);
        self.authorise(&who, Action::SecretDelete, object, account)?;
        let lead = self.lead()?;
        let audit_seq = self.journal(account, "intent").await?;
        let at = SecretAddress { environment, name: ask.name }.within(ask.scope);
        let committed = lead.secrets.commit(Change::Delete { at: at.clone() }, audit_seq).await;
        stored(at, committed, account)
    }
}

fn stored(
    at: ScopedSecret,
    committed: Result<Committed, CommitError>,
    account: &mut Account,
) -> Result<Stored, VaultError> {
    match committed.map_err(|error| refusal(&error, Subject::Secret(&at)))? {
        Committed::Secret { secret_id, version, revision } => {
            account.version(version);
            Ok(Stored { secret_id, at, version, revision })
        }
        Committed::Node(_) | Committed::Token => {
            Err(VaultError::Internal("a secret change came out as another".to_owned()))
        }
    }
}
