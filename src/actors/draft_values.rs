//! New values within a draft: sealed under the newest key of their scope, or found to be what is there already.

use std::sync::Arc;

use crate::crypto::fields;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::record;
use crate::crypto::scope_key::ScopeKey;
use crate::model::change::ChangeKind;
use crate::model::fields::Fields;
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::number::{Generation, Version};
use crate::model::patch::{Patch, Wish};
use crate::model::record::{Record, RecordBody, SealedScopeKey, SealedValue};
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::store::mutation::Mutation;

use super::change::{CommittedSecret, Declaration, NewValue, Rollback};
use super::draft::{Context, Draft};
use super::error::CommitError;

/// What is said about a secret besides its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) metadata: Metadata,
    pub(super) options: SecretOptions,
    pub(super) fields: Fields,
}

impl Said {
    /// What the current record says, with the wishes applied.
    pub(super) fn patched(current: Option<&Record>, patch: &Patch) -> Result<Self, CommitError> {
        let mut said = current.map(Self::of).unwrap_or_default();
        patch.apply(&mut said.metadata, &mut said.options, &mut said.fields);
        said.metadata.check()?;
        Ok(said)
    }

    /// What a record says.
    pub(super) fn of(record: &Record) -> Self {
        let Record { metadata, options, fields, .. } = record;
        Self { metadata: (**metadata).clone(), options: (**options).clone(), fields: (**fields).clone() }
    }
}

impl Draft {
    /// A new version; or only new words about the same value; or nothing, if all is as it was asked for.
    pub(super) fn put(&mut self, new: NewValue, context: Context<'_>) -> Result<CommittedSecret, CommitError> {
        self.put_as(new, None, context)
    }

    /// The same; with a number, always a new version, and under that number if it is not used up.
    pub(super) fn put_as(
        &mut self,
        new: NewValue,
        number: Option<Version>,
        context: Context<'_>,
    ) -> Result<CommittedSecret, CommitError> {
        let current = self.state.lead.view.get(&new.at).cloned();
        let live = current.as_ref().filter(|record| record.sealed().is_some());
        if new.cas.is_some_and(|expected| expected != live.map_or(0, |record| record.version.get())) {
            return Err(CommitError::Conflict { current: live.map(|record| record.version) });
        }
        let said = Said::patched(current.as_deref(), &new.patch)?;
        if !said.fields.is_empty() {
            fields::check(&new.value, &said.fields)?;
        }
        let again = |record: &&Arc<Record>| number.is_none() && self.holds(record, &new.value, context);
        if let Some(record) = live.filter(again) {
            return Ok(self.say(Record::clone(record), said, context));
        }
        let version = match current.as_deref() {
            None => self.state.first.version,
            Some(Record { body: RecordBody::Unset, version, .. }) => *version,
            Some(record) => record.version.next(),
        };
        let version = number.map_or(version, |number| number.max(version));
        let sealed = self.seal(&new.at, version, &new.value, context)?;
        let record = Record {
            secret_id: current.as_ref().map_or_else(|| self.next_secret_id(), |record| record.secret_id),
            version,
            revision: self.next_revision(),
            change: ChangeKind::Stored,
            purged: current.as_ref().and_then(|record| record.purged),
            body: RecordBody::Sealed(sealed),
            metadata: said.metadata.into(),
            options: said.options.into(),
            fields: said.fields.into(),
            created_at: current.as_ref().map_or(context.now, |record| record.created_at),
            updated_at: context.now,
            at: new.at,
        };
        Ok(self.write_record(record, context))
    }

    /// The value and the fields of an older version, under a new number; what else is said stays.
    pub(super) fn rollback(&mut self, to: &Rollback, context: Context<'_>) -> Result<CommittedSecret, CommitError> {
        let from = &to.from;
        let current = self.state.lead.view.get(&from.at).ok_or(CommitError::NoSuchSecret)?;
        if current.revision != to.seen {
            return Err(CommitError::Moved);
        }
        // Without its key the version was read before its scope got a new one: by now it is sealed anew.
        let value = match self.open(from, context) {
            Err(CommitError::NoKey) => return Err(CommitError::Moved),
            opened => opened?,
        };
        let patch = Patch { fields: Wish::Set((*from.fields).clone()), ..Patch::default() };
        self.put(NewValue { at: from.at.clone(), value, patch, cas: None }, context)
    }

