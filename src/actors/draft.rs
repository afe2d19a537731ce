//! How a batch of changes is planned on the lead: pure but for sealing.
//!
//! A draft starts from the committed state, takes one change after the other, and collects what the store must write.
//! Nothing of it is visible to anyone until the store has written it. Changes of nodes are in `draft_nodes`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::key_ring::KeyRing;
use crate::crypto::record;
use crate::crypto::root::RootKey;
use crate::crypto::scope_key::ScopeKey;
use crate::model::identity::MeshId;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::number::{Generation, Revision, Version};
use crate::model::record::{Record, RecordBody, SealedValue};
use crate::model::roster::{JoinToken, TokenHash};
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::model::time::{Entropy, Timestamp};
use crate::replication::view::LeadView;
use crate::store::mutation::Mutation;

use super::change::{Change, Committed, NewValue};
use super::error::CommitError;

/// What sealing needs, unchanged for the life of the lead.
pub struct Sealer {
    /// Bound into every ciphertext.
    pub mesh: MeshId,
    /// Wraps scope keys.
    pub root: Arc<RootKey>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// How many log entries are kept.
    pub log_keep: usize,
}

/// The lead's whole state; cheap to clone.
#[derive(Debug, Clone)]
pub struct LeadState {
    /// Records, roster and log.
    pub lead: LeadView,
    /// The open scope keys.
    pub keys: Arc<KeyRing>,
    /// Tokens that may still admit, or did lately.
    pub tokens: BTreeMap<TokenHash, JoinToken>,
    /// The serial number of the next new (secret, scope).
    pub next_secret_id: u64,
}

/// A batch in the making.
#[derive(Debug)]
pub struct Draft {
    /// The state after the batch.
    pub state: LeadState,
    /// What the store must write.
    pub mutations: Vec<Mutation>,
}

impl Draft {
    /// An empty batch on top of the committed state.
    #[must_use]
    pub fn new(state: &LeadState) -> Self {
        Self { state: state.clone(), mutations: Vec::new() }
    }

    /// Adds one change.
    ///
    /// # Errors
    /// [`CommitError`] when the change cannot be made; the draft is as it was.
    pub fn plan(
        &mut self,
        change: Change,
        audit_seq: u64,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        match change {
            Change::Put(new) => self.put(*new, audit_seq, sealer, now),
            Change::Delete { at } => self.delete(&at, audit_seq, sealer, now),
            Change::Entitle { node, entitlement } => self.entitle(&node, entitlement, audit_seq, sealer, now),
            Change::IssueToken(token) => self.issue_token(token, now),
            Change::Admit(applicant) => self.admit(&applicant, audit_seq, sealer, now),
        }
    }

    fn put(
        &mut self,
        new: NewValue,
        audit_seq: u64,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        let current = self.state.lead.view.get(&new.at).cloned();
        let live = current.as_ref().filter(|record| record.sealed().is_some()).map(|record| record.version);
        if new.cas.is_some_and(|expected| expected != live.map_or(0, Version::get)) {
            return Err(CommitError::Conflict { current: live });
        }
        let version = current.as_ref().map_or(Version::FIRST, |record| record.version.next());
        let (sealed, scope_key) = self.seal(&new, version, sealer)?;
        self.adopt_scope_key(&new.at, scope_key, sealer)?;
        let secret_id = current.as_ref().map_or_else(|| self.next_secret_id(), |record| record.secret_id);
        let record = Record {
            secret_id,
            version,
            revision: self.next_revision(),
            body: RecordBody::Sealed(sealed),
            metadata: new.metadata,
            options: new.options,
            created_at: current.as_ref().map_or(now, |record| record.created_at),
            updated_at: now,
            at: new.at,
        };
        Ok(self.write_record(record, audit_seq, sealer, now))
    }

    /// Seals under the newest key of the scope, or under a first key that is handed back to be kept.
    fn seal(
        &self,
        new: &NewValue,
        version: Version,
        sealer: &Sealer,
    ) -> Result<(SealedValue, Option<ScopeKey>), CommitError> {
        let entropy = &*sealer.entropy;
        let seal = |key: &ScopeKey, generation| {
            record::seal(key, generation, &sealer.mesh, &new.at, version, &new.value, entropy)
        };
        match self.state.keys.newest(&new.at.key_scope()) {
            Some((generation, key)) => Ok((seal(&key, generation)?, None)),
            None => {
                let key = ScopeKey::generate(entropy)?;
                Ok((seal(&key, Generation::FIRST)?, Some(key)))
            }
        }
    }

