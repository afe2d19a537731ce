//! A change on the lead reaches every follower that is entitled to it, and no other.

use crate::support::callers::{place, put, read};
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
    let deleted = mesh.delete(place("hubspot/api_key", "global")).await;
    vengeance.reaches(deleted.revision).await;
    let gone = vengeance.value(read("hubspot/api_key", None)).await;
    assert!(matches!(gone, Err(VaultError::NotFound { .. })), "{gone:?}");
}

/// A closed endpoint keeps its port for as long as its connections drain, so a lead that started again at once was told
/// that its own port was taken; when it was only the `peers` part that started again, five such refusals within a second
/// stopped the whole lead. It now waits for the port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_starts_again_at_once_takes_its_port_back_and_is_found() {
    let mut mesh = TestMesh::start().await;
    let vengeance = mesh.follower("vengeance", prod(&[])).await;
    vengeance.is_fresh().await;
    mesh.lead.stop().await;
    mesh.lead.start().await;
    assert_eq!(mesh.lead.running().address(), Some(mesh.lead.config.mesh.listen));
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    vengeance.reaches(stored.revision).await;
}
