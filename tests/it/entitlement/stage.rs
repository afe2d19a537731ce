//! Writing on the lead, taking the sealed bytes from its store, and looking for them in the file of a follower.

use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::number::Revision;
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::store::contents::Contents;
use aurora_mesh::store::handle::Store;

use crate::support::callers::{admin, environment, node, put};
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::raw::ciphertexts;

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

pub async fn entitle(mesh: &TestMesh, name: &str, entitlement: Entitlement) -> Revision {
    mesh.lead.vault().entitle(&admin(), node(name), entitlement).await.expect("entitled")
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
