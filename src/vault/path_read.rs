//! A path is read key by key: each is a read of its own, decided, accounted for and opened as any other.

use std::sync::Arc;

use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::KeyName;
use crate::model::number::{Position, Version};
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{Scope, SecretName};

use super::account::Account;
use super::answer::{ReadAnswer, ReadOutcome};
use super::error::VaultError;
use super::parts::Vault;
use super::path_look::{Keys, path_version};
use super::path_request::{PathAnswer, PathHistory, PathOutcome, PathPlace, PathVersion};
use super::request::ReadRequest;

/// How often a path is read anew when it changed while it was read, so that no answer holds a part of two versions.
const ATTEMPTS: usize = 3;

/// Why an older version is not read here.
const ON_LEAD: &str = "this node holds the current version alone; older ones are on the lead";

/// What became of the keys that were read.
#[derive(Default)]
struct Gathered {
    answers: Vec<ReadAnswer>,
    /// Those of which the caller may know that they have no value.
    absent: Vec<KeyName>,
}

impl Vault {
    /// Reads a path, or a version of it. What the caller may not read is left out.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound`, or `Denied` when the caller may not know, if nothing can be read.
    pub async fn read_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        version: Option<Version>,
    ) -> Result<PathOutcome, VaultError> {
        for attempt in 1.. {
            let keys = self.looked(caller, place, Action::SecretRead).await?;
            let before = self.position();
            let current = path_version(&keys);
            if version.is_some_and(|version| Some(version) != current) {
                let version = version.unwrap_or(Version::FIRST);
                return self.read_older(caller, place, &keys, version).await;
            }
            let gathered = self.gather(caller, place, keys.keys(), None).await?;
            if self.position() != before && attempt < ATTEMPTS {
                continue;
            }
            return outcome(gathered, &keys, current, place.any());
        }
        Err(VaultError::Moved)
    }

    /// The versions of a path that are kept here, and what is said about it.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound`, or `Denied` when the caller may not know, if there is none.
    pub async fn path_history(&self, caller: &Caller, place: &PathPlace) -> Result<PathHistory, VaultError> {
        let keys = self.looked(caller, place, Action::SecretInfo).await?;
        let kept = self.kept_of_path(caller, place, &keys).await?;
        let mut records: Vec<&Arc<Record>> = keys.values().flatten().collect();
        let said = records.iter().find(|record| record.sealed().is_some()).or(records.first());
        let absent = || VaultError::NotFound { name: place.any(), tried: vec![place.scope()] };
        let said = said.map(|record| (*record.metadata).clone()).ok_or_else(absent)?;
        records.sort_by_key(|record| record.created_at);
        let created_at = records.first().map(|record| record.created_at).ok_or_else(absent)?;
        let updated_at = records.iter().map(|record| record.updated_at).max().unwrap_or(created_at);
        let versions = versions(&kept, &keys);
        if versions.iter().all(|version| version.destroyed) {
            return Err(absent());
        }
        Ok(PathHistory { versions, created_at, updated_at, said })
    }

    /// The keys of a path; a refusal is audited.
    async fn looked(&self, caller: &Caller, place: &PathPlace, action: Action) -> Result<Keys, VaultError> {
        let mut account = Account::open(caller, action, self.parts.clock.now());
        account.reason(place.context.reason.as_deref());
        match self.look(caller, place, action, &mut account) {
            Ok((_, keys)) => Ok(keys),
            Err(refused) => self.settle(&account, Err(refused)).await,
        }
    }

    /// Reads keys, in this scope if one is named and else as they resolve.
    async fn gather(
        &self,
        caller: &Caller,
        place: &PathPlace,
        keys: impl Iterator<Item = &KeyName>,
        scope: Option<&Scope>,
    ) -> Result<Gathered, VaultError> {
        let mut gathered = Gathered::default();
        for key in keys {
            self.gather_one(caller, request(place, key, scope, None), &mut gathered).await?;
        }
        Ok(gathered)
    }

    async fn gather_one(&self, caller: &Caller, ask: ReadRequest, gathered: &mut Gathered) -> Result<(), VaultError> {
        let key = ask.name.key.clone();
        match self.read(caller, ask).await {
            Ok(ReadOutcome::Value(answer)) => gathered.answers.push(answer),
            Err(VaultError::NotFound { .. } | VaultError::Destroyed { .. } | VaultError::VersionDeleted { .. }) => {
                gathered.absent.push(key);
            }
            Ok(ReadOutcome::NotModified { .. }) | Err(VaultError::Denied { .. }) => {}
            Err(failed) => return Err(failed),
        }
        Ok(())
    }

    /// Reads what each key had when the path had this version.
    async fn read_older(
        &self,
        caller: &Caller,
        place: &PathPlace,
        keys: &Keys,
        version: Version,
    ) -> Result<PathOutcome, VaultError> {
        if self.parts.lead.is_none() {
            return Err(VaultError::NotOfPath(ON_LEAD));
        }
        let kept = self.kept_of_path(caller, place, keys).await?;
        let found = versions(&kept, keys).into_iter().find(|found| found.version == version);
        let found = found.ok_or_else(|| VaultError::NotFound { name: place.any(), tried: vec![place.scope()] })?;
        if found.destroyed || found.deleted_at.is_some() {
            return Ok(PathOutcome::Gone(found));
        }
        let (mut gathered, scope) = (Gathered::default(), place.scope());
        for (key, records) in &kept {
            let Some(record) = records.iter().find(|record| record.version <= version) else { continue };
            match record.body {
                RecordBody::Sealed(_) => {
                    let ask = request(place, key, Some(&scope), Some(record.version));
                    self.gather_one(caller, ask, &mut gathered).await?;
                }
                RecordBody::Deleted { .. } if record.version == version => gathered.absent.push(key.clone()),
                RecordBody::Deleted { .. } | RecordBody::Destroyed | RecordBody::Unset => {}
            }
        }
        if gathered.answers.is_empty() {
            return Ok(PathOutcome::Gone(found));
        }
        let Gathered { answers, absent } = gathered;
        Ok(PathOutcome::Values(PathAnswer { answers, version: Some(version), lost: absent }))
    }

    /// What is kept of each key in the scope of the path, newest first.
    async fn kept_of_path(
        &self,
        caller: &Caller,
        place: &PathPlace,
        keys: &Keys,
    ) -> Result<Vec<(KeyName, Vec<Record>)>, VaultError> {
        let mut kept = Vec::with_capacity(keys.len());
        for key in keys.iter().filter(|(_, record)| record.is_some()).map(|(key, _)| key) {
            kept.push((key.clone(), self.versions(caller, place.key(key)).await?.versions));
        }
        Ok(kept)
    }

    fn position(&self) -> Position {
        self.parts.board.held.load().view.position
    }
}

