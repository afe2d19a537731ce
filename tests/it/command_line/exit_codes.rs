//! A script branches on these numbers.

use std::process::Stdio;

use rustix::process::Signal;

use crate::support::process::{Ended, Node, aurora, directory, run};
use crate::support::wait::eventually;

fn assert_ended(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.err.contains(says), "{says:?} is not in: {}", ended.err);
    assert!(ended.out.is_empty(), "a failure prints nothing on standard output: {ended:?}");
}

#[tokio::test]
async fn a_mistake_of_the_caller_is_one_and_says_what_to_type() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let table: [(&[&str], &[u8], &str); 12] = [
        (&["frobnicate"], b"", "frobnicate"),
        (&["get", "hubspot"], b"", "one slash"),
        (&["get", "HubSpot/api_key"], b"", "a-z"),
        (&["put", "hubspot/api_key", "-"], b"", "the value is empty"),
        (&["put", "hubspot/api_key", "-"], b"\xff\xfe", "not UTF-8"),
        (&["put", "hubspot/api_key"], b"x", "no terminal"),
        (&["put", "hubspot/api_key", "--from-file", "/nowhere/at/all"], b"", "/nowhere/at/all"),
        (&["put", "hubspot/api_key", "-", "--company", "acme"], b"x", "--scope company:acme"),
        (&["get", "hubspot/api_key", "--scope", "team:x"], b"", "--scope"),
        (&["put", "hubspot/api_key", "-"], &[b'v'; 65_537], "larger than 65536 bytes"),
        (&["put", "hubspot/api_key", "-"], &[b'v'; (1 << 20) + 2], "983040"),
        (&["token", "create", "Vengeance"], b"", "node name"),
    ];
    for (arguments, input, says) in table {
        assert_ended(&lead.run(arguments, input).await, 1, says);
    }
    let nobody = dir.path().join("nobody.sock");
    let ended = run(aurora(dir.path(), ["get", "hubspot/api_key"]).env("AURORA_SOCKET", &nobody), b"").await;
    assert_ended(&ended, 1, &format!("no node answers on {}", nobody.display()));
    assert!(ended.err.contains("aurora up"), "{}", ended.err);
}

#[tokio::test]
async fn a_value_given_as_an_argument_is_refused_and_not_repeated() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for arguments in [
        &["put", "hubspot/api_key", "pat-na1-abc123"][..],
        &["put", "hubspot/api_key", "-", "pat-na1-abc123"],
        &["set", "hubspot/api_key", "-----BEGIN pat-na1-abc123"],
    ] {
        let ended = lead.run(arguments, b"").await;
        assert_ended(&ended, 1, "a value is never taken as an argument");
        assert!(ended.err.contains("rotate it") && ended.err.contains("--from-file"), "{}", ended.err);
        assert!(!ended.err.contains("pat-na1"), "{}", ended.err);
    }
    assert_eq!(lead.run(&["get", "hubspot/api_key"], b"").await.code, Some(3), "nothing was stored");
}

#[tokio::test]
async fn a_node_that_refuses_or_is_cut_off_is_two_to_five_by_the_reason() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("runpod-tx", &[]).await;
    let put = lead.run(&["put", "hubspot/api_key", "-", "-o", "json"], b"pat-na1-abc123\n").await.json();
    follower.reaches(put["revision"].as_u64().expect("a revision")).await;
    assert_ended(&lead.run(&["put", "hubspot/api_key", "-", "--cas", "7"], b"x").await, 2, "current version is 1");
    assert_ended(&follower.run(&["put", "hubspot/api_key", "-"], b"x").await, 2, "this node is not the lead");
    assert_ended(&follower.run(&["get", "hubspot/absent"], b"").await, 3, "tried node:runpod-tx, global");
    assert_ended(&lead.run(&["delete", "hubspot/absent"], b"").await, 3, "hubspot/absent");
    assert_ended(&lead.run(&["nodes", "show", "nobody"], b"").await, 3, "no node is named nobody");
    assert_ended(&follower.run(&["get", "hubspot/api_key", "--company", "acme"], b"").await, 4, "refused by policy");
    assert_eq!(follower.run(&["get", "hubspot/api_key", "--refresh"], b"").await.text(), "pat-na1-abc123");
    lead.end(Signal::KILL).await;
    assert_ended(&follower.run(&["get", "hubspot/api_key", "--refresh"], b"").await, 5, "the lead cannot be reached");
    assert_eq!(follower.run(&["get", "hubspot/api_key"], b"").await.text(), "pat-na1-abc123", "a fresh copy serves");
    follower.end(Signal::TERM).await;
    follower.configure("ttl = \"5m\"", "ttl = \"1ms\"");
    follower.configure("max_stale = \"1h\"", "max_stale = \"1ms\"");
    follower.start().await;
    let ended = eventually("the copy is too old", || async {
        let ended = follower.run(&["get", "hubspot/api_key"], b"").await;
        (ended.code != Some(0)).then_some(ended)
    });
    assert_ended(&ended.await, 5, "the last contact with the lead was at");
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    for arguments in [&["get", "hubspot/api_key"][..], &["list"], &["audit", "tail"], &["completion", "bash"]] {
        let (gone, writer) = std::io::pipe().expect("a pipe");
        drop(gone);
        let mut command = lead.aurora(arguments);
        let child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().expect("starts");
        let ended = child.wait_with_output().await.expect("ends");
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}
