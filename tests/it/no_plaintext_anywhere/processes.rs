//! What the kernel shows of processes: arguments and environments, and whether memory may be written to disk.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::needles::Needles;
use crate::support::http;
use crate::support::process::{AURORA, Node, aurora, directory, run};
use crate::support::wait::eventually;

/// A user who is not root, for a test that root runs: root owns what the kernel hides.
const SOMEBODY: u32 = 54_321;

/// Every needle in the arguments and the environment of every process of this machine.
pub(super) fn search(needles: &Needles) -> Vec<String> {
    let mut found = Vec::new();
    for item in std::fs::read_dir("/proc").expect("Linux") {
        let path = item.expect("readable").path();
        if path.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.parse::<u32>().is_err()) {
            continue;
        }
        for file in ["cmdline", "environ"] {
            let path = path.join(file);
            match std::fs::read(&path) {
                Ok(bytes) => {
                    found.extend(needles.within(&bytes).iter().map(|hit| format!("{hit} in {}", path.display())))
                }
                // It has ended, or it is another user's, or one that hides its memory even from us.
                Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3) => {}
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }
    found
}

/// Returns once the process is the program it was started as.
pub(super) async fn shows_arguments(child: &Child, argument: &str) {
    eventually(&format!("a process has the argument {argument:?}"), || async {
        let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id()?)).ok()?;
        arguments.split(|byte| *byte == 0).any(|found| found == argument.as_bytes()).then_some(())
    })
    .await;
}

/// The user the tests look at processes of.
fn user() -> u32 {
    let own = rustix::process::geteuid();
    if own.is_root() { SOMEBODY } else { own.as_raw() }
}

fn as_user(mut command: Command) -> Command {
    if rustix::process::geteuid().is_root() {
        command.uid(SOMEBODY).gid(SOMEBODY);
    }
    command
}

/// The kernel gives the files of a process that may not be dumped to root, and those of any other to its user (proc(5)).
fn owner(child: &Child) -> Option<u32> {
    std::fs::metadata(format!("/proc/{}/maps", child.id()?)).ok().map(|found| found.uid())
}

fn core_limit(child: &Child) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().expect("runs"))).expect("readable");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("a limit").to_owned();
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

async fn assert_never_dumped(what: &str, child: &Child) {
    eventually(&format!("{what} gives up core dumps"), || async { (owner(child)? == 0).then_some(()) }).await;
    assert_eq!(core_limit(child), "0 0");
}

#[tokio::test]
async fn a_node_and_the_command_that_holds_a_value_are_never_dumped() {
    let dir = directory();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).expect("ours");
    for path in [dir.path(), &home] {
        chown(path, Some(user()), None).expect("root, or our own");
    }
    let program = home.join("program");
    std::fs::copy(AURORA, &program).expect("where that user can run it");
    let mut ordinary = as_user(Command::new("sleep"));
    let ordinary = ordinary.arg("600").kill_on_drop(true).spawn().expect("a command");
    assert_eq!(owner(&ordinary), Some(user()), "one that may be dumped is its user's");

    let node = Node::new(&home, "aurora", "info");
    let of_user = |arguments: &[&str]| {
        let mut command = as_user(Command::new(&program));
        command.args(arguments).env_clear().env("HOME", &home).kill_on_drop(true);
        command
    };
    let mut init = of_user(&["init", "--no-discovery", "--listen", "127.0.0.1:0", "--config"]);
    init.arg(node.config_file()).arg("--state-dir").arg(node.state_dir());
    run(init.arg("--socket-dir").arg(node.socket_dir()), b"").await.text();
    let mut up = of_user(&["up", "--config"]);
    let up = up.arg(node.config_file()).stderr(Stdio::null()).spawn().expect("starts");
    eventually("the node answers", || async { http::try_ask(&node.agent(), "GET", "/health", &[], "").await }).await;
    assert_never_dumped("the node", &up).await;

    let mut put = of_user(&["put", "hubspot/api_key", "-"]);
    let put = put.env("AURORA_SOCKET", node.agent()).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    assert_never_dumped("the command", &put.expect("starts, and waits for the value")).await;
}

#[tokio::test]
async fn a_node_that_takes_its_token_and_its_keys_gives_up_core_dumps_first() {
    let dir = directory();
    let mut join = aurora(dir.path(), ["join", "-", "--no-discovery", "--config"]);
    join.arg(dir.path().join("node.toml")).arg("--state-dir").arg(dir.path().join("state"));
    let join = join.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let join = join.expect("starts, and waits for the token");
    eventually("the limit is set", || async { (core_limit(&join) == "0 0").then_some(()) }).await;
}
