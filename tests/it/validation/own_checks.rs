//! The checks a node makes by itself, through the seam of the schedule.

use std::collections::BTreeSet;

use aurora_mesh::actors::checker::Checker;
use aurora_mesh::connectivity::subject::Subject;
use aurora_mesh::model::connectivity::{PathFault, Verdict};
use aurora_mesh::model::freeze::{FreezeLevel, FreezeTarget};
use aurora_mesh::model::name::ServiceName;
use aurora_mesh::vault::answer_freezes::FreezeRequest;

use super::Stage;
use crate::support::callers::admin;

impl Stage {
    /// What the lead would check of a service.
    fn subjects(&self, service: &str) -> Vec<Subject> {
        let watched = self.mesh.lead.vault().watched();
        watched.into_iter().filter(|watched| watched.service.as_str() == service).flat_map(|it| it.subjects).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_checks_what_it_would_use_and_accounts_for_it_before() {
    let stage = Stage::open().await;
    stage.stores("hubspot/api_key", "global", "pat-not-a-real-key").await;
    stage.stores("hubspot/api_key", "company:acme", "pat-of-acme").await;
    stage.theatre.answers("hubspot", 200, &[], "{}");
    stage.theatre.answers_when("hubspot", "pat-of-acme", 401, r#"{"status":"error"}"#);
    let vault = stage.mesh.lead.vault();
    let subjects = stage.subjects("hubspot");
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    let own = vault.check_key(&subjects[0]).await;
    let theirs = vault.check_key(&subjects[1]).await;
    assert_eq!((own.verdict, theirs.verdict), (Some(Verdict::Accepted), Some(Verdict::Rejected)), "{own:?} {theirs:?}");
    assert_eq!((&own.key, &theirs.company), (&subjects[0].key, &subjects[1].company));
    let journal = stage.journal();
    let lines: Vec<&str> = journal.lines().filter(|line| line.contains("credential.validate")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains(r#""principal":"node:aurora""#)), "{lines:?}");
    assert!(lines[1].contains(r#""company":"acme""#), "{lines:?}");
    assert!(!journal.contains("pat-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_changed_since_is_not_asked_about() {
    let stage = Stage::open().await;
    stage.stores("openai/api_key", "global", "sk-one").await;
    let before = stage.subjects("openai").remove(0);
    stage.stores("openai/api_key", "global", "sk-two").await;
    let check = stage.mesh.lead.vault().check_key(&before).await;
    assert_eq!((check.verdict, check.key), (None, before.key), "what was known of the old one stays as it was");
    assert!(stage.theatre.requests("openai").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_frozen_is_not_used_for_a_check() {
    let stage = Stage::open().await;
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    stage.theatre.answers("openai", 200, &[], "{}");
    let vault = stage.mesh.lead.vault();
    let subject = stage.subjects("openai").remove(0);
    for target in ["secret:openai/api_key", "node:aurora", "mesh"] {
        let target = FreezeTarget::parse(target).expect(target);
        let ask = FreezeRequest { target: target.clone(), level: FreezeLevel::Read, reason: "incident 42".to_owned() };
        vault.freeze(&admin(), ask).await.expect("frozen");
        let check = vault.check_key(&subject).await;
        assert_eq!(check.verdict, None, "{target}");
        assert!(!check.detail.contains("incident"), "the reason is for those who are refused: {}", check.detail);
        vault.unfreeze(&admin(), target, None).await.expect("lifted");
    }
    assert!(stage.theatre.requests("openai").is_empty());
    assert_eq!(vault.check_key(&subject).await.verdict, Some(Verdict::Accepted));
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_the_same_value_share_one_call_and_each_is_accounted_for() {
    let stage = Stage::open().await;
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    stage.theatre.answers_late("openai", super::LATE, 200, "{}");
    let vault = stage.mesh.lead.vault();
    let subject = stage.subjects("openai").remove(0);
    let (one, two, three) =
        tokio::join!(vault.check_key(&subject), vault.check_key(&subject), vault.check_key(&subject));
    let verdicts: BTreeSet<_> = [one.verdict, two.verdict, three.verdict].into();
    assert_eq!(verdicts, BTreeSet::from([Some(Verdict::Accepted)]));
    assert_eq!(stage.theatre.requests("openai").len(), 1);
    let journal = stage.journal();
    assert_eq!(journal.lines().filter(|line| line.contains("credential.validate")).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_is_checked_without_a_credential() {
    let stage = Stage::open().await;
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    let (vault, service) = (stage.mesh.lead.vault(), ServiceName::parse("openai").expect("name"));
    let check = vault.check_path(&service).await;
    assert_eq!((check.fault, check.detail.as_str()), (None, ""), "an answer of whatever code is one");
    assert_eq!((stage.theatre.path_checks("openai"), stage.theatre.requests("openai").len()), (1, 0));
    stage.theatre.shut("openai").await;
    assert_eq!(vault.check_path(&service).await.fault, Some(PathFault::Connect));
}
