//! The cache of a follower: what it holds in memory, and how a message of the lead changes memory and disk.
//!
//! Nothing is published before it is on disk. Keys are published before the records they open.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::board::{Board, Held};
use super::error::ApplyError;
use super::follower_keys::FollowerKeys;
use super::follower_rules::{Rules, StoredRules};
use crate::crypto::key_ring::KeyRing;
use crate::crypto::scope_key::ScopeKey;
use crate::model::entitlement::Entitlement;
use crate::model::freshness::FreshnessPolicy;
use crate::model::number::{Generation, Position};
use crate::model::record::{Contact, Record, SealedScopeKey};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::model::time::{Clock, Moment, Timestamp};
use crate::replication::acceptance::{Acceptance, Accepted, Incoming};
use crate::replication::freshness::{self, Vouching};
use crate::replication::history::as_kept;
use crate::replication::rules_acceptance;
use crate::replication::view::View;
use crate::store::blob::BlobName;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// Keys that may wait for the records they open: a node has one key for each of its scopes and generations.
const STAGED_KEYS_MAX: usize = 10_000;

/// What a cache works with.
pub struct CacheParts {
    /// This node, as the lead's roster has it.
    pub own: RosterEntry,
    /// Where the cache is kept.
    pub store: Store,
    /// What it was sent of the rulebook; the board shows it already.
    pub rules: StoredRules,
    /// Opens scope keys.
    pub keys: FollowerKeys,
    /// Where reads are answered from; holds the state to start with.
    pub board: Arc<Board>,
    /// The node's own durations: how often a contact is worth a write.
    pub freshness: FreshnessPolicy,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The state of the `secret` actor.
pub(super) struct Cache {
    view: View,
    ring: KeyRing,
    staged_keys: Vec<(SealedScopeKey, ScopeKey)>,
    acceptance: Acceptance,
    vouching: Vouching,
    persisted: Option<Contact>,
    rules: Rules,
    with: CacheParts,
}

impl Cache {
    pub(super) fn new(mut with: CacheParts) -> Self {
        let view = with.board.held.load().view.clone();
        let position = view.position;
        let rules = std::mem::take(&mut with.rules);
        let rules = Rules::new(rules, with.store.clone(), Arc::clone(&with.board));
        Self {
            rules,
            ring: KeyRing::clone(&with.board.keys.load()),
            staged_keys: Vec::new(),
            acceptance: Acceptance::new(position),
            vouching: Vouching::new(position),
            persisted: with.board.contact.load_full().map(|contact| *contact),
            view,
            with,
        }
    }

    /// Gives where the records and where the rules stand.
    pub(super) async fn begin(&mut self) -> Result<(Position, Option<Position>), ApplyError> {
        if !self.with.own.is_member() {
            // Taken back by the lead: it holds nothing of what its position speaks of, and needs all of it.
            return Ok((Position::default(), self.rules.begin()));
        }
        // A crash may have come between the last value under a new key and the end of the old one.
        self.drop_old_keys().await?;
        self.acceptance = Acceptance::new(self.view.position);
        self.staged_keys.clear();
        self.vouching.begin();
        Ok((self.view.position, self.rules.begin()))
    }

    /// Takes in rules; gives the position they came to, once they are complete.
    pub(super) async fn rules(&mut self, incoming: rules_acceptance::Incoming) -> Result<Option<Position>, ApplyError> {
        self.rules.incoming(incoming, self.view.position).await
    }

    pub(super) async fn incoming(&mut self, incoming: Incoming) -> Result<Position, ApplyError> {
        let position = match self.acceptance.accept(incoming)? {
            Accepted::Staged => return Ok(self.view.position),
            Accepted::Apply { position, records } => self.apply(position, records).await?,
            Accepted::Replace { position, records, entitlement } => {
                self.replace(position, records, entitlement).await?
            }
        };
        self.drop_old_keys().await?;
        Ok(position)
    }

    /// Ends the keys that open nothing any more: their scope has a newer one, and every value of it came again under that.
    /// What they sealed is still in the file, so that is written anew, once, when no scope is half-way.
    async fn drop_old_keys(&mut self) -> Result<(), ApplyError> {
        let old: Vec<(KeyScope, Generation)> =
            self.ring.unfinished().map(|(at, newest)| (at.clone(), newest)).collect();
        let half_way = |(at, newest): &(KeyScope, Generation)| self.view.sealed_by().count_before(at, *newest) > 0;
        if old.is_empty() || old.iter().any(half_way) {
            return Ok(());
        }
        let drops = old.iter().map(|(at, before)| Mutation::DropGenerations { at: at.clone(), before: *before });
        let due = Mutation::PutBlob(BlobName::RebuildDue, vec![1]);
        self.with.store.commit(drops.chain([due]).collect()).await?;
        old.iter().for_each(|(at, newest)| self.ring.drop_before(at, *newest));
        self.with.board.keys.store(Arc::new(self.ring.clone()));
        Ok(self.with.store.purge().await?)
    }

