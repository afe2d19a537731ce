//! A token admits one node, once, to the mesh that made it, and to no other.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::fs::Permissions;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use aurora_mesh::crypto::error::CryptoError;
use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::daemon::join::{JoinOptions, WhilePending, join};
use aurora_mesh::daemon::node::RunningNode;
use aurora_mesh::store::contents::Contents;
use aurora_mesh::store::failpoint::Failpoint;
use aurora_mesh::store::handle::Store;
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::TokenRequest;
use aurora_mesh::vault::roster_error::RosterError;
use aurora_mesh::wire::join::{JoinAnswer, Refused, RefusedReason, Rejoin};

use crate::support::callers::{admin, node, put, read};
use crate::support::forge::{ask_as_stranger, ask_by_hand};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::process::{Node, directory, run};

#[tokio::test]
async fn a_token_used_again_with_another_key_is_refused_and_raises_the_alarm() {
    let log = Log::capture();
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let (mut first, mut thief) = (mesh.stranger("alpha"), mesh.stranger("thief"));
    first.join(&token).await.expect("joined");
    assert!(audited(&mesh, "token.reused").await.is_empty());
    let refused = refusal(thief.join(&token).await);
    assert!(refused.contains("the token was used before"), "{refused}");
    assert!(!thief.config_file().exists() && !thief.store_file().exists());
    let alarm = audited(&mesh, "token.reused").await;
    assert_eq!(alarm.len(), 1, "{alarm:?}");
    assert_eq!(log.lines_with("was it stolen").len(), 1);
    first.start().await;
    first.is_fresh().await;
}

/// A stranger costs a line in the journal, not a flush of the store.
#[tokio::test]
async fn a_refused_joiner_leaves_a_line_and_touches_nothing_else() {
    let mesh = TestMesh::start().await;
    let real = mesh.token("alpha", prod(&[])).await;
    let entropy = SystemEntropy;
    let guessed = JoinSecret::generate(real.ca_pin(), real.addresses().to_vec(), &entropy).expect("a token");
    let touched = || std::fs::metadata(mesh.lead.store_file()).expect("kept").modified().expect("a time");
    let before = touched();
    refusal(mesh.stranger("alpha").join(&guessed).await);
    let answer = ask_by_hand(&mesh, &real, b"no request".to_vec()).await;
    assert_eq!(answer, JoinAnswer::from(Refused { reason: RefusedReason::BadRequest }));
    let denied = audited(&mesh, "node.join").await;
    assert!(denied.iter().any(|line| line.contains("no signing request")), "{denied:?}");
    assert_eq!(touched(), before);
    mesh.stranger("alpha").join(&real).await.expect("joined");
    assert_ne!(touched(), before, "else this test shows nothing");
}

/// The answer of the lead was lost, or the disk was full when it came: the same machine asks again with the same key.
#[tokio::test]
async fn an_interrupted_join_is_resumed_with_the_same_token() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let mut node = mesh.stranger("alpha");
    interrupt(&mesh, &node, &token).await;
    let pinned = pin_of(&mesh, "alpha").await;
    node.join(&token).await.expect("the same key is let in again");
    assert_eq!(pin_of(&mesh, "alpha").await, pinned);
    assert!(audited(&mesh, "token.reused").await.is_empty());
    node.start().await;
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    node.reaches(stored.revision).await;
    node.is_fresh().await;
    assert_eq!(node.value(read("hubspot/api_key", None)).await.expect("readable"), "not-a-real-key");
}

/// Only the configuration file kept a join from an existing node. With another `--config`, the store of the lead, the CA in
/// it, and every secret of the mesh were removed once the answer had come.
/// An empty key file was left under its name by a `kill -9` between making and writing it: neither `init` nor `join` ever went
/// past it again.
#[tokio::test]
async fn a_beginning_that_was_killed_while_it_wrote_its_key_is_repeated() {
    let dir = directory();
    let lead = Node::new(dir.path(), "aurora", "info");
    let listen = ["init", "--listen", "127.0.0.1:0"];
    for point in Failpoint::OF_BEGINNING {
        let killed = run(lead.prepare(&listen).env("AURORA_FAILPOINT", point.name()), b"").await;
        assert_eq!(killed.code, None, "{point:?} is not passed: {killed:?}");
        assert!(!lead.state_dir().join("unseal.key").exists(), "{point:?}");
    }
    run(&mut lead.prepare(&listen), b"").await.text();
    assert_eq!(std::fs::read_to_string(lead.state_dir().join("unseal.key")).expect("a key").trim().len(), 64);
}