    fn adopt_scope_key(
        &mut self,
        at: &ScopedSecret,
        key: Option<ScopeKey>,
        sealer: &Sealer,
    ) -> Result<(), CommitError> {
        let Some(key) = key else { return Ok(()) };
        let scope: KeyScope = at.key_scope();
        let wrapped = sealer.root.wrap_scope_key(&sealer.mesh, &scope, Generation::FIRST, &key, &*sealer.entropy)?;
        self.mutations.push(Mutation::PutScopeKey(wrapped));
        Arc::make_mut(&mut self.state.keys).insert(scope, Generation::FIRST, key);
        Ok(())
    }

    fn delete(
        &mut self,
        at: &ScopedSecret,
        audit_seq: u64,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        let current = self.state.lead.view.get(at).filter(|record| record.sealed().is_some());
        let current = current.ok_or(CommitError::NoSuchSecret)?;
        let mut record = Record::clone(current);
        record.revision = self.next_revision();
        record.body = RecordBody::Deleted { kept: current.sealed().cloned() };
        record.updated_at = now;
        Ok(self.write_record(record, audit_seq, sealer, now))
    }

    pub(super) fn next_revision(&self) -> Revision {
        self.state.lead.view.position.revision.next()
    }

    fn next_secret_id(&mut self) -> u64 {
        let id = self.state.next_secret_id;
        self.state.next_secret_id = id.saturating_add(1);
        self.mutations.push(Mutation::SetNextSecretId(self.state.next_secret_id));
        id
    }

    fn write_record(&mut self, record: Record, audit_seq: u64, sealer: &Sealer, now: Timestamp) -> Committed {
        let committed =
            Committed::Secret { secret_id: record.secret_id, version: record.version, revision: record.revision };
        let subject = LogSubject::Secret(record.at.clone());
        self.mutations.push(Mutation::PutRecord(record.clone()));
        self.state.lead.view.insert(record);
        self.log(subject, audit_seq, sealer, now);
        committed
    }