    async fn apply(&mut self, position: Position, records: Vec<Record>) -> Result<Position, ApplyError> {
        self.check_entitled(&self.with.own.entitlement, &records)?;
        let records = self.as_kept(records);
        let mut mutations = self.staged_mutations(&self.with.own.entitlement)?;
        let purge = records.iter().any(|record| self.held_what_was_purged(record));
        mutations.extend(alone(&records));
        mutations.push(Mutation::Advance(position));
        mutations.extend(purge.then(|| Mutation::PutBlob(BlobName::RebuildDue, vec![1])));
        self.with.store.commit(mutations).await?;
        self.adopt_staged_keys();
        self.view.accept(position, records);
        let met = self.moved_to(position);
        if purge {
            self.with.store.purge().await?;
        }
        self.persist(met).await?;
        Ok(position)
    }

    fn as_kept(&self, records: Vec<Record>) -> Vec<Record> {
        records.into_iter().map(|record| as_kept(self.view.get(&record.at).map(|held| &**held), record)).collect()
    }

    /// Whether a value of this secret was destroyed since this node was last told of it: then its bytes may still be in
    /// the file.
    fn held_what_was_purged(&self, record: &Record) -> bool {
        self.view.get(&record.at).is_some_and(|held| record.purged > held.purged)
    }

    /// The cache becomes exactly the snapshot: what is not in it leaves the disk before anything else is answered.
    async fn replace(
        &mut self,
        position: Position,
        records: Vec<Record>,
        entitlement: Entitlement,
    ) -> Result<Position, ApplyError> {
        self.check_entitled(&entitlement, &records)?;
        let records = self.as_kept(records);
        let kept: BTreeSet<&ScopedSecret> = records.iter().map(|record| &record.at).collect();
        let lost: Vec<ScopedSecret> =
            self.view.after(None).map(|record| &record.at).filter(|at| !kept.contains(at)).cloned().collect();
        let taken = self.ring.scopes().filter(|at| !entitlement.covers_scope(&self.with.own.name, at)).cloned();
        let taken: BTreeSet<_> = taken.collect();
        let purged = records.iter().any(|record| self.held_what_was_purged(record));
        let purge = !lost.is_empty() || !taken.is_empty() || purged;
        let mut mutations: Vec<Mutation> = lost.into_iter().map(Mutation::DropRecord).collect();
        mutations.extend(taken.iter().cloned().map(Mutation::DropScopeKey));
        mutations.extend(alone(&records));
        mutations.extend(self.staged_mutations(&entitlement)?);
        // Whoever is fed is a member, also one that was banned before.
        let standing = Standing::Active;
        let own = RosterEntry { entitlement, standing, changed_at: position.revision, ..self.with.own.clone() };
        mutations.push(Mutation::PutNode(own.clone()));
        mutations.push(Mutation::Advance(position));
        if purge {
            mutations.push(Mutation::PutBlob(BlobName::RebuildDue, vec![1]));
        }
        self.with.store.commit(mutations).await?;
        self.with.own = own;
        self.adopt_staged_keys();
        self.view = self.view.replaced(position, records);
        let met = self.moved_to(position);
        self.with.board.banned.store(None);
        self.ring.retain(|at| !taken.contains(at));
        self.with.board.keys.store(Arc::new(self.ring.clone()));
        if purge {
            self.with.store.purge().await?;
        }
        self.persist(met).await?;
        Ok(position)
    }

    /// The lead has thrown this node out. From this moment it answers nobody; then everything it held leaves memory and
    /// file. It keeps its own key, its name, and that it was banned.
    pub(super) async fn forget(&mut self, told_at: Timestamp) -> Result<Position, ApplyError> {
        self.staged_keys.clear();
        // Who was taken back may have been sent rules, and thrown out again before it was sent a record.
        if !self.with.own.is_member() && !self.rules.holds_anything() {
            return Ok(self.view.position);
        }
        let board = Arc::clone(&self.with.board);
        board.banned.store(Some(Arc::new(told_at)));
        board.contact.store(None);
        let position = self.view.position;
        (self.view, self.ring) = (View::new(position, []), KeyRing::default());
        self.acceptance = Acceptance::new(position);
        self.vouching = Vouching::new(position);
        self.persisted = None;
        board.keys.store(Arc::new(KeyRing::default()));
        board.connectivity.change(|matrix| matrix.retain(|_| false));
        self.moved_to(position);
        let standing = Standing::Banned { at: told_at, reason: String::new() };
        let own = RosterEntry { standing, ..self.with.own.clone() };
        let due = Mutation::PutBlob(BlobName::RebuildDue, vec![1]);
        let mut forgotten = vec![Mutation::Forget, Mutation::DropContact, Mutation::PutNode(own.clone()), due];
        forgotten.extend(self.rules.forget());
        self.with.store.commit(forgotten).await?;
        self.with.own = own;
        self.with.store.purge().await?;
        Ok(position)
    }

