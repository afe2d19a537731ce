//! A snapshot file, opened: its signature checked, its rows an open store beside the present one, its root key at hand.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::reign_store::{Lock, Taken};
use super::reigning::store_id;
use super::replacing;
use super::seams::Seams;
use super::unseal::{self, Made};
use crate::config::node_config::UnsealSource;
use crate::crypto::chunks::ContentKey;
use crate::crypto::gathering::Gathering;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::recovery::RecoveryKey;
use crate::crypto::root::RootKey;
use crate::crypto::shares::ShareParameters;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::{MeshId, Role, StoreId};
use crate::model::time::Timestamp;
use crate::snapshot::error::SnapshotError;
use crate::snapshot::header::{Header, WrappedRoot};
use crate::snapshot::read::Reader;
use crate::store::blob::BlobName;
use crate::store::error::StoreError;
use crate::store::export::RawRow;
use crate::store::failpoint::{self, Failpoint};
use crate::store::handle::Store;
use crate::store::import::import;
use crate::store::mutation::Mutation;
use crate::transport::authority::Authority;

/// Asks the people who hold a share for the next one, told how far it is.
pub type AskShare<'person> = &'person (dyn Fn(&str) -> Result<Plaintext> + Send + Sync);

/// What opens a snapshot.
#[derive(Clone, Copy)]
pub enum Opener<'person> {
    /// An unseal source: of this node, or of the lead it was taken on.
    Source(&'person UnsealSource, Secret<'person>),
    /// A recovery key it was made for.
    Recovery(&'person RecoveryKey),
}

