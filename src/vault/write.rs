//! A write on the lead: authorise, announce in the audit, seal and commit, account for the outcome.

use crate::actors::change::{Change, Committed, NewValue};
use crate::actors::error::CommitError;
use crate::model::caller::Caller;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::policy::actions::Action;

use super::account::Account;
use super::answer::Stored;
use super::authorise::Object;
use super::error::VaultError;
use super::parts::Vault;
use super::refusal::{Subject, refusal};
use super::request::{Context, DeleteRequest, PutRequest};

/// What is to be changed.
struct Place {
    name: SecretName,
    scope: Scope,
    environment: Option<EnvironmentName>,
    node: Option<NodeName>,
    reason: Option<String>,
}

impl Vault {
    /// Stores a new version.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` names where to go.
    pub async fn put(&self, caller: &Caller, ask: PutRequest) -> Result<Stored, VaultError> {
        let PutRequest { name, scope, environment, value, metadata, options, cas, node, reason } = ask;
        let bytes_max = self.parts.value_bytes_max;
        let change = |at| {
            metadata.check()?;
            if value.len() > bytes_max {
                return Err(VaultError::ValueTooLarge { bytes_max });
            }
            Ok(Change::Put(Box::new(NewValue { at, value, metadata, options, cas })))
        };
        self.change(caller, Action::SecretWrite, Place { name, scope, environment, node, reason }, change).await
    }

    /// Deletes the current version; the next put continues the count.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound` when there is nothing to delete.
    pub async fn delete(&self, caller: &Caller, ask: DeleteRequest) -> Result<Stored, VaultError> {
        let DeleteRequest { name, scope, environment, node, reason } = ask;
        let change = |at| Ok(Change::Delete { at });
        self.change(caller, Action::SecretDelete, Place { name, scope, environment, node, reason }, change).await
    }

    async fn change(
        &self,
        caller: &Caller,
        action: Action,
        place: Place,
        change: impl FnOnce(ScopedSecret) -> Result<Change, VaultError>,
    ) -> Result<Stored, VaultError> {
        let mut account = Account::open(caller, action, self.parts.clock.now());
        account.reason(place.reason.as_deref());
        let result = self.try_change(caller, action, place, change, &mut account).await;
        self.settle(&account, result).await
    }

    async fn try_change(
        &self,
        caller: &Caller,
        action: Action,
        place: Place,
        change: impl FnOnce(ScopedSecret) -> Result<Change, VaultError>,
        account: &mut Account,
    ) -> Result<Stored, VaultError> {
        let who = self.identify(caller, account)?;
        account.about(&place.name, &self.parts.environment);
        account.scope(&place.scope);
        self.check_node(&Context::on(place.node.as_ref()))?;
        let environment = self.environment(&who, place.environment.as_ref())?;
        account.about(&place.name, &environment);
        self.authorise(&who, action, Object::in_scope(&place.name, &place.scope, &environment), account)?;
        let lead = self.lead()?;
        let at = SecretAddress { environment, name: place.name }.within(place.scope);
        let change = change(at.clone())?;
        let audit_seq = self.announce(account).await?;
        stored(at, lead.secrets.commit(change, audit_seq).await, account)
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
