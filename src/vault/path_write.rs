//! A path is changed as a whole: each key is authorised and written to the journal by name, and then all of it is stored in
//! one transaction, or none.

use std::sync::Arc;

use crate::actors::change::{Change, Committed, NewValue, Replacement, Step};
use crate::actors::error::CommitError;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::KeyName;
use crate::model::number::Version;
use crate::model::patch::Patch;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{ScopedSecret, SecretAddress};

use super::account::{Account, PLANNED};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::path_look::{Keys, path_version};
use super::path_request::{Others, PATH_KEYS_MAX, PathPlace, PathStored, PathWrite};
use super::refusal::refusal_of_many;

const NOT_CURRENT: &str = "only the current version of a path is deleted or undeleted; an older one can be destroyed";

const NOT_KEPT: &str = "versions must be those of the path that are kept";

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

    /// Deletes what a path has now; it can be undeleted. Of what is not there, nothing is left to be done.
    ///
    /// # Errors
    /// [`VaultError`]; `NotOfPath` when another version is named than the current one.
    pub async fn delete_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        versions: Option<&[Version]>,
    ) -> Result<(), VaultError> {
        self.change_path(caller, place, Action::SecretDelete, |keys| {
            are_current(keys, versions)?;
            Ok(steps(keys, |record| record.sealed().map(|_| Step::Delete(record.version))))
        })
        .await
    }

    /// Makes current again what the last deletion of the path took.
    ///
    /// # Errors
    /// [`VaultError`]; `NotOfPath` when another version is named than the current one.
    pub async fn undelete_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        versions: &[Version],
    ) -> Result<(), VaultError> {
        self.change_path(caller, place, Action::SecretRestore, |keys| {
            are_current(keys, Some(versions))?;
            let is_deleted = |record: &Record| matches!(record.body, RecordBody::Deleted { .. });
            let records = || keys.values().flatten();
            if records().any(|record| record.sealed().is_some()) {
                return Ok(Vec::new());
            }
            // One deletion leaves one time on all that it took; what was left out of an earlier write has an earlier one.
            let last = records().filter(|record| is_deleted(record)).map(|record| record.updated_at).max();
            let by_last = |record: &Record| is_deleted(record) && Some(record.updated_at) == last;
            Ok(steps(keys, |record| by_last(record).then_some(Step::Undelete)))
        })
        .await
    }

    /// Says something else about every key of a path that has a value.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound`, or `Denied` when the caller may not know, if there is none.
    pub async fn describe_path(&self, caller: &Caller, place: &PathPlace, patch: Patch) -> Result<(), VaultError> {
        patch.check(self.parts.clock.now().wall)?;
        self.change_path(caller, place, Action::SecretWrite, |keys| {
            let described = steps(keys, |record| record.sealed().map(|_| Step::Describe(patch.clone())));
            let absent = || VaultError::NotFound { name: place.any(), tried: vec![place.scope()] };
            if described.is_empty() { Err(absent()) } else { Ok(described) }
        })
        .await
    }

    /// Takes the values of these versions out for good, or of all; when this answers, no byte of them is in the lead's file.
    ///
    /// # Errors
    /// [`VaultError`]; `NotOfPath` names a version that is not kept, and then none is destroyed.
    pub async fn destroy_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        versions: Option<&[Version]>,
    ) -> Result<(), VaultError> {
        let mut account = self.path_account(caller, place, Action::SecretDelete);
        let destroyed = async {
            let Some(keys) = self.admit_path(caller, place, Action::SecretDelete, &mut account)? else { return Ok(()) };
            let mut steps = Vec::new();
            let mut found = Vec::new();
            for record in keys.values().flatten() {
                let kept = self.kept(&record.at).await?;
                let named = |record: &&Record| versions.is_none_or(|versions| versions.contains(&record.version));
                let doomed: Vec<&Record> = kept.iter().filter(named).collect();
                found.extend(doomed.iter().map(|record| record.version));
                let current = kept.first().filter(named).map(|record| record.version);
                let older = kept.iter().skip(1).filter(named).filter(|record| record.body != RecordBody::Destroyed);
                let older: Vec<Version> = older.map(|record| record.version).collect();
                if current.is_some() || !older.is_empty() {
                    steps.push((record.at.clone(), Step::Destroy { current, older }));
                }
            }
            if versions.unwrap_or_default().iter().any(|version| !found.contains(version)) {
                return Err(VaultError::NotOfPath(NOT_KEPT));
            }
            self.take_steps(steps, &mut account).await?;
            self.is_purged()
        };
        let destroyed = destroyed.await;
        self.settle(&account, destroyed).await
    }

    async fn change_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        action: Action,
        plan: impl FnOnce(&Keys) -> Result<Vec<(ScopedSecret, Step)>, VaultError>,
    ) -> Result<(), VaultError> {
        let mut account = self.path_account(caller, place, action);
        let changed = async {
            let keys = match self.admit_path(caller, place, action, &mut account)? {
                Some(keys) => keys,
                None if action == Action::SecretDelete => return Ok(()),
                None => Keys::new(),
            };
            let steps = plan(&keys)?;
            self.take_steps(steps, &mut account).await
        };
        let changed = changed.await;
        self.settle(&account, changed).await
    }

    fn path_account(&self, caller: &Caller, place: &PathPlace, action: Action) -> Account {
        let mut account = Account::open(caller, action, self.parts.clock.now());
        account.reason(place.context.reason.as_deref());
        account
    }

    /// Authorises a change of every key that the caller may change; none if nothing is there, and the caller may know that.
    fn admit_path(
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

    async fn take_steps(&self, steps: Vec<(ScopedSecret, Step)>, account: &mut Account) -> Result<(), VaultError> {
        if steps.is_empty() {
            return Ok(());
        }
        let names: Vec<ScopedSecret> = steps.iter().map(|(at, _)| at.clone()).collect();
        self.note_each(account, names, PLANNED).await?;
        let audit_seq = self.announce(account).await?;
        let committed = self.lead()?.secrets.commit(Change::Steps(steps), audit_seq).await;
        committed.map(drop).map_err(|error| refusal_of_many(&error))
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

/// Whether these are the one version of a path that can be deleted and undeleted.
fn are_current(keys: &Keys, versions: Option<&[Version]>) -> Result<(), VaultError> {
    let current = path_version(keys);
    let others = versions.unwrap_or_default().iter().any(|version| Some(*version) != current);
    if others { Err(VaultError::NotOfPath(NOT_CURRENT)) } else { Ok(()) }
}

fn steps(keys: &Keys, step: impl Fn(&Record) -> Option<Step>) -> Vec<(ScopedSecret, Step)> {
    keys.values().flatten().filter_map(|record| Some((record.at.clone(), step(record)?))).collect()
}
