//! Whoever may read the audit finds lines by what they say, follows them, and takes them out whole; nobody else does.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::http;
use crate::support::journal;
use crate::support::process::{Node, directory};
use crate::support::watcher::Watcher;

async fn found(lead: &Node, query: &str) -> Vec<Value> {
    let answer = http::get(&lead.admin(), &format!("/api/audit?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["complete"], true, "{answer}");
    let lines = answer["lines"].as_array().expect("lines");
    lines.iter().map(|line| serde_json::from_str(line.as_str().expect("text")).expect("a line")).collect()
}

#[tokio::test]
async fn lines_are_found_by_what_they_say_page_by_page_and_used_credentials_are_told() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for name in ["hubspot/api_key", "openai/api_key"] {
        lead.put(name, "global", "not-a-real-key").await;
    }
    for _ in 0..3 {
        assert_eq!(http::get(&lead.agent(), "/api/secrets/hubspot/api_key").await.status, 200);
    }
    let absent = http::get(&lead.agent(), "/api/secrets/hubspot/absent").await;
    let id = absent.header("x-request-id").expect("an id").to_owned();
    let reads = found(&lead, "action=secret.read&secret=hubspot/*&outcome=ok&order=newest").await;
    assert_eq!(reads.len(), 3);
    let seqs: Vec<u64> = reads.iter().map(|line| line["seq"].as_u64().expect("a number")).collect();
    assert!(seqs.is_sorted_by(|one, other| one > other), "{seqs:?}");
    assert_eq!(found(&lead, &format!("request_id={id}")).await.len(), 1);
    assert_eq!(found(&lead, "secret=openai/*&action=secret.read").await, Vec::<Value>::new());
    assert_eq!(found(&lead, "node=vengeance").await, Vec::<Value>::new());
    assert!(found(&lead, "since=1h&environment=prod&secret=openai/api_key").await.len() >= 2, "a write is two lines");
    assert_eq!(found(&lead, "until=1h").await, Vec::<Value>::new());
    // Page by page, one line each, and the last has no next.
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let target = format!("/api/audit?action=secret.read&outcome=ok&order=oldest&limit=1&cursor={cursor}");
        let page = http::get(&lead.admin(), &target).await.json();
        pages.extend(page["lines"].as_array().expect("lines").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(pages.len(), 3);
    let usage = http::get(&lead.admin(), "/credentials/usage?limit=2").await.json();
    assert_eq!(usage["total"], 2);
    let mut keys: Vec<&String> = usage["usage"][0].as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["action", "credential", "requested_by", "time", "workflow"]);
    assert_eq!(
        (&usage["usage"][0]["credential"], &usage["usage"][0]["workflow"]),
        (&"hubspot/api_key".into(), &Value::Null)
    );
    for bad in ["since=soon", "decision=maybe", "cursor=x", "limit=1001", "order=random", "principle=x"] {
        assert_eq!(http::get(&lead.admin(), &format!("/api/audit?{bad}")).await.status, 400, "{bad}");
    }
    // The search itself is a line, and says what was looked for.
    let searches = found(&lead, "action=audit.read").await;
    assert!(searches.iter().any(|line| line["reason"] == "search node=vengeance"), "{searches:?}");
}

#[tokio::test]
async fn an_export_is_the_journal_byte_for_byte_and_other_formats_have_a_line_for_each() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let export = lead.run(&["audit", "export", "--quiet"], b"").await;
    let written = journal::text(&lead.state_dir().join("audit"));
    assert!(written.starts_with(export.text()) && export.text().ends_with('\n'), "{export:?}");
    assert!(export.text().lines().count() >= 3, "a start, a write and its outcome");
    let file = dir.path().join("out.csv");
    let path = file.to_str().expect("text");
    let csv =
        lead.run(&["audit", "export", "--format", "csv", "--output-file", path, "--action", "secret.*"], b"").await;
    assert_eq!(csv.code, Some(0), "{csv:?}");
    let rows = std::fs::read_to_string(&file).expect("written");
    assert!(rows.starts_with("v,seq,prev,time,") && rows.matches("\r\n").count() >= 3, "{rows}");
    let ocsf = lead.run(&["audit", "export", "--format", "ocsf", "--secret", "hubspot/*"], b"").await;
    for line in ocsf.text().lines() {
        let event: Value = serde_json::from_str(line).expect("an event");
        assert_eq!((&event["class_uid"], &event["resources"][0]["name"]), (&6003.into(), &"hubspot/api_key".into()));
    }
    let list = lead.run(&["audit", "list", "--secret", "hubspot/*", "--limit", "1", "-o", "json"], b"").await;
    assert_eq!(list.text().lines().count(), 1, "{list:?}");
    let refused = lead.run(&["audit", "list", "--decision", "maybe"], b"").await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
}

#[tokio::test]
async fn lines_are_followed_as_they_come_and_whoever_comes_back_misses_none() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let target = "/api/audit/follow?action=secret.write&outcome=ok";
    let mut watcher = Watcher::open(&lead.admin(), target, &[]).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let first = watcher.next().await;
    assert_eq!((first.name.as_str(), &first.data["secret"]), ("line", &"hubspot/api_key".into()));
    let id = format!("aurora.0.{}", first.data["seq"]);
    drop(watcher);
    lead.put("openai/api_key", "global", "not-a-real-key").await;
    let mut watcher = Watcher::open(&lead.admin(), target, &[("last-event-id", &id)]).await;
    let second = watcher.next().await;
    assert_eq!(second.data["secret"], "openai/api_key");
    let answer = http::ask(&lead.admin(), "GET", target, &[("last-event-id", "x")], "").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_value"));
}

#[tokio::test]
async fn the_command_shows_the_last_lines_and_goes_on() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let mut command =
        lead.aurora(&["audit", "tail", "-n", "1", "-f", "--action", "secret.write", "--outcome", "ok", "-o", "json"]);
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the binary is there");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    // Until the command follows, what is written is among the last lines, or not yet.
    let mut told = None;
    for _ in 0..50 {
        lead.put("hubspot/api_key", "global", "not-a-real-key").await;
        let waited = tokio::time::timeout(std::time::Duration::from_secs(1), lines.next_line()).await;
        if let Ok(line) = waited {
            told = line.expect("text");
            break;
        }
    }
    let line: Value = serde_json::from_str(&told.expect("a line")).expect("JSON");
    assert_eq!(line["action"], "secret.write");
}
