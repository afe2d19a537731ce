//! An explanation says of every scope what became of it, and who holds which version; and nobody opens a value for it, or
//! to find that it is known already.

use std::time::Duration;

use aurora_mesh::model::freshness::FreshnessPolicy;
use aurora_mesh::model::number::Version;
use aurora_mesh::model::patch::{Patch, Wish};
use aurora_mesh::model::record::{Record, RecordBody};
use aurora_mesh::store::handle::Store;
use aurora_mesh::store::mutation::Mutation;
use aurora_mesh::vault::answer::{Explanation, Holder, ReadOutcome, SetBy, Tried};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{Context, Known, ReadRequest};

use crate::support::callers::{admin, agent, company, node, place, put, read, secret, stranger};
use crate::support::mesh::{TestMesh, TestNode, entitlement, prod};
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

async fn explained(on: &TestNode, name: &str, of: Option<&str>) -> Explanation {
    let context = Context { company: of.map(company), ..Context::default() };
    on.vault().explain(&agent(), secret(name), context).await.expect("explained")
}

fn outcomes(explanation: &Explanation) -> Vec<&Tried> {
    explanation.tried.iter().map(|tried| &tried.outcome).collect()
}

fn version(number: u64) -> Version {
    Version::new(number).expect("a version")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scope_says_what_became_of_it() {
    let mesh = TestMesh::start().await;
    let pod = mesh.follower("runpod-tx", entitlement("prod", &["acme"], &["openai/*"])).await;
    for in_scope in ["node:runpod-tx", "company:acme", "global"] {
        mesh.put(put("openai/api_key", in_scope, "not-a-real-key")).await;
    }
    mesh.delete(place("openai/api_key", "company:acme")).await;
    let destroyed = mesh.lead.vault().destroy(&admin(), place("openai/api_key", "node:runpod-tx"), None).await;
    pod.reaches(destroyed.expect("destroyed").revision).await;
    pod.is_fresh().await;
    let first = version(1);
    let (gone, deleted, won) =
        (Tried::Destroyed { version: first }, Tried::Deleted { version: first }, Tried::Won { version: first });
    let told = explained(&pod, "openai/api_key", Some("acme")).await;
    assert_eq!(outcomes(&told), [&gone, &deleted, &won]);
    assert_eq!(outcomes(&explained(&pod, "openai/api_key", None).await), [&gone, &Tried::NotNamed, &won]);
    let told = explained(&pod, "openai/api_key", Some("other")).await;
    assert_eq!((told.allowed, told.rule.as_str()), (false, "roster"));
    assert_eq!(told.tried[1].outcome, Tried::NotAllowed);
    let none = explained(&pod, "hubspot/api_key", None).await;
    assert_eq!(outcomes(&none), [&Tried::NotEntitled, &Tried::NotNamed, &Tried::NotEntitled]);
    assert!(none.winner.is_none() && none.holders.is_empty());
    let refused = pod.vault().explain(&stranger(), secret("openai/api_key"), Context::default()).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "who may not know is told nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_durations_in_force_are_told_with_who_set_them() {
    let own = FreshnessPolicy { ttl: Duration::from_secs(40), max_stale: Duration::from_secs(400) };
    let mesh = TestMesh::with_freshness(own).await;
    let mut request = put("openai/api_key", "global", "not-a-real-key");
    request.patch = Patch { ttl: Wish::Set(Duration::from_secs(7)), ..Patch::default() };
    mesh.put(request).await;
    let told = explained(&mesh.lead, "openai/api_key", None).await.durations;
    assert_eq!((told.policy.ttl, told.ttl_by), (Duration::from_secs(7), SetBy::Secret));
    assert_eq!((told.policy.max_stale, told.max_stale_by), (Duration::from_secs(400), SetBy::Node));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_knows_which_node_holds_which_version() {
    let mesh = TestMesh::start().await;
    let laptop = mesh.follower("laptop", prod(&[])).await;
    let mut pod = mesh.follower("runpod-tx", prod(&[])).await;
    let outside = mesh.follower("outside", entitlement("prod", &[], &["hubspot/*"])).await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key-1")).await;
    let second = mesh.put(put("openai/api_key", "global", "not-a-real-key-2")).await.revision;
    for node in [&laptop, &pod, &outside] {
        node.reaches(second).await;
    }
    holds(&mesh, "runpod-tx", true, Some(true), Some(2)).await;
    pod.stop().await;
    let third = mesh.put(put("openai/api_key", "global", "not-a-real-key-3")).await.revision;
    laptop.reaches(third).await;
    holds(&mesh, "laptop", true, Some(true), Some(3)).await;
    holds(&mesh, "runpod-tx", true, Some(false), Some(2)).await;
    holds(&mesh, "outside", false, None, None).await;
    holds(&mesh, "aurora", true, Some(true), Some(3)).await;
    let own = explained(&laptop, "openai/api_key", None).await.holders;
    assert_eq!((own.len(), own[0].node.as_str(), own[0].version), (1, "laptop", Some(version(3))));
}

async fn holds(mesh: &TestMesh, name: &str, entitled: bool, current: Option<bool>, number: Option<u64>) {
    let wanted = Holder { node: node(name), entitled, current, version: number.map(version) };
    eventually(&format!("{wanted:?}"), || async {
        let holders = explained(&mesh.lead, "openai/api_key", None).await.holders;
        holders.contains(&wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn versions_say_who_holds_which_when_asked_to() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("openai/api_key", "global", "not-a-real-key").await;
    let plain = lead.run(&["versions", "openai/api_key"], b"").await;
    assert!(!plain.text().contains("NODE"), "{plain:?}");
    let nodes = lead.run(&["versions", "openai/api_key", "--nodes"], b"").await;
    let line = nodes.text().lines().last().expect("a node").split_whitespace().collect::<Vec<_>>();
    assert_eq!(line, ["aurora", "yes", "1", "yes"], "{nodes:?}");
    let told = lead.run(&["explain", "openai/api_key"], b"").await;
    for part in ["fresh for 5 m (the node's), then usable for 1 h (the node's)", "HOLDS VERSION", "won"] {
        assert!(told.text().contains(part), "{told:?}");
    }
}

/// A value that cannot be opened is known by its version all the same: nobody tries to open it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_known_is_answered_without_opening_the_value() {
    let mut mesh = TestMesh::start().await;
    let stored = mesh.put(put("openai/api_key", "global", "not-a-real-key")).await;
    mesh.lead.stop().await;
    let (store, contents) = Store::open(&mesh.lead.store_file()).await.expect("opens");
    let mut record: Record = contents.records.into_iter().next().expect("one");
    let RecordBody::Sealed(sealed) = &mut record.body else { panic!("a value") };
    sealed.ciphertext[0] ^= 1;
    store.commit(vec![Mutation::PutRecord(record)]).await.expect("written");
    store.close().await.expect("closes");
    mesh.lead.start().await;
    let ask = |known| ReadRequest { known, ..read("openai/api_key", None) };
    let opened = mesh.lead.vault().read(&agent(), ask(None)).await;
    assert!(matches!(opened, Err(VaultError::Internal(_))), "{opened:?}");
    let known = ask(Some(Known::Values(vec![(stored.secret_id, stored.version)])));
    let known = mesh.lead.vault().read(&agent(), known).await;
    assert!(matches!(known, Ok(ReadOutcome::NotModified { .. })), "{known:?}");
}