#[tokio::test]
async fn a_join_never_touches_the_store_of_another_node() {
    let mut mesh = TestMesh::start().await;
    let theirs = TestMesh::start().await;
    let token = theirs.token("alpha", prod(&[])).await;
    let mut follower = mesh.follower("beta", prod(&[])).await;
    for node in [&mesh.lead, &follower] {
        let refused = refusal(join_over(node, &token).await);
        assert!(refused.contains("holds a node already"), "while it runs: {refused}");
    }
    mesh.lead.stop().await;
    follower.stop().await;
    for node in [&mesh.lead, &follower] {
        let before = std::fs::read(node.store_file()).expect("kept");
        let refused = refusal(join_over(node, &token).await);
        assert!(refused.contains("join with another --state-dir"), "{refused}");
        assert!(std::fs::read(node.store_file()).expect("kept") == before, "the store was changed");
        assert!(!node.config.node.state_dir.join("joining.redb").exists(), "no keys were made there");
    }
    assert!(audited(&theirs, "node.join").await.is_empty(), "the token was shown to nobody");
    mesh.lead.start().await;
    follower.start().await;
    follower.is_fresh().await;
}

/// The keys of an interrupted join say whose store may be made again: a lead's, another follower's and one that is in use
/// may not.
#[tokio::test]
async fn the_keys_of_an_interrupted_join_open_the_way_over_its_own_store_only() {
    let mut mesh = TestMesh::start().await;
    let (alpha, beta) = (mesh.token("alpha", prod(&[])).await, mesh.token("beta", prod(&[])).await);
    let mut node = mesh.stranger("alpha");
    interrupt(&mesh, &node, &alpha).await;
    let mut other = mesh.stranger("beta");
    other.join(&beta).await.expect("joined");
    let own = std::fs::read(node.store_file()).expect("kept");
    // Whoever asked first and looked then would say that no lead can be reached.
    mesh.lead.stop().await;
    for (foreign, whose) in [(mesh.lead.store_file(), "the lead aurora"), (other.store_file(), "the follower beta")] {
        std::fs::copy(&foreign, node.store_file()).expect("put in the way");
        let refused = refusal(node.join(&alpha).await);
        assert!(refused.contains(whose) && refused.contains("--state-dir"), "{refused}");
        assert_eq!(contents(&node.store_file()).await, contents(&foreign).await);
    }
    std::fs::write(node.store_file(), own).expect("put back");
    let (held, _) = Store::open(&node.store_file()).await.expect("opened");
    let refused = refusal(node.join(&alpha).await);
    assert!(refused.contains("is another aurora running?"), "{refused}");
    held.close().await.expect("closed");
    mesh.lead.start().await;
    node.join(&alpha).await.expect("its own store is made again");
    node.start().await;
    node.is_fresh().await;
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    mesh.lead.clock.advance(Duration::from_secs(601));
    let refused = refusal(mesh.stranger("alpha").join(&token).await);
    assert!(refused.contains("the token has expired"), "{refused}");
    let denied = audited(&mesh, "node.join").await;
    assert!(denied.iter().any(|line| line.contains("deny") && line.contains("expired")), "{denied:?}");
}

#[tokio::test]
async fn a_token_the_lead_never_made_is_refused() {
    let mesh = TestMesh::start().await;
    let real = mesh.token("alpha", prod(&[])).await;
    let entropy = SystemEntropy;
    let guessed = JoinSecret::generate(real.ca_pin(), real.addresses().to_vec(), &entropy).expect("a token");
    let refused = refusal(mesh.stranger("alpha").join(&guessed).await);
    assert!(refused.contains("it does not know this token"), "{refused}");
}

#[tokio::test]
async fn a_damaged_token_is_called_damaged_before_anybody_is_asked() {
    let mesh = TestMesh::start().await;
    let text = mesh.token("alpha", prod(&[])).await.text();
    let mut text = String::from_utf8(text.expose().to_vec()).expect("text");
    text.pop();
    assert_eq!(JoinSecret::parse(&text).expect_err("cut"), CryptoError::DamagedToken);
    assert!(audited(&mesh, "node.join").await.is_empty());
}

