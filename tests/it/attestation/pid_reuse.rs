//! A pid is given to another process: in a small pid namespace, where the next pid can be chosen (pid_namespaces(7)).

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]
#![expect(clippy::print_stdout, reason = "how the process inside tells the one outside that it came to its end")]

use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, kill_process};

use super::helpers::{HandedOn, VALUE, again, role};
use super::inherited::{assert_nothing, journal};
use crate::support::process::{Node, directory};

/// Written to, the next process has the number after it.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";

const INSIDE: &str = "pid-namespace";

/// Others start processes and threads too: the number is theirs now and then, and free again when they end.
const TRIES: usize = 2_000;

#[test]
fn whoever_has_the_pid_of_a_caller_after_it_is_not_that_caller() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make a pid namespace and choose its next pid");
        return;
    }
    let inner = again("attestation::pid_reuse::inside_the_namespace", INSIDE);
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child"]).arg(inner.get_program()).args(inner.get_args());
    unshare.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Ok(ended) = unshare.stdin(Stdio::null()).output() else {
        eprintln!("skipped: there is no unshare here");
        return;
    };
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    if said.contains("unshare failed") {
        eprintln!("skipped: a pid namespace cannot be made here: {said}");
        return;
    }
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("the pid was reused twice"), "{said}");
}

/// Not a test of its own: what the test above runs as the first process of the namespace.
#[tokio::test]
async fn inside_the_namespace() {
    if role().as_deref() != Some(INSIDE) {
        return;
    }
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", VALUE).await;

    let known = HandedOn::connect(&lead.agent(), &dir.path().join("known"), true);
    assert!(known.first_answer().contains(VALUE), "the control: {}", known.first_answer());
    let mut other = take_pid(known.pid);
    assert_nothing(&known.answer().await);
    end(&mut other);

    kill_process(lead.pid(), Signal::STOP).expect("runs");
    let unknown = HandedOn::connect(&lead.agent(), &dir.path().join("unknown"), false);
    let mut other = take_pid(unknown.pid);
    kill_process(lead.pid(), Signal::CONT).expect("stands still");
    assert_eq!(unknown.answer().await, "", "closed without an answer");
    end(&mut other);

    let journal = journal(&lead);
    assert!(journal.contains(r#""rule":"caller gone""#), "{journal}");
    assert!(!journal.contains("sleep"), "nothing was done as the program that has the pid: {journal}");
    println!("the pid was reused twice");
}

/// A program that has this pid.
fn take_pid(pid: u32) -> Child {
    for _ in 0..TRIES {
        std::fs::write(LAST_PID, (pid - 1).to_string()).expect("a namespace of our own");
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().expect("sleep");
        if child.id() == pid {
            return child;
        }
        end(&mut child);
    }
    panic!("pid {pid} was not to be had");
}

fn end(child: &mut Child) {
    child.kill().expect("runs");
    child.wait().expect("our child");
}
