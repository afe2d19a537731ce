//! What becomes of the versions of a path: deleted and undeleted, the current one and older ones, and destroyed.

use crate::actors::change::{Change, Step};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::number::Version;
use crate::model::patch::Patch;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;

use super::account::{Account, PLANNED};
use super::error::VaultError;
use super::parts::Vault;
use super::path_look::{Keys, path_version};
use super::path_request::PathPlace;
use super::refusal::refusal_of_many;

impl Vault {
    /// Deletes these versions of a path, or what it has now; they can be undeleted. Of what is not there, nothing is left
    /// to be done.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn delete_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        versions: Option<&[Version]>,
    ) -> Result<(), VaultError> {
        let older = versions.unwrap_or_default();
        self.change_path(caller, place, Action::SecretDelete, older, |keys, older| {
            let mut planned = of_older(older, |record| match record.body {
                RecordBody::Sealed(value) => Some(RecordBody::Deleted { kept: Some(value) }),
                RecordBody::Deleted { .. } | RecordBody::Destroyed | RecordBody::Unset => None,
            });
            if versions.is_none_or(|versions| names_current(keys, versions)) {
                planned.extend(steps(keys, |record| record.sealed().map(|_| Step::Delete(record.version))));
            }
            Ok(planned)
        })
        .await
    }

    /// Makes these versions readable again, as far as a deletion took them.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn undelete_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        versions: &[Version],
    ) -> Result<(), VaultError> {
        self.change_path(caller, place, Action::SecretRestore, versions, |keys, older| {
            let mut planned = of_older(older, |record| match record.body {
                RecordBody::Deleted { kept: Some(value) } => Some(RecordBody::Sealed(value)),
                RecordBody::Deleted { kept: None } | RecordBody::Sealed(_) => None,
                RecordBody::Destroyed | RecordBody::Unset => None,
            });
            if names_current(keys, versions) {
                planned.extend(of_last_deletion(keys));
            }
            Ok(planned)
        })
        .await
    }

    /// Says something else about every key of a path that has a value.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound`, or `Denied` when the caller may not know, if there is none.
    pub async fn describe_path(&self, caller: &Caller, place: &PathPlace, patch: Patch) -> Result<(), VaultError> {
        patch.check(self.parts.clock.now().wall)?;
        self.change_path(caller, place, Action::SecretWrite, &[], |keys, _| {
            let described = steps(keys, |record| record.sealed().map(|_| Step::Describe(patch.clone())));
            let absent = || VaultError::NotFound { name: place.any(), tried: vec![place.scope()] };
            if described.is_empty() { Err(absent()) } else { Ok(described) }
        })
        .await
    }

    /// Takes the values of these versions out for good, or of all; when this answers, no byte of them is in the lead's file.
    /// Of a version that is not kept, nothing is left to be done.
    ///
    /// # Errors
    /// [`VaultError`].
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
            for record in keys.values().flatten() {
                let kept = self.kept(&record.at).await?;
                let named = |record: &&Record| versions.is_none_or(|versions| versions.contains(&record.version));
                let current = kept.first().filter(named).map(|record| record.version);
                let older = kept.iter().skip(1).filter(named).filter(|record| record.body != RecordBody::Destroyed);
                let older: Vec<Version> = older.map(|record| record.version).collect();
                if current.is_some() || !older.is_empty() {
                    steps.push((record.at.clone(), Step::Destroy { current, older }));
                }
            }
            self.take_steps(steps, &mut account).await?;
            self.is_purged()
        };
        let destroyed = destroyed.await;
        self.settle(&account, destroyed).await
    }

    /// Changes a path as it is planned from its keys, and from what is kept of these versions besides the current ones.
    async fn change_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        action: Action,
        versions: &[Version],
        plan: impl FnOnce(&Keys, Vec<Record>) -> Result<Vec<(ScopedSecret, Step)>, VaultError>,
    ) -> Result<(), VaultError> {
        let mut account = self.path_account(caller, place, action);
        let changed = async {
            let keys = match self.admit_path(caller, place, action, &mut account)? {
                Some(keys) => keys,
                None if action == Action::SecretDelete => return Ok(()),
                None => Keys::new(),
            };
            let older = self.older_of_path(&keys, versions).await?;
            let steps = plan(&keys, older)?;
            self.take_steps(steps, &mut account).await
        };
        let changed = changed.await;
        self.settle(&account, changed).await
    }

    /// What is kept of these versions, besides what each key has now.
    async fn older_of_path(&self, keys: &Keys, versions: &[Version]) -> Result<Vec<Record>, VaultError> {
        let mut older = Vec::new();
        let current = path_version(keys);
        if versions.iter().all(|version| Some(*version) == current) {
            return Ok(older);
        }
        for record in keys.values().flatten() {
            let kept = self.kept(&record.at).await?.into_iter().skip(1);
            older.extend(kept.filter(|record| versions.contains(&record.version)));
        }
        Ok(older)
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
}

/// Whether the version that a path has now is among these.
fn names_current(keys: &Keys, versions: &[Version]) -> bool {
    path_version(keys).is_some_and(|current| versions.contains(&current))
}

/// What undoes the last deletion of a path of which nothing is left. One deletion leaves one time on all that it took; what
/// was left out of an earlier write has an earlier one.
fn of_last_deletion(keys: &Keys) -> Vec<(ScopedSecret, Step)> {
    let is_deleted = |record: &Record| matches!(record.body, RecordBody::Deleted { .. });
    let records = || keys.values().flatten();
    if records().any(|record| record.sealed().is_some()) {
        return Vec::new();
    }
    let last = records().filter(|record| is_deleted(record)).map(|record| record.updated_at).max();
    let by_last = |record: &Record| is_deleted(record) && Some(record.updated_at) == last;
    steps(keys, |record| by_last(record).then_some(Step::Undelete))
}

/// Older versions with another body, by their secrets.
fn of_older(older: Vec<Record>, body: impl Fn(Record) -> Option<RecordBody>) -> Vec<(ScopedSecret, Step)> {
    let changed = |record: Record| {
        let body = body(record.clone())?;
        Some((record.at.clone(), Step::Older(Box::new(Record { body, ..record }))))
    };
    older.into_iter().filter_map(changed).collect()
}

fn steps(keys: &Keys, step: impl Fn(&Record) -> Option<Step>) -> Vec<(ScopedSecret, Step)> {
    keys.values().flatten().filter_map(|record| Some((record.at.clone(), step(record)?))).collect()
}
