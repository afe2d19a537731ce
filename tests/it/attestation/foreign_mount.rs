//! In a mount namespace of its own a process can have any file at any path: the path counts only if it is that file here.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use serde_json::Value;
use tokio::process::Command;

use crate::support::process::{AURORA, Node, directory, run};

/// Lays the second argument's file under the first and runs the rest.
const UNDER: &str = r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#;

#[tokio::test]
async fn a_program_that_only_looks_like_another_is_no_program() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let trusted = dir.path().join("trusted");
    std::fs::write(&trusted, "a program that rules are about").expect("written");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", UNDER, "sh", AURORA]).arg(&trusted).arg(&trusted);
    command.args(["whoami", "-o", "json"]).env("AURORA_SOCKET", lead.agent()).env("HOME", dir.path());
    let ended = run(&mut command, b"").await;
    if ended.err.contains("unshare failed") || ended.err.contains("ermission denied") {
        eprintln!("skipped: a mount namespace cannot be made here: {}", ended.err);
        return;
    }
    let told = ended.json();
    assert_eq!((&told["executable"], &told["sha256"]), (&Value::Null, &Value::Null), "{told}");
    let principals = told["principals"].as_array().expect("a list");
    assert!(!principals.iter().any(|text| text.as_str().is_some_and(|text| text.starts_with("exe:"))), "{told}");
    assert_eq!(told["uid"], rustix::process::geteuid().as_raw(), "its ids are the socket's own: {told}");
}
