//! Changes of one secret on the lead: authorise, announce in the audit, seal and commit, account for the outcome.

use std::sync::atomic::Ordering;

use crate::actors::change::{Change, Committed, NewValue, Rollback};
use crate::actors::error::CommitError;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::number::Version;
use crate::model::patch::Patch;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{ScopedSecret, SecretAddress};

use super::account::{Account, noted};
use super::answer::Stored;
use super::authorise::Object;
use super::error::VaultError;
use super::parts::{LeadParts, Purpose, Vault};
use super::refusal::{Subject, refusal};
use super::request::{Context, Place, PutRequest};

/// How often a change is planned anew when others came between reading what it needs and making it.
const ATTEMPTS: usize = 5;

impl Vault {
    /// Stores a new version. The same again changes nothing.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` names where to go.
    pub async fn put(&self, caller: &Caller, ask: PutRequest) -> Result<Stored, VaultError> {
        let PutRequest { place, value, patch, cas } = ask;
        let mut account = self.account(caller, Action::SecretWrite, &place);
        let made = async {
            let at = self.admit(caller, Action::SecretWrite, &place, &mut account)?;
            let bytes_max = self.parts.value_bytes_max;
            if value.len() > bytes_max {
                return Err(VaultError::ValueTooLarge { bytes_max });
            }
            patch.check(self.parts.clock.now().wall)?;
            let change = Change::Put(Box::new(NewValue { at: at.clone(), value, patch, cas }));
            self.make(at, change, &mut account).await
        };
        let made = made.await;
        self.settle(&account, made).await
    }

    /// Says something else about a secret; its value and version stay.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound` when there is no such secret.
    pub async fn describe(&self, caller: &Caller, place: Place, patch: Patch) -> Result<Stored, VaultError> {
        let mut account = self.account(caller, Action::SecretWrite, &place);
        let made = async {
            let at = self.admit(caller, Action::SecretWrite, &place, &mut account)?;
            patch.check(self.parts.clock.now().wall)?;
            self.make(at.clone(), Change::Describe { at, patch: Box::new(patch) }, &mut account).await
        };
        let made = made.await;
        self.settle(&account, made).await
    }

    /// Deletes the current version; it can be undeleted, and the next put continues the count.
    ///
    /// # Errors
    /// [`VaultError`]; `NotFound` when there is nothing to delete.
    pub async fn delete(&self, caller: &Caller, place: Place) -> Result<Stored, VaultError> {
        self.change(caller, Action::SecretDelete, place, |at| Change::Delete { at }).await
    }

    /// Makes the deleted version current again.
    ///
    /// # Errors
    /// [`VaultError`]; `NotDeleted` when nothing is deleted, `Destroyed` when the value is gone.
    pub async fn undelete(&self, caller: &Caller, place: Place) -> Result<Stored, VaultError> {
        self.change(caller, Action::SecretRestore, place, |at| Change::Undelete { at }).await
    }

    /// Takes the values of these versions out for good, or of all of them; when this answers, no byte of them is in the
    /// lead's file. Their numbers are never given again.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchVersion` names one that is not kept, and then none is destroyed; `PurgeDue` when they are
    /// destroyed, but the file could not be written anew.
    pub async fn destroy(
        &self,
        caller: &Caller,
        place: Place,
        versions: Option<Vec<Version>>,
    ) -> Result<Stored, VaultError> {
        let mut account = self.account(caller, Action::SecretDelete, &place);
        let made = async {
            let at = self.admit(caller, Action::SecretDelete, &place, &mut account)?;
            let kept = self.kept(&at).await?;
            let (current, older) = doomed(&at, &kept, versions.as_deref())?;
            let destroyed = self.make(at.clone(), Change::Destroy { at, current, older }, &mut account).await?;
            self.is_purged()?;
            Ok(destroyed)
        };
        let made = made.await;
        self.settle(&account, made).await
    }

    /// Stores the value of an older version as a new one.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchVersion`, or `Destroyed` when that value is gone.
    pub async fn rollback(&self, caller: &Caller, place: Place, to: Version) -> Result<Stored, VaultError> {
        let mut account = self.account(caller, Action::SecretRestore, &place);
        let made = async {
            let at = self.admit(caller, Action::SecretRestore, &place, &mut account)?;
            let announced = self.begin(&mut account).await?;
            for _ in 0..ATTEMPTS {
                let rollback = self.version_to_restore(&at, to).await?;
                let committed = self.carry_out(Change::Rollback(Box::new(rollback)), announced).await?;
                if !matches!(committed, Err(CommitError::Moved)) {
                    return stored(at, committed, &mut account);
                }
            }
            Err(VaultError::Moved)
        };
        let made = made.await;
        self.settle(&account, made).await
    }

    async fn change(
        &self,
        caller: &Caller,
        action: Action,
        place: Place,
        change: impl FnOnce(ScopedSecret) -> Change,
    ) -> Result<Stored, VaultError> {
        let mut account = self.account(caller, action, &place);
        let made = async {
            let at = self.admit(caller, action, &place, &mut account)?;
            self.make(at.clone(), change(at), &mut account).await
        };
        let made = made.await;
        self.settle(&account, made).await
    }

    pub(super) fn account(&self, caller: &Caller, action: Action, place: &Place) -> Account {
        let mut account = Account::open(caller, action, self.parts.clock.now());
        self.give_reason(&mut account, place.reason.as_deref());
        account
    }

