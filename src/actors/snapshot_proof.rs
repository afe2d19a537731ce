//! Whether a snapshot could be restored: it is restored, into a directory of its own that goes again, and everything in it is
//! opened. What is said of a snapshot after this is not what its bytes claim but what came out of them.

use std::fs::{self, DirBuilder};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::snapshot_error::SnapshotFailure;
use super::snapshot_make::store_id;
use crate::audit::copies::chain_dir;
use crate::audit::cursor::{Cursor, CursorError, before_oldest};
use crate::crypto::key_ring::KeyRing;
use crate::crypto::record;
use crate::crypto::recovery::RecoveryKey;
use crate::crypto::root::RootKey;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::{KeyPin, MeshId, Role, StoreId};
use crate::model::name::NodeName;
use crate::model::number::Version;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;
use crate::snapshot::counts::Counts;
use crate::snapshot::header::{Header, JournalHead};
use crate::snapshot::read::Reader;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::export::RawRow;
use crate::store::failpoint::{self, Failpoint};
use crate::store::handle::Store;
use crate::store::import::import;
use crate::store::table::Table;
use crate::transport::authority::Authority;

/// The file it is restored to, in its directory.
const STORE_FILE: &str = "store.redb";

/// Older versions that are opened at a time.
const PAGE: usize = 256;

/// What opens the snapshot.
pub enum Opener {
    /// The unseal source of its node.
    Unseal(Arc<UnsealKey>),
    /// A recovery key it was made for.
    Recovery(Arc<RecoveryKey>),
}

/// How a snapshot is examined.
pub struct Examination {
    /// A directory that is made for it, and goes with it; nothing may be there.
    pub scratch: PathBuf,
    /// What opens it.
    pub opener: Opener,
    /// Whose it must be, and whose signature counts; none if nobody here knows.
    pub expected: Option<(MeshId, KeyPin)>,
    /// The journals to compare it with.
    pub journals: Option<Journals>,
    /// Goes on record with the migrations that a snapshot of an older version takes.
    pub now: Timestamp,
}

/// The journals of a lead.
pub struct Journals {
    /// Where they are.
    pub audit_dir: PathBuf,
    /// Whose own one is among them.
    pub node: NodeName,
    /// The life of the store they go with. A lead that was brought back on another machine begins its journal at line 1: what
    /// a snapshot of an earlier life knows of journals cannot be found out there, and is no fault of the snapshot.
    pub store: StoreId,
}

/// What came out of a snapshot that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What it says of itself, which is true.
    pub header: Header,
    /// The rows in it.
    pub counts: Counts,
    /// Current values that were opened, those that deletions keep included.
    pub current: u64,
    /// Older values that were opened.
    pub older: u64,
    /// Journals that have the line the snapshot knows; none are looked at for one of an earlier life of the store.
    pub journals: u64,
}

/// Restores it, opens every value and every key, compares, and takes everything away again.
///
/// # Errors
/// [`SnapshotFailure`]: the first thing that is not as it must be.
pub async fn prove(from: impl Read + Send + 'static, how: Examination) -> Result<Proof, SnapshotFailure> {
    let scratch = Scratch::make(&how.scratch)?;
    let path = scratch.0.join(STORE_FILE);
    let (at, now) = (path.clone(), how.now);
    let (opener, expected) = (how.opener, how.expected);
    let restored = off_thread(move || restore(from, &at, &opener, expected, now));
    let Restored { header, counts, root } = restored.await?;
    failpoint::pass(Failpoint::SnapshotRestored);
    let (store, contents) = Store::open_at(&path, Some(now)).await?;
    let examined = examine(&store, contents, &header, &counts, root).await;
    // Whatever came of it: the file goes.
    let _ = store.close().await;
    let (current, older) = examined?;
    let journals = match how.journals.filter(|journals| journals.store == header.store) {
        None => 0,
        Some(journals) => {
            let heads = header.heads.clone();
            off_thread(move || compare(&heads, &journals)).await?
        }
    };
    drop(scratch);
    Ok(Proof { header, counts, current, older, journals })
}

/// What lies in the scratch directory.
struct Restored {
    header: Header,
    counts: Counts,
    root: RootKey,
}

