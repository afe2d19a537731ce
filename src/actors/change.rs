//! What can be committed on the lead, and how a batch of it is planned: pure but for sealing.
//!
//! A draft starts from the committed state, takes one change after the other, and collects what the store must write.
//! Nothing of it is visible to anyone until the store has written it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::key_ring::KeyRing;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::record;
use crate::crypto::root::RootKey;
use crate::crypto::scope_key::ScopeKey;
use crate::model::entitlement::Entitlement;
use crate::model::identity::{KeyPin, MeshId, Role, SealingPublicKey};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::NodeName;
use crate::model::number::{Generation, Revision, Version};
use crate::model::record::{Record, RecordBody, SealedValue};
use crate::model::roster::{JoinToken, RosterEntry, TokenHash};
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::model::time::{Entropy, Timestamp};
use crate::replication::view::LeadView;
use crate::store::mutation::Mutation;

use super::error::CommitError;

/// A change of the authoritative state, already authorised.
#[derive(Debug)]
pub enum Change {
    /// A new version.
    Put(Box<NewValue>),
    /// The current version is deleted.
    Delete {
        /// Which.
        at: ScopedSecret,
    },
    /// A node is entitled to something else.
    Entitle {
        /// Which.
        node: NodeName,
        /// To what.
        entitlement: Entitlement,
    },
    /// A token may admit a node.
    IssueToken(JoinToken),
    /// A node asks to be admitted.
    Admit(Applicant),
}

/// A value to store.
#[derive(Debug)]
pub struct NewValue {
    /// Where.
    pub at: ScopedSecret,
    /// What.
    pub value: Plaintext,
    /// Texts for people.
    pub metadata: Metadata,
    /// How it is kept and served.
    pub options: SecretOptions,
    /// The version that must be current; 0 = none may be.
    pub cas: Option<u64>,
}

/// Who asks to join, by what it has shown.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The token it knows.
    pub token: TokenHash,
    /// The key it proved to hold.
    pub pin: KeyPin,
    /// The key scope keys will be sealed to.
    pub sealing_key: SealingPublicKey,
}

/// What came of a change.
#[derive(Debug, Clone)]
pub enum Committed {
    /// A secret changed.
    Secret {
        /// Its serial number.
        secret_id: u64,
        /// The new version, or the one deleted.
        version: Version,
        /// The change.
        revision: Revision,
    },
    /// A node joined or is entitled to something else.
    Node(Arc<RosterEntry>),
    /// A token was noted.
    Token,
}

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

    fn entitle(
        &mut self,
        node: &NodeName,
        entitlement: Entitlement,
        audit_seq: u64,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        let entry = self.state.lead.node(node).ok_or(CommitError::NoSuchNode)?;
        let entry = RosterEntry { entitlement, changed_at: self.next_revision(), ..RosterEntry::clone(entry) };
        Ok(self.write_node(entry, audit_seq, sealer, now))
    }

    fn issue_token(&mut self, token: JoinToken, now: Timestamp) -> Result<Committed, CommitError> {
        if self.state.lead.node(&token.node).is_some() {
            return Err(CommitError::NodeExists);
        }
        self.drop_expired_tokens(now);
        self.mutations.push(Mutation::PutToken(token.clone()));
        self.state.tokens.insert(token.hash, token);
        Ok(Committed::Token)
    }

    fn drop_expired_tokens(&mut self, now: Timestamp) {
        let expired: Vec<TokenHash> =
            self.state.tokens.values().filter(|token| token.expires_at < now).map(|token| token.hash).collect();
        for hash in expired {
            self.state.tokens.remove(&hash);
            self.mutations.push(Mutation::DropToken(hash));
        }
    }

    /// Consumes the token and enrols the node in one transaction. The same key may ask again and gets the same answer.
    fn admit(
        &mut self,
        applicant: &Applicant,
        audit_seq: u64,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Committed, CommitError> {
        let token = self.state.tokens.get(&applicant.token).ok_or(CommitError::TokenUnknown)?;
        if let Some(consumer) = token.consumed_by {
            let known = self.state.lead.node(&token.node).filter(|entry| {
                consumer == applicant.pin && entry.pin == consumer && entry.sealing_key == applicant.sealing_key
            });
            return known.map(|entry| Committed::Node(Arc::clone(entry))).ok_or(CommitError::TokenReused);
        }
        if token.expires_at < now {
            return Err(CommitError::TokenExpired);
        }
        if self.state.lead.node(&token.node).is_some() {
            return Err(CommitError::NodeExists);
        }
        let entry = RosterEntry {
            name: token.node.clone(),
            role: Role::Follower,
            pin: applicant.pin,
            sealing_key: applicant.sealing_key,
            entitlement: token.entitlement.clone(),
            joined_at: now,
            changed_at: self.next_revision(),
        };
        let token = JoinToken { consumed_by: Some(applicant.pin), ..token.clone() };
        self.mutations.push(Mutation::PutToken(token.clone()));
        self.state.tokens.insert(token.hash, token);
        Ok(self.write_node(entry, audit_seq, sealer, now))
    }

    fn next_revision(&self) -> Revision {
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

    fn write_node(&mut self, entry: RosterEntry, audit_seq: u64, sealer: &Sealer, now: Timestamp) -> Committed {
        let subject = LogSubject::Node(entry.name.clone());
        self.mutations.push(Mutation::PutNode(entry.clone()));
        self.state.lead.enrol(entry.clone());
        self.log(subject, audit_seq, sealer, now);
        Committed::Node(Arc::new(entry))
    }

    fn log(&mut self, subject: LogSubject, audit_seq: u64, sealer: &Sealer, now: Timestamp) {
        let entry = LogEntry { revision: self.next_revision(), at: now, audit_seq, subject };
        self.mutations.push(Mutation::AppendLog(entry.clone()));
        self.state.lead.record_change(entry, sealer.log_keep);
        self.mutations.push(Mutation::Advance(self.state.lead.view.position));
        self.mutations.push(Mutation::TrimLog { keep: sealer.log_keep });
    }
}
