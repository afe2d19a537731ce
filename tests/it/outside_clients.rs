//! What a node tells of itself is understood by programs that others wrote: its events, its numbers, what proves its journal,
//! and what is exported of it.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::clients::{python, script};
use crate::support::http;
use crate::support::process::{Node, directory, run};
use crate::support::wait::eventually;

/// Lets a program judge; gives what it said, once it found nothing wrong.
async fn judged(python: &Path, name: &str, arguments: &[&str]) -> String {
    let mut command = tokio::process::Command::new(python);
    command.arg(script(name)).args(arguments).kill_on_drop(true);
    run(&mut command, b"").await.text().trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A file of the export in this format, of all lines before a moment.
async fn exported(lead: &Node, format: &str, until: &str) -> String {
    let file = lead.dir.join(format!("export.{format}"));
    let path = text(&file).to_owned();
    let arguments = ["audit", "export", "--format", format, "--until", until, "--output-file", path.as_str()];
    let ended = lead.run(&arguments, b"").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    path
}

#[tokio::test]
async fn every_event_is_what_its_published_schema_says() {
    let Some(python) = python() else { return };
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let freeze = json!({"target": "secret:hubspot/api_key", "level": "write", "reason": "a test"});
    assert_eq!(http::post(&lead.admin(), "/api/freezes", &freeze).await.status, 200);
    let posted =
        json!({"source_agent": "n8n", "action": "Workflow Failed", "target": "nightly", "details": {"step": 3}});
    assert_eq!(http::post(&lead.admin(), "/events", &posted).await.status, 200);
    eventually("what happened is in the history", || async {
        let history = http::get(&lead.admin(), "/api/events/history").await.body;
        let told = ["secret.updated", "freeze.on", "workflow.failed"].iter().all(|kind| history.contains(kind));
        told.then_some(())
    })
    .await;
    let told = judged(&python, "events_schemas.py", &[text(&lead.admin())]).await;
    assert!(
        told.contains("freeze.on") && told.contains("secret.updated") && told.contains("workflow.failed"),
        "{told}"
    );
}

#[tokio::test]
async fn a_reader_of_server_sent_events_resumes_where_it_was() {
    let Some(python) = python() else { return };
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let told = judged(&python, "events_resume.py", &[text(&lead.admin()), "40"]).await;
    assert_eq!(told, "40 events, each once");
}

#[tokio::test]
async fn a_parser_of_openmetrics_reads_the_numbers() {
    let Some(python) = python() else { return };
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    for _ in 0..5 {
        assert_eq!(http::get(&lead.agent(), "/api/secrets/hubspot/api_key").await.status, 200);
    }
    let told = judged(&python, "metrics_parsed.py", &[text(&lead.admin()), "hubspot", "not-a-real-key"]).await;
    assert!(told.ends_with(", 5 reads"), "{told}");
}

#[tokio::test]
async fn chain_and_seals_hold_for_whoever_has_nothing_of_ours_but_the_pin_of_the_authority() {
    let Some(python) = python() else { return };
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let follower = lead.follower("vengeance", &[]).await;
    let revision = lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    follower.reaches(revision).await;
    for _ in 0..5 {
        assert_eq!(http::get(&follower.agent(), "/api/secrets/hubspot/api_key").await.status, 200);
    }
    let journals = http::get(&lead.admin(), "/api/audit/nodes").await.json();
    let pin = journals["authority"].as_str().expect("a pin");
    let file = dir.path().join("proof.jsonl");
    // The last of these reads is sealed a moment later.
    eventually("the reads are proved", || async {
        let proof = lead.run(&["audit", "proof", "--node", "vengeance"], b"").await;
        let reads = String::from_utf8_lossy(&proof.out).matches("\"action\":\"secret.read\"").count();
        std::fs::write(&file, &proof.out).expect("written");
        (proof.code == Some(0) && reads == 5).then_some(())
    })
    .await;
    let told = judged(&python, "audit_proved.py", &[text(&file), pin]).await;
    assert!(told.contains(" lines, "), "{told}");
}

#[tokio::test]
async fn an_export_says_the_same_as_rows_and_as_events_of_the_schema_of_others() {
    let Some(python) = python() else { return };
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    assert_eq!(http::get(&lead.agent(), "/api/whoami").await.status, 200);
    for reason in ["=1+1", "+1", "-1", "@here", "\"a\", b; c", "'x"] {
        let headers = [("x-aurora-reason", reason)];
        let answer = http::ask(&lead.agent(), "GET", "/api/secrets/hubspot/absent", &headers, "").await;
        assert_eq!(answer.status, 404, "{}", answer.body);
    }
    // Each export is a line itself, so all three are of what was before the first.
    let newest = http::get(&lead.admin(), "/api/audit?limit=1&order=newest").await.json();
    let newest: Value = serde_json::from_str(newest["lines"][0].as_str().expect("a line")).expect("JSON");
    let until = newest["time"].as_str().expect("a time");
    let files = [
        exported(&lead, "jsonl", until).await,
        exported(&lead, "csv", until).await,
        exported(&lead, "ocsf", until).await,
    ];
    let [lines, rows, events] = files.each_ref().map(String::as_str);
    let told = judged(&python, "audit_exported.py", &[lines, rows, events]).await;
    assert!(told.contains("classes [3002, 6003]"), "{told}");
}