fn restore(
    from: impl Read,
    path: &Path,
    opener: &Opener,
    expected: Option<(MeshId, KeyPin)>,
    now: Timestamp,
) -> Result<Restored, SnapshotFailure> {
    let reader = Reader::open(from)?;
    let header = reader.header().clone();
    if let Some((mesh, authority)) = expected {
        if header.mesh != mesh {
            return Err(SnapshotFailure::ForeignMesh(header.mesh));
        }
        if header.authority_pin() != authority {
            return Err(SnapshotFailure::ForeignAuthority);
        }
    }
    let (content, root) = match opener {
        Opener::Unseal(unseal) => {
            let root = unseal.unwrap_root(&header.mesh, &header.root_key.wrapped)?;
            (header.open_with_root(&root)?, root)
        }
        Opener::Recovery(key) => {
            let recovered = header.open_with_recovery(key)?;
            (recovered.content, recovered.root)
        }
    };
    let mut rows = reader.rows(&content);
    let raw = rows.by_ref().map(|row| {
        let row = row?;
        Ok::<_, SnapshotFailure>(RawRow { table: row.table, key: row.key, row: row.row })
    });
    import(path, header.schema, Some(now), raw)?;
    let counts = rows.counts().cloned().ok_or(SnapshotFailure::Mismatch("it has no end"))?;
    Ok(Restored { header, counts, root })
}

/// Compares the restored store with the header, and opens everything in it. Gives how many values were opened.
async fn examine(
    store: &Store,
    contents: Contents,
    header: &Header,
    counts: &Counts,
    root: RootKey,
) -> Result<(u64, u64), SnapshotFailure> {
    compare_rows(&contents, header, counts)?;
    let (mesh, authority, root_key) = (header.mesh, header.authority_pin(), header.root_key.wrapped.clone());
    let opened = off_thread(move || {
        if contents.blobs.get(&BlobName::RootKey) != Some(&root_key) {
            return Err(SnapshotFailure::Mismatch("its root key"));
        }
        open_blobs(&contents, &root, &mesh, &authority)?;
        let ring = open_keys(&contents, &root, &mesh)?;
        let current = open_values(&contents.records, &ring, &mesh)?;
        Ok((ring, current))
    });
    let (ring, current) = opened.await?;
    let ring = Arc::new(ring);
    let (mut after, mut older): (Option<(ScopedSecret, Version)>, u64) = (None, 0);
    let mut seen = 0_u64;
    loop {
        let page = store.older(after.take(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.at.clone(), last.version));
        seen = seen.saturating_add(u64::try_from(page.len()).unwrap_or(u64::MAX));
        let ring = Arc::clone(&ring);
        older = older.saturating_add(off_thread(move || open_values(&page, &ring, &mesh)).await?);
    }
    if seen != counts.of(Table::Versions.number()) {
        return Err(SnapshotFailure::Mismatch("the number of its older versions"));
    }
    Ok((current, older))
}

/// What the file says before it is opened, and what is in it.
fn compare_rows(contents: &Contents, header: &Header, counts: &Counts) -> Result<(), SnapshotFailure> {
    let facts = &contents.facts;
    if facts.mesh != header.mesh || facts.node != header.node || facts.role != Role::Lead {
        return Err(SnapshotFailure::Mismatch("whose it is"));
    }
    if contents.position != header.position {
        return Err(SnapshotFailure::Mismatch("its revision"));
    }
    // A snapshot of an older version has rows that a migration may make more, or fewer.
    let is_of_store = store_id(contents.blobs.get(&BlobName::StoreId).map(Vec::as_slice)) == header.store;
    if !is_of_store && header.store.0 != [0; 16] {
        return Err(SnapshotFailure::Mismatch("of which life of the store it is"));
    }
    let held = [
        (Table::Records, contents.records.len(), "the number of its secrets"),
        (Table::HighWater, contents.high_water.len(), "the number of its high-water marks"),
        (Table::ScopeKeys, contents.scope_keys.len(), "the number of its keys"),
        (Table::Nodes, contents.roster.len(), "the number of its nodes"),
        (Table::Tokens, contents.tokens.len(), "the number of its tokens"),
    ];
    for (table, found, what) in held {
        if u64::try_from(found).ok() != Some(counts.of(table.number())) {
            return Err(SnapshotFailure::Mismatch(what));
        }
    }
    // A lead drops nothing: what was ever stored there has a row, be it of a deletion.
    if contents.records.len() != contents.high_water.len() {
        return Err(SnapshotFailure::Mismatch("a secret that was stored has no row"));
    }
    if contents.log.last().is_some_and(|last| last.revision != contents.position.revision) {
        return Err(SnapshotFailure::Mismatch("its log ends before its last change"));
    }
    Ok(())
}

