//! How a batch of changes is planned on the lead: pure but for sealing.
//!
//! A draft starts from the committed state, takes one change after the other, and collects what the store must write.
//! Nothing of it is visible to anyone until the store has written it. Changes of secrets are in `draft_secrets` and
//! `draft_values`, of several secrets of a service in `draft_paths`, of all of them to what they were in `draft_back`, those of
//! nodes in `draft_nodes` and `draft_tokens`, those of keys in `draft_keys` and `draft_root`, those of the rulebook in
//! `draft_rules`, those of signing keys in `draft_signing`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::key_ring::KeyRing;
use crate::crypto::root::RootKey;
use crate::crypto::signing_keys::SigningKeys;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::MeshId;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::number::{FirstNumbers, Revision};
use crate::model::roster::{JoinToken, TokenHash};
use crate::model::time::{Entropy, Timestamp};
use crate::replication::view::LeadView;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

use super::change::{Change, Committed};
use super::error::CommitError;

/// What sealing needs, unchanged for the life of the lead.
pub struct Sealer {
    /// Bound into every ciphertext.
    pub mesh: MeshId,
    /// Wraps the root key.
    pub unseal: Arc<UnsealKey>,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
    /// How many log entries are kept.
    pub log_keep: usize,
    /// How many versions of a secret are kept, the current one included.
    pub versions_kept: usize,
}

/// The lead's whole state; cheap to clone.
#[derive(Debug, Clone)]
pub struct LeadState {
    /// Records, roster and log.
    pub lead: LeadView,
    /// The open scope keys.
    pub keys: Arc<KeyRing>,
    /// Wraps scope keys, and everything else the lead keeps secret on its own disk.
    pub root: Arc<RootKey>,
    /// Since when it is the root key.
    pub root_since: Timestamp,
    /// The keys agents sign with; wrapped, they are among the following.
    pub signing: Arc<SigningKeys>,
    /// What else it wraps, as it is stored.
    pub wrapped: Arc<BTreeMap<BlobName, Vec<u8>>>,
    /// Tokens that may still admit, or did lately.
    pub tokens: Arc<BTreeMap<TokenHash, JoinToken>>,
    /// The serial number of the next new (secret, scope).
    pub next_secret_id: u64,
    /// What a new secret and a new scope are numbered by.
    pub first: FirstNumbers,
}

/// What a change is planned with.
#[derive(Clone, Copy)]
pub(super) struct Context<'plan> {
    /// The audit line that announced it.
    pub(super) audit_seq: u64,
    /// What sealing needs.
    pub(super) sealer: &'plan Sealer,
    /// When it is made.
    pub(super) now: Timestamp,
}

/// A batch in the making.
#[derive(Debug)]
pub struct Draft {
    /// The state after the batch.
    pub state: LeadState,
    /// What the store must write.
    pub mutations: Vec<Mutation>,
    /// Whether bytes must leave the file: it is then written anew before anyone is answered.
    pub purges: bool,
}

impl Draft {
    /// An empty batch on top of the committed state.
    #[must_use]
    pub fn new(state: &LeadState) -> Self {
        Self { state: state.clone(), mutations: Vec::new(), purges: false }
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
        let before = (self.state.clone(), self.mutations.len(), self.purges);
        let planned = self.plan_one(change, Context { audit_seq, sealer, now });
        if planned.is_err() {
            (self.state, self.purges) = (before.0, before.2);
            self.mutations.truncate(before.1);
        }
        planned
    }

    fn plan_one(&mut self, change: Change, context: Context<'_>) -> Result<Committed, CommitError> {
        match change {
            Change::Put(new) => self.put(*new, context).map(Committed::Secret),
            Change::Describe { at, patch } => self.describe(&at, &patch, context).map(Committed::Secret),
            Change::Delete { at } => self.delete(&at, context).map(Committed::Secret),
            Change::Undelete { at } => self.undelete(&at, context).map(Committed::Secret),
            Change::Destroy { at, current, older } => self.destroy(&at, current, older, context).map(Committed::Secret),
            Change::Rollback(rollback) => self.rollback(&rollback, context).map(Committed::Secret),
            Change::GoBack(plan) => self.go_back(*plan, context).map(Committed::Secrets),
            Change::Import(values) => self.import(values, context).map(Committed::Secrets),
            Change::Replace(new) => self.replace(*new, context).map(Committed::Secrets),
            Change::Steps(steps) => self.steps(steps, context).map(Committed::Secrets),
            Change::Declare(declarations) => self.declare(declarations, context).map(Committed::Secrets),
            Change::Entitle { node, entitlement } => self.entitle(&node, entitlement, context),
            Change::BeginRotation { scopes } => self.begin_rotation(&scopes, context),
            Change::Reseal { at } => self.reseal(&at, context),
            Change::ResealOlder { versions } => self.reseal_older(versions, context),
            Change::FinishRotation { targets } => self.finish_rotation(&targets, context),
            Change::RotateRoot => self.rotate_root(context),
            Change::SigningKey { agent, key } => self.set_signing_key(&agent, key, context),
            Change::SignedAhead { until } => {
                self.mutations.push(Mutation::PutBlob(BlobName::SignedUntil, until.to_be_bytes().to_vec()));
                Ok(Committed::Token)
            }
            Change::Rules { seen, edits } => self.edit_rules(seen, edits, context),
            Change::Approve { node, fingerprint } => self.approve(&node, &fingerprint, context),
            Change::Ban { node, reason } => self.ban(&node, reason, context).map(Committed::LockedOut),
            Change::Remove { node } => self.remove(&node, context).map(Committed::LockedOut),
            Change::RevokeToken(hash) => self.revoke_token(hash),
            Change::IssueToken(token) => self.issue_token(token, context.now),
            Change::Admit(applicant) => self.admit(&applicant, context),
        }
    }

    pub(super) fn next_revision(&self) -> Revision {
        self.state.lead.view.position.revision.next()
    }

    pub(super) fn log(&mut self, subject: LogSubject, context: Context<'_>) {
        let Context { audit_seq, sealer, now } = context;
        let entry = LogEntry { revision: self.next_revision(), at: now, audit_seq, subject };
        self.mutations.push(Mutation::AppendLog(entry.clone()));
        self.state.lead.record_change(entry, sealer.log_keep);
    }

    /// Ends the batch with what is written once for all of it: the position, the next secret's number, the log's length.
    /// A batch that changes nothing stays empty.
    pub(super) fn conclude(&mut self, sealer: &Sealer) {
        if self.mutations.is_empty() {
            return;
        }
        self.mutations.push(Mutation::SetNextSecretId(self.state.next_secret_id));
        self.mutations.push(Mutation::Advance(self.state.lead.view.position));
        self.mutations.push(Mutation::TrimLog { keep: sealer.log_keep });
    }
}
