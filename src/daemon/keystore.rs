//! The blobs of a store as what they are: keys and certificates, wrapped by the root key, which the unseal source opens.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::unseal;
use crate::config::node_config::UnsealSource;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::root::RootKey;
use crate::crypto::unseal::UnsealKey;
use crate::model::identity::MeshId;
use crate::model::time::{Entropy, Timestamp};
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::store::mutation::Mutation;

/// An open root key, and what it wraps.
pub(super) struct Keystore {
    pub(super) mesh: MeshId,
    pub(super) root: Arc<RootKey>,
    /// What wraps the root key, in locked memory: a lead that holds on to it can wrap a new one, whatever the source is.
    pub(super) unseal: Arc<UnsealKey>,
    blobs: BTreeMap<BlobName, Vec<u8>>,
}

impl Keystore {
    /// A new root key under the unseal key, and the mutation that keeps it.
    pub(super) fn create(unseal: &Arc<UnsealKey>, mesh: MeshId, entropy: &dyn Entropy) -> Result<(Self, Mutation)> {
        let root = RootKey::generate(entropy)?;
        let wrapped = unseal.wrap_root(&mesh, &root, entropy)?;
        let keystore = Self { mesh, root: Arc::new(root), unseal: Arc::clone(unseal), blobs: BTreeMap::new() };
        Ok((keystore, Mutation::PutBlob(BlobName::RootKey, wrapped)))
    }

    /// Opens the root key of a store.
    pub(super) fn open(unseal: Arc<UnsealKey>, mesh: MeshId, blobs: BTreeMap<BlobName, Vec<u8>>) -> Result<Self> {
        let wrapped = blobs.get(&BlobName::RootKey).context("the store holds no root key")?;
        let root = unseal.unwrap_root(&mesh, wrapped).context(
            "the store does not open with this key: is it the key file, credential or passphrase it was made with?",
        )?;
        Ok(Self { mesh, root: Arc::new(root), unseal, blobs })
    }

    /// Opens the root key of a node's store with what its configuration names.
    pub(super) fn unseal(source: &UnsealSource, passphrase: Option<&Plaintext>, contents: &Contents) -> Result<Self> {
        let unseal_key = unseal::open(source, passphrase, &contents.blobs)?;
        Self::open(Arc::new(unseal_key), contents.facts.mesh, contents.blobs.clone())
    }

    /// The mutation that keeps a blob.
    pub(super) fn wrap(&self, name: BlobName, plain: &Plaintext, entropy: &dyn Entropy) -> Result<Mutation> {
        Ok(Mutation::PutBlob(name, self.root.wrap(&self.mesh, name.as_str(), plain, entropy)?))
    }

    /// Everything the root key wraps, as it is stored.
    pub(super) fn wrapped(&self) -> BTreeMap<BlobName, Vec<u8>> {
        self.blobs.iter().filter(|(name, _)| name.is_wrapped()).map(|(name, bytes)| (*name, bytes.clone())).collect()
    }

    /// When the root key was last replaced; `None` while it is the first.
    pub(super) fn root_since(&self) -> Result<Option<Timestamp>> {
        let Some(bytes) = self.blobs.get(&BlobName::RootRotated) else { return Ok(None) };
        let bytes = bytes.as_slice().try_into().context("the time of the root key in the store is damaged")?;
        Ok(Some(Timestamp(i64::from_be_bytes(bytes))))
    }

    /// The latest second of a command that was signed ahead of the clock.
    pub(super) fn signed_until(&self) -> Result<Option<i64>> {
        let Some(bytes) = self.blobs.get(&BlobName::SignedUntil) else { return Ok(None) };
        let bytes = bytes.as_slice().try_into().context("the time of the last signature in the store is damaged")?;
        Ok(Some(i64::from_be_bytes(bytes)))
    }

    /// A blob the store may hold.
    pub(super) fn find(&self, name: BlobName) -> Result<Option<Plaintext>> {
        if self.blobs.contains_key(&name) { self.get(name).map(Some) } else { Ok(None) }
    }

    /// A blob the store must hold.
    pub(super) fn get(&self, name: BlobName) -> Result<Plaintext> {
        let wrapped = self.blobs.get(&name).with_context(|| format!("the store holds no {}", name.as_str()))?;
        let plain = self.root.unwrap(&self.mesh, name.as_str(), wrapped);
        plain.with_context(|| format!("{} in the store does not open: it was altered", name.as_str()))
    }
}
