//! The keys of a join that has not been answered yet: a store of its own, sealed like any other, gone once the join is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::keystore::Keystore;
use super::seams::Seams;
use super::{durable, new_store, unseal};
use crate::config::node_config::NodeConfig;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::sealing::SealingKey;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::{MeshId, Role};
use crate::model::name::{EnvironmentName, NodeName};
use crate::store::blob::BlobName;
use crate::store::facts::Facts;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;
use crate::transport::node_key::NodeKey;

/// The file in the state directory.
const FILE: &str = "joining.redb";

/// Which mesh it will be is not known yet.
const NO_MESH: MeshId = MeshId([0; 16]);

/// The keys a joining node will be known by.
pub(super) struct Pending {
    pub(super) node_key: NodeKey,
    pub(super) sealing_key: SealingKey,
    pub(super) unseal_key: Arc<UnsealKey>,
    pub(super) parameters: Option<Vec<u8>>,
}

impl Pending {
    /// The keys of an earlier attempt, or new ones, on disk before they are used.
    pub(super) async fn load_or_create(
        template: &NodeConfig,
        passphrase: Option<&Plaintext>,
        seams: &Seams,
    ) -> Result<Self> {
        let path = path(&template.node.state_dir);
        if path.exists() {
            // The attempt that made them may have ended before their name was durable.
            durable::sync_parent(&path).context("cannot keep the keys of this join")?;
            return Self::load(&path, template, passphrase).await;
        }
        Self::create(&path, template, passphrase, seams).await
    }

    async fn load(path: &Path, template: &NodeConfig, passphrase: Option<&Plaintext>) -> Result<Self> {
        let (store, contents) = Store::open(path).await?;
        store.close().await?;
        let parameters = contents.blobs.get(&BlobName::PassphraseParameters).cloned();
        let unseal_key = Arc::new(unseal::open(&template.unseal, passphrase, parameters.as_deref())?);
        let keystore = Keystore::open(Arc::clone(&unseal_key), NO_MESH, contents.blobs)
            .context("an earlier join was interrupted")?;
        Ok(Self {
            node_key: NodeKey::from_plaintext(&keystore.get(BlobName::Identity)?)?,
            sealing_key: SealingKey::from_plaintext(&keystore.get(BlobName::SealingKey)?)?,
            unseal_key,
            parameters,
        })
    }

    async fn create(path: &Path, template: &NodeConfig, passphrase: Option<&Plaintext>, seams: &Seams) -> Result<Self> {
        let entropy = &*seams.entropy;
        let (unseal_key, parameters) = unseal::create(&template.unseal, passphrase, entropy)?;
        let (node_key, sealing_key) = (NodeKey::generate()?, SealingKey::generate(entropy)?);
        let unseal_key = Arc::new(unseal_key);
        let (keystore, root) = Keystore::create(&unseal_key, NO_MESH, entropy)?;
        let mut mutations = vec![
            root,
            keystore.wrap(BlobName::Identity, &node_key.to_plaintext(), entropy)?,
            keystore.wrap(BlobName::SealingKey, &sealing_key.to_plaintext(), entropy)?,
        ];
        mutations.extend(parameters.clone().map(|bytes| Mutation::PutBlob(BlobName::PassphraseParameters, bytes)));
        let nobody = Facts {
            mesh: NO_MESH,
            node: NodeName::parse("joining")?,
            role: Role::Follower,
            environment: EnvironmentName::parse("joining")?,
        };
        new_store::make(path, nobody, mutations).await.context("cannot keep the keys of this join")?;
        Ok(Self { node_key, sealing_key, unseal_key, parameters })
    }

    /// Whether an attempt that was not finished left its keys.
    pub(super) fn is_kept(state_dir: &Path) -> bool {
        path(state_dir).exists()
    }

    /// The join is done; the keys are in the node's own store.
    pub(super) fn forget(state_dir: &Path) {
        if let Err(error) = std::fs::remove_file(path(state_dir)) {
            tracing::warn!(%error, "the file of the finished join could not be removed");
        }
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}
