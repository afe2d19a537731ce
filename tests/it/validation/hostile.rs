//! Callers, stored texts and providers that mean harm: a key is seen where it belongs and nowhere else.

use std::time::Duration;

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::connectivity::Verdict;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::GrantName;
use aurora_mesh::model::patch::{Patch, Wish};
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::reach::Reach;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::vault::answer_validation::Refused;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::PutRequest;
use serde_json::json;
use tokio::time::timeout;

use super::{Stage, request};
use crate::support::callers::{admin, place, put, stranger};
use crate::support::http::post;
use crate::support::mesh::TestMesh;
use crate::support::process::Node;
use crate::support::theatre::Theatre;
use crate::support::wait::eventually;

/// A lead whose Supabase has a host of each customer, as that of the build has. None of them is anywhere.
async fn with_hosts_of_customers() -> Stage {
    let theatre = Theatre::start().await;
    theatre.edit("supabase", |table| {
        table.remove("base_url");
        table.insert("host_field".to_owned(), "url".into());
        table.insert("host_suffix".to_owned(), ".customers.invalid".into());
    });
    let mesh = TestMesh::with_connectivity(theatre.quiet_section()).await;
    Stage { theatre, mesh }
}

fn asked(stage: &Stage) -> usize {
    stage.journal().lines().filter(|line| line.contains(r#""outcome":"asked""#)).count()
}

/// Whoever may write for one company could have had the key of everybody sent to a host of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_everybody_is_not_led_to_the_host_that_a_company_names() {
    let stage = with_hosts_of_customers().await;
    stage.stores("supabase/anon_key", "global", "canary-of-everybody").await;
    stage.stores("supabase/url", "global", "https://ours.customers.invalid").await;
    stage.stores("supabase/url", "company:acme", "https://theirs.customers.invalid").await;
    let led = stage.found("supabase/anon_key", Some("acme")).await;
    assert_eq!((led.verdict, asked(&stage)), (Some(Verdict::Unsupported), 0), "{led:?}");
    assert!(led.reason.contains("narrower scope"), "{led:?}");

    let ours = stage.found("supabase/anon_key", None).await;
    assert!(matches!(ours.verdict, Some(Verdict::NoPath(_))), "the control: {ours:?}");
    stage.stores("supabase/anon_key", "company:acme", "of-acme").await;
    let own = stage.found("supabase/anon_key", Some("acme")).await;
    assert!(matches!(own.verdict, Some(Verdict::NoPath(_))), "its own key goes to its own host: {own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_secret_does_not_choose_to_whom_a_key_of_a_known_provider_is_shown() {
    let stage = Stage::open().await;
    for service in ["stripe", "replicate"] {
        stage.theatre.answers(service, 200, &[], "{}");
    }
    let patch = Patch { provider: Wish::Set("replicate".to_owned()), ..Patch::default() };
    let named = PutRequest { patch, ..put("stripe/secret_key", "global", "sk-canary") };
    stage.mesh.lead.vault().put_checked(&admin(), named, Refused::Stays).await.expect("stored");
    let found = stage.found("stripe/secret_key", None).await;
    assert_eq!(found.verdict, Some(Verdict::Accepted), "{found:?}");
    assert_eq!((stage.theatre.requests("stripe").len(), stage.theatre.connections("replicate")), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_may_check_one_service_does_not_hear_what_there_is_of_others() {
    let stage = Stage::open().await;
    let grant = Grant {
        name: GrantName::parse("checker").expect("name"),
        principal: Principal::User(stranger().uid),
        capabilities: [Capability::IntegrationManage].into(),
        reach: Reach { secrets: vec![SecretGlob::parse("openai/*").expect("glob")], ..Reach::everything() },
        expires_at: Expiry::Never,
        effect: Effect::Allow,
        granted_by: "test".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    };
    let vault = stage.mesh.lead.vault();
    vault.edit_rules(&admin(), vec![Edit::Put(Article::Grant(grant))]).await.expect("edited");
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    stage.stores("hubspot/api_key", "global", "pat-not-a-real-key").await;
    vault.delete(&admin(), place("hubspot/api_key", "global")).await.expect("deleted");
    let patch = Patch { provider: Wish::Set("replicate".to_owned()), ..Patch::default() };
    stage.mesh.put(PutRequest { patch, ..put("crm/token", "global", "not-a-real-key") }).await;

    let caller = stranger();
    let heard = |service: &'static str| vault.validate(&caller, request(service, None));
    assert_eq!(heard("openai").await.expect("allowed").len(), 1);
    assert_eq!(heard("hubspot").await.expect("allowed to ask"), [], "there is a place without a value");
    for service in ["crm", "nobody"] {
        let refused = heard(service).await.expect_err("refused");
        assert!(matches!(refused, VaultError::NoSuchProvider(_)), "{service}: {refused:?}");
    }
    let all = vault.validate(&admin(), request("hubspot", None)).await.expect("allowed");
    assert_eq!(all[0].verdict, Some(Verdict::NoCredential), "the control: {all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_a_provider_gives_out_cannot_become_another_header() {
    let stage = Stage::open().await;
    for (field, value) in [("client_id", "id"), ("client_secret", "word"), ("refresh_token", "1//canary")] {
        stage.stores(&format!("gmail/{field}"), "global", value).await;
    }
    for token in ["x\\r\\nx-evil: 1", "x\\u0000", "\\u00e4", &"x".repeat(900_000)] {
        stage.theatre.answers(
            "gmail",
            200,
            &[],
            &format!(r#"{{"access_token":"{token}","expires_in":18446744073709551615}}"#),
        );
        let before = stage.theatre.requests("gmail").len();
        let found = stage.found("gmail/refresh_token", None).await;
        let seen = stage.theatre.requests("gmail").split_off(before);
        assert_ne!(found.verdict, Some(Verdict::Accepted), "{} bytes: {:?}", token.len(), found.verdict);
        assert!(seen.iter().all(|seen| seen.header("x-evil").is_none()), "{seen:?}");
        assert!(found.reason.len() <= 256 && !found.reason.contains("canary"), "{found:?}");
    }
}

/// A stop takes no longer than the calls that are under way would.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_stops_while_its_checks_are_under_way() {
    let theatre = Theatre::start().await;
    theatre.hangs("openai");
    let mut mesh = TestMesh::with_connectivity(theatre.section()).await;
    mesh.put(put("openai/api_key", "global", "sk-not-a-real-key")).await;
    eventually("a check is under way", || async { theatre.requests("openai").pop() }).await;
    timeout(Duration::from_secs(20), mesh.lead.stop()).await.expect("it stops");
}

/// The libraries log too: what they say at their most talkative holds no part of a key, wherever that stands in a call.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_logs_everything_logs_no_part_of_a_key() {
    let theatre = Theatre::start().await;
    let dir = tempfile::Builder::new().prefix("aurora-").tempdir().expect("a directory");
    let keys = [
        ("telegram/bot_token", "4242:canary-in-a-path"),
        ("google_ai/api_key", "canary-in-a-query-or-header"),
        ("openai/api_key", "canary-in-a-header"),
        ("gmail/client_id", "canary-client"),
        ("gmail/client_secret", "canary-word"),
        ("gmail/refresh_token", "canary-in-a-body"),
    ];
    for service in ["telegram", "google_ai", "openai"] {
        theatre.answers(service, 401, &[("x-reflected", "canary-reflected")], r#"{"error":"canary-reflected"}"#);
    }
    theatre.answers("gmail", 200, &[], r#"{"access_token":"canary-given-out"}"#);
    let mut lead = Node::new(dir.path(), "aurora", "trace");
    lead.init().await;
    lead.calls(&theatre.quiet_section());
    lead.start().await;
    for (name, value) in keys {
        lead.put(name, "global", value).await;
    }
    for service in ["telegram", "google_ai", "openai", "gmail"] {
        let told = post(&lead.admin(), &format!("/credentials/{service}/validate"), &json!({})).await;
        assert_eq!(told.status, 200, "{told:?}");
        assert!(!theatre.requests(service).is_empty(), "{service} was asked");
    }
    let log = std::fs::read_to_string(lead.log_file()).expect("a log");
    assert!(log.contains("TRACE"), "the control");
    let found: Vec<&str> = log.lines().filter(|line| line.contains("canary") || line.contains("4242:")).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// A check goes on though its caller hangs up: whoever asks and hangs up could have filled the memory of the node.
#[tokio::test(flavor = "multi_thread")]
async fn callers_who_do_not_wait_for_their_checks_are_refused_when_there_are_too_many() {
    let stage = Stage::open().await;
    stage.theatre.hangs("openai");
    let vault = stage.mesh.lead.vault();
    let mut storing = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (vault, value) = (vault.clone(), put("openai/api_key", "global", &format!("sk-{number}")));
        storing.spawn(async move { vault.put_checked(&admin(), value, Refused::Stays).await });
    }
    let (began, mut refused) = (tokio::time::Instant::now(), 0);
    while storing.len() > 64 {
        let ended = timeout(Duration::from_secs(20), storing.join_next()).await.expect("soon").expect("one");
        // On a busy machine a check may be over before the last caller comes: what it found is not asked here.
        refused += usize::from(matches!(ended.expect("no panic"), Err(VaultError::Overloaded)));
    }
    assert!(refused > 64, "{refused} of 200 were refused");
    // Eight at a time, and none is over before five seconds.
    let (asked, passed) = (stage.theatre.requests("openai").len(), began.elapsed().as_secs());
    assert!(u64::try_from(asked).expect("few") <= 8 * (1 + passed / 5), "{asked} within {passed} s");
}