    /// Writes the reason down, and whether this is a rehearsal.
    pub(super) fn give_reason(&self, account: &mut Account, reason: Option<&str>) {
        match self.purpose {
            Purpose::Make => account.reason(reason),
            Purpose::Rehearse => account.reason(Some(&noted("dry run", reason))),
        }
    }

    /// Identifies the caller and asks policy; gives the place it may change, if this node may change any.
    pub(super) fn admit(
        &self,
        caller: &Caller,
        action: Action,
        place: &Place,
        account: &mut Account,
    ) -> Result<ScopedSecret, VaultError> {
        let who = self.identify(caller, account)?;
        account.about(&place.name, &self.parts.environment);
        account.scope(&place.scope);
        self.check_node(&Context::on(place.node.as_ref()))?;
        let environment = self.environment(&who, place.environment.as_ref())?;
        account.about(&place.name, &environment);
        self.authorise(&who, action, Object::in_scope(&place.name, &place.scope, &environment), account)?;
        self.lead()?;
        Ok(SecretAddress { environment, name: place.name.clone() }.within(place.scope.clone()))
    }

    /// Announces a change, makes it, and tells what came of it.
    pub(super) async fn make(
        &self,
        at: ScopedSecret,
        change: Change,
        account: &mut Account,
    ) -> Result<Stored, VaultError> {
        let announced = self.begin(account).await?;
        stored(at, self.carry_out(change, announced).await?, account)
    }

    /// Whether what was destroyed has left the file. A rehearsal destroyed nothing.
    pub(super) fn is_purged(&self) -> Result<(), VaultError> {
        let due = self.lead()?.board.purge_due.load(Ordering::Relaxed);
        if due && self.purpose == Purpose::Make { Err(VaultError::PurgeDue) } else { Ok(()) }
    }

    /// Announces a change in the audit. A rehearsal announces nothing, and has no number.
    pub(super) async fn begin(&self, account: &mut Account) -> Result<Option<u64>, VaultError> {
        match self.purpose {
            Purpose::Make => self.announce(account).await.map(Some),
            Purpose::Rehearse => Ok(None),
        }
    }

    /// Makes a change that was announced, or finds out what it would come to.
    pub(super) async fn carry_out(
        &self,
        change: Change,
        announced: Option<u64>,
    ) -> Result<Result<Committed, CommitError>, VaultError> {
        let LeadParts { secrets, .. } = self.lead()?;
        Ok(match announced {
            Some(audit_seq) => secrets.commit(change, audit_seq).await,
            None => secrets.preview(change).await,
        })
    }

    /// The versions that are kept, newest first; at least one.
    pub(super) async fn kept(&self, at: &ScopedSecret) -> Result<Vec<Record>, VaultError> {
        let kept = self.parts.store.versions(at.clone()).await;
        let kept = kept.map_err(|error| VaultError::Internal(error.to_string()))?;
        if kept.is_empty() { Err(absent(at)) } else { Ok(kept) }
    }

    async fn version_to_restore(&self, at: &ScopedSecret, to: Version) -> Result<Rollback, VaultError> {
        let kept = self.kept(at).await?;
        let seen = kept.first().map(|current| current.revision).ok_or_else(|| absent(at))?;
        let name = || at.secret.name.clone();
        let from = kept.into_iter().find(|record| record.version == to);
        let from = from.ok_or_else(|| VaultError::NoSuchVersion { name: name(), version: to })?;
        match from.body {
            RecordBody::Sealed(_) | RecordBody::Deleted { kept: Some(_) } => Ok(Rollback { from, seen }),
            RecordBody::Destroyed | RecordBody::Deleted { kept: None } => {
                Err(VaultError::Destroyed { name: name(), version: to })
            }
            RecordBody::Unset => Err(VaultError::NoSuchVersion { name: name(), version: to }),
        }
    }
}

/// What is to be destroyed of what is kept: the current version, if it is among it, and the older ones that still have
/// a value.
fn doomed(
    at: &ScopedSecret,
    kept: &[Record],
    wanted: Option<&[Version]>,
) -> Result<(Option<Version>, Vec<Version>), VaultError> {
    let unknown = |version: &&Version| !kept.iter().any(|record| record.version == **version);
    if let Some(version) = wanted.unwrap_or_default().iter().find(unknown) {
        return Err(VaultError::NoSuchVersion { name: at.secret.name.clone(), version: *version });
    }
    let named = |record: &&Record| wanted.is_none_or(|versions| versions.contains(&record.version));
    let current = kept.first().filter(named).map(|record| record.version);
    let older = kept.iter().skip(1).filter(named).filter(|record| record.body != RecordBody::Destroyed);
    Ok((current, older.map(|record| record.version).collect()))
}

fn absent(at: &ScopedSecret) -> VaultError {
    VaultError::NotFound { name: at.secret.name.clone(), tried: vec![at.scope.clone()] }
}

fn stored(
    at: ScopedSecret,
    committed: Result<Committed, CommitError>,
    account: &mut Account,
) -> Result<Stored, VaultError> {
    let secret = committed.map_err(|error| refusal(&error, Subject::Secret(&at)))?.secret()?;
    account.version(secret.version);
    let (secret_id, version) = (secret.secret_id, secret.version);
    Ok(Stored { secret_id, at, version, revision: secret.revision, changed: secret.changed })
}
