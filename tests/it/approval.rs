//! A token that asks for approval admits nobody by itself: somebody compares the fingerprint that both sides show.

use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::daemon::join::{ApprovalPending, JoinOptions, WhilePending, join};
use aurora_mesh::model::identity::Role;
use aurora_mesh::model::roster::Standing;
use aurora_mesh::transport::error::{Refusal, TransportError};
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::vault::answer::NodeLine;
use aurora_mesh::vault::answer_nodes::TokenState;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{Approval, ExposureOf, TokenRequest};
use aurora_mesh::vault::roster_error::RosterError;
use aurora_mesh::wire::join::{JoinAnswer, Refused, RefusedReason, Rejoin};

use crate::support::callers::{admin, node, place, put, read};
use crate::support::forge::{Forge, ask_as_stranger, ask_by_hand, now};
use crate::support::intruder::turned_away;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::process::{Node, directory, run};
use crate::support::wait::eventually;

async fn token(mesh: &TestMesh, name: &str) -> JoinSecret {
    let ask = TokenRequest { node: node(name), entitlement: prod(&["acme"]), approve: true, valid_for: None };
    let token = mesh.lead.vault().issue_token(&admin(), ask).await.expect("a token");
    JoinSecret::parse(std::str::from_utf8(token.text.expose()).expect("text")).expect("a token")
}

async fn line(mesh: &TestMesh, name: &str) -> Option<NodeLine> {
    let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    nodes.into_iter().find(|line| line.name == node(name))
}

/// Joins without waiting; gives the fingerprint that the machine shows.
async fn left_waiting(machine: &TestNode, token: &JoinSecret) -> String {
    let options = JoinOptions {
        template: machine.config.clone(),
        config_file: machine.config_file(),
        lead: None,
        pending: WhilePending::Leave,
    };
    let refused = join(token, &options, None, &machine.seams()).await.expect_err("nobody has approved it");
    refused.downcast::<ApprovalPending>().expect("it waits for approval").fingerprint
}

