//! `aurora doctor`: what is wrong is found, whether the node runs or not, and the command that is given mends it.

use serde_json::Value;

use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

/// What `doctor` says of a node, and the exit code.
async fn examined(node: &Node, more: &[&str]) -> (Value, Option<i32>) {
    let config = node.config_file().display().to_string();
    let arguments = [&["doctor", "--config", &config, "-o", "json"][..], more].concat();
    let ended = node.run(&arguments, b"").await;
    let said = serde_json::from_slice(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (said, ended.code)
}

fn finding<'said>(said: &'said Value, id: &str) -> &'said Value {
    let findings = said["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("no {id} in {said:#}"))
}

fn severity<'said>(said: &'said Value, id: &str) -> &'said str {
    finding(said, id)["severity"].as_str().expect("a severity")
}

/// Types what the finding says, as a person would.
async fn mend(said: &Value, id: &str) {
    let command = finding(said, id)["mend"].as_str().expect("a command").to_owned();
    let done = tokio::process::Command::new("sh").args(["-c", &command]).status().await.expect("a shell");
    assert!(done.success(), "{command}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_lead_is_well_and_says_what_it_looked_at() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let (said, code) = examined(&lead, &[]).await;
    assert_eq!(code, Some(0), "{said:#}");
    assert_eq!(severity(&said, "node"), "ok");
    for id in ["config", "clock", "certificate", "journal", "journal.copies", "files.store", "files.key"] {
        assert_eq!(severity(&said, id), "ok", "{said:#}");
    }
    assert_eq!(severity(&said, "snapshot"), "note", "there is nothing to lose yet");
    assert_eq!(severity(&said, "unseal"), "note", "the key lies beside the store");
    let migrations = finding(&said, "store.migrations")["seen"].as_str().expect("text");
    assert!(migrations.contains("0004-keep-a-record"), "{migrations}");
    lead.put("openai/api_key", "global", "example-key-of-the-doctor").await;
    let (said, code) = examined(&lead, &[]).await;
    assert_eq!((severity(&said, "snapshot"), code), ("error", Some(1)), "values exist on one disk only");
    assert!(!said.to_string().contains("example-key-of-the-doctor"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_modes_are_found_and_mended_by_the_command_that_is_given() {
    use std::os::unix::fs::PermissionsExt;
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let (state, sockets) = (lead.state_dir(), lead.socket_dir());
    for (id, path, mode) in [
        ("files.key", state.join("unseal.key"), 0o644),
        ("files.store", state.join("store.redb"), 0o660),
        ("files.state", state.clone(), 0o755),
        ("files.journal", state.join("audit"), 0o750),
        ("files.admin-socket", sockets.join("admin.sock"), 0o666),
        ("files.agent-socket", sockets.join("agent.sock"), 0o666),
        ("files.sockets", sockets.clone(), 0o755),
        ("files.config", lead.config_file(), 0o666),
    ] {
        assert_eq!(severity(&examined(&lead, &[]).await.0, id), "ok", "{id}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        let (said, code) = examined(&lead, &[]).await;
        assert_eq!((severity(&said, id), code), ("error", Some(1)), "{id}");
        mend(&said, id).await;
        assert_eq!(severity(&examined(&lead, &[]).await.0, id), "ok", "{id} is mended");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_run_is_examined_all_the_same_and_nothing_of_it_changes() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("vengeance", &[]).await;
    let revision = lead.put("openai/api_key", "global", "example").await;
    follower.reaches(revision).await;
    follower.end(rustix::process::Signal::TERM).await;
    let store = follower.state_dir().join("store.redb");
    let before = std::fs::read(&store).expect("read");
    let (said, code) = eventually("the lead is dialled in time, with the node's own identity", || async {
        Some(examined(&follower, &[]).await).filter(|(said, _)| severity(said, "lead") == "ok")
    })
    .await;
    assert_eq!((severity(&said, "node"), code), ("warning", Some(0)), "{said:#}");
    assert_eq!(examined(&follower, &["--strict"]).await.1, Some(1));
    assert_eq!(severity(&said, "certificate"), "ok");
    assert_eq!(severity(&said, "journal"), "ok", "{said:#}");
    lead.end(rustix::process::Signal::TERM).await;
    let (said, code) = examined(&follower, &[]).await;
    assert_eq!((severity(&said, "lead"), code), ("error", Some(1)), "{said:#}");
    assert!(std::fs::read(&store).expect("read") == before, "the store was changed by looking at it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_or_a_store_that_cannot_be_read_is_a_finding_of_its_own() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    lead.end(rustix::process::Signal::TERM).await;
    std::fs::write(lead.state_dir().join("store.redb"), b"no database").expect("written");
    let (said, code) = examined(&lead, &[]).await;
    assert_eq!((severity(&said, "node"), code), ("error", Some(1)));
    assert!(finding(&said, "node")["mend"].as_str().expect("a command").starts_with("aurora snapshot restore"));
    std::fs::write(lead.config_file(), "[node\n").expect("written");
    let (said, code) = examined(&lead, &[]).await;
    assert_eq!(
        (severity(&said, "config"), code, said["findings"].as_array().map(Vec::len)),
        ("error", Some(1), Some(1))
    );
    std::fs::write(lead.config_file(), "[node]\nname = 7\n[mesh]\nlisen = 1\n").expect("written");
    let (said, _) = examined(&lead, &[]).await;
    let seen = finding(&said, "config")["seen"].as_str().expect("text");
    assert!(seen.contains("\n  node.name: ") && seen.contains("\n  mesh.lisen: "), "a line for each problem: {seen}");
    assert!(!seen.contains('\u{fffd}'), "{seen}");
    std::fs::remove_file(lead.config_file()).expect("removed");
    let (said, _) = examined(&lead, &[]).await;
    assert!(finding(&said, "config")["seen"].as_str().expect("text").contains("has no node"), "{said:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_a_node_sees_its_migrations_in_its_status() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let said = lead.run(&["status", "--verbose", "-o", "json"], b"").await.json();
    let migrations = said["diagnosis"]["migrations"].as_array().expect("a list");
    assert_eq!(migrations.len(), 3, "{said:#}");
    assert!(migrations.iter().all(|it| it["applied_at"].is_string() && it["applied_by"].is_string()), "{said:#}");
    let table = lead.run(&["status", "--verbose"], b"").await;
    assert!(table.text().contains("0004-keep-a-record"), "{}", table.text());
}