/// What a source needs of people.
#[derive(Clone, Copy)]
pub enum Secret<'person> {
    /// Nothing.
    None,
    /// The passphrase.
    Passphrase(&'person Plaintext),
    /// Shares, one after the other.
    Shares(AskShare<'person>),
}

/// An open snapshot, what it says of itself, and the unseal key that opened it, if one did.
pub(super) struct Opened {
    pub(super) taken: Taken,
    pub(super) header: Header,
    pub(super) key: Option<Arc<UnsealKey>>,
}

/// Opens the file. The store it holds lies at `scratch` until [`Taken::close`].
///
/// # Errors
/// When the file is no whole snapshot with the signature of its mesh, or what is at hand does not open it. Then nothing is left
/// at `scratch`.
pub(super) async fn open(file: &Path, opener: Opener<'_>, scratch: &Path, seams: &Seams) -> Result<Opened> {
    replacing::remove(scratch)?;
    let named = file.display().to_string();
    let reader = File::open(file).with_context(|| format!("cannot open {named}"))?;
    let reader = Reader::open(BufReader::new(reader)).with_context(|| format!("{named} cannot be read"))?;
    let header = reader.header().clone();
    let Keys { content, root, unseal } = keys(&header, opener).with_context(|| format!("{named} does not open"))?;
    let (path, schema, now) = (scratch.to_owned(), header.schema, seams.clock.now().wall);
    let imported = tokio::task::spawn_blocking(move || unpack(reader, &content, (&path, schema), now)).await?;
    imported.with_context(|| format!("{named} is not whole"))?;
    let (store, contents) = Store::open(scratch).await.with_context(|| format!("{named} holds no store"))?;
    let from = format!("{named}, taken {} on {}", header.taken_at, header.node);
    let taken = Taken { store, contents, root: Arc::new(root), from };
    if let Err(error) = compare(&taken, &header) {
        taken.close(scratch).await?;
        return Err(error.context(format!("{named} does not hold what it says it holds")));
    }
    failpoint::pass(Failpoint::SnapshotUnpacked);
    Ok(Opened { taken, header, key: unseal })
}

/// What it says of itself is signed; that the authority that signed it is the one it holds is looked up here.
fn compare(taken: &Taken, header: &Header) -> Result<()> {
    let (facts, position) = (&taken.contents.facts, taken.contents.position);
    ensure!(facts.mesh == header.mesh && facts.node == header.node, "it is of another lead");
    ensure!(facts.role == Role::Lead, "it is of no lead");
    ensure!(position == header.position, "it stands at another revision");
    // One of a version without store ids gets its own as it is unpacked.
    let is_of_store = header.store == StoreId([0; 16]) || store_id(&taken.contents)? == header.store;
    ensure!(is_of_store, "it is of another life of the store");
    ensure!(taken.authority()?.pin() == header.authority_pin(), "another authority signed it");
    Ok(())
}

impl Taken {
    /// The authority of the mesh.
    pub(super) fn authority(&self) -> Result<Authority> {
        let (key, certificate) = (self.plain(BlobName::AuthorityKey)?, self.plain(BlobName::AuthorityCertificate)?);
        Ok(Authority::from_parts(&key, certificate.expose().to_vec())?)
    }

    fn plain(&self, name: BlobName) -> Result<Plaintext> {
        let wrapped = self.contents.blobs.get(&name).with_context(|| format!("it holds no {}", name.as_str()))?;
        let plain = self.root.unwrap(&self.contents.facts.mesh, name.as_str(), wrapped);
        plain.with_context(|| format!("its {} does not open", name.as_str()))
    }

    /// Closes it, and takes it off the disk.
    pub(super) async fn close(self, scratch: &Path) -> Result<()> {
        self.store.close().await?;
        replacing::remove(scratch)
    }
}

/// The rows of a snapshot on their way into a store.
#[derive(Debug, thiserror::Error)]
enum UnpackError {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn unpack(
    reader: Reader<BufReader<File>>,
    content: &ContentKey,
    (path, schema): (&Path, u32),
    now: Timestamp,
) -> Result<(), UnpackError> {
    let rows = reader.rows(content).map(|row| {
        let row = row?;
        Ok(RawRow { table: row.table, key: row.key, row: row.row })
    });
    import(path, schema, Some(now), rows)
}

/// What opens the text of a snapshot and the store in it.
struct Keys {
    content: ContentKey,
    root: RootKey,
    unseal: Option<Arc<UnsealKey>>,
}

fn keys(header: &Header, opener: Opener<'_>) -> Result<Keys> {
    match opener {
        Opener::Recovery(key) => {
            let recovered = header.open_with_recovery(key)?;
            Ok(Keys { content: recovered.content, root: recovered.root, unseal: None })
        }
        Opener::Source(source, secret) => {
            let key = unseal_key(source, secret, &header.root_key)?;
            let root = unwrap(&key, &header.mesh, &header.root_key.wrapped)?;
            Ok(Keys { content: header.open_with_root(&root)?, root, unseal: Some(Arc::new(key)) })
        }
    }
}

/// The key of a source, for a root key that it wrapped.
pub(super) fn unseal_key(source: &UnsealSource, secret: Secret<'_>, wrapped: &WrappedRoot) -> Result<UnsealKey> {
    let mut blobs = BTreeMap::new();
    blobs.extend(wrapped.passphrase.clone().map(|bytes| (BlobName::PassphraseParameters, bytes)));
    blobs.extend(wrapped.shares.clone().map(|bytes| (BlobName::ShareParameters, bytes)));
    match (source, secret) {
        (UnsealSource::Shamir, Secret::Shares(ask)) => gather(unseal::share_parameters(&blobs)?, ask),
        (UnsealSource::Shamir, Secret::None | Secret::Passphrase(_)) => bail!("this snapshot opens with shares"),
        (_, Secret::Passphrase(passphrase)) => unseal::open(source, Some(passphrase), &blobs),
        (_, Secret::None | Secret::Shares(_)) => unseal::open(source, None, &blobs),
    }
}

fn gather(parameters: ShareParameters, ask: AskShare<'_>) -> Result<UnsealKey> {
    let mut gathering = Gathering::new(parameters);
    while !gathering.progress().is_complete() {
        let share = ask(&gathering.progress().to_string())?;
        gathering.offer(&share).map_err(|error| anyhow!("{error}"))?;
    }
    Ok(gathering.combine()?)
}

fn unwrap(key: &UnsealKey, mesh: &MeshId, wrapped: &[u8]) -> Result<RootKey> {
    key.unwrap_root(mesh, wrapped).context(
        "it was made under another key file, credential, passphrase or set of shares than the one that was given",
    )
}

/// The lock of the new store: what opened the snapshot, as it did.
pub(super) fn same_lock(key: Arc<UnsealKey>, wrapped: &WrappedRoot) -> Lock {
    let blob = |name, bytes: &Option<Vec<u8>>| bytes.clone().map(|bytes| Mutation::PutBlob(name, bytes));
    let root = Mutation::PutBlob(BlobName::RootKey, wrapped.wrapped.clone());
    let parameters =
        [blob(BlobName::PassphraseParameters, &wrapped.passphrase), blob(BlobName::ShareParameters, &wrapped.shares)];
    let remembered = parameters.into_iter().flatten().chain([root]).collect();
    Lock { key, remembered }
}

/// The lock of the new store: what this node is configured to open with, around the root key of the snapshot.
pub(super) fn new_lock(made: &Made<'_>, mesh: &MeshId, root: &RootKey, seams: &Seams) -> Result<Lock> {
    let wrapped = made.key.wrap_root(mesh, root, &*seams.entropy)?;
    let root = Mutation::PutBlob(BlobName::RootKey, wrapped);
    Ok(Lock { key: Arc::clone(&made.key), remembered: made.remembered().into_iter().chain([root]).collect() })
}
