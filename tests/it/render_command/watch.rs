//! `render --watch` follows the secrets it uses, and those alone.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

struct Watch {
    child: Child,
}

impl Watch {
    fn start(lead: &Node, dir: &Path) -> Self {
        let at = |name: &str| dir.join(name).to_str().expect("text").to_owned();
        let (template, out, ran) = (at("t"), at("out"), at("ran"));
        let script = format!("cat {out} >> {ran}; test ! -e {}", at("fail"));
        let arguments = ["render", &template, "-o", &out, "--watch", "--debounce", "50ms", "--", "sh", "-c", &script];
        let errors = fs::File::create(at("err")).expect("a file");
        let mut command = lead.aurora(&arguments);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().expect("starts");
        Self { child }
    }

    async fn end(mut self, signal: Signal) -> Option<i32> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("runs");
        kill_process(pid, signal).expect("runs");
        self.child.wait().await.expect("our child").code()
    }
}

async fn becomes(dir: &Path, name: &str, wanted: &str) {
    eventually(&format!("{name} becomes {wanted:?}"), || async {
        (fs::read_to_string(dir.join(name)).ok()? == wanted).then_some(())
    })
    .await;
}

async fn says(dir: &Path, wanted: &str) {
    eventually(&format!("standard error says {wanted:?}"), || async {
        fs::read_to_string(dir.join("err")).ok()?.contains(wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_file_follows_its_secrets_and_the_command_runs_after_each_change() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "one").await;
    fs::write(dir.path().join("t"), "{{ secret(\"hubspot/api_key\") }}\n").expect("written");
    let watch = Watch::start(&lead, dir.path());
    becomes(dir.path(), "ran", "one\n").await;
    lead.put("hubspot/other", "global", "not used").await;
    lead.put("hubspot/api_key", "global", "two").await;
    becomes(dir.path(), "ran", "one\ntwo\n").await;

    // A command that fails ends nothing.
    fs::write(dir.path().join("fail"), "").expect("written");
    lead.put("hubspot/api_key", "global", "three").await;
    // The command of before may still be there to fail in the place of this one.
    becomes(dir.path(), "ran", "one\ntwo\nthree\n").await;
    says(dir.path(), "the file is written, but sh ended with").await;
    fs::remove_file(dir.path().join("fail")).expect("there");

    // A secret that is gone leaves the file, and is taken up when it is back.
    assert_eq!(lead.run(&["delete", "hubspot/api_key"], b"").await.code, Some(0));
    says(dir.path(), "hubspot/api_key").await;
    becomes(dir.path(), "out", "three\n").await;
    lead.put("hubspot/api_key", "global", "four").await;
    becomes(dir.path(), "ran", "one\ntwo\nthree\nfour\n").await;
    assert_eq!(watch.end(Signal::TERM).await, Some(0));
    let errors = fs::read_to_string(dir.path().join("err")).expect("read");
    assert!(["one", "two", "three", "four"].iter().all(|value| !errors.contains(value)), "{errors}");
}

#[tokio::test]
async fn the_watch_goes_on_when_the_node_comes_back() {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "one").await;
    fs::write(dir.path().join("t"), "{{ secret(\"hubspot/api_key\") }}\n").expect("written");
    let watch = Watch::start(&lead, dir.path());
    becomes(dir.path(), "ran", "one\n").await;
    lead.end(Signal::TERM).await;
    lead.start().await;
    lead.put("hubspot/api_key", "global", "two").await;
    becomes(dir.path(), "ran", "one\ntwo\n").await;
    assert_eq!(watch.end(Signal::INT).await, Some(0));
}

#[tokio::test]
async fn a_watch_that_cannot_begin_ends_with_the_cause() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    fs::write(dir.path().join("t"), "{{ secret(\"hubspot/api_key\") }}\n").expect("written");
    let mut watch = Watch::start(&lead, dir.path());
    assert_eq!(watch.child.wait().await.expect("our child").code(), Some(3));
    assert!(!dir.path().join("out").exists() && !dir.path().join("ran").exists());
}