    fn check_entitled(&self, entitlement: &Entitlement, records: &[Record]) -> Result<(), ApplyError> {
        match records.iter().find(|record| !entitlement.covers(&self.with.own.name, &record.at)) {
            Some(record) => {
                tracing::debug!(at = %record.at, "the lead sent what this node may not hold");
                Err(ApplyError::NotEntitled { at: record.at.clone() })
            }
            None => Ok(()),
        }
    }

    /// Opens scope keys. They come before the records they open, and before the snapshot that may grant them, so they
    /// wait for what follows to say whether this node is entitled to them.
    pub(super) fn scope_keys(&mut self, keys: Vec<SealedScopeKey>) -> Result<Position, ApplyError> {
        if self.staged_keys.len().saturating_add(keys.len()) > STAGED_KEYS_MAX {
            return Err(ApplyError::TooManyKeys);
        }
        for sealed in keys {
            let key = self.with.keys.open(&self.with.own.name, &sealed)?;
            self.staged_keys.push((sealed, key));
        }
        Ok(self.view.position)
    }

    /// What keeps the keys that waited, if this entitlement covers them.
    fn staged_mutations(&self, entitlement: &Entitlement) -> Result<Vec<Mutation>, ApplyError> {
        let uncovered =
            self.staged_keys.iter().find(|(sealed, _)| !entitlement.covers_scope(&self.with.own.name, &sealed.at));
        match uncovered {
            Some((sealed, _)) => Err(ApplyError::KeyNotEntitled { at: sealed.at.clone() }),
            None => Ok(self.staged_keys.iter().map(|(sealed, _)| Mutation::PutScopeKey(sealed.clone())).collect()),
        }
    }

    /// The keys that waited are on disk; they are published before the records they open.
    fn adopt_staged_keys(&mut self) {
        if self.staged_keys.is_empty() {
            return;
        }
        for (sealed, key) in self.staged_keys.drain(..) {
            self.ring.insert(sealed.at, sealed.generation, key, None);
        }
        self.with.board.keys.store(Arc::new(self.ring.clone()));
    }

    pub(super) async fn beacon(&mut self, asked: Moment, position: Position) -> Result<Position, ApplyError> {
        let heard = self.vouching.heard(asked, position);
        self.publish_contact(heard);
        self.persist(heard).await?;
        Ok(self.view.position)
    }

    /// Publishes the records, and the contact of a beacon that they meet, which is given back to be written.
    fn moved_to(&mut self, position: Position) -> Option<Contact> {
        self.view.position = position;
        let held = Held { view: self.view.clone(), entitlement: self.with.own.entitlement.clone() };
        self.with.board.held.store(Arc::new(held));
        self.rules.records_reached(position);
        self.with.board.moved.send_replace(position);
        let met = self.vouching.applied(position);
        self.publish_contact(met);
        met
    }

    fn publish_contact(&self, contact: Option<Contact>) {
        let Some(contact) = contact else { return };
        self.with.board.contact.store(Some(Arc::new(contact)));
        self.with.board.contact_moved.notify_waiters();
    }

    /// Writes the contact when the written one is older than a tenth of `ttl`: after a crash the age told is then too
    /// high by no more than that, and never too low.
    async fn persist(&mut self, contact: Option<Contact>) -> Result<(), ApplyError> {
        let Some(contact) = contact else { return Ok(()) };
        let interval = (self.with.freshness.ttl / 10).clamp(Duration::from_millis(500), Duration::from_secs(30));
        let due = self.persisted.is_none_or(|written| {
            freshness::age(&written, &contact.at).is_none_or(|age| age >= interval)
                || written.position.epoch != contact.position.epoch
        });
        if due {
            self.with.store.commit(vec![Mutation::SetContact(contact)]).await?;
            self.persisted = Some(contact);
        }
        Ok(())
    }
}

/// What keeps these records: each alone, because older versions are the lead's to keep.
fn alone(records: &[Record]) -> impl Iterator<Item = Mutation> {
    records.iter().cloned().map(Mutation::PutAlone)
}
