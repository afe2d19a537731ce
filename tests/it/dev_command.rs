//! `aurora dev` shows a working mesh to somebody who has nothing yet, and leaves nothing behind.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::support::process::{aurora, directory, run};
use crate::support::wait::eventually;

fn dev(home: &Path, arguments: &[&str]) -> tokio::process::Command {
    let mut command = aurora(home, ["dev"]);
    command.args(arguments).env("TMPDIR", home);
    command
}

fn entries(dir: &Path) -> Vec<String> {
    let items = std::fs::read_dir(dir).expect("ours").map(|item| item.expect("readable").file_name());
    items.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// A `dev` that stays, once it has told everything.
async fn staying(home: &Path) -> Child {
    let mut child = dev(home, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary is there");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let stays = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.ends_with("audit tail") {
                return;
            }
        }
        panic!("it ended without staying");
    };
    stays.await;
    child
}

/// The processes this one has started.
fn children(parent: &Child) -> Vec<i32> {
    let parent = format!("PPid:\t{}", parent.id().expect("runs"));
    let processes = std::fs::read_dir("/proc").expect("Linux").filter_map(|item| {
        let pid: i32 = item.ok()?.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().any(|line| line == parent).then_some(pid)
    });
    processes.collect()
}

fn is_there(pid: i32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.starts_with(" Z"))
}

fn signal(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("runs");
    kill_process(pid, signal).expect("runs");
}

#[tokio::test]
async fn once_in_an_empty_home_shows_every_answer_and_leaves_nothing() {
    let home = directory();
    let ended = run(&mut dev(home.path(), &["--once"]), b"").await;
    let text = ended.text();
    for told in ["ON DISK AT THE LEAD", "FOR COMPANY", "node:vengeance", "company:company-town-foods", "denied"] {
        assert!(text.contains(told), "{told} is not in:\n{text}");
    }
    assert!(text.contains("Every answer was right.") && !text.contains("WRONG"), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with(" right")).count(), 9, "{text}");
    assert_eq!(entries(home.path()), Vec::<String>::new(), "what was made for it is gone");
}

#[tokio::test]
async fn what_is_kept_is_gone_on_with() {
    let home = directory();
    let keep = home.path().join("kept");
    let arguments = ["--once", "--keep", keep.to_str().expect("text")];
    run(&mut dev(home.path(), &arguments), b"").await.text();
    let mesh = std::fs::read(keep.join("aurora.toml")).expect("a configuration");
    let ended = run(&mut dev(home.path(), &arguments), b"").await;
    assert!(ended.text().contains("Every answer was right."), "{ended:?}");
    assert_eq!(std::fs::read(keep.join("aurora.toml")).expect("a configuration"), mesh);
    let first = ended.text().lines().filter(|line| line.ends_with(" right") && line.contains("  1  ")).count();
    assert_eq!(first, 8, "each value is still its first version, because the same was stored again: {}", ended.text());
}

#[tokio::test]
async fn a_signal_ends_the_nodes_and_removes_their_directory() {
    let home = directory();
    let mut child = staying(home.path()).await;
    let nodes = children(&child);
    assert_eq!((nodes.len(), entries(home.path()).len()), (3, 1));
    signal(&child, Signal::TERM);
    let status = child.wait().await.expect("our child");
    assert!(status.success(), "{status}");
    assert!(!nodes.iter().copied().any(is_there), "{nodes:?}");
    assert_eq!(entries(home.path()), Vec::<String>::new());
}

#[tokio::test]
async fn the_nodes_do_not_outlive_a_dev_that_was_killed() {
    let home = directory();
    let mut child = staying(home.path()).await;
    let nodes = children(&child);
    assert_eq!(nodes.len(), 3);
    child.kill().await.expect("our child");
    eventually("the nodes have ended", || async { (!nodes.iter().copied().any(is_there)).then_some(()) }).await;
}
