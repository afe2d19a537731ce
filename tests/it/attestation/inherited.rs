//! A child that inherits a socket is not the process that connected it.

use rustix::process::{Signal, kill_process};

use super::helpers::{HandedOn, VALUE};
use crate::support::http::Answer;
use crate::support::journal;
use crate::support::process::{Node, directory};

/// A refusal that says nothing, or no answer at all.
pub fn assert_nothing(answer: &str) {
    assert!(!answer.contains(VALUE), "{answer}");
    if let Some(answer) = Answer::parse(answer.as_bytes()) {
        assert_eq!((answer.status, answer.code().as_str()), (401, "no_identity"), "{answer:?}");
    }
}

/// What the node's journal says.
pub fn journal(node: &Node) -> String {
    journal::text(&node.state_dir().join("audit"))
}

#[tokio::test]
async fn a_child_that_inherits_a_socket_is_refused_once_its_parent_has_ended() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;
    let handed = HandedOn::connect(&lead.agent(), &dir.path().join("handed"), true);
    let first = handed.first_answer();
    assert!(first.starts_with("HTTP/1.1 200") && first.contains(VALUE), "the control: {first}");
    assert_nothing(&handed.answer().await);
    assert!(journal(&lead).contains(r#""rule":"caller gone""#), "{}", journal(&lead));
}

/// The kernel completes a connect while nobody accepts: the process is gone before anybody can ask who it was.
#[tokio::test]
async fn a_process_that_ends_before_it_is_identified_is_never_answered() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;
    kill_process(lead.pid(), Signal::STOP).expect("runs");
    let handed = HandedOn::connect(&lead.agent(), &dir.path().join("handed"), false);
    kill_process(lead.pid(), Signal::CONT).expect("stands still");
    assert_eq!(handed.answer().await, "", "closed without an answer");
    let log = std::fs::read_to_string(lead.log_file()).expect("a log");
    assert!(log.contains("closed without an answer"), "{log}");
}
