//! The store a new reign begins with: made of a snapshot beside the present one, under numbers and keys that nobody has seen,
//! and opened wholly before it may take a place.
//!
//! It is written through the ordinary door of the store, row by row, not copied: whatever the snapshot's file holds besides
//! does not come along.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::keystore::Keystore;
use super::reign_values::{Sealing, Writer, absent, new_keys, open_all, open_keys};
use super::replacing;
use super::seams::Seams;
use crate::crypto::root::RootKey;
use crate::crypto::unseal::UnsealKey;
use crate::model::number::FirstNumbers;
use crate::model::record::Record;
use crate::model::reign::Succession;
use crate::model::secret::ScopedSecret;
use crate::replication::reign::{Numbers, Reckoning};
use crate::replication::reign_members::Membership;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::facts::Facts;
use crate::store::failpoint::{self, Failpoint};
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// What a snapshot holds, as an open store beside the present one, with its root key.
pub(super) struct Taken {
    pub(super) store: Store,
    pub(super) contents: Contents,
    pub(super) root: Arc<RootKey>,
    /// The file, as people name it, and when it was taken.
    pub(super) from: String,
}

/// What opens the new store: a key, and what the store must remember about it, its wrap of the root key included.
pub(super) struct Lock {
    pub(super) key: Arc<UnsealKey>,
    pub(super) remembered: Vec<Mutation>,
}

/// Everything that is decided before a byte is written.
pub(super) struct Plan {
    pub(super) facts: Facts,
    pub(super) reckoning: Reckoning,
    pub(super) members: Membership,
    pub(super) succession: Succession,
    /// The opaque values besides those of the reign itself, wrapped by the snapshot's root key where they are wrapped.
    pub(super) blobs: Vec<Mutation>,
    /// What was known beside the snapshot: for what stands in for secrets that the snapshot does not hold.
    pub(super) known: Vec<Record>,
    /// What the node writes into its journal when it starts.
    pub(super) note: Mutation,
    pub(super) versions_kept: usize,
}

/// The numbers of a store, as far as its contents tell.
pub(super) fn numbers(contents: &Contents, first: FirstNumbers) -> Numbers {
    let Contents { position, high_water, scope_keys, next_secret_id, records, .. } = contents;
    Numbers::of(*position, high_water, scope_keys, first, *next_secret_id).with(records)
}

/// Who is a member of a store's mesh, and who may do what.
pub(super) fn membership(contents: &Contents) -> Membership {
    Membership { roster: contents.roster.clone(), tokens: contents.tokens.clone(), articles: contents.articles.clone() }
}

/// Builds the store at `path`, in place of what an earlier attempt left there, and proves that it opens: with the key of the
/// node, to the last secret.
///
/// # Errors
/// Then nothing is at `path` that could be taken for a store.
pub(super) async fn build(path: &Path, taken: &Taken, plan: Plan, lock: &Lock, seams: &Seams) -> Result<usize> {
    replacing::remove(path)?;
    let built = write(path, taken, plan, lock, seams).await;
    let checked = match built {
        Ok(()) => verify(path, taken, lock).await,
        Err(error) => Err(error),
    };
    if checked.is_err() {
        replacing::remove(path)?;
    }
    failpoint::pass(Failpoint::StoreBuilt);
    checked
}

async fn write(path: &Path, taken: &Taken, plan: Plan, lock: &Lock, seams: &Seams) -> Result<()> {
    let now = seams.clock.now().wall;
    let (store, _) = Store::create_at(path, plan.facts.clone(), Some(now)).await?;
    let written = fill(&store, taken, plan, lock, seams).await;
    let closed = store.close().await;
    written?;
    Ok(closed?)
}

async fn fill(store: &Store, taken: &Taken, plan: Plan, lock: &Lock, seams: &Seams) -> Result<()> {
    let Plan { facts, reckoning, members, succession, blobs, known, note, versions_kept } = plan;
    let now = seams.clock.now().wall;
    let with = Sealing { mesh: facts.mesh, root: &taken.root, entropy: &*seams.entropy, now };
    let mut ring = open_keys(&facts.mesh, &taken.root, &taken.contents)?;
    let mut begun: Vec<Mutation> = taken.contents.scope_keys.iter().cloned().map(Mutation::PutScopeKey).collect();
    begun.extend(new_keys(&reckoning, &mut ring, &with)?);
    begun.extend(blobs);
    begun.extend(lock.remembered.iter().cloned());
    begun.push(Mutation::PutBlob(BlobName::StoreId, succession.reign.store.0.to_vec()));
    begun.push(Mutation::PutBlob(BlobName::Succession, succession.to_bytes()));
    begun.push(Mutation::PutBlob(BlobName::FirstNumbers, reckoning.first.to_bytes()));
    begun.push(note);
    begun.extend(members.roster.into_iter().map(Mutation::PutNode));
    begun.extend(members.tokens.into_iter().map(Mutation::PutToken));
    begun.extend(members.articles.into_iter().map(Mutation::PutArticle));
    store.commit(begun).await?;
    let keep = versions_kept.saturating_sub(1);
    let mut writer = Writer::new((&taken.store, store), &reckoning, (&ring, &with), keep);
    for record in &taken.contents.records {
        writer.secret(record).await?;
    }
    let known: BTreeMap<&ScopedSecret, &Record> = known.iter().map(|record| (&record.at, record)).collect();
    let held: BTreeSet<&ScopedSecret> = taken.contents.records.iter().map(|record| &record.at).collect();
    let mut next_secret_id = reckoning.next_secret_id;
    for (at, version) in reckoning.versions.iter().filter(|(at, _)| !held.contains(at)) {
        let said = known.get(at).copied();
        writer.stand_in(absent(at, said, (next_secret_id, *version, reckoning.position.revision), now)).await?;
        next_secret_id = next_secret_id.saturating_add(1);
    }
    writer.finish().await?;
    // The position comes last: a store without one is of a reign that never began.
    let done = vec![Mutation::SetNextSecretId(next_secret_id), Mutation::Advance(reckoning.position)];
    Ok(store.commit(done).await?)
}

/// Opens the store as its node will: by the unseal key, and every value in it.
async fn verify(path: &Path, taken: &Taken, lock: &Lock) -> Result<usize> {
    let (store, contents) = Store::open(path).await.context("the new store does not open")?;
    store.close().await?;
    let mesh = contents.facts.mesh;
    let keystore = Keystore::open(Arc::clone(&lock.key), mesh, contents.blobs.clone())?;
    for (name, _) in contents.blobs.iter().filter(|(name, _)| name.is_wrapped()) {
        drop(keystore.get(*name)?);
    }
    let ring = open_keys(&mesh, &keystore.root, &contents)?;
    let opened = open_all(&mesh, &ring, &contents)?;
    let meant = taken.contents.records.iter().filter(|record| record.kept().is_some()).count();
    ensure!(opened == meant, "the new store holds {opened} values where the snapshot has {meant}");
    Ok(opened)
}
