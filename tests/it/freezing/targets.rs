//! What can be frozen, what it takes with it and what it leaves alone; and what is under way when it comes.

use aurora_mesh::model::freeze::FreezeLevel;
use aurora_mesh::vault::answer_freezes::FreezeRequest;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{Context, ExportRequest, ListRequest, ReadRequest, WatchRequest};

use super::{REASON, freeze, frozen_by, unfreeze};
use crate::support::callers::{admin, agent, put, read, scope, secret, stranger};
use crate::support::mesh::TestMesh;

const ONE: &str = "hubspot/api_key";
const OTHER: &str = "stripe/key";

async fn stage() -> TestMesh {
    let mesh = TestMesh::start().await;
    mesh.put(put(ONE, "global", "not-a-real-key")).await;
    mesh.put(put(ONE, "company:acme", "not-a-real-key-of-acme")).await;
    mesh.put(put(OTHER, "global", "not-a-real-key-either")).await;
    mesh
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_secret_is_left_out_of_exports_and_is_still_known_of() {
    let mesh = stage().await;
    freeze(&mesh, "secret:hubspot/api_key", FreezeLevel::Read).await;
    assert_eq!(frozen_by(mesh.lead.read(read(ONE, None)).await), "secret:hubspot/api_key");
    assert_eq!(frozen_by(mesh.lead.read(read(ONE, Some("acme"))).await), "secret:hubspot/api_key");
    assert_eq!(mesh.lead.value(read(OTHER, None)).await.expect("another secret"), "not-a-real-key-either");
    let everything = ExportRequest { context: Context::default(), scope: None, prefix: None, cursor: None };
    let page = mesh.lead.vault().export(&agent(), &everything).await.expect("the others");
    assert_eq!((page.answers.len(), page.refused), (1, 1));
    let listed = mesh.lead.vault().list(&agent(), ListRequest::default()).await.expect("a list uses nothing");
    assert_eq!(listed.items.len(), 3);
    freeze(&mesh, "secret:hubspot/api_key", FreezeLevel::All).await;
    let listed = mesh.lead.vault().list(&agent(), ListRequest::default()).await.expect("it names no secret");
    assert_eq!(listed.items.len(), 3);
    let explained = mesh.lead.vault().explain(&agent(), secret(ONE), Context::default()).await;
    assert_eq!(frozen_by(explained), "secret:hubspot/api_key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_company_is_refused_however_it_is_named_and_the_others_go_on() {
    let mesh = stage().await;
    freeze(&mesh, "company:acme", FreezeLevel::Read).await;
    let by_scope = ReadRequest { scope: Some(scope("company:acme")), ..read(ONE, None) };
    assert_eq!(frozen_by(mesh.lead.read(by_scope).await), "company:acme");
    assert_eq!(frozen_by(mesh.lead.read(read(ONE, Some("acme"))).await), "company:acme");
    assert_eq!(frozen_by(mesh.lead.read(read(OTHER, Some("acme"))).await), "company:acme", "a global value for acme");
    for other in [None, Some("beta")] {
        mesh.lead.value(read(ONE, other)).await.expect("not on behalf of acme");
    }
    mesh.put(put(ONE, "company:acme", "changed")).await;
    freeze(&mesh, "company:acme", FreezeLevel::Write).await;
    mesh.lead.value(read(ONE, Some("acme"))).await.expect("reading is not frozen any more");
    let vault = mesh.lead.vault();
    assert_eq!(frozen_by(vault.put(&admin(), put(ONE, "company:acme", "again")).await), "company:acme");
    let many = vec![put(ONE, "global", "a"), put(ONE, "company:acme", "b")];
    assert_eq!(frozen_by(vault.import(&admin(), many, false, None).await), "company:acme");
    assert_eq!(mesh.lead.value(read(ONE, None)).await.expect("nothing of the import"), "not-a-real-key");
    mesh.put(put(ONE, "company:beta", "goes on")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_freezes_overlap_and_each_is_lifted_by_itself() {
    let mesh = stage().await;
    freeze(&mesh, "mesh", FreezeLevel::Read).await;
    freeze(&mesh, "secret:hubspot/api_key", FreezeLevel::All).await;
    assert_eq!(frozen_by(mesh.lead.read(read(ONE, None)).await), "secret:hubspot/api_key", "the stricter one");
    assert_eq!(frozen_by(mesh.lead.read(read(OTHER, None)).await), "mesh");
    unfreeze(&mesh, "mesh").await;
    assert_eq!(frozen_by(mesh.lead.read(read(ONE, None)).await), "secret:hubspot/api_key");
    mesh.lead.value(read(OTHER, None)).await.expect("not frozen any more");
    unfreeze(&mesh, "secret:hubspot/api_key").await;
    mesh.lead.value(read(ONE, None)).await.expect("not frozen any more");
}

/// Whoever may not read a secret does not learn from a freeze that there is one, nor why it is frozen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_would_be_denied_anyway_is_denied_and_told_nothing() {
    let mesh = stage().await;
    freeze(&mesh, "secret:hubspot/api_key", FreezeLevel::All).await;
    let frozen = mesh.lead.vault().read(&stranger(), read(ONE, None)).await.expect_err("refused");
    let absent = mesh.lead.vault().read(&stranger(), read("no/such", None)).await.expect_err("refused");
    assert_eq!((frozen.code(), frozen.to_string()), (absent.code(), absent.to_string()));
    assert_eq!(frozen.code(), "denied");
    assert!(mesh.lead.vault().freezes_told(&stranger()).is_empty(), "it is about nobody there");
    freeze(&mesh, "mesh", FreezeLevel::Read).await;
    assert_eq!(mesh.lead.vault().freezes_told(&stranger()).len(), 1, "the mesh is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whoever_manages_the_policy_freezes_and_never_without_a_reason() {
    let mesh = stage().await;
    let ask = |reason: &str| FreezeRequest {
        target: super::target("mesh"),
        level: FreezeLevel::Read,
        reason: reason.to_owned(),
    };
    for caller in [agent(), stranger()] {
        let refused = mesh.lead.vault().freeze(&caller, ask(REASON)).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
        let refused = mesh.lead.vault().freezes(&caller).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    }
    for reason in ["", " ", "two\nlines", &"x".repeat(257)] {
        let refused = mesh.lead.vault().freeze(&admin(), ask(reason)).await;
        assert!(matches!(refused, Err(VaultError::FreezeReason)), "{refused:?}");
    }
    mesh.lead.value(read(ONE, None)).await.expect("nothing is frozen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_on_its_way_out_is_held_back_and_a_watch_under_way_ends() {
    let mesh = stage().await;
    let answer = mesh.lead.read(read(ONE, None)).await.expect("not frozen yet");
    let watched = WatchRequest { name: Some(secret(ONE)), ..WatchRequest::default() };
    let mut watch = mesh.lead.vault().watch(&agent(), watched).await.expect("not frozen yet");
    assert_eq!(watch.next().await.expect("it begins").len(), 1);
    freeze(&mesh, "secret:hubspot/api_key", FreezeLevel::All).await;
    assert_eq!(frozen_by(mesh.lead.vault().confirm(&answer)), "secret:hubspot/api_key");
    mesh.put(put(OTHER, "global", "something happens")).await;
    assert!(watch.next().await.is_none(), "nothing more is told");
    unfreeze(&mesh, "secret:hubspot/api_key").await;
    mesh.lead.vault().confirm(&answer).expect("it may leave again");
}
