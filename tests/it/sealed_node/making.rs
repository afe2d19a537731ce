//! Making a node that people open: its shares are shown once, and never is there a node that nobody can open.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::{post, shares, unseal};
use crate::support::process::{Node, directory, run};

/// A command that cannot show its shares, for what it prints to takes no byte: it fails, and says so.
async fn unseen(command: &mut Command) {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux");
    let child = command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().expect("starts");
    let ended = child.wait_with_output().await.expect("ends");
    let told = String::from_utf8(ended.stderr).expect("text");
    assert!(ended.status.code() == Some(1) && told.contains("no node was made"), "{told}");
}

#[tokio::test]
async fn init_shows_every_share_once_and_keeps_none() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    let printed = node.init_with(&["--shamir", "3/5"], b"").await;
    let shares = shares(&printed);
    assert_eq!(shares.len(), 5);
    for told in ["any 3 of them open it", "Give each to another person", "not shown again", "starts sealed"] {
        assert!(printed.contains(told), "{told} is not in: {printed}");
    }
    let names: Vec<_> =
        std::fs::read_dir(node.state_dir()).expect("made").map(|it| it.expect("listed").file_name()).collect();
    assert_eq!(names, ["store.redb"], "there is no key file");
    let config = std::fs::read_to_string(node.config_file()).expect("written");
    assert!(config.contains("source = \"shamir\"") && !config.contains(&shares[0]), "{config}");
    for quorum in ["1/5", "6/5", "3/17", "three/five"] {
        let refused = run(&mut node.prepare(&["init", "--shamir", quorum]), b"").await;
        assert!(refused.code == Some(1) && refused.err.contains("3/5"), "{refused:?}");
    }
    let both = run(&mut node.prepare(&["init", "--shamir", "3/5", "--passphrase"]), b"").await;
    assert_eq!(both.code, Some(1), "{both:?}");
}

/// Shares that nobody saw would leave a mesh that nobody can open.
#[tokio::test]
async fn a_mesh_whose_shares_nobody_saw_is_not_made() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    unseen(&mut node.prepare(&["init", "--shamir", "2/3"])).await;
    assert_eq!(std::fs::read_dir(node.state_dir()).expect("made").count(), 0, "no store is left");
    assert!(!node.config_file().exists());
    assert_eq!(shares(&node.init_with(&["--shamir", "2/3"], b"").await).len(), 3, "it can be made again");
}

/// Interrupted after its shares were shown and its store had its name: the shares are good, only `node.toml` is missing.
#[tokio::test]
async fn a_mesh_that_lacks_its_configuration_is_completed_and_opens_with_the_shares_that_were_shown() {
    let dir = directory();
    let mut node = Node::new(dir.path(), "aurora", "info");
    let first = shares(&node.init_with(&["--shamir", "2/3"], b"").await);
    std::fs::remove_file(node.config_file()).expect("there");
    let other = run(&mut node.prepare(&["init", "--shamir", "2/5"]), b"").await;
    assert!(other.code == Some(1) && other.err.contains("it opens with 2 of 3 shares"), "{other:?}");
    let keyed = run(&mut node.prepare(&["init"]), b"").await;
    assert!(keyed.code == Some(1) && keyed.err.contains("--shamir"), "{keyed:?}");
    let again = node.init_with(&["--shamir", "2/3"], b"").await;
    assert!(again.contains("was there") && shares(&again).is_empty(), "{again}");
    node.start().await;
    assert_eq!(unseal(&node, &first[1..].join("\n")).await.text().lines().last(), Some("unsealed"));
}

/// Interrupted before: what was shown belongs to nothing, and says so when it is brought to the mesh that was made after.
#[tokio::test]
async fn shares_of_an_interrupted_init_do_not_pass_for_those_of_the_next() {
    let dir = directory();
    let mut node = Node::new(dir.path(), "aurora", "info");
    let lost = shares(&node.init_with(&["--shamir", "2/3"], b"").await);
    std::fs::remove_file(node.config_file()).expect("there");
    std::fs::remove_file(node.state_dir().join("store.redb")).expect("there");
    let good = shares(&node.init_with(&["--shamir", "2/3"], b"").await);
    node.start().await;
    let refused = post(&node, &json!({ "share": lost[0] })).await;
    assert!(refused.status == 400 && refused.message().contains("another set"), "{}", refused.body);
    assert_eq!(unseal(&node, &good[..2].join("\n")).await.text().lines().last(), Some("unsealed"));
}

#[tokio::test]
async fn a_follower_may_have_shares_of_its_own() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let revision = lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    let token = lead.token("vengeance", &[]).await;
    let mut follower = Node::new(dir.path(), "vengeance", "info");
    unseen(&mut follower.prepare(&["join", &token, "--listen", "127.0.0.1:0", "--shamir", "2/3"])).await;
    assert!(!follower.state_dir().join("store.redb").exists());

    let shares = shares(&follower.join_with(&token, &["--shamir", "2/3"]).await);
    let mut names: Vec<_> =
        std::fs::read_dir(follower.state_dir()).expect("made").map(|it| it.expect("listed").file_name()).collect();
    names.sort();
    assert_eq!(names, ["store.redb"], "nothing of the unfinished join is left");
    for _ in 0..2 {
        follower.start().await;
        assert_eq!(follower.health().await["status"], "sealed");
        assert_eq!(unseal(&follower, &shares[..2].join("\n")).await.text().lines().last(), Some("unsealed"));
        follower.reaches(revision).await;
        assert_eq!(follower.run(&["get", "hubspot/api_key"], b"").await.text(), "pat-na1-abc123");
        follower.end(Signal::TERM).await;
    }
}

/// Wherever it is killed: there is no mesh, or one whose shares were all shown, and the same command finishes the work.
#[tokio::test]
async fn an_init_that_is_killed_leaves_a_mesh_that_opens_or_none() {
    for lines_read in 0..=12 {
        let dir = directory();
        let mut node = Node::new(dir.path(), "aurora", "info");
        let mut init = node.prepare(&["init", "--listen", "127.0.0.1:0", "--shamir", "2/3"]);
        let mut child = init.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut printed = String::new();
        for _ in 0..lines_read {
            output.read_line(&mut printed).await.expect("readable");
        }
        child.kill().await.expect("ours");
        output.read_to_string(&mut printed).await.expect("readable");
        let mut good = shares(&printed);
        if !node.config_file().exists() {
            let again = node.init_with(&["--shamir", "2/3"], b"").await;
            if !again.contains("was there") {
                good = shares(&again);
            }
        }
        assert_eq!(good.len(), 3, "killed after line {lines_read}: {printed}");
        node.start().await;
        assert_eq!(unseal(&node, &good[1..].join("\n")).await.text().lines().last(), Some("unsealed"));
    }
}
