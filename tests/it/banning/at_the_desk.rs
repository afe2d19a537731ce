//! What a node that was thrown out may try at the join desk, and what is written down about it.

use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::TokenRequest;
use aurora_mesh::vault::roster_error::RosterError;
use aurora_mesh::wire::join::{JoinAnswer, Refused, RefusedReason, Rejoin};

use super::stage::{ban, is_banned, remove, stage};
use crate::support::callers::{admin, node};
use crate::support::forge::{ask_as_stranger, ask_by_hand};
use crate::support::mesh::{TestMesh, prod};

fn refused(answer: JoinAnswer, wanted: RefusedReason) {
    assert_eq!(answer, JoinAnswer::from(Refused { reason: wanted }));
}

async fn denials(mesh: &TestMesh, action: &str, text: &str) -> usize {
    let lines = mesh.lead.vault().audit_tail(&admin(), 100).await.expect("readable");
    let action = format!("\"action\":\"{action}\"");
    let denied = |line: &&String| line.contains(&action) && line.contains("\"deny\"") && line.contains(text);
    lines.iter().filter(denied).count()
}

#[tokio::test]
async fn neither_its_token_nor_its_key_nor_another_token_lets_a_banned_node_in_and_each_try_is_audited() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let key = NodeKey::generate().expect("a key");
    let csr = || key.csr().expect("csr");
    assert!(matches!(ask_by_hand(&mesh, &token, csr()).await, JoinAnswer::Admitted(_)));
    ban(&mesh, "alpha").await;
    refused(ask_by_hand(&mesh, &token, csr()).await, RefusedReason::Banned);
    let other = mesh.token("beta", prod(&[])).await;
    refused(ask_by_hand(&mesh, &other, csr()).await, RefusedReason::Banned);
    assert_eq!(denials(&mesh, "node.join", "the node is banned").await, 2);
    refused(ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: csr() }).await, RefusedReason::Banned);
    assert_eq!(denials(&mesh, "node.rejoin", "the node is banned").await, 1);
    // The token of a banned node is no use to anybody else either.
    let thief = NodeKey::generate().expect("a key").csr().expect("csr");
    refused(ask_by_hand(&mesh, &token, thief).await, RefusedReason::UnknownToken);
    let ask = TokenRequest { node: node("alpha"), entitlement: prod(&[]), approve: false, valid_for: None };
    let taken = mesh.lead.vault().issue_token(&admin(), ask).await;
    assert!(matches!(taken, Err(VaultError::Roster(RosterError::Banned(_)))), "{taken:?}");
}

#[tokio::test]
async fn the_key_of_a_removed_node_does_not_come_back_without_a_token() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let key = NodeKey::generate().expect("a key");
    let csr = || key.csr().expect("csr");
    assert!(matches!(ask_by_hand(&mesh, &token, csr()).await, JoinAnswer::Admitted(_)));
    let left_open = mesh.lead.vault().tokens(&admin()).await.expect("listed");
    assert_eq!(left_open.len(), 1);
    remove(&mesh, "alpha").await;
    refused(ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: csr() }).await, RefusedReason::UnknownKey);
    assert_eq!(denials(&mesh, "node.rejoin", "no member has key").await, 1);
    refused(ask_by_hand(&mesh, &token, csr()).await, RefusedReason::UnknownToken);
    assert_eq!(denials(&mesh, "node.join", "not known").await, 1);
    assert!(mesh.lead.vault().tokens(&admin()).await.expect("listed").is_empty());
}

/// It dials with a certificate that ran out while it was away, and is told at the desk instead of at the door.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_node_whose_certificate_ran_out_gets_no_new_one_and_learns_why() {
    let (mut mesh, mut follower) = stage().await;
    follower.stop().await;
    ban(&mesh, "vengeance").await;
    mesh.lead.stop().await;
    let day = std::time::Duration::from_secs(25 * 3600);
    mesh.lead.clock.advance(day);
    follower.clock.advance(day);
    mesh.lead.start().await;
    follower.start().await;
    is_banned(&follower).await;
    assert!(denials(&mesh, "node.rejoin", "the node is banned").await >= 1);
}
