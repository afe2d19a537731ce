//! Writing on the lead, taking the sealed bytes from its store, and looking for them in the file of a follower.

use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::number::Revision;
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::store::contents::Contents;
use aurora_mesh::store::handle::Store;
use aurora_mesh::vault::request::Place;

use crate::support::callers::{admin, environment, node, put};
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::wait::eventually;

/// What was stored, as the lead has it.
pub struct Written {
    pub at: ScopedSecret,
    pub value: String,
    /// The sealed bytes of every version, newest first.
    pub ciphertexts: Vec<Vec<u8>>,
    pub revision: Revision,
}

impl Written {
    /// The sealed bytes of the current version: what every entitled follower holds. Of versions that follow each other
    /// closely it may hear the newest alone.
    pub fn newest(&self) -> &[u8] {
        self.ciphertexts.first().expect("stored")
    }
}

/// Stores two versions of a secret.
pub async fn write(mesh: &TestMesh, in_environment: &str, name: &str, scope: &str) -> Written {
    let value = format!("the newer value of {name} for {scope} in {in_environment}");
    for text in ["an older value that is not for everybody either", &value] {
        let mut request = put(name, scope, text);
        request.place.environment = Some(environment(in_environment));
        mesh.put(request).await;
    }
    let revision = mesh.lead.vault().health().revision;
    let secret = put(name, scope, "");
    let at =
        aurora_mesh::model::secret::SecretAddress { environment: environment(in_environment), name: secret.place.name };
    let at = at.within(secret.place.scope);
    let ciphertexts = ciphertexts(mesh, &at).await;
    assert!(ciphertexts.len() >= 2, "every version is a row of its own");
    Written { at, value, ciphertexts, revision }
}

/// The sealed bytes of every version the lead keeps and has not deleted, newest first.
pub async fn ciphertexts(mesh: &TestMesh, at: &ScopedSecret) -> Vec<Vec<u8>> {
    let ScopedSecret { secret, scope } = at.clone();
    let ask = Place { name: secret.name, scope, environment: Some(secret.environment), node: None, reason: None };
    let kept = mesh.lead.vault().versions(&admin(), ask).await;
    let sealed = kept.expect("versions").versions.into_iter().filter_map(|record| record.sealed().cloned());
    sealed.map(|sealed| sealed.ciphertext).collect()
}

pub async fn entitle(mesh: &TestMesh, name: &str, entitlement: Entitlement) -> Revision {
    mesh.lead.vault().entitle(&admin(), node(name), entitlement).await.expect("entitled")
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

/// Opens the store of a node that does not run.
pub async fn open(node: &TestNode) -> (Store, Contents) {
    Store::open(&node.store_file()).await.expect("opens")
}

/// What a node that does not run has on its disk.
pub async fn contents(node: &TestNode) -> Contents {
    let (store, contents) = open(node).await;
    store.close().await.expect("closed");
    contents
}

/// The scopes whose keys a node that does not run has on its disk, in order of their text.
pub async fn key_scopes(node: &TestNode) -> Vec<String> {
    let mut scopes: Vec<String> =
        contents(node).await.scope_keys.iter().map(|sealed| sealed.at.scope.to_string()).collect();
    scopes.sort();
    scopes
}

/// The keys of a secret's scope as a running node has them on its disk; it is stopped to look.
pub async fn sealed_keys(node: &mut TestNode, at: &ScopedSecret) -> Vec<Vec<u8>> {
    node.stop().await;
    let kept = contents(node).await.scope_keys;
    node.start().await;
    kept.into_iter().filter(|sealed| sealed.at == at.key_scope()).map(|sealed| sealed.sealed).collect()
}