/// Everything that the root key wraps, and whether the authority in it is the one that signed.
fn open_blobs(contents: &Contents, root: &RootKey, mesh: &MeshId, signed_by: &KeyPin) -> Result<(), SnapshotFailure> {
    for (name, bytes) in contents.blobs.iter().filter(|(name, _)| name.is_wrapped()) {
        root.unwrap(mesh, name.as_str(), bytes)?;
    }
    let blob = |name: BlobName| {
        let bytes = contents.blobs.get(&name).ok_or(SnapshotFailure::Mismatch("it has no authority"))?;
        Ok::<_, SnapshotFailure>(root.unwrap(mesh, name.as_str(), bytes)?)
    };
    let (key, certificate) = (blob(BlobName::AuthorityKey)?, blob(BlobName::AuthorityCertificate)?);
    let authority = Authority::from_parts(&key, certificate.expose().to_vec());
    let authority = authority.map_err(|_| SnapshotFailure::Mismatch("the key of its authority"))?;
    if authority.pin() == *signed_by { Ok(()) } else { Err(SnapshotFailure::ForeignAuthority) }
}

fn open_keys(contents: &Contents, root: &RootKey, mesh: &MeshId) -> Result<KeyRing, SnapshotFailure> {
    let mut ring = KeyRing::default();
    for sealed in &contents.scope_keys {
        let key = root.unwrap_scope_key(mesh, sealed)?;
        ring.insert(sealed.at.clone(), sealed.generation, key, sealed.made_at);
    }
    Ok(ring)
}

/// Opens each value and wipes it again; gives how many there were.
fn open_values(records: &[Record], ring: &KeyRing, mesh: &MeshId) -> Result<u64, SnapshotFailure> {
    let mut opened = 0_u64;
    for record in records {
        let sealed = match &record.body {
            RecordBody::Sealed(sealed) | RecordBody::Deleted { kept: Some(sealed) } => sealed,
            RecordBody::Deleted { kept: None } | RecordBody::Destroyed | RecordBody::Unset => continue,
        };
        let at = || Box::new(record.at.clone());
        let key = ring.get(&record.at.key_scope(), sealed.generation);
        let key = key.ok_or(SnapshotFailure::Mismatch("the key of one of its values is missing"))?;
        record::open(&key, mesh, &record.at, record.version, sealed)
            .map_err(|source| SnapshotFailure::Value { at: at(), source })?;
        opened = opened.saturating_add(1);
    }
    Ok(opened)
}

/// Whether the journals have the lines that the snapshot knows; gives of how many that was found out. A line that is past its
/// time by now, and a copy that is not here, say nothing.
fn compare(heads: &[JournalHead], journals: &Journals) -> Result<u64, SnapshotFailure> {
    let Journals { audit_dir, node: own, .. } = journals;
    let mut compared = 0_u64;
    for head in heads.iter().filter(|head| head.seq > 0) {
        let directory = match head.chain {
            None if head.node == *own => audit_dir.to_owned(),
            None => continue,
            Some(chain) => chain_dir(audit_dir, &head.node, chain),
        };
        let is_kept = directory.is_dir() && before_oldest(&directory)?.is_none_or(|oldest| oldest.seq < head.seq);
        if !is_kept {
            continue;
        }
        let missing = || SnapshotFailure::Journal { node: head.node.clone(), seq: head.seq };
        let cursor = Cursor::behind(&directory, &head.node, head.seq).map_err(|error| match error {
            CursorError::Audit(error) => SnapshotFailure::Audit(error),
            CursorError::Broken { .. } | CursorError::Missing { .. } => missing(),
        })?;
        if cursor.tip().head.hash != head.hash {
            return Err(missing());
        }
        compared = compared.saturating_add(1);
    }
    Ok(compared)
}

/// The directory of one examination; goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn make(path: &Path) -> Result<Self, SnapshotFailure> {
        let made = DirBuilder::new().mode(0o700).create(path);
        made.map_err(SnapshotFailure::io("making a directory to restore into"))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, at = %self.0.display(), "what a snapshot was restored into is still there");
        }
    }
}

/// Does what blocks on a thread of its own.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SnapshotFailure> + Send + 'static,
) -> Result<T, SnapshotFailure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SnapshotFailure::CutShort)?
}
