//! What a store belongs to. Written once, when it is created; a store never changes hands.

use crate::model::identity::{MeshId, Role};
use crate::model::name::{EnvironmentName, NodeName};

/// The node whose store it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The mesh: bound into every ciphertext in the store.
    pub mesh: MeshId,
    /// The node.
    pub node: NodeName,
    /// Whether it holds the authority or a cache.
    pub role: Role,
    /// The environment it is in.
    pub environment: EnvironmentName,
}
