//! Starting and stopping a node: what it refuses to start with, and what systemd is told.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixDatagram;

use crate::support::process::{Node, aurora, directory, run};

#[tokio::test]
async fn a_configuration_is_refused_with_all_its_problems_at_once() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    node.init().await;
    node.configure("\nlisten = ", "\nlisen = ");
    node.configure("ttl = \"5m\"", "ttl = \"five minutes\"");
    node.configure("durability = \"batched\"", "durability = \"perhaps\"");
    node.configure("role = \"lead\"", "role = \"boss\"");
    let mut text = std::fs::read_to_string(node.config_file()).expect("a configuration");
    text.push_str("\n[notify.channels.ops]\nkind = \"webhook\"\nurl = \"https://hooks.example.com/aurora\"\n");
    text.push_str("[[notify.rules]]\nevents = [\"secret.changed\"]\nchannel = \"ops\"\n");
    std::fs::write(node.config_file(), text).expect("written");
    let mut up = aurora(dir.path(), ["up", "--config"]);
    let ended = run(up.arg(node.config_file()), b"").await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for told in ["5 problems", "mesh.lisen", "cache.ttl", "audit.durability", "node.role", "notify.rules[0].events"] {
        assert!(ended.err.contains(told), "{told} is not in: {}", ended.err);
    }
    assert!(!node.agent().exists(), "no socket was opened");
}

#[tokio::test]
async fn a_node_that_was_never_made_says_how_to_make_one() {
    let dir = directory();
    let ended = run(aurora(dir.path(), ["up", "--config"]).arg(dir.path().join("node.toml")), b"").await;
    assert!(
        ended.code == Some(1) && ended.err.contains("aurora init") && ended.err.contains("aurora join"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_second_start_of_the_same_node_is_refused_and_harms_nothing() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    let ended = run(aurora(dir.path(), ["up", "--config"]).arg(lead.config_file()), b"").await;
    assert!(ended.code == Some(1) && ended.err.contains("is another aurora running?"), "{ended:?}");
    assert_eq!(lead.run(&["get", "hubspot/api_key"], b"").await.text(), "pat-na1-abc123");
    let init = run(aurora(dir.path(), ["init", "--config"]).arg(lead.config_file()), b"").await;
    assert!(init.code == Some(1) && init.err.contains("has a node already"), "{init:?}");
}

/// The advice was to remove the state directory and to begin again, with the CA and every secret in it.
#[tokio::test]
async fn a_mesh_whose_configuration_is_lost_is_completed_and_not_made_again() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    lead.end(Signal::TERM).await;
    std::fs::remove_file(lead.config_file()).expect("there");
    lead.init().await;
    lead.start().await;
    assert_eq!(lead.run(&["get", "hubspot/api_key"], b"").await.text(), "pat-na1-abc123");
}

#[tokio::test]
async fn init_refuses_what_it_cannot_complete_and_says_what_is_there() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("beta", &[]).await;
    let (state_dir, other) = (lead.state_dir(), dir.path().join("other.toml"));
    let key_file = state_dir.join("unseal.key");
    let key = std::fs::read(&key_file).expect("there");
    let refused_in = async |state_dir: &Path, arguments: &[&str], told: &str| {
        let mut init = aurora(dir.path(), ["init", "--no-discovery", "--config"]);
        let ended = run(init.arg(&other).arg("--state-dir").arg(state_dir).args(arguments), b"").await;
        assert!(ended.code == Some(1) && ended.err.contains(told), "{told} is not in: {ended:?}");
        assert!(ended.err.contains("was not changed") && !other.exists(), "{ended:?}");
    };
    let refused = async |arguments: &[&str], told: &str| refused_in(&state_dir, arguments, told).await;
    refused(&[], "is another aurora running?").await;
    follower.end(Signal::TERM).await;
    refused_in(&follower.state_dir(), &["--name", "beta"], "belongs to the follower beta").await;
    lead.end(Signal::TERM).await;
    refused(&["--name", "beta"], "--name aurora --environment prod").await;
    refused(&["--environment", "staging"], "--name aurora --environment prod").await;
    std::fs::write(&key_file, "0".repeat(64)).expect("written");
    refused(&[], "is it the key file, credential or passphrase it was made with?").await;
    std::fs::remove_file(&key_file).expect("there");
    refused(&[], "cannot open the key file").await;
    assert!(!key_file.exists(), "no key is made for a store that has one");
    std::fs::write(&key_file, key).expect("written");
    std::fs::set_permissions(&key_file, Permissions::from_mode(0o600)).expect("changed");
    lead.start().await;
}

#[tokio::test]
async fn systemd_is_told_when_the_sockets_answer_and_when_the_node_stops() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    node.init().await;
    let path = dir.path().join("notify.sock");
    let systemd = UnixDatagram::bind(&path).expect("a socket");
    let told = async || {
        let mut buffer = [0; 256];
        let read = tokio::time::timeout(std::time::Duration::from_secs(20), systemd.recv(&mut buffer)).await;
        String::from_utf8(buffer[..read.expect("told in time").expect("open")].to_vec()).expect("text")
    };
    let mut up = aurora(dir.path(), ["up", "--config"]);
    let mut child =
        up.arg(node.config_file()).env("NOTIFY_SOCKET", &path).stderr(Stdio::null()).spawn().expect("starts");
    assert_eq!(told().await.trim(), "READY=1");
    assert_eq!(node.health().await["status"], "healthy", "it was ready when it said so");
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("runs");
    kill_process(pid, Signal::TERM).expect("runs");
    assert_eq!(told().await.trim(), "STOPPING=1");
    let status = child.wait().await.expect("our child");
    assert!(status.success(), "{status}");
}
