//! `--watch`: what changes reaches the program, and what does not change leaves it alone.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::support::http;

use super::{Desk, KEY, MAP, next, started};

/// Says how long its value is, and waits.
const TELL: &str = "echo ${#KEY} $KEY; while :; do sleep 0.02; done";

fn watched(options: &[&'static str]) -> Vec<&'static str> {
    [&MAP[..], &["--watch", "--debounce", "50ms"], options].concat()
}

#[tokio::test]
async fn a_changed_value_starts_the_program_anew_and_a_described_one_does_not() {
    let mut desk = Desk::open().await;
    let (mut child, mut lines) = started(desk.command(&watched(&[]), TELL));
    let pid = Pid::from_raw(child.id().expect("runs").try_into().expect("a pid")).expect("a pid");
    assert_eq!(next(&mut lines).await, format!("{} <concealed by aurora>", KEY.len()));
    let body = json!({"metadata": {"owner": "ops"}}).to_string();
    let described = http::ask(&desk.lead.admin(), "PATCH", "/api/secrets/openai/api_key", &[], &body).await;
    assert_eq!(described.status, 200, "{}", described.body);
    desk.keep("hubspot/other", "another-secret-changes").await;
    desk.keep("openai/api_key", "sk-example-second").await;
    assert_eq!(next(&mut lines).await, "17 <concealed by aurora>", "started twice, and not more often");

    let deleted = http::ask(&desk.lead.admin(), "DELETE", "/api/secrets/openai/api_key", &[], "").await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    let mut error = child.stderr.take().expect("piped");
    let mut told = String::new();
    while !told.contains("keeps the values it has") {
        let mut piece = [0; 512];
        let size = error.read(&mut piece).await.expect("read");
        assert!(size > 0, "{told}");
        told.push_str(&String::from_utf8_lossy(&piece[..size]));
    }
    desk.keep("openai/api_key", "sk-example-the-third").await;
    assert_eq!(next(&mut lines).await, "20 <concealed by aurora>");
    kill_process(pid, Signal::TERM).expect("runs");
    assert_eq!(child.wait().await.expect("ends").code(), Some(143));
    assert!(!told.contains("sk-example"), "{told}");
}

#[tokio::test]
async fn a_program_that_is_told_by_a_signal_goes_on_and_old_and_new_values_are_masked() {
    let mut desk = Desk::open().await;
    let script = "trap 'echo told sk-example-second $KEY; exit 3' HUP; echo ready; while :; do sleep 0.02; done";
    let (mut child, mut lines) = started(desk.command(&watched(&["--signal", "HUP"]), script));
    assert_eq!(next(&mut lines).await, "ready");
    desk.keep("openai/api_key", "sk-example-second").await;
    assert_eq!(next(&mut lines).await, "told <concealed by aurora> <concealed by aurora>");
    assert_eq!(child.wait().await.expect("ends").code(), Some(3));
}

#[tokio::test]
async fn a_watch_goes_on_when_the_node_was_started_again() {
    let mut desk = Desk::open().await;
    let (mut child, mut lines) = started(desk.command(&watched(&["--no-masking"]), "echo ${#KEY}; exec sleep 600"));
    assert_eq!(next(&mut lines).await, KEY.len().to_string());
    desk.lead.end(Signal::TERM).await;
    desk.lead.start().await;
    desk.keep("openai/api_key", "sk-example-second").await;
    assert_eq!(next(&mut lines).await, "17");
    let pid = Pid::from_raw(child.id().expect("runs").try_into().expect("a pid")).expect("a pid");
    kill_process(pid, Signal::TERM).expect("runs");
    assert_eq!(child.wait().await.expect("ends").code(), Some(143));
}
