//! What lies in the raw file of a node's store, where no table is asked.

use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::vault::request::Place;

use super::callers::admin;
use super::mesh::{TestMesh, TestNode};
use super::wait::eventually;

/// The sealed bytes of every version the lead keeps and has not deleted, newest first.
pub async fn ciphertexts(mesh: &TestMesh, at: &ScopedSecret) -> Vec<Vec<u8>> {
    let ScopedSecret { secret, scope } = at.clone();
    let ask = Place { name: secret.name, scope, environment: Some(secret.environment), node: None, reason: None };
    let kept = mesh.lead.vault().versions(&admin(), ask).await;
    let sealed = kept.expect("versions").versions.into_iter().filter_map(|record| record.sealed().cloned());
    sealed.map(|sealed| sealed.ciphertext).collect()
}

/// Whether the raw file of a node's store has these bytes anywhere.
pub fn holds(node: &TestNode, bytes: &[u8]) -> bool {
    assert!(bytes.len() >= 16, "too short to be found by chance");
    let file = std::fs::read(node.store_file()).expect("a store");
    file.windows(bytes.len()).any(|window| window == bytes)
}

/// Returns once the file has none of these bytes: a running node answers before it has written its file anew.
pub async fn holds_none_eventually(node: &TestNode, gone: &[Vec<u8>]) {
    eventually("what was taken away leaves the file", || async {
        (!gone.iter().any(|bytes| holds(node, bytes))).then_some(())
    })
    .await;
}
