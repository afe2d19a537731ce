//! A lead, one follower with one secret, and what there is to see of a ban on both.

use std::time::Duration;

use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::roster::Standing;
use aurora_mesh::model::secret::SecretAddress;
use aurora_mesh::store::handle::Store;
use aurora_mesh::vault::answer_nodes::ThrownOut;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::ReadRequest;

use crate::support::callers::{admin, environment, node, put, read, scope, secret};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::raw::{ciphertexts, holds, holds_none_eventually};
use crate::support::wait::eventually;

/// The secret of every stage.
pub const NAME: &str = "hubspot/api_key";

/// Its value.
pub const VALUE: &str = "not-a-real-key, and long enough to be looked for";

pub const TTL: Duration = Duration::from_secs(5);
pub const MAX_STALE: Duration = Duration::from_secs(10);

/// A follower called `vengeance` that holds the secret, and is fresh.
pub async fn stage() -> (TestMesh, TestNode) {
    filled(TestMesh::start().await).await
}

/// The same with a short contract.
pub async fn brief() -> (TestMesh, TestNode) {
    filled(TestMesh::with_freshness(FreshnessPolicy { ttl: TTL, max_stale: MAX_STALE }).await).await
}

async fn filled(mesh: TestMesh) -> (TestMesh, TestNode) {
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put(NAME, "global", VALUE)).await;
    follower.reaches(stored.revision).await;
    follower.is_fresh().await;
    assert_eq!(follower.value(read(NAME, None)).await.expect("readable"), VALUE);
    (mesh, follower)
}

pub async fn ban(mesh: &TestMesh, name: &str) -> ThrownOut {
    let reason = "its disk was stolen".to_owned();
    mesh.lead.vault().ban(&admin(), node(name), reason).await.expect("banned")
}

pub async fn remove(mesh: &TestMesh, name: &str) -> ThrownOut {
    mesh.lead.vault().remove(&admin(), node(name), Some("decommissioned")).await.expect("removed")
}

/// The sealed record and the sealed scope key that the follower holds, as bytes to be looked for. It is stopped to look.
pub async fn sealed_bytes(mesh: &TestMesh, follower: &mut TestNode) -> Vec<Vec<u8>> {
    let at = SecretAddress { environment: environment("prod"), name: secret(NAME) }.within(scope("global"));
    let mut sealed = ciphertexts(mesh, &at).await;
    follower.stop().await;
    let (store, contents) = Store::open(&follower.store_file()).await.expect("opens");
    store.close().await.expect("closed");
    sealed.extend(contents.scope_keys.into_iter().map(|key| key.sealed));
    assert_eq!(sealed.len(), 2, "one record and one key");
    follower.start().await;
    has_a_session(follower).await;
    sealed
}

/// Returns once the lead has answered a question of now: freshness alone may come from the disk.
pub async fn has_a_session(follower: &TestNode) {
    let ask = ReadRequest { refresh: true, ..read(NAME, None) };
    eventually("the lead answers", || async { follower.read(ask.clone()).await.ok().map(drop) }).await;
}

/// Returns once the node knows that it is banned: it says so, and answers nobody.
pub async fn is_banned(follower: &TestNode) {
    eventually("it knows that it is banned", || async {
        let health = follower.vault().health();
        (health.freshness == "banned" && health.banned_at.is_some() && health.secrets == 0).then_some(())
    })
    .await;
    let refused = follower.value(read(NAME, None)).await;
    assert!(matches!(refused, Err(VaultError::Banned { .. })), "{refused:?}");
}

/// Stops the node and looks: nothing of what it held is in any table, nor anywhere in the raw file.
pub async fn has_forgotten(follower: &mut TestNode, sealed: &[Vec<u8>]) {
    holds_none_eventually(follower, sealed).await;
    follower.stop().await;
    assert!(!sealed.iter().any(|bytes| holds(follower, bytes)), "bytes of it are still in the file");
    let (store, contents) = Store::open(&follower.store_file()).await.expect("opens");
    store.close().await.expect("closed");
    assert!(contents.records.is_empty() && contents.scope_keys.is_empty() && contents.articles.is_empty());
    assert_eq!(contents.contact, None);
    let own = contents.roster.first().expect("its own entry");
    assert!(matches!(own.standing, Standing::Banned { .. }), "{own:?}");
}

/// Returns once the lead has answered a question that was asked at the instant at which the follower's clock is held.
pub async fn vouched_for_now(follower: &TestNode) {
    has_a_session(follower).await;
    assert_eq!(follower.vault().health().lead_last_heard, Some(Duration::ZERO));
}
