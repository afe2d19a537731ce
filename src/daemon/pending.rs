//! The keys of a join that has not been answered yet: a store of its own, sealed like any other, gone once the join is done.
//!
//! A node that people will open with shares has none before it is there, and must be able to repeat its join all the same. Its
//! pending keys lie under a key file of their own, which is wiped and removed with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::brought::Brought;
use super::keystore::Keystore;
use super::seams::Seams;
use super::unseal::{self, Made};
use super::{durable, new_store};
use crate::config::node_config::{NodeConfig, UnsealSource};
use crate::crypto::sealing::SealingKey;
use crate::model::identity::{MeshId, Role};
use crate::model::name::{EnvironmentName, NodeName};
use crate::store::blob::BlobName;
use crate::store::facts::Facts;
use crate::store::handle::Store;
use crate::transport::node_key::NodeKey;

/// The file in the state directory.
const FILE: &str = "joining.redb";

/// The key file of a node that will be opened with shares, beside it.
const KEY_FILE: &str = "joining.key";

/// Which mesh it will be is not known yet.
const NO_MESH: MeshId = MeshId([0; 16]);

/// The keys a joining node will be known by, and the one its store will open with.
pub(super) struct Pending<'person> {
    pub(super) node_key: NodeKey,
    pub(super) sealing_key: SealingKey,
    pub(super) made: Made<'person>,
}

impl<'person> Pending<'person> {
    /// The keys of an earlier attempt, or new ones, on disk before they are used.
    pub(super) async fn load_or_create(
        template: &NodeConfig,
        brought: Option<Brought<'person>>,
        seams: &Seams,
    ) -> Result<Self> {
        let state_dir = &template.node.state_dir;
        match template.unseal {
            UnsealSource::Shamir => {
                let own = UnsealSource::File { path: state_dir.join(KEY_FILE) };
                let pending = Self::kept_under(&own, None, state_dir, seams).await?;
                Ok(Self { made: unseal::create(&template.unseal, brought, &*seams.entropy)?, ..pending })
            }
            UnsealSource::File { .. } | UnsealSource::Passphrase | UnsealSource::SystemdCredential { .. } => {
                Self::kept_under(&template.unseal, brought, state_dir, seams).await
            }
        }
    }

    async fn kept_under(
        source: &UnsealSource,
        brought: Option<Brought<'person>>,
        state_dir: &Path,
        seams: &Seams,
    ) -> Result<Self> {
        let path = path(state_dir);
        if path.exists() {
            // The attempt that made them may have ended before their name was durable.
            durable::sync_parent(&path).context("cannot keep the keys of this join")?;
            return Self::load(&path, source, brought, seams).await;
        }
        Self::create(&path, source, brought, seams).await
    }

    async fn load(
        path: &Path,
        source: &UnsealSource,
        brought: Option<Brought<'person>>,
        seams: &Seams,
    ) -> Result<Self> {
        let (store, contents) = Store::open_on(&seams.ground, path, None).await?;
        store.close().await?;
        let interrupted = "an earlier join was interrupted; repeat it with the same options";
        let made = unseal::again(source, brought, &contents.blobs).context(interrupted)?;
        let keystore = Keystore::open(Arc::clone(&made.key), NO_MESH, contents.blobs).context(interrupted)?;
        Ok(Self {
            node_key: NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?,
            sealing_key: SealingKey::from_plaintext(&keystore.get(BlobName::SealingKey)?)?,
            made,
        })
    }

    async fn create(
        path: &Path,
        source: &UnsealSource,
        brought: Option<Brought<'person>>,
        seams: &Seams,
    ) -> Result<Self> {
        let entropy = &*seams.entropy;
        let made = unseal::create(source, brought, entropy)?;
        let (node_key, sealing_key) = (NodeKey::generate()?, SealingKey::generate(entropy)?);
        let (keystore, root) = Keystore::create(&made.key, NO_MESH, entropy)?;
        let mut mutations = vec![
            root,
            keystore.wrap(BlobName::Identity, &node_key.to_plaintext(), entropy)?,
            keystore.wrap(BlobName::SealingKey, &sealing_key.to_plaintext(), entropy)?,
        ];
        mutations.extend(made.remembered());
        let nobody = Facts {
            mesh: NO_MESH,
            node: NodeName::parse("joining")?,
            role: Role::Follower,
            environment: EnvironmentName::parse("joining")?,
        };
        let kept = new_store::make(&seams.ground, path, nobody, mutations, seams.clock.now().wall, || Ok(())).await;
        kept.context("cannot keep the keys of this join")?;
        Ok(Self { node_key, sealing_key, made })
    }
}

/// Whether an attempt that was not finished left its keys.
pub(super) fn is_kept(state_dir: &Path) -> bool {
    path(state_dir).exists()
}

/// The join is done; the keys are in the node's own store.
pub(super) fn forget(state_dir: &Path) {
    // The key first: without it the other file is noise.
    let key_file = state_dir.join(KEY_FILE);
    let wiped = if key_file.exists() { durable::wipe(&key_file).map(drop) } else { Ok(()) };
    if let Err(error) = wiped.and_then(|()| std::fs::remove_file(path(state_dir))) {
        tracing::warn!(%error, "the files of the finished join could not be removed");
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}