fn request(place: &PathPlace, key: &KeyName, scope: Option<&Scope>, version: Option<Version>) -> ReadRequest {
    ReadRequest {
        name: place.name(key),
        context: place.context.clone(),
        scope: scope.cloned(),
        version,
        field: None,
        refresh: false,
        known: None,
    }
}

fn outcome(
    gathered: Gathered,
    keys: &Keys,
    version: Option<Version>,
    any: SecretName,
) -> Result<PathOutcome, VaultError> {
    let Gathered { answers, absent } = gathered;
    if !answers.is_empty() {
        return Ok(PathOutcome::Values(PathAnswer { answers, version, lost: Vec::new() }));
    }
    let is_gone = |(key, _): &(&KeyName, &Option<Arc<Record>>)| absent.contains(key);
    let gone: Vec<&Arc<Record>> = keys.iter().filter(is_gone).filter_map(|(_, record)| record.as_ref()).collect();
    let latest = gone.iter().max_by_key(|record| (record.version, record.updated_at));
    let Some(latest) = latest else {
        let denied = VaultError::Denied { rule: "no key may be read".to_owned() };
        return Err(if absent.is_empty() { denied } else { VaultError::NotFound { name: any, tried: Vec::new() } });
    };
    let destroyed = gone.iter().all(|record| record.body == RecordBody::Destroyed);
    Ok(PathOutcome::Gone(PathVersion {
        version: latest.version,
        created_at: latest.created_at,
        deleted_at: gone.iter().map(|record| record.updated_at).max(),
        destroyed,
    }))
}

/// The versions of a path by what is kept of its keys: one for every number that a key has. The last one has a value while
/// any key has.
fn versions(kept: &[(KeyName, Vec<Record>)], keys: &Keys) -> Vec<PathVersion> {
    let records = || kept.iter().flat_map(|(_, records)| records).filter(|record| record.body != RecordBody::Unset);
    let mut numbers: Vec<Version> = records().map(|record| record.version).collect();
    numbers.sort();
    numbers.dedup();
    let last = numbers.last().copied();
    let is_live = keys.values().flatten().any(|record| record.sealed().is_some());
    let version = |version: Version| {
        let of_it: Vec<&Record> = records().filter(|record| record.version == version).collect();
        let has_value = of_it.iter().any(|record| record.sealed().is_some()) || (Some(version) == last && is_live);
        let destroyed = !has_value && of_it.iter().all(|record| record.body == RecordBody::Destroyed);
        let times = || of_it.iter().map(|record| record.updated_at);
        PathVersion {
            version,
            created_at: times().min().unwrap_or_default(),
            deleted_at: if has_value { None } else { times().max() },
            destroyed,
        }
    };
    numbers.into_iter().map(version).collect()
}
