//! A candidate is tested against what was really asked.

use aurora_mesh::model::caller::Caller;
use aurora_mesh::policy::replay::Drift;
use aurora_mesh::vault::error::VaultError;

use super::{SAMPLE, grant};
use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::mesh::{TestMesh, prod};

async fn drift(mesh: &TestMesh, text: &str, days: u32) -> Drift {
    let tested = mesh.lead.vault().test_policy(&admin(), text, days).await.expect("tested");
    assert_eq!(tested.unreadable, 0);
    tested.drift
}

fn told(drift: &Drift) -> Vec<String> {
    let each = drift.differences.iter().map(|difference| {
        let secret = difference.secret.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{} {} {secret} x{}", difference.principal, difference.action.as_str(), difference.count)
    });
    let mut told: Vec<String> = each.collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_is_decided_again_and_only_what_would_come_out_otherwise_is_told() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    mesh.put(put("stripe/api_key", "company:acme", "not-a-real-key")).await;
    for _ in 0..3 {
        mesh.lead.value(read("hubspot/api_key", None)).await.expect("a reader may");
    }
    mesh.lead.value(read("stripe/api_key", Some("acme"))).await.expect("a reader may");
    let refused = mesh.lead.vault().read(&stranger(), read("hubspot/api_key", None)).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    let nobody = Caller { uid: 65_534, ..stranger() };
    assert!(mesh.lead.vault().read(&nobody, read("hubspot/api_key", None)).await.is_err());

    let same = drift(&mesh, SAMPLE, 30).await;
    assert!(same.is_none() && same.differences.is_empty() && same.compared >= 7 && same.skipped >= 1, "{same:?}");

    let me = format!("user:{}", rustix::process::geteuid().as_raw());
    let none = drift(&mesh, "", 30).await;
    assert_eq!(
        told(&none),
        [format!("{me} secret.read hubspot/api_key x3"), format!("{me} secret.read stripe/api_key x1")]
    );
    let open = drift(&mesh, &(SAMPLE.to_owned() + &grant("open", "user:54321", "hubspot")), 30).await;
    assert_eq!(told(&open), ["user:54321 secret.read hubspot/api_key x1"]);
    assert!(!open.is_none());
    // For a company's value the line says which company it was: a grant for another does not cover it.
    let without_company = SAMPLE.replace("companies = \"*\"", "companies = [\"other\"]");
    assert_eq!(told(&drift(&mesh, &without_company, 30).await), [format!("{me} secret.read stripe/api_key x1")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_says_for_which_company_a_request_was_made() {
    let mesh = TestMesh::start().await;
    mesh.put(put("stripe/api_key", "company:acme", "not-a-real-key")).await;
    mesh.lead.value(read("stripe/api_key", Some("acme"))).await.expect("a reader may");
    assert!(mesh.lead.read(read("stripe/absent", Some("other"))).await.is_err());
    mesh.put(put("stripe/api_key", "global", "not-a-real-key")).await;
    let lines = mesh.lead.vault().audit_tail(&admin(), 20).await.expect("the journal");
    let companies = |name: &str| lines.iter().filter(|line| line.contains(&format!("\"company\":\"{name}\""))).count();
    // The write has two lines: what was intended, and what came of it.
    assert_eq!((companies("acme"), companies("other")), (3, 1), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_earlier_than_the_days_that_were_named_does_not_count() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    mesh.lead.value(read("hubspot/api_key", None)).await.expect("a reader may");
    mesh.lead.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    assert!(drift(&mesh, "", 2).await.differences.is_empty());
    assert_eq!(drift(&mesh, "", 4).await.differences.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_tests_against_its_own_journal() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    follower.reaches(stored.revision).await;
    follower.is_fresh().await;
    follower.value(read("hubspot/api_key", None)).await.expect("a reader may");
    let tested = follower.vault().test_policy(&admin(), "", 30).await.expect("tested");
    assert_eq!(tested.drift.differences.len(), 1);
    let refused = follower.vault().test_policy(&agent(), "", 30).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
}
