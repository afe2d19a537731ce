//! At a terminal the program sees one, its output is masked all the same, and the terminal is left as it was.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdout, Command};

use crate::support::process::AURORA;

use super::{Desk, hearing};

/// A line of the shell at a terminal of its own; `None` where there is no way to one.
fn at_a_terminal(desk: &Desk, line: &str) -> Option<Command> {
    // util-linux's script(1) is there wherever a Linux has a login.
    let script = Path::new("/usr/bin/script");
    if !script.exists() {
        eprintln!("skipped: there is no script(1) here");
        return None;
    }
    let mut command = Command::new(script);
    command.args(["-qec", line, "/dev/null"]).env("AURORA_SOCKET", desk.lead.agent()).env("SHELL", "/bin/sh");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let mut command = hearing(&command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Some(command)
}

/// Reads what the terminal shows until this is there.
async fn shown(from: &mut ChildStdout, until: &str) -> String {
    let mut shown = String::new();
    while !shown.contains(until) {
        let mut piece = [0; 1024];
        let read = tokio::time::timeout(Duration::from_secs(20), from.read(&mut piece)).await;
        let size = read.unwrap_or_else(|_| panic!("never {until:?}, but {shown}")).expect("read");
        assert!(size > 0, "{until:?} is not in {shown}");
        shown.push_str(&String::from_utf8_lossy(&piece[..size]).replace("\r\n", "\n"));
    }
    shown
}

#[tokio::test]
async fn a_program_at_a_terminal_has_one_of_its_own() {
    let desk = Desk::open().await;
    let line = format!(
        "stty rows 33 cols 99; {AURORA} run --map KEY=openai/api_key -- sh -c \
         'test -t 0 && test -t 1 && test -t 2 && stty size; echo $KEY; echo $KEY >&2; exit 5'; echo ended $?; stty -a"
    );
    let Some(mut command) = at_a_terminal(&desk, &line) else { return };
    let mut child = command.spawn().expect("script");
    let shown = shown(child.stdout.as_mut().expect("piped"), "-extproc").await;
    let expected = "33 99\n<concealed by aurora>\n<concealed by aurora>\nended 5\n";
    assert!(shown.contains(expected), "{shown}");
    let after = shown.split_once("ended 5").expect("after it").1;
    assert!(after.contains(" icanon") && after.contains(" echo ") && after.contains("\nisig"), "{after}");
}

#[tokio::test]
async fn keys_reach_the_program_and_control_c_is_a_signal_to_it() {
    let desk = Desk::open().await;
    let line = format!(
        "{AURORA} run --map KEY=openai/api_key -- sh -c \
         'trap \"echo interrupted; exit 9\" INT; echo ready; read a; echo \"$KEY $a\"; while :; do sleep 0.02; done'; \
         echo ended $?"
    );
    let Some(mut command) = at_a_terminal(&desk, &line) else { return };
    let mut child = command.spawn().expect("script");
    let (mut keys, mut screen) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    shown(&mut screen, "ready\n").await;
    keys.write_all(b"hello\n").await.expect("typed");
    shown(&mut screen, "<concealed by aurora> hello\n").await;
    keys.write_all(b"\x03").await.expect("typed");
    shown(&mut screen, "interrupted\nended 9\n").await;
}
