//! What is done to secrets within a draft besides giving them values: described, deleted, undeleted, destroyed.

use crate::crypto::fields;
use crate::model::change::ChangeKind;
use crate::model::log::LogSubject;
use crate::model::number::Version;
use crate::model::patch::Patch;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

use super::change::CommittedSecret;
use super::draft::{Context, Draft};
use super::draft_values::{Said, unchanged};
use super::error::CommitError;

impl Draft {
    /// Says something else about a secret; its version stays.
    pub(super) fn describe(
        &mut self,
        at: &ScopedSecret,
        patch: &Patch,
        context: Context<'_>,
    ) -> Result<CommittedSecret, CommitError> {
        let current = self.state.lead.view.get(at).cloned().ok_or(CommitError::NoSuchSecret)?;
        match current.body {
            RecordBody::Sealed(_) | RecordBody::Unset => {}
            RecordBody::Deleted { .. } | RecordBody::Destroyed => return Err(CommitError::NoSuchSecret),
        }
        let said = Said::patched(Some(&current), patch)?;
        if said.fields != *current.fields && !said.fields.is_empty() && current.sealed().is_some() {
            fields::check(&self.open(&current, context)?, &said.fields)?;
        }
        Ok(self.say(Record::clone(&current), said, context))
    }

    /// The same version with these words about it; nothing, if it has them.
    pub(super) fn say(&mut self, mut record: Record, said: Said, context: Context<'_>) -> CommittedSecret {
        if Said::of(&record) == said {
            return unchanged(&record);
        }
        (record.metadata, record.options, record.fields) =
            (said.metadata.into(), said.options.into(), said.fields.into());
        self.rewrite(record, ChangeKind::Described, context)
    }

    /// Deletes the current version; its sealed value is kept on the lead.
    pub(super) fn delete(&mut self, at: &ScopedSecret, context: Context<'_>) -> Result<CommittedSecret, CommitError> {
        let current = self.state.lead.view.get(at).filter(|record| record.sealed().is_some());
        let mut record = Record::clone(current.ok_or(CommitError::NoSuchSecret)?);
        record.body = RecordBody::Deleted { kept: record.sealed().cloned() };
        Ok(self.rewrite(record, ChangeKind::Deleted, context))
    }

    /// Makes the deleted version current again.
    pub(super) fn undelete(&mut self, at: &ScopedSecret, context: Context<'_>) -> Result<CommittedSecret, CommitError> {
        let mut record = Record::clone(self.state.lead.view.get(at).ok_or(CommitError::NoSuchSecret)?);
        record.body = match record.body {
            RecordBody::Deleted { kept: Some(value) } => RecordBody::Sealed(value),
            RecordBody::Sealed(_) => return Err(CommitError::NotDeleted),
            RecordBody::Destroyed | RecordBody::Deleted { kept: None } => {
                return Err(CommitError::Destroyed(record.version));
            }
            RecordBody::Unset => return Err(CommitError::NoSuchSecret),
        };
        Ok(self.rewrite(record, ChangeKind::Undeleted, context))
    }

    /// Takes values out for good. That there were such versions stays, and their numbers are never given again.
    pub(super) fn destroy(
        &mut self,
        at: &ScopedSecret,
        current: Option<Version>,
        older: Vec<Version>,
        context: Context<'_>,
    ) -> Result<CommittedSecret, CommitError> {
        let mut record = Record::clone(self.state.lead.view.get(at).ok_or(CommitError::NoSuchSecret)?);
        if current.is_some_and(|version| version != record.version) {
            return Err(CommitError::Moved);
        }
        let ends = current.is_some() && record.body != RecordBody::Destroyed;
        if !ends && older.is_empty() {
            return Ok(unchanged(&record));
        }
        if ends {
            record.body = RecordBody::Destroyed;
        }
        record.purged = Some(self.next_revision());
        self.purge();
        let at = at.clone();
        let committed = self.rewrite(record, ChangeKind::Destroyed, context);
        self.mutations.push(Mutation::DestroyVersions { at, versions: older });
        Ok(committed)
    }

    /// Notes that bytes must leave the file, in the transaction that makes them superfluous: a crash between the two is
    /// found at the next start.
    pub(super) fn purge(&mut self) {
        self.purges = true;
        self.mutations.push(Mutation::PutBlob(BlobName::RebuildDue, vec![1]));
    }

    /// Writes the same version again, changed in this way.
    pub(super) fn rewrite(&mut self, mut record: Record, change: ChangeKind, context: Context<'_>) -> CommittedSecret {
        record.revision = self.next_revision();
        record.change = change;
        // Sealing anew changes nothing that anyone can see, so it leaves the time.
        if change != ChangeKind::Resealed {
            record.updated_at = context.now;
        }
        self.write_record(record, context)
    }

    /// Writes a record that is current from now on, trims the versions before it, and logs the change.
    pub(super) fn write_record(&mut self, record: Record, context: Context<'_>) -> CommittedSecret {
        let Record { secret_id, version, revision, change, .. } = record;
        let at = record.at.clone();
        let before = self.state.lead.view.get(&at).filter(|record| record.sealed().is_some());
        let before = before.map(|record| record.version);
        self.mutations.push(Mutation::PutRecord(record.clone()));
        let keep = context.sealer.versions_kept.saturating_sub(1);
        // A secret that never had more versions than are kept has none to trim.
        if change == ChangeKind::Stored && usize::try_from(version.get()).is_ok_and(|count| count > keep + 1) {
            self.mutations.push(Mutation::TrimVersions { at: at.clone(), keep });
        }
        self.state.lead.view.insert(record);
        self.log(LogSubject::Secret { at, change, version }, context);
        CommittedSecret { secret_id, version, revision, changed: true, before }
    }
}
