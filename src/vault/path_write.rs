//! A path is changed as a whole: each key is authorised and written to the journal by name, and then all of it is stored in
//! one transaction, or none.

use std::sync::Arc;

use crate::actors::change::{Change, Committed, NewValue, Replacement};
use crate::actors::error::CommitError;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::KeyName;
use crate::model::patch::Patch;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{ScopedSecret, SecretAddress};

use super::account::{Account, PLANNED};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::path_look::Keys;
use super::path_request::{Others, PATH_KEYS_MAX, PathPlace, PathStored, PathWrite};
use super::refusal::refusal_of_many;

impl Vault {
    /// Stores values for a path, all under one new version.
    ///
    /// # Errors
    /// [`VaultError`]; `OfSecret` names the key that cannot be stored, and then nothing was.
    pub async fn write_path(&self, caller: &Caller, ask: PathWrite) -> Result<PathStored, VaultError> {
        let mut account = Account::open(caller, Action::SecretWrite, self.parts.clock.now());
        account.reason(ask.place.context.reason.as_deref());
        let written = self.try_write_path(caller, ask, &mut account).await;
        self.settle(&account, written).await
    }

    pub(super) fn path_account(&self, caller: &Caller, place: &PathPlace, action: Action) -> Account {
        let mut account = Account::open(caller, action, self.parts.clock.now());
        account.reason(place.context.reason.as_deref());
        account
    }

    /// Authorises a change of every key that the caller may change; none if nothing is there, and the caller may know that.
    pub(super) fn admit_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        action: Action,
        account: &mut Account,
    ) -> Result<Option<Keys>, VaultError> {
        let (who, mut keys) = match self.look(caller, place, action, account) {
            Err(VaultError::NotFound { .. }) => {
                self.lead()?;
                return Ok(None);
            }
            looked => looked?,
        };
        keys.retain(|_, record| record.is_some());
        for record in keys.values().flatten() {
            let at = &record.at;
            account.about(&at.secret.name, &at.secret.environment);
            account.scope(&at.scope);
            let object = Object::in_scope(&at.secret.name, &at.scope, &at.secret.environment);
            self.authorise(&who, action, object, account)?;
        }
        account.about_nothing();
        self.lead()?;
        Ok(Some(keys))
    }

    async fn try_write_path(
        &self,
        caller: &Caller,
        ask: PathWrite,
        account: &mut Account,
    ) -> Result<PathStored, VaultError> {
        let who = self.identify(caller, account)?;
        self.at_path(&ask.place, account)?;
        let PathWrite { place, values, others, cas } = ask;
        if values.len() > PATH_KEYS_MAX {
            return Err(VaultError::TooMany { max: PATH_KEYS_MAX });
        }
        let mut new = Vec::with_capacity(values.len());
        for (key, value) in values {
            let at = self.admit_key(&who, &place, &key, Action::SecretWrite, account)?;
            let bytes_max = self.parts.value_bytes_max;
            if value.len() > bytes_max {
                let cause = Box::new(VaultError::ValueTooLarge { bytes_max });
                return Err(VaultError::OfSecret { name: at.secret.name, scope: at.scope, cause });
            }
            new.push(NewValue { at, value, patch: Patch::default(), cas: None });
        }
        let lead = self.lead()?;
        let (known, unseen) = self.known(&who, &place);
        let mut deleting = account.of_action(Action::SecretDelete);
        let dropped = match self.dropped(&who, &place, &new, &known, others, &mut deleting) {
            Ok(dropped) => dropped,
            Err(refused) => {
                *account = deleting;
                return Err(refused);
            }
        };
        let names: Vec<ScopedSecret> = new.iter().map(|value| value.at.clone()).collect();
        self.note_each(account, names, PLANNED).await?;
        self.note_each(&mut deleting, dropped.clone(), PLANNED).await?;
        let audit_seq = self.announce(account).await?;
        let replacement = Box::new(Replacement { values: new, dropped, unseen, cas });
        self.stored_path(lead.secrets.commit(Change::Replace(replacement), audit_seq).await)
    }

    fn stored_path(&self, committed: Result<Committed, CommitError>) -> Result<PathStored, VaultError> {
        let secrets = committed.map_err(|error| refusal_of_many(&error))?.secrets()?;
        let last = secrets.last().ok_or_else(|| VaultError::Internal("nothing was stored".to_owned()))?;
        Ok(PathStored { version: last.version, written_at: self.parts.clock.now().wall, revision: last.revision })
    }

    /// Asks policy about one key.
    fn admit_key(
        &self,
        who: &Identified,
        place: &PathPlace,
        key: &KeyName,
        action: Action,
        account: &mut Account,
    ) -> Result<ScopedSecret, VaultError> {
        let (environment, name, scope) = (self.parts.environment.clone(), place.name(key), place.scope());
        account.about(&name, &environment);
        account.scope(&scope);
        self.authorise(who, action, Object::in_scope(&name, &scope, &environment), account)?;
        Ok(SecretAddress { environment, name }.within(scope))
    }

    /// The keys that the caller may read in the scope of the path, and those that it may not.
    fn known(&self, who: &Identified, place: &PathPlace) -> (Keys, Vec<ScopedSecret>) {
        let (environment, scope) = (&self.parts.environment, place.scope());
        let held = self.parts.board.held.load();
        let of_service = held
            .view
            .within(environment, Some(&place.service), None)
            .take_while(|record| record.at.secret.name.service == place.service)
            .filter(|record| record.at.scope == scope && record.body != RecordBody::Unset);
        let may_read = |name| self.is_granted(who, Action::SecretRead, Object::in_scope(name, &scope, environment));
        let (known, unseen): (Vec<_>, Vec<_>) = of_service.partition(|record| may_read(&record.at.secret.name));
        let by_name = |record: &Arc<Record>| (record.at.secret.name.key.clone(), Some(Arc::clone(record)));
        (known.into_iter().map(by_name).collect(), unseen.into_iter().map(|record| record.at.clone()).collect())
    }

    /// What a write deletes besides, each authorised.
    fn dropped(
        &self,
        who: &Identified,
        place: &PathPlace,
        new: &[NewValue],
        known: &Keys,
        others: Others,
        account: &mut Account,
    ) -> Result<Vec<ScopedSecret>, VaultError> {
        let live = known.iter().filter(|(_, record)| record.as_ref().is_some_and(|record| record.sealed().is_some()));
        let live: Vec<&KeyName> = live.map(|(key, _)| key).collect();
        let is_written = |key: &KeyName| new.iter().any(|value| value.at.secret.name.key == *key);
        let dropped: Vec<KeyName> = match others {
            Others::Deleted => live.into_iter().filter(|key| !is_written(key)).cloned().collect(),
            Others::StayBut(_) if live.is_empty() => {
                return Err(self.nothing(who, place, Action::SecretWrite, account));
            }
            Others::StayBut(keys) => keys,
        };
        dropped.iter().map(|key| self.admit_key(who, place, key, Action::SecretDelete, account)).collect()
    }
}
