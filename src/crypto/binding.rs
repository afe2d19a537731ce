//! Associated data: the unambiguous list of what a ciphertext belongs to.
//!
//! Each field is preceded by its length (u32, big endian), and the list by a label that names the use, so no two lists
//! give the same bytes, and nothing sealed for one use opens in another.

use crate::model::identity::MeshId;
use crate::model::number::{Generation, Version};
use crate::model::secret::{KeyScope, Scope};

/// A list under construction.
pub(super) struct Binding(Vec<u8>);

impl Binding {
    /// Starts the list for one use in one mesh.
    pub(super) fn new(label: &'static str, mesh: &MeshId) -> Self {
        Self(Vec::with_capacity(256)).field(label.as_bytes()).field(&mesh.0)
    }

    /// Adds a field. Names are at most 64 bytes; the saturated length of an impossible 4 GiB field still binds its bytes.
    pub(super) fn field(mut self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds environment and scope: always three fields, the id being empty for `global`.
    pub(super) fn key_scope(self, at: &KeyScope) -> Self {
        self.scope(at.environment.as_str(), &at.scope)
    }

    /// Adds environment and scope by their parts.
    pub(super) fn scope(self, environment: &str, scope: &Scope) -> Self {
        self.field(environment.as_bytes())
            .field(scope.kind().as_bytes())
            .field(scope.id().unwrap_or_default().as_bytes())
    }

    /// Adds a key generation.
    pub(super) fn generation(self, generation: Generation) -> Self {
        self.field(&generation.get().to_be_bytes())
    }

    /// Adds a version.
    pub(super) fn version(self, version: Version) -> Self {
        self.field(&version.get().to_be_bytes())
    }

    /// The finished bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::MESH;
    use super::*;

    #[test]
    fn a_byte_moved_over_a_field_border_changes_the_list() {
        let list = |left: &[u8], right: &[u8]| Binding::new("use", &MESH).field(left).field(right).into_bytes();
        assert_ne!(list(b"ab", b"c"), list(b"a", b"bc"));
        assert_ne!(list(b"", b"abc"), list(b"abc", b""));
    }

    #[test]
    fn the_use_and_the_mesh_are_part_of_it() {
        let list = |label, mesh| Binding::new(label, &mesh).into_bytes();
        assert_ne!(list("one", MESH), list("two", MESH));
        assert_ne!(list("one", MESH), list("one", MeshId([0; 16])));
    }
}
