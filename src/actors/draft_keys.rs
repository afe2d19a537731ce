//! Scope keys within a draft: a new generation, values sealed anew under it, and the end of the generations before it.
//!
//! How far a rotation has come is written nowhere: a scope with more than one generation is unfinished, and what an older
//! one still seals is what is left to do. So nothing can disagree with the data after a crash.

use std::sync::Arc;

use crate::crypto::record;
use crate::model::change::ChangeKind;
use crate::model::entitlement::Entitlement;
use crate::model::log::LogSubject;
use crate::model::number::Generation;
use crate::model::record::{Record, RecordBody, SealedValue};
use crate::model::roster::RosterEntry;
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::store::mutation::Mutation;

use super::change::{Committed, KeyStep, KeyTarget};
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    /// Gives each scope a key of the next generation, unless it has one already that its values are on their way to.
    pub(super) fn begin_rotation(
        &mut self,
        scopes: &[KeyScope],
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let mut targets = Vec::with_capacity(scopes.len());
        for at in scopes {
            let (newest, _) = self.state.keys.newest(at).ok_or(CommitError::NoKey)?;
            let generation = if self.state.keys.has_before(at, newest) { newest } else { self.next_key(at, context)? };
            targets.push(KeyTarget { at: at.clone(), generation });
        }
        Ok(Committed::Keys(KeyStep::Begun(targets)))
    }

    /// Gives every scope whose key this node held, and shall not hold any more, a key it never sees; of a node that goes
    /// altogether that is every scope it held. An unfinished rotation does not do: the node may have been sent the key
    /// that one works towards. Gives how many scopes it were.
    pub(super) fn lock_out(
        &mut self,
        node: &RosterEntry,
        entitlement: Option<&Entitlement>,
        context: Context<'_>,
    ) -> Result<usize, CommitError> {
        let held = |at: &&KeyScope| node.is_member() && node.entitlement.covers_scope(&node.name, at);
        let stays = |at: &KeyScope| entitlement.is_some_and(|wanted| wanted.covers_scope(&node.name, at));
        let lost: Vec<KeyScope> = self.state.keys.scopes().filter(held).filter(|at| !stays(at)).cloned().collect();
        lost.iter().try_for_each(|at| self.next_key(at, context).map(drop))?;
        Ok(lost.len())
    }

    fn next_key(&mut self, at: &KeyScope, context: Context<'_>) -> Result<Generation, CommitError> {
        let (newest, _) = self.state.keys.newest(at).ok_or(CommitError::NoKey)?;
        self.adopt_scope_key(at.clone(), newest.next(), context)?;
        self.log(LogSubject::ScopeKey(at.clone()), context);
        Ok(newest.next())
    }

    /// Seals current values anew, those that a deletion keeps included. What is under the newest key stays as it is.
    pub(super) fn reseal(&mut self, at: &[ScopedSecret], context: Context<'_>) -> Result<Committed, CommitError> {
        let mut resealed = 0;
        for at in at {
            let Some(current) = self.state.lead.view.get(at).cloned() else { continue };
            let Some(sealed) = self.sealed_anew(&current, context)? else { continue };
            self.rewrite(with_value(&current, sealed), ChangeKind::Resealed, context);
            resealed += 1;
        }
        Ok(Committed::Keys(KeyStep::Resealed(resealed)))
    }

    /// The same for older versions, which are on disk only: each is replaced there if it is still what was read.
    pub(super) fn reseal_older(
        &mut self,
        versions: Vec<Record>,
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let mut resealed = 0;
        for version in versions {
            let Some(expecting) = version.kept().map(|sealed| sealed.generation) else { continue };
            let Some(sealed) = self.sealed_anew(&version, context)? else { continue };
            self.mutations.push(Mutation::ReplaceVersion { record: with_value(&version, sealed), expecting });
            resealed += 1;
        }
        Ok(Committed::Keys(KeyStep::Resealed(resealed)))
    }

    /// The value of a record under the newest key of its scope; `None` if it is that already, or has none.
    fn sealed_anew(&self, record: &Record, context: Context<'_>) -> Result<Option<SealedValue>, CommitError> {
        let Some(sealed) = record.kept() else { return Ok(None) };
        let (generation, key) = self.state.keys.newest(&record.at.key_scope()).ok_or(CommitError::NoKey)?;
        if sealed.generation == generation {
            return Ok(None);
        }
        let value = self.open(record, context)?;
        let sealer = context.sealer;
        let anew = record::seal(&key, generation, &sealer.mesh, &record.at, record.version, &value, &*sealer.entropy)?;
        Ok(Some(anew))
    }

    /// Drops the generations before each target, and the bytes of what they sealed. That no older version needs them is
    /// the caller's word; that no current value does is checked here, for what they seal would be lost.
    pub(super) fn finish_rotation(
        &mut self,
        targets: &[KeyTarget],
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let mut rotated = Vec::new();
        for target in targets {
            let KeyTarget { at, generation } = target;
            if !self.state.keys.has_before(at, *generation) {
                continue;
            }
            if self.state.lead.view.sealed_by().count_before(at, *generation) > 0 {
                return Err(CommitError::GenerationInUse(at.clone()));
            }
            Arc::make_mut(&mut self.state.keys).drop_before(at, *generation);
            self.mutations.push(Mutation::DropGenerations { at: at.clone(), before: *generation });
            self.log(LogSubject::ScopeKey(at.clone()), context);
            rotated.push(target.clone());
        }
        if !rotated.is_empty() {
            self.purge();
        }
        Ok(Committed::Keys(KeyStep::Finished(rotated)))
    }
}

/// The same record with its value sealed otherwise.
fn with_value(record: &Record, sealed: SealedValue) -> Record {
    let body = match &record.body {
        RecordBody::Deleted { .. } => RecordBody::Deleted { kept: Some(sealed) },
        RecordBody::Sealed(_) | RecordBody::Destroyed | RecordBody::Unset => RecordBody::Sealed(sealed),
    };
    Record { body, ..record.clone() }
}
