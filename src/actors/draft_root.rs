//! The root key within a draft: a new one, and everything the old one wrapped under it, in one transaction.
//!
//! Values and scope keys stay what they are; followers notice nothing. After it the store opens with the same unseal key,
//! and the old root key opens nothing that is in the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::root::RootKey;
use crate::model::record::SealedScopeKey;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

use super::change::{Committed, KeyStep};
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    /// Replaces the root key.
    pub(super) fn rotate_root(&mut self, context: Context<'_>) -> Result<Committed, CommitError> {
        let (mesh, entropy) = (&context.sealer.mesh, &*context.sealer.entropy);
        let (old, new) = (Arc::clone(&self.state.root), RootKey::generate(entropy)?);
        let mut wrapped = BTreeMap::new();
        for (name, bytes) in &*self.state.wrapped {
            let plain = old.unwrap(mesh, name.as_str(), bytes).map_err(CommitError::Wrapped)?;
            wrapped.insert(*name, new.wrap(mesh, name.as_str(), &plain, entropy)?);
        }
        for (at, generation, held) in self.state.keys.iter() {
            let sealed = new.wrap_scope_key(mesh, at, generation, &held.key, entropy)?;
            let sealed = SealedScopeKey { made_at: held.made_at, ..sealed };
            self.mutations.push(Mutation::PutScopeKey(sealed));
        }
        let puts = wrapped.iter().map(|(name, bytes)| Mutation::PutBlob(*name, bytes.clone()));
        self.mutations.extend(puts);
        let root = context.sealer.unseal.wrap_root(mesh, &new, entropy)?;
        self.mutations.push(Mutation::PutBlob(BlobName::RootKey, root));
        self.mutations.push(Mutation::PutBlob(BlobName::RootRotated, context.now.0.to_be_bytes().to_vec()));
        self.purge();
        (self.state.root, self.state.wrapped) = (Arc::new(new), Arc::new(wrapped));
        self.state.root_since = context.now;
        Ok(Committed::Keys(KeyStep::Root))
    }
}
