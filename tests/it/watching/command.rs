//! `aurora watch`: a line for each change, across restarts of the node.

use std::process::Stdio;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

fn watch(node: &Node, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = node.aurora(&["watch"]);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary is there");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    (child, lines)
}

/// A watch is on when its line is in the journal.
async fn is_on(node: &Node, watches: usize) {
    eventually("the watch is on", || async {
        let tail = node.run(&["audit", "tail", "-n", "100"], b"").await;
        (tail.text().matches("secret.list").count() >= watches).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_watch_prints_a_line_for_each_change_and_goes_on_when_the_node_is_back() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let (mut child, mut lines) = watch(&lead, &[]);
    is_on(&lead, 1).await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    let line = lines.next_line().await.expect("read").expect("a line");
    assert!(line.ends_with("Z  stored      hubspot/api_key  global  version 1  by revision 1"), "{line}");
    lead.end(Signal::TERM).await;
    lead.start().await;
    lead.put("hubspot/api_key", "company:acme", "not-a-real-key").await;
    let line = lines.next_line().await.expect("read").expect("a line");
    assert!(line.ends_with("  hubspot/api_key  company:acme  version 1  by revision 2"), "{line}");
    child.start_kill().expect("runs");
    let ended = child.wait_with_output().await.expect("ends");
    let notes = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(notes, "note: the node went away; watching goes on when it is back\n");
}

#[tokio::test]
async fn a_watch_of_what_has_been_prints_objects_and_ends_after_the_first_if_told_so() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for number in 1..=3 {
        lead.put("hubspot/api_key", "global", &format!("not-a-real-key-{number}")).await;
    }
    let once = lead.run(&["watch", "hubspot/", "--after", "1.1", "--once", "-o", "json"], b"").await;
    assert_eq!((once.json()["version"].as_u64(), once.json()["change"].as_str()), (Some(2), Some("stored")));
    let one = lead.run(&["watch", "hubspot/api_key", "--after", "1.2", "--once"], b"").await;
    assert!(one.text().contains("version 3"), "{one:?}");
    let reset = lead.run(&["watch", "--after", "9.1", "--once"], b"").await;
    assert!(reset.text().contains("version 3") && reset.err.contains("new epoch"), "{reset:?}");
    for (arguments, code) in [(&["watch", "hubspot"][..], 1), (&["watch", "--after", "1"], 1)] {
        assert_eq!(lead.run(arguments, b"").await.code, Some(code), "{arguments:?}");
    }
    let nobody = lead.run(&["watch", "--socket", "/nonexistent/agent.sock"], b"").await;
    assert_eq!(nobody.code, Some(1), "a node that was never there is not waited for: {nobody:?}");
}