#[tokio::test]
async fn a_token_is_never_shown_to_the_lead_of_another_mesh() {
    let (ours, theirs) = (TestMesh::start().await, TestMesh::start().await);
    let token = ours.token("alpha", prod(&[])).await;
    let there = theirs.lead.config.mesh.listen.to_string();
    let refused = refusal(ours.stranger("alpha").join_through(&token, Some(there)).await);
    assert!(refused.contains("not of this mesh's authority"), "{refused}");
    assert!(audited(&theirs, "node.join").await.is_empty());
    ours.stranger("alpha").join(&token).await.expect("it is still good where it was made");
}

#[tokio::test]
async fn a_name_is_given_to_one_node_only() {
    let log = Log::capture();
    let mesh = TestMesh::start().await;
    let (first, second) = (mesh.token("alpha", prod(&[])).await, mesh.token("alpha", prod(&[])).await);
    mesh.stranger("alpha").join(&first).await.expect("joined");
    let refused = refusal(mesh.stranger("beta").join(&second).await);
    assert!(refused.contains("its node has joined already"), "{refused}");
    assert!(audited(&mesh, "token.reused").await.is_empty(), "no token was used twice");
    assert!(log.lines_with("was it stolen").is_empty());
    let ask = TokenRequest { node: node("alpha"), entitlement: prod(&[]), approve: false, valid_for: None };
    let taken = mesh.lead.vault().issue_token(&admin(), ask).await;
    assert!(matches!(taken, Err(VaultError::Roster(RosterError::Exists(_)))), "{taken:?}");
}

#[tokio::test]
async fn the_address_of_the_lead_is_all_a_joiner_needs() {
    let mut mesh = TestMesh::start().await;
    tell_nobody_where(&mut mesh.lead).await;
    let token = mesh.token("alpha", prod(&[])).await;
    let mut alpha = mesh.stranger("alpha");
    let lost = refusal(alpha.join(&token).await);
    assert!(lost.contains("give its address with --lead HOST:PORT"), "{lost}");
    let lead = mesh.lead.config.mesh.listen.to_string();
    alpha.join_through(&token, Some(lead.clone())).await.expect("joined");
    assert_eq!(alpha.config.mesh.leads.first(), Some(&lead));
    alpha.start().await;
    alpha.is_fresh().await;
}

/// Whether what one socket of this machine says to a group reaches another that listens for it.
fn has_multicast() -> bool {
    let group = Ipv4Addr::new(239, 255, 77, 1);
    let heard = || -> std::io::Result<bool> {
        let (listening, speaking) = (UdpSocket::bind("0.0.0.0:0")?, UdpSocket::bind("0.0.0.0:0")?);
        listening.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
        listening.set_read_timeout(Some(Duration::from_secs(5)))?;
        speaking.send_to(b"aurora", (group, listening.local_addr()?.port()))?;
        let mut bytes = [0; 16];
        Ok(listening.recv(&mut bytes)? > 0)
    };
    heard().unwrap_or(false)
}

/// The lead is found by its announcement.
#[tokio::test]
async fn a_lead_on_the_local_network_is_found_without_an_address() {
    if !has_multicast() {
        eprintln!("skipped: no network interface of this machine carries multicast");
        return;
    }
    let mut mesh = TestMesh::start().await;
    mesh.lead.config.mesh.discovery = true;
    // What is announced are the addresses of the machine; the lead must be there.
    mesh.lead.config.mesh.listen.set_ip([0, 0, 0, 0].into());
    tell_nobody_where(&mut mesh.lead).await;
    let token = mesh.token("alpha", prod(&[])).await;
    let mut alpha = mesh.stranger("alpha");
    alpha.config.mesh.discovery = true;
    alpha.config.mesh.listen.set_ip([0, 0, 0, 0].into());
    // An announcement may be lost or late, as any datagram; who joins gives up after five seconds.
    let mut tries = 0;
    while let Err(lost) = alpha.join(&token).await {
        tries += 1;
        assert!(tries < 8, "{lost:#}");
    }
    alpha.start().await;
    alpha.is_fresh().await;
}