async fn approve(mesh: &TestMesh, name: &str, fingerprint: &str) -> Result<(), VaultError> {
    let ask = Approval { fingerprint: fingerprint.to_owned() };
    mesh.lead.vault().approve(&admin(), node(name), ask).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_becomes_a_member_once_its_fingerprint_was_compared_and_not_before() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let token = token(&mesh, "alpha").await;
    let mut machine = mesh.stranger("alpha");
    let shown = left_waiting(&machine, &token).await;
    assert!(!machine.config_file().exists() && !machine.store_file().exists(), "it got nothing");
    let waiting = line(&mesh, "alpha").await.expect("in the roster");
    assert_eq!((waiting.standing, waiting.pin.fingerprint()), (Standing::Pending, shown.clone()));
    let other = NodeKey::generate().expect("a key").pin().fingerprint();
    assert!(matches!(approve(&mesh, "alpha", &other).await, Err(VaultError::Roster(RosterError::OtherFingerprint(_)))));
    assert_eq!(left_waiting(&machine, &token).await, shown, "the same machine shows the same key again");
    approve(&mesh, "alpha", &shown).await.expect("approved");
    assert!(matches!(approve(&mesh, "alpha", &shown).await, Err(VaultError::Roster(RosterError::NotPending(_)))));
    machine.join(&token).await.expect("the same join goes on");
    machine.start().await;
    machine.is_fresh().await;
    assert_eq!(machine.value(read("hubspot/api_key", None)).await.expect("readable"), "not-a-real-key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_waits_goes_on_by_itself_also_past_the_end_of_its_token_and_a_restart_of_the_lead() {
    let mut mesh = TestMesh::start().await;
    let token = token(&mesh, "alpha").await;
    let mut machine = mesh.stranger("alpha");
    let clock = Arc::clone(&machine.clock);
    let handle = tokio::spawn(async move {
        machine.join(&token).await.expect("joined in the end");
        machine
    });
    let waiting = eventually("it waits", || line(&mesh, "alpha")).await;
    mesh.lead.stop().await;
    mesh.lead.clock.advance(Duration::from_secs(601));
    clock.advance(Duration::from_secs(601));
    mesh.lead.start().await;
    // Any later token makes the lead forget those that have ended.
    mesh.token("beta", prod(&[])).await;
    approve(&mesh, "alpha", &waiting.pin.fingerprint()).await.expect("approved");
    let mut machine = tokio::time::timeout(Duration::from_secs(30), handle).await.expect("in time").expect("joined");
    machine.start().await;
    machine.is_fresh().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_holds_nothing_gets_no_certificate_and_is_not_let_in() {
    let mut mesh = TestMesh::start().await;
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let forge = Forge::of(&mut mesh.lead).await;
    let token = token(&mesh, "alpha").await;
    let key = NodeKey::generate().expect("a key");
    // The sealing key of a joiner by hand comes from its request, and is part of who it is.
    let csr = key.csr().expect("csr");
    let csr = || csr.clone();
    let pending = JoinAnswer::from(Refused { reason: RefusedReason::Pending });
    assert_eq!(ask_by_hand(&mesh, &token, csr()).await, pending);
    assert_eq!(ask_by_hand(&mesh, &token, csr()).await, pending, "again");
    assert_eq!(ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: csr() }).await, pending, "nor without the token");
    // Even with a certificate, which nobody gave it.
    let day = Duration::from_secs(86_400);
    let stolen = forge.issue(key, Role::Follower, "alpha", now(), day);
    let refused = turned_away(mesh.lead.running().address().expect("listens"), Some(&stolen)).await;
    assert!(matches!(refused, TransportError::PeerRefusedUs { refusal: Refusal::NotAdmitted }), "{refused:?}");
    let holders = mesh.lead.vault().versions(&admin(), place("hubspot/api_key", "global")).await.expect("told").holders;
    assert_eq!(holders.iter().filter(|holder| holder.node == node("alpha")).count(), 0);
    let exposure = mesh.lead.vault().exposure(&admin(), &ExposureOf::Node(node("alpha"))).await.expect("told");
    assert!(exposure.values.is_empty(), "it could have read nothing");
    let audit = mesh.lead.vault().audit_tail(&admin(), 100).await.expect("readable");
    assert_eq!(
        audit.iter().filter(|line| line.contains("waits for approval")).count(),
        1,
        "noted once, not every time"
    );
    // Banned while it waits, no key is replaced for it: it had none.
    let out = mesh.lead.vault().ban(&admin(), node("alpha"), "unknown machine".to_owned()).await.expect("banned");
    assert_eq!(out.scopes, 0);
    assert!(out.revision > stored.revision);
    assert!(matches!(
        approve(&mesh, "alpha", &line(&mesh, "alpha").await.expect("known").pin.fingerprint()).await,
        Err(VaultError::Roster(RosterError::Banned(_)))
    ));
}

#[tokio::test]
async fn tokens_are_listed_by_what_became_of_them_and_a_revoked_one_admits_nobody() {
    let mesh = TestMesh::start().await;
    let (used, open) = (mesh.token("alpha", prod(&[])).await, mesh.token("beta", prod(&["acme"])).await);
    mesh.stranger("alpha").join(&used).await.expect("joined");
    let listed = || async { mesh.lead.vault().tokens(&admin()).await.expect("listed") };
    let states: Vec<_> = listed().await.into_iter().map(|line| (line.node.to_string(), line.state)).collect();
    assert!(states.contains(&("alpha".to_owned(), TokenState::Consumed)), "{states:?}");
    assert!(states.contains(&("beta".to_owned(), TokenState::Open)), "{states:?}");
    let id = listed().await.into_iter().find(|line| line.node == node("beta")).expect("listed").id;
    assert_eq!(id, open.hash().id());
    let revoked = mesh.lead.vault().revoke_token(&admin(), &id).await.expect("revoked");
    assert_eq!((revoked.node, revoked.state), (node("beta"), TokenState::Open));
    let refused = mesh.stranger("beta").join(&open).await.expect_err("refused");
    assert!(format!("{refused:#}").contains("does not know this token"), "{refused:#}");
    let again = mesh.lead.vault().revoke_token(&admin(), &id).await;
    assert!(matches!(again, Err(VaultError::Roster(RosterError::NoSuchToken(_)))), "{again:?}");
    mesh.token("gamma", prod(&[])).await;
    mesh.lead.clock.advance(Duration::from_secs(601));
    assert!(listed().await.iter().any(|line| line.state == TokenState::Expired));
}