    /// All values or none: the first that cannot be stored is the reason why none is.
    pub(super) fn import(
        &mut self,
        values: Vec<NewValue>,
        context: Context<'_>,
    ) -> Result<Vec<CommittedSecret>, CommitError> {
        let put = |value: NewValue| {
            let at = value.at.clone();
            self.put(value, context).map_err(|cause| CommitError::OfSecret { at, cause: Box::new(cause) })
        };
        values.into_iter().map(put).collect()
    }

    /// Makes secrets known that have no value yet.
    pub(super) fn declare(
        &mut self,
        declarations: Vec<Declaration>,
        context: Context<'_>,
    ) -> Result<Vec<CommittedSecret>, CommitError> {
        declarations.into_iter().map(|wanted| self.declare_one(wanted, context)).collect()
    }

    fn declare_one(&mut self, wanted: Declaration, context: Context<'_>) -> Result<CommittedSecret, CommitError> {
        if let Some(known) = self.state.lead.view.get(&wanted.at) {
            return Ok(unchanged(known));
        }
        wanted.metadata.check()?;
        let record = Record {
            secret_id: self.next_secret_id(),
            version: self.state.first.version,
            revision: self.next_revision(),
            change: ChangeKind::Declared,
            purged: None,
            body: RecordBody::Unset,
            metadata: wanted.metadata.into(),
            options: wanted.options.into(),
            fields: wanted.fields.into(),
            created_at: context.now,
            updated_at: context.now,
            at: wanted.at,
        };
        Ok(self.write_record(record, context))
    }

    fn holds(&self, record: &Record, value: &Plaintext, context: Context<'_>) -> bool {
        let opened = record.sealed().and_then(|sealed| {
            let key = self.state.keys.get(&record.at.key_scope(), sealed.generation)?;
            Some(record::holds(&key, &context.sealer.mesh, &record.at, record.version, sealed, value))
        });
        opened.unwrap_or(false)
    }

    /// Opens a version of this lead.
    pub(super) fn open(&self, record: &Record, context: Context<'_>) -> Result<Plaintext, CommitError> {
        let sealed = record.kept().ok_or(CommitError::Destroyed(record.version))?;
        let key = self.state.keys.get(&record.at.key_scope(), sealed.generation).ok_or(CommitError::NoKey)?;
        Ok(record::open(&key, &context.sealer.mesh, &record.at, record.version, sealed)?)
    }

    /// Seals under the newest key of the scope; a scope that has none gets its first.
    pub(super) fn seal(
        &mut self,
        at: &ScopedSecret,
        version: Version,
        value: &Plaintext,
        context: Context<'_>,
    ) -> Result<SealedValue, CommitError> {
        let scope = at.key_scope();
        let sealer = context.sealer;
        if self.state.keys.newest(&scope).is_none() {
            self.adopt_scope_key(scope.clone(), self.state.first.generation, context)?;
        }
        let (generation, key) = self.state.keys.newest(&scope).ok_or(CommitError::NoKey)?;
        Ok(record::seal(&key, generation, &sealer.mesh, at, version, value, &*sealer.entropy)?)
    }

    /// A new key for a scope, wrapped for the store.
    pub(super) fn adopt_scope_key(
        &mut self,
        scope: KeyScope,
        generation: Generation,
        context: Context<'_>,
    ) -> Result<(), CommitError> {
        let sealer = context.sealer;
        let key = ScopeKey::generate(&*sealer.entropy)?;
        let wrapped = self.state.root.wrap_scope_key(&sealer.mesh, &scope, generation, &key, &*sealer.entropy)?;
        let made_at = Some(context.now);
        self.mutations.push(Mutation::PutScopeKey(SealedScopeKey { made_at, ..wrapped }));
        Arc::make_mut(&mut self.state.keys).insert(scope, generation, key, made_at);
        Ok(())
    }

    fn next_secret_id(&mut self) -> u64 {
        let id = self.state.next_secret_id;
        self.state.next_secret_id = id.saturating_add(1);
        id
    }
}

/// A secret that is as it was asked for.
pub(super) fn unchanged(record: &Record) -> CommittedSecret {
    CommittedSecret {
        secret_id: record.secret_id,
        version: record.version,
        revision: record.revision,
        changed: false,
        before: record.sealed().map(|_| record.version),
    }
}