#[tokio::test]
async fn a_node_whose_key_others_may_read_does_not_start() {
    let mesh = TestMesh::start().await;
    let mut alpha = mesh.follower("alpha", prod(&[])).await;
    alpha.stop().await;
    let key = alpha.config.node.state_dir.join("unseal.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o640)).expect("changed");
    let refused = refusal(start(&alpha).await);
    assert!(refused.contains("chmod 600"), "{refused}");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("changed");
    alpha.start().await;
}

#[tokio::test]
async fn a_state_directory_others_may_enter_is_not_used() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let mut alpha = mesh.stranger("alpha");
    let dir = alpha.config.node.state_dir.clone();
    std::fs::create_dir(&dir).expect("made");
    std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("changed");
    let refused = refusal(alpha.join(&token).await);
    assert!(refused.contains("chmod 700"), "{refused}");
    assert!(audited(&mesh, "node.join").await.is_empty(), "the token was shown to nobody");
}

#[tokio::test]
async fn the_configuration_of_another_node_is_refused() {
    let mesh = TestMesh::start().await;
    let mut alpha = mesh.follower("alpha", prod(&[])).await;
    alpha.stop().await;
    let right = alpha.config.clone();
    alpha.config.node.name = node("beta");
    let refused = refusal(start(&alpha).await);
    assert!(refused.contains("node.toml says name beta, the store belongs to name alpha"), "{refused}");
    alpha.config = right;
    alpha.start().await;
}

/// The lead's tokens carry an address that nobody can dial.
async fn tell_nobody_where(lead: &mut TestNode) {
    lead.stop().await;
    lead.config.mesh.leads = vec!["127.0.0.1:0".to_owned()];
    lead.start().await;
}

/// A join that is answered and whose store is made, but whose configuration cannot be written.
async fn interrupt(mesh: &TestMesh, node: &TestNode, token: &JoinSecret) {
    let in_the_way = mesh.dir.path().join("not-a-directory");
    std::fs::write(&in_the_way, "").expect("written");
    let config_file = in_the_way.join("node.toml");
    let blocked = JoinOptions { template: node.config.clone(), config_file, lead: None, pending: WhilePending::Wait };
    let interrupted = join(token, &blocked, None, &node.seams()).await;
    assert!(refusal(interrupted.map(drop)).contains("cannot write"));
    assert!(node.store_file().exists(), "else this interrupts nothing");
}

async fn contents(store_file: &Path) -> Contents {
    let (store, contents) = Store::open(store_file).await.expect("opened");
    store.close().await.expect("closed");
    contents
}

/// `aurora join` in the state directory of a node, with a configuration file of another name.
async fn join_over(node: &TestNode, token: &JoinSecret) -> anyhow::Result<()> {
    let config_file = node.config_file().with_extension("other.toml");
    let options = JoinOptions { template: node.config.clone(), config_file, lead: None, pending: WhilePending::Wait };
    join(token, &options, None, &node.seams()).await.map(drop)
}

async fn start(node: &TestNode) -> anyhow::Result<()> {
    RunningNode::start(&node.config, None, &node.seams()).await.map(drop)
}

fn refusal(outcome: anyhow::Result<()>) -> String {
    format!("{:#}", outcome.expect_err("refused"))
}

async fn audited(mesh: &TestMesh, action: &str) -> Vec<String> {
    let lines = mesh.lead.vault().audit_tail(&admin(), 100).await.expect("readable");
    let wanted = format!("\"action\":\"{action}\"");
    lines.into_iter().filter(|line| line.contains(&wanted)).collect()
}

async fn pin_of(mesh: &TestMesh, name: &str) -> String {
    let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    let line = nodes.iter().find(|line| line.name.as_str() == name).expect("in the roster");
    line.pin.fingerprint()
}

#[tokio::test]
async fn only_the_key_of_a_member_comes_back_without_a_token() {
    let mesh = TestMesh::start().await;
    let token = mesh.token("alpha", prod(&[])).await;
    let csr = || NodeKey::generate().expect("a key").csr().expect("csr");
    let refused =
        |answer| matches!(answer, JoinAnswer::Refused(refused) if refused.reason == RefusedReason::UnknownKey);
    assert!(refused(ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: csr() }).await));
    let key = NodeKey::generate().expect("a key");
    assert!(refused(ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: key.csr().expect("csr") }).await));
    let joined = ask_by_hand(&mesh, &token, key.csr().expect("csr")).await;
    assert!(matches!(joined, JoinAnswer::Admitted(_)));
    let back = ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: key.csr().expect("csr") }).await;
    assert!(matches!(back, JoinAnswer::Admitted(admitted) if admitted.node == "alpha"));
    let garbled = ask_as_stranger(&mesh, token.ca_pin(), Rejoin { csr: vec![0x30, 0x82] }).await;
    assert!(matches!(garbled, JoinAnswer::Refused(refused) if refused.reason == RefusedReason::BadRequest));
}

