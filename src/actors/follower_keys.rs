//! What a follower needs to open scope keys.

use crate::crypto::error::CryptoError;
use crate::crypto::scope_key::ScopeKey;
use crate::crypto::sealing::{self, SealingKey};
use crate::model::identity::{MeshId, SealingPublicKey};
use crate::model::name::NodeName;
use crate::model::record::SealedScopeKey;

/// A follower's keys, for the life of the process.
pub struct FollowerKeys {
    /// Bound into every seal.
    pub mesh: MeshId,
    /// Scope keys are sealed to it.
    pub sealing: SealingKey,
    /// The mesh's own key, pinned at join: only it may seal scope keys.
    pub mesh_sealing: SealingPublicKey,
}

impl FollowerKeys {
    /// Opens a scope key that the mesh sealed to this node.
    ///
    /// # Errors
    /// When it was sealed by another key, to another node, or for another scope.
    pub fn open(&self, node: &NodeName, sealed: &SealedScopeKey) -> Result<ScopeKey, CryptoError> {
        sealing::open_scope_key(&self.sealing, &self.mesh_sealing, &self.mesh, node, sealed)
    }
}