    pub(super) fn log(&mut self, subject: LogSubject, audit_seq: u64, sealer: &Sealer, now: Timestamp) {
        let entry = LogEntry { revision: self.next_revision(), at: now, audit_seq, subject };
        self.mutations.push(Mutation::AppendLog(entry.clone()));
        self.state.lead.record_change(entry, sealer.log_keep);
        self.mutations.push(Mutation::Advance(self.state.lead.view.position));
        self.mutations.push(Mutation::TrimLog { keep: sealer.log_keep });
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Applicant;
    use super::*;
    use crate::crypto::plaintext::Plaintext;
    use crate::crypto::system_entropy::SystemEntropy;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::glob::SecretGlob;
    use crate::model::identity::{KeyPin, SealingPublicKey};
    use crate::model::metadata::{Metadata, SecretOptions};
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    const NOW: Timestamp = Timestamp(1_000);

    fn sealer() -> Sealer {
        let root = RootKey::generate(&SystemEntropy).expect("random bytes");
        Sealer { mesh: MeshId([7; 16]), root: Arc::new(root), entropy: Arc::new(SystemEntropy), log_keep: 3 }
    }

    fn empty() -> LeadState {
        LeadState {
            lead: LeadView::default(),
            keys: Arc::new(KeyRing::default()),
            tokens: BTreeMap::new(),
            next_secret_id: 1,
        }
    }

    fn at() -> ScopedSecret {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse("openai/api_key").expect("name");
        SecretAddress { environment, name }.within(Scope::Global)
    }

    fn put(cas: Option<u64>) -> Change {
        Change::Put(Box::new(NewValue {
            at: at(),
            value: Plaintext::new(b"example".to_vec()),
            metadata: Metadata::default(),
            options: SecretOptions::default(),
            cas,
        }))
    }

    fn version(committed: Committed) -> u64 {
        match committed {
            Committed::Secret { version, .. } => version.get(),
            Committed::Node(_) | Committed::Token => panic!("not a secret"),
        }
    }

    #[test]
    fn versions_count_on_after_a_deletion_and_one_key_seals_a_scope() {
        let (sealer, mut draft) = (sealer(), Draft::new(&empty()));
        assert_eq!(version(draft.plan(put(None), 1, &sealer, NOW).expect("stored")), 1);
        assert_eq!(version(draft.plan(Change::Delete { at: at() }, 2, &sealer, NOW).expect("deleted")), 1);
        assert_eq!(version(draft.plan(put(None), 3, &sealer, NOW).expect("stored")), 2);
        assert_eq!(draft.state.keys.len(), 1);
        assert_eq!(draft.state.lead.view.position.revision, Revision(3));
        let record = draft.state.lead.view.get(&at()).expect("current");
        assert_eq!((record.secret_id, record.revision), (1, Revision(3)));
    }

    #[test]
    fn a_deletion_keeps_the_sealed_value_for_the_lead_and_nothing_is_deleted_twice() {
        let (sealer, mut draft) = (sealer(), Draft::new(&empty()));
        draft.plan(put(None), 1, &sealer, NOW).expect("stored");
        draft.plan(Change::Delete { at: at() }, 2, &sealer, NOW).expect("deleted");
        let record = draft.state.lead.view.get(&at()).expect("current");
        assert!(matches!(record.body, RecordBody::Deleted { kept: Some(_) }));
        let again = draft.plan(Change::Delete { at: at() }, 3, &sealer, NOW);
        assert!(matches!(again, Err(CommitError::NoSuchSecret)));
    }

    #[test]
    fn check_and_set_compares_with_the_live_version_and_a_refusal_changes_nothing() {
        let (sealer, mut draft) = (sealer(), Draft::new(&empty()));
        let refused = draft.plan(put(Some(1)), 1, &sealer, NOW);
        assert!(matches!(refused, Err(CommitError::Conflict { current: None })));
        assert!(draft.mutations.is_empty());
        assert_eq!(version(draft.plan(put(Some(0)), 1, &sealer, NOW).expect("must not exist")), 1);
        let refused = draft.plan(put(Some(0)), 2, &sealer, NOW);
        assert!(matches!(refused, Err(CommitError::Conflict { current: Some(Version::FIRST) })));
        assert_eq!(version(draft.plan(put(Some(1)), 2, &sealer, NOW).expect("current")), 2);
    }

    #[test]
    fn a_token_admits_its_node_once_and_the_same_key_gets_the_same_answer() {
        let (sealer, mut draft) = (sealer(), Draft::new(&empty()));
        let token = JoinToken {
            hash: TokenHash([1; 32]),
            node: NodeName::parse("vengeance").expect("name"),
            entitlement: Entitlement {
                environment: at().secret.environment,
                companies: Companies::default(),
                globs: vec![SecretGlob::everything()],
            },
            expires_at: NOW,
            consumed_by: None,
        };
        let applicant = |pin| Applicant {
            token: TokenHash([1; 32]),
            pin: KeyPin([pin; 32]),
            sealing_key: SealingPublicKey([9; 32]),
        };
        draft.plan(Change::IssueToken(token.clone()), 1, &sealer, NOW).expect("noted");
        let late = Timestamp(NOW.0 + 1);
        let expired = draft.plan(Change::Admit(applicant(1)), 2, &sealer, late);
        assert!(matches!(expired, Err(CommitError::TokenExpired)));
        assert!(matches!(draft.plan(Change::Admit(applicant(1)), 3, &sealer, NOW), Ok(Committed::Node(_))));
        assert!(matches!(draft.plan(Change::Admit(applicant(1)), 4, &sealer, late), Ok(Committed::Node(_))));
        let stolen = draft.plan(Change::Admit(applicant(2)), 5, &sealer, NOW);
        assert!(matches!(stolen, Err(CommitError::TokenReused)));
        assert!(matches!(draft.plan(Change::IssueToken(token), 6, &sealer, NOW), Err(CommitError::NodeExists)));
    }
}
