//! The three rungs, on the lead and on a follower.

use aurora_mesh::model::freeze::FreezeLevel;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{Context, ExportRequest, ListRequest, TokenRequest, WatchRequest};

use super::{freeze, frozen_by, hears, unfreeze};
use crate::support::callers::{admin, agent, node, place, put, read, secret};
use crate::support::mesh::{TestMesh, TestNode, prod};

const NAME: &str = "hubspot/api_key";

fn everything() -> ExportRequest {
    ExportRequest { context: Context::default(), scope: None, prefix: None, cursor: None }
}

/// What gives out or uses a value, by a program and by the owner.
async fn uses(node: &TestNode) -> Vec<Result<(), VaultError>> {
    let vault = node.vault();
    vec![
        vault.read(&agent(), read(NAME, None)).await.map(drop),
        vault.read(&admin(), read(NAME, None)).await.map(drop),
        vault.export(&agent(), &everything()).await.map(drop),
        vault.export(&admin(), &everything()).await.map(drop),
    ]
}

/// What changes a secret, by the owner.
async fn changes(node: &TestNode) -> Vec<Result<(), VaultError>> {
    let vault = node.vault();
    vec![
        vault.put(&admin(), put(NAME, "global", "another")).await.map(drop),
        vault.delete(&admin(), place("stripe/key", "global")).await.map(drop),
        vault.undelete(&admin(), place("stripe/key", "global")).await.map(drop),
        vault.import(&admin(), vec![put("aws/key", "global", "third")], false, None).await.map(drop),
    ]
}

/// What looks and neither uses nor changes.
async fn looks(node: &TestNode) -> Vec<Result<(), VaultError>> {
    let vault = node.vault();
    vec![
        vault.list(&agent(), ListRequest::default()).await.map(drop),
        vault.explain(&agent(), secret(NAME), Context::default()).await.map(drop),
        vault.watch(&agent(), WatchRequest::default()).await.map(drop),
        vault.versions(&agent(), place(NAME, "global")).await.map(drop),
    ]
}

fn all_frozen(results: Vec<Result<(), VaultError>>) {
    for result in results {
        assert_eq!(frozen_by(result), "mesh");
    }
}

/// On a follower a change goes to the lead, and says so: whatever is not frozen there ends with that.
fn none_frozen(results: Vec<Result<(), VaultError>>) {
    for result in results {
        assert!(matches!(result, Ok(()) | Err(VaultError::NotLead { .. })), "{result:?}");
    }
}

async fn climbs(mesh: &TestMesh, node: &TestNode) {
    freeze(mesh, "mesh", FreezeLevel::Read).await;
    hears(node, 1).await;
    all_frozen(uses(node).await);
    none_frozen(changes(node).await);
    none_frozen(looks(node).await);
    unfreeze(mesh, "mesh").await;
    hears(node, 0).await;
    none_frozen(uses(node).await);

    freeze(mesh, "mesh", FreezeLevel::Write).await;
    hears(node, 1).await;
    none_frozen(uses(node).await);
    all_frozen(changes(node).await);
    none_frozen(looks(node).await);
    unfreeze(mesh, "mesh").await;
    hears(node, 0).await;

    freeze(mesh, "mesh", FreezeLevel::All).await;
    hears(node, 1).await;
    all_frozen(uses(node).await);
    all_frozen(changes(node).await);
    all_frozen(looks(node).await);
    assert_eq!(node.vault().health().node, node.config.node.name, "how a node is, is always told");
    unfreeze(mesh, "mesh").await;
    hears(node, 0).await;
    none_frozen(uses(node).await);
    none_frozen(changes(node).await);
    none_frozen(looks(node).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rung_stops_what_it_names_on_the_lead_and_unfreezing_restores_it() {
    let mesh = TestMesh::start().await;
    mesh.put(put(NAME, "global", "not-a-real-key")).await;
    mesh.put(put("stripe/key", "global", "not-a-real-key-either")).await;
    climbs(&mesh, &mesh.lead).await;
    let lines = mesh.lead.vault().audit_tail(&admin(), 500).await.expect("the owner may read the journal");
    let frozen: Vec<&String> = lines.iter().filter(|line| line.contains(r#""rule":"freeze:mesh""#)).collect();
    assert_eq!(frozen.len(), 20, "4 + 4 + 12, each written down: {frozen:#?}");
    assert!(frozen.iter().all(|line| line.contains(r#""decision":"deny""#) && line.contains("frozen")), "{frozen:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rung_stops_what_it_names_on_a_connected_follower_and_unfreezing_restores_it() {
    let mesh = TestMesh::start().await;
    mesh.put(put("stripe/key", "global", "not-a-real-key-either")).await;
    let stored = mesh.put(put(NAME, "global", "not-a-real-key")).await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    follower.reaches(stored.revision).await;
    climbs(&mesh, &follower).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_starts_again_without_its_lead_is_still_frozen() {
    let mut mesh = TestMesh::start().await;
    let stored = mesh.put(put(NAME, "global", "not-a-real-key")).await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    follower.reaches(stored.revision).await;
    freeze(&mesh, "mesh", FreezeLevel::Read).await;
    hears(&follower, 1).await;
    mesh.lead.stop().await;
    follower.stop().await;
    follower.start().await;
    all_frozen(uses(&follower).await);
    mesh.lead.start().await;
    unfreeze(&mesh, "mesh").await;
    hears(&follower, 0).await;
    assert_eq!(follower.value(read(NAME, None)).await.expect("unfrozen"), "not-a-real-key");
}

/// Whoever could not unfreeze would have to wait for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_manages_a_frozen_mesh_and_nobody_else_does() {
    let mesh = TestMesh::start().await;
    freeze(&mesh, "mesh", FreezeLevel::All).await;
    freeze(&mesh, "node:aurora", FreezeLevel::All).await;
    freeze(&mesh, "agent:robot", FreezeLevel::Read).await;
    let vault = mesh.lead.vault();
    vault.nodes(&admin()).await.expect("the owner sees the nodes");
    let ask = TokenRequest { node: node("vengeance"), entitlement: prod(&[]), valid_for: None, approve: false };
    vault.issue_token(&admin(), ask).await.expect("the owner admits nodes");
    assert_eq!(vault.freezes(&admin()).await.expect("the owner sees the freezes").len(), 3);
    for target in ["agent:robot", "mesh", "node:aurora"] {
        let refused = vault.unfreeze(&agent(), super::target(target), None).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
        unfreeze(&mesh, target).await;
    }
    let gone = vault.unfreeze(&admin(), super::target("mesh"), None).await.expect_err("nothing is frozen");
    assert!(matches!(gone, VaultError::NotFrozen(_)) && gone.code() == "not_found", "{gone:?}");
    assert!(vault.freezes(&admin()).await.expect("the owner sees the freezes").is_empty());
}