/// The later of two was told that the node had failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_revoke_a_token_at_once_one_does_and_the_others_hear_that_there_is_none() {
    let mesh = TestMesh::start().await;
    for round in 0..10 {
        let id = mesh.token(&format!("node-{round}"), prod(&[])).await.hash().id();
        let caller = admin();
        let revoked =
            futures_util::future::join_all((0..4).map(|_| mesh.lead.vault().revoke_token(&caller, &id))).await;
        assert_eq!(revoked.iter().filter(|revoked| revoked.is_ok()).count(), 1, "{revoked:?}");
        let unknown = |error: &VaultError| matches!(error, VaultError::Roster(RosterError::NoSuchToken(_)));
        assert!(revoked.iter().filter_map(|revoked| revoked.as_ref().err()).all(unknown), "{revoked:?}");
    }
}

/// The whole of it as people type it, with the exit codes that scripts see.
#[tokio::test]
async fn the_commands_lead_from_the_token_to_the_ban() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let create = ["token", "create", "alpha", "--approve", "-o", "json"];
    let issued = lead.run(&create, b"").await.json();
    let (token, id) = (issued["token"].as_str().expect("a token"), issued["id"].as_str().expect("an id"));
    let mut alpha = Node::new(dir.path(), "alpha", "info");
    let no_wait = ["join", "-", "--listen", "127.0.0.1:0", "--no-wait"];
    let waits = run(&mut alpha.prepare(&no_wait), token.as_bytes()).await;
    assert_eq!(waits.code, Some(6), "{waits:?}");
    let shown = lead.run(&["nodes", "show", "alpha", "-o", "json"], b"").await.json();
    let fingerprint = shown["fingerprint"].as_str().expect("shown").to_owned();
    assert!(waits.err.contains("approval pending") && waits.err.contains(&fingerprint), "{}", waits.err);
    assert_eq!(shown["standing"], "pending");
    let list = lead.run(&["token", "list"], b"").await;
    assert!(list.text().contains(id) && list.text().contains("consumed") && !list.text().contains("aurora-join"));
    let nodes = lead.run(&["nodes", "list"], b"").await;
    assert!(nodes.text().contains(&format!("alpha waits with key {fingerprint}")), "{nodes:?}");
    let wrong = lead.run(&["nodes", "approve", "alpha", "--fingerprint", "0000-0000-0000-0000", "--yes"], b"").await;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.err.contains("it may not be the machine that you mean"), "{}", wrong.err);
    let unasked = lead.run(&["nodes", "approve", "alpha"], b"").await;
    assert!(unasked.code == Some(1) && unasked.err.contains("--fingerprint"), "{unasked:?}");
    lead.run(&["nodes", "approve", "alpha", "--fingerprint", &fingerprint], b"").await.text();
    alpha.join(token).await;
    alpha.start().await;
    eventually("it has the value", || async {
        (alpha.run(&["get", "hubspot/api_key"], b"").await.code == Some(0)).then_some(())
    })
    .await;
    let reasonless = lead.run(&["nodes", "ban", "alpha", "--yes"], b"").await;
    assert!(reasonless.code == Some(1) && reasonless.err.contains("--reason"), "{reasonless:?}");
    let banned = lead.run(&["nodes", "ban", "alpha", "--reason", "its disk was stolen", "--yes"], b"").await;
    assert!(banned.text().contains("1 scope it held has a new key"), "{banned:?}");
    assert!(banned.err.contains("aurora exposure node:alpha"), "{}", banned.err);
    let told = eventually("it says that it is banned", || async {
        let status = alpha.run(&["status"], b"").await;
        status.text().contains("banned").then(|| status.text().to_owned())
    })
    .await;
    assert!(told.contains("by the lead"), "{told}");
    let refused = alpha.run(&["get", "hubspot/api_key"], b"").await;
    assert!(refused.code == Some(4) && refused.err.contains("the lead has banned this node"), "{refused:?}");
    let show = lead.run(&["nodes", "show", "alpha"], b"").await;
    assert!(show.text().contains("its disk was stolen"), "{}", show.text());
    lead.run(&["nodes", "remove", "alpha", "--yes"], b"").await.text();
    lead.run(&["token", "create", "alpha"], b"").await.text();
    let revoked = lead.run(&["token", "revoke", "alpha"], b"").await;
    assert!(revoked.text().contains("revoked; it was open"), "{revoked:?}");
    assert_eq!(lead.run(&["token", "revoke", "alpha"], b"").await.code, Some(3));
}
