//! At a terminal the program sees one, its output is masked all the same, and the terminal is left as it was.

use std::path::Path;

use crate::support::process::{AURORA, run};

use super::Desk;

/// Runs a line of the shell at a terminal of its own, with these keys typed; gives what the terminal showed.
async fn at_a_terminal(desk: &Desk, line: &str, keys: &[u8]) -> Option<String> {
    // util-linux's script(1) is there wherever a Linux has a login.
    if !Path::new("/usr/bin/script").exists() {
        return None;
    }
    let mut command = tokio::process::Command::new("/usr/bin/script");
    command.args(["-qec", line, "/dev/null"]).env("AURORA_SOCKET", desk.lead.agent()).env("SHELL", "/bin/sh");
    let ended = run(&mut command, keys).await;
    desk.assert_unseen(&ended);
    Some(String::from_utf8_lossy(&ended.out).replace("\r\n", "\n"))
}

#[tokio::test]
async fn a_program_at_a_terminal_has_one_of_its_own() {
    let desk = Desk::open().await;
    let line = format!(
        "stty rows 33 cols 99; {AURORA} run --map KEY=openai/api_key -- sh -c \
         'test -t 0 && test -t 1 && test -t 2 && stty size; echo $KEY; echo $KEY >&2; exit 5'; echo ended $?; stty -a"
    );
    let Some(shown) = at_a_terminal(&desk, &line, b"").await else { return };
    let expected = "33 99\n<concealed by aurora>\n<concealed by aurora>\nended 5\n";
    assert!(shown.contains(expected), "{shown}");
    let after = shown.split_once("ended 5").expect("after it").1;
    assert!(after.contains(" icanon") && after.contains(" echo ") && after.contains(" isig"), "{after}");
}

#[tokio::test]
async fn keys_reach_the_program_and_control_c_is_a_signal_to_it() {
    let desk = Desk::open().await;
    let line = format!(
        "{AURORA} run --map KEY=openai/api_key -- sh -c \
         'trap \"echo interrupted; exit 9\" INT; read a; echo \"read $a\"; while :; do sleep 0.02; done'; echo ended $?"
    );
    let Some(shown) = at_a_terminal(&desk, &line, b"hello\n\x03").await else { return };
    assert!(shown.contains("read hello\n") && shown.contains("interrupted\nended 9\n"), "{shown}");
}
