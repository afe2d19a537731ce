//! A change on the lead reaches every follower that is entitled to it, and no other.

use crate::support::callers::{delete, put, read};
use crate::support::mesh::{TestMesh, prod};
use aurora_mesh::vault::answer::Served;
use aurora_mesh::vault::error::VaultError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_put_on_the_lead_is_read_on_a_follower() {
    let mesh = TestMesh::start().await;
    let vengeance = mesh.follower("vengeance", prod(&["company-town-foods"])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    vengeance.reaches(stored.revision).await;
    vengeance.is_fresh().await;
    let answer = vengeance.read(read("hubspot/api_key", None)).await.expect("readable");
    assert_eq!(answer.value.expose(), b"not-a-real-key");
    assert_eq!(answer.freshness.served, Served::Hit);
    let deleted = mesh.delete(delete("hubspot/api_key", "global")).await;
    vengeance.reaches(deleted.revision).await;
    let gone = vengeance.value(read("hubspot/api_key", None)).await;
    assert!(matches!(gone, Err(VaultError::NotFound { .. })), "{gone:?}");
}
