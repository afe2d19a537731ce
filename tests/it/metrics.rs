//! The numbers of a node are told to those who manage it, in the text that Prometheus reads, and name no secret.

use aurora_mesh::vault::error::VaultError;

use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::http;
use crate::support::loopback;
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

/// The value of one series.
fn number(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_decided_and_served_is_counted_and_no_secret_is_named() {
    let mesh = TestMesh::start().await;
    let stored = mesh.put(put("hubspot/canary_key", "company:canary-company", "not-a-real-key-canary")).await;
    let follower = mesh.follower("vengeance", prod(&["canary-company"])).await;
    follower.reaches(stored.revision).await;
    follower.is_fresh().await;
    for _ in 0..3 {
        follower.value(read("hubspot/canary_key", Some("canary-company"))).await.expect("served");
    }
    let refused = follower.vault().read(&stranger(), read("hubspot/canary_key", None)).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    let text = follower.vault().metrics(&admin()).await.expect("the owner may look");
    let read = |rest: &str| number(&text, &format!(r#"aurora_requests_total{{action="secret.read",{rest}}}"#));
    assert!(read(r#"decision="allow",outcome="ok""#).is_some_and(|times| times >= 3.0), "{text}");
    assert_eq!(read(r#"decision="deny",outcome="denied""#), Some(1.0), "{text}");
    assert!(number(&text, r#"aurora_served_total{freshness="hit"}"#).is_some_and(|times| times >= 3.0), "{text}");
    assert_eq!(number(&text, r#"aurora_freshness{state="fresh"}"#), Some(1.0), "{text}");
    assert!(number(&text, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6), "{text}");
    for canary in ["canary", "hubspot", "user:"] {
        assert!(!text.contains(canary), "{canary} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_tells_how_far_behind_each_follower_is() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let stored = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    follower.reaches(stored.revision).await;
    eventually("the lead has heard that the follower is there", || async {
        let text = mesh.lead.vault().metrics(&admin()).await.ok()?;
        let alive = number(&text, r#"aurora_follower{node="vengeance",state="alive"}"#);
        let behind = number(&text, r#"aurora_follower_lag_revisions{node="vengeance"}"#);
        (alive == Some(1.0) && behind == Some(0.0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_leaves_no_line_and_a_refused_one_does() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let lines = || async { vault.audit_tail(&admin(), 5).await.expect("the owner may read the journal") };
    let before = lines().await;
    vault.metrics(&admin()).await.expect("the owner may look");
    let after = lines().await;
    // The look at the journal itself is a line each time.
    assert_eq!(before.last(), after.get(after.len() - 2), "{after:?}");
    assert!(matches!(vault.metrics(&agent()).await, Err(VaultError::Denied { .. })));
    let refused = lines().await;
    let line = &refused[refused.len() - 2];
    assert!(line.contains(r#""reason":"metrics""#) && line.contains(r#""decision":"deny""#), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_loopback_everybody_may_look_where_the_configuration_says_so_and_nobody_else() {
    let mut mesh = TestMesh::start().await;
    let closed = mesh.lead.on_loopback().await;
    let refused = loopback::ask(closed, "GET", "/metrics", &[], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "no_identity"), "{}", refused.body);
    mesh.lead.config.metrics.loopback = true;
    let open = mesh.lead.on_loopback().await;
    let host = open.to_string();
    let unmarked = loopback::request("GET", "/metrics", &[("Host", &host)], "");
    let answered = loopback::send(open, unmarked.as_bytes()).await;
    let answered = http::Answer::parse(&answered).expect("an answer");
    assert_eq!(answered.status, 200, "{}", answered.body);
    let media_type = answered.header("content-type").expect("a media type");
    assert!(media_type.starts_with("application/openmetrics-text"), "{media_type}");
    assert!(answered.body.ends_with("# EOF\n"), "{}", answered.body);
    let page = loopback::ask(open, "GET", "/metrics", &[("Origin", "http://evil.example")], "").await;
    assert_eq!(page.code(), "foreign_request", "{}", page.body);
}
