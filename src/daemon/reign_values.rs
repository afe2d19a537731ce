//! The secrets of a snapshot on their way into the store of a new reign: the versions as they were, and above them each
//! current one again, under the number and the key that nobody has seen.

use anyhow::{Context, Result};

use crate::crypto::key_ring::KeyRing;
use crate::crypto::record as sealing;
use crate::crypto::root::RootKey;
use crate::crypto::scope_key::ScopeKey;
use crate::model::change::ChangeKind;
use crate::model::identity::MeshId;
use crate::model::number::{Revision, Version};
use crate::model::record::{Record, RecordBody, SealedScopeKey, SealedValue};
use crate::model::secret::ScopedSecret;
use crate::model::time::{Entropy, Timestamp};
use crate::replication::reign::Reckoning;
use crate::store::contents::Contents;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// Secrets in one transaction: of values of the usual size a megabyte or two.
const SECRETS_AT_ONCE: usize = 256;

/// Most bytes of ciphertext in one transaction, but for one secret with all its versions.
const BYTES_AT_ONCE: usize = 8 << 20;

/// What values are sealed with.
pub(super) struct Sealing<'deed> {
    pub(super) mesh: MeshId,
    pub(super) root: &'deed RootKey,
    pub(super) entropy: &'deed dyn Entropy,
    pub(super) now: Timestamp,
}

/// The open keys of a store.
///
/// # Errors
/// When one does not open.
pub(super) fn open_keys(mesh: &MeshId, root: &RootKey, contents: &Contents) -> Result<KeyRing> {
    let mut ring = KeyRing::default();
    for wrapped in &contents.scope_keys {
        let key = root.unwrap_scope_key(mesh, wrapped).context("a scope key does not open")?;
        ring.insert(wrapped.at.clone(), wrapped.generation, key, wrapped.made_at);
    }
    Ok(ring)
}

/// A key for each scope, of the generation it was reckoned to, into the ring and into the store.
pub(super) fn new_keys(reckoning: &Reckoning, ring: &mut KeyRing, with: &Sealing<'_>) -> Result<Vec<Mutation>> {
    let mut mutations = Vec::with_capacity(reckoning.generations.len());
    for (at, generation) in &reckoning.generations {
        let key = ScopeKey::generate(with.entropy)?;
        let wrapped = with.root.wrap_scope_key(&with.mesh, at, *generation, &key, with.entropy)?;
        mutations.push(Mutation::PutScopeKey(SealedScopeKey { made_at: Some(with.now), ..wrapped }));
        ring.insert(at.clone(), *generation, key, Some(with.now));
    }
    Ok(mutations)
}

/// Writes secrets into a new store, a few hundred in a transaction.
pub(super) struct Writer<'deed> {
    from: &'deed Store,
    into: &'deed Store,
    reckoning: &'deed Reckoning,
    ring: &'deed KeyRing,
    with: &'deed Sealing<'deed>,
    /// How many older versions of a secret are kept.
    keep: usize,
    batch: Batch,
}

#[derive(Default)]
struct Batch {
    mutations: Vec<Mutation>,
    secrets: usize,
    bytes: usize,
}