/// Two names for one key, and a node that came back under the wrong one was fed what the other may hold.
#[tokio::test]
async fn one_key_is_one_node() {
    let mesh = TestMesh::start().await;
    let key = NodeKey::generate().expect("a key");
    let first = mesh.token("alpha", prod(&[])).await;
    assert!(matches!(ask_by_hand(&mesh, &first, key.csr().expect("csr")).await, JoinAnswer::Admitted(_)));
    let second = mesh.token("beta", prod(&[])).await;
    let answer = ask_by_hand(&mesh, &second, key.csr().expect("csr")).await;
    assert!(matches!(answer, JoinAnswer::Refused(Refused { reason: RefusedReason::KeyInUse })), "{answer:?}");
}

/// How many questions of strangers are heard at once.
const STRANGERS_HEARD: usize = 64;

/// Strangers were counted before anybody looked at what a question shows: five questions a second from anywhere kept out a
/// machine with a fresh token, and a member that had slept past its certificate.
#[tokio::test]
async fn strangers_who_ask_too_fast_keep_out_neither_a_fresh_token_nor_a_member_that_returns() {
    let mesh = TestMesh::start().await;
    // Nothing is earned back while the test runs.
    mesh.lead.clock.hold();
    let (alpha, beta) = (mesh.token("alpha", prod(&[])).await, mesh.token("beta", prod(&[])).await);
    let csr = || NodeKey::generate().expect("a key").csr().expect("csr");
    let busy = JoinAnswer::from(Refused { reason: RefusedReason::Busy });
    let of_alpha = csr();
    assert!(matches!(ask_by_hand(&mesh, &alpha, of_alpha.clone()).await, JoinAnswer::Admitted(_)));
    assert_eq!(heard_strangers(&mesh, &alpha).await, STRANGERS_HEARD, "whoever has a token is none of them");
    assert_eq!(ask_as_stranger(&mesh, alpha.ca_pin(), Rejoin { csr: csr() }).await, busy, "a key nobody knows");
    assert_eq!(ask_by_hand(&mesh, &alpha, csr()).await, busy, "a token that another has used");
    assert_eq!(ask_by_hand(&mesh, &beta, b"no request".to_vec()).await, busy, "a token without a key");
    let admitted =
        |answer: JoinAnswer, name: &str| matches!(answer, JoinAnswer::Admitted(admitted) if admitted.node == name);
    assert!(admitted(ask_by_hand(&mesh, &beta, csr()).await, "beta"), "a fresh token");
    assert!(admitted(ask_as_stranger(&mesh, alpha.ca_pin(), Rejoin { csr: of_alpha.clone() }).await, "alpha"));
    assert!(admitted(ask_by_hand(&mesh, &alpha, of_alpha).await, "alpha"), "its answer was lost, so it asks again");
    assert_eq!(ask_by_hand(&mesh, &beta, csr()).await, busy, "used up by now");
    assert!(audited(&mesh, "token.reused").await.is_empty(), "what is not heard raises no alarm");
}

/// Shows tokens nobody made until one is not heard; gives how many were.
async fn heard_strangers(mesh: &TestMesh, real: &JoinSecret) -> usize {
    let guessed = JoinSecret::generate(real.ca_pin(), real.addresses().to_vec(), &SystemEntropy).expect("a token");
    let csr = NodeKey::generate().expect("a key").csr().expect("csr");
    for heard in 0..=STRANGERS_HEARD {
        let JoinAnswer::Refused(refused) = ask_by_hand(mesh, &guessed, csr.clone()).await else {
            panic!("a token nobody made admits somebody")
        };
        if refused.reason == RefusedReason::Busy {
            return heard;
        }
        assert_eq!(refused.reason, RefusedReason::UnknownToken);
    }
    panic!("they are heard without an end")
}