impl<'deed> Writer<'deed> {
    pub(super) fn new(
        (from, into): (&'deed Store, &'deed Store),
        reckoning: &'deed Reckoning,
        (ring, with): (&'deed KeyRing, &'deed Sealing<'deed>),
        keep: usize,
    ) -> Self {
        Self { from, into, reckoning, ring, with, keep, batch: Batch::default() }
    }

    /// A secret of the snapshot, with its history.
    pub(super) async fn secret(&mut self, current: &Record) -> Result<()> {
        let version = self.reckoning.versions.get(&current.at).context("a secret of the snapshot has no number")?;
        let anew = self.anew(current, *version)?;
        let mut history = self.from.versions(current.at.clone()).await?;
        // Newest first; each must be stored before the one that replaces it.
        history.reverse();
        for record in history.into_iter().filter(|record| record.body != RecordBody::Unset) {
            self.add(record);
        }
        self.add(anew);
        self.batch.mutations.push(Mutation::TrimVersions { at: current.at.clone(), keep: self.keep });
        self.end_of_secret().await
    }

    /// What stands for a secret that the snapshot does not hold: that it is gone, under a number above the one it had. Without
    /// it, who stores it again begins with a number that somebody remembers.
    pub(super) async fn stand_in(&mut self, known: Record) -> Result<()> {
        self.add(known);
        self.end_of_secret().await
    }

    /// Writes what is left.
    pub(super) async fn finish(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        if !batch.mutations.is_empty() {
            self.into.commit(batch.mutations).await?;
        }
        Ok(())
    }

    fn add(&mut self, record: Record) {
        self.batch.bytes += record.kept().map_or(0, |sealed| sealed.ciphertext.len());
        self.batch.mutations.push(Mutation::PutRecord(record));
    }

    async fn end_of_secret(&mut self) -> Result<()> {
        self.batch.secrets += 1;
        if self.batch.secrets >= SECRETS_AT_ONCE || self.batch.bytes >= BYTES_AT_ONCE {
            return self.finish().await;
        }
        Ok(())
    }

    fn anew(&self, current: &Record, version: Version) -> Result<Record> {
        let seal = |sealed: &SealedValue| self.sealed_anew(current, sealed, version);
        let (body, change) = match &current.body {
            RecordBody::Sealed(sealed) => (RecordBody::Sealed(seal(sealed)?), ChangeKind::Stored),
            RecordBody::Deleted { kept } => {
                (RecordBody::Deleted { kept: kept.as_ref().map(seal).transpose()? }, ChangeKind::Deleted)
            }
            RecordBody::Destroyed => (RecordBody::Destroyed, ChangeKind::Destroyed),
            RecordBody::Unset => (RecordBody::Unset, ChangeKind::Declared),
        };
        // When it was stored stays what it was: by that people are reminded to rotate it.
        Ok(Record { version, revision: self.reckoning.position.revision, change, body, ..current.clone() })
    }

    fn sealed_anew(&self, current: &Record, sealed: &SealedValue, version: Version) -> Result<SealedValue> {
        let (at, scope) = (&current.at, current.at.key_scope());
        let old = self.ring.get(&scope, sealed.generation).context("the key of a secret is missing")?;
        let (generation, new) = self.ring.newest(&scope).context("the key of a secret is missing")?;
        let mesh = &self.with.mesh;
        let value = sealing::open(&old, mesh, at, current.version, sealed).context("a secret does not open")?;
        Ok(sealing::seal(&new, generation, mesh, at, version, &value, self.with.entropy)?)
    }
}

/// What stands for a secret the snapshot does not hold, made of what is known of it.
pub(super) fn absent(
    at: &ScopedSecret,
    known: Option<&Record>,
    (secret_id, version, revision): (u64, Version, Revision),
    now: Timestamp,
) -> Record {
    let said = known.cloned();
    Record {
        at: at.clone(),
        secret_id,
        version,
        revision,
        change: ChangeKind::Deleted,
        purged: said.as_ref().and_then(|record| record.purged),
        body: RecordBody::Deleted { kept: None },
        metadata: said.as_ref().map(|record| record.metadata.clone()).unwrap_or_default(),
        options: said.as_ref().map(|record| record.options.clone()).unwrap_or_default(),
        fields: said.as_ref().map(|record| record.fields.clone()).unwrap_or_default(),
        created_at: said.as_ref().map_or(now, |record| record.created_at),
        updated_at: now,
    }
}

/// Opens every current value of a store, and gives how many there are. The values are wiped at once.
///
/// # Errors
/// The first that does not open.
pub(super) fn open_all(mesh: &MeshId, ring: &KeyRing, contents: &Contents) -> Result<usize> {
    let mut opened = 0;
    for record in &contents.records {
        let Some(sealed) = record.kept() else { continue };
        let key = ring.get(&record.at.key_scope(), sealed.generation).context("the key of a secret is missing")?;
        drop(sealing::open(&key, mesh, &record.at, record.version, sealed).context("a secret does not open")?);
        opened += 1;
    }
    Ok(opened)
}
