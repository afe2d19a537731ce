//! The program's end is the command's end, its signals are passed on, and it does not outlive whoever masks it.

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::support::process::run;
use crate::support::wait::eventually;

use super::{Desk, MAP, exists, next, started};

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().expect("runs").try_into().expect("a pid")).expect("a pid")
}

#[tokio::test]
async fn the_exit_code_is_the_programs_or_tells_its_signal() {
    let desk = Desk::open().await;
    for masking in [&[][..], &["--no-masking"], &["--watch"]] {
        let options = [&MAP[..], masking].concat();
        for code in [0, 1, 42, 255] {
            assert_eq!(desk.run(&options, &format!("exit {code}")).await.code, Some(code), "{masking:?}");
        }
        for (signal, code) in [("KILL", 137), ("TERM", 143), ("SEGV", 139)] {
            let ended = desk.run(&options, &format!("kill -{signal} $$")).await;
            // In place of this process, the signal is the process's own.
            let expected = if masking == ["--no-masking"] { None } else { Some(code) };
            assert_eq!(ended.code, expected, "{masking:?} {signal}");
        }
    }
}

#[tokio::test]
async fn without_masking_the_process_becomes_the_program() {
    let desk = Desk::open().await;
    let (child, mut lines) = started(desk.command(&[&MAP[..], &["--no-masking"]].concat(), "echo $$"));
    assert_eq!(next(&mut lines).await, child.id().expect("ran").to_string());
    let (child, mut lines) = started(desk.command(&[], "echo $$"));
    assert_eq!(next(&mut lines).await, child.id().expect("ran").to_string(), "with nothing to mask, too");
    let (child, mut lines) = started(desk.command(&MAP, "echo $PPID"));
    assert_eq!(next(&mut lines).await, child.id().expect("ran").to_string(), "else it stays as the parent");
}

#[tokio::test]
async fn every_signal_reaches_the_program_once() {
    let desk = Desk::open().await;
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("WINCH", Signal::WINCH),
        ("CONT", Signal::CONT),
        ("TSTP", Signal::TSTP),
    ] {
        let script = format!("trap 'trap \"exit 7\" USR2; echo got' {name}; echo ready; while :; do sleep 0.02; done");
        let (child, mut lines) = started(desk.command(&MAP, &script));
        assert_eq!(next(&mut lines).await, "ready");
        kill_process(pid(&child), signal).expect("runs");
        if signal == Signal::TSTP {
            // It stops with the program, and what the program printed comes when it goes on.
            eventually("aurora stopped", || async {
                let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()?)).ok()?;
                status.contains("State:\tT").then_some(())
            })
            .await;
            kill_process(pid(&child), Signal::CONT).expect("runs");
        }
        assert_eq!(next(&mut lines).await, "got", "{name}");
        kill_process(pid(&child), Signal::USR2).expect("runs");
        let ended = child.wait_with_output().await.expect("ends");
        assert_eq!(ended.status.code(), Some(7), "{name}");
        assert!(lines.next_line().await.expect("read").is_none(), "{name} came once");
    }
}

#[tokio::test]
async fn a_program_starts_with_no_signal_blocked_and_its_own_limit_of_files() {
    let desk = Desk::open().await;
    let signals = "grep -E '^Sig(Blk|Ign)' /proc/self/status";
    for masking in [&[][..], &["--no-masking"]] {
        let options = [&MAP[..], masking].concat();
        let ended = desk.run(&options, signals).await;
        assert_eq!(ended.text(), run(tokio::process::Command::new("sh").args(["-c", signals]), b"").await.text());
        let mut command = tokio::process::Command::new("sh");
        let arguments = [&["run"], &options[..], &["--", "sh", "-c", "ulimit -Sn"]].concat().join(" ");
        let arguments = arguments.replace("ulimit -Sn", "'ulimit -Sn'");
        command.arg("-c").arg(format!("ulimit -Sn 123; exec {} {arguments}", crate::support::process::AURORA));
        command.env("AURORA_SOCKET", desk.lead.agent());
        assert_eq!(run(&mut command, b"").await.text(), "123\n");
    }
}

#[tokio::test]
async fn a_program_whose_output_nobody_masks_any_more_is_told_to_end() {
    let desk = Desk::open().await;
    let told = desk.dir.path().join("told");
    let script = format!("trap 'echo > {}; exit' TERM; echo ready; while :; do sleep 0.02; done", told.display());
    let (mut child, mut lines) = started(desk.command(&MAP, &script));
    assert_eq!(next(&mut lines).await, "ready");
    child.kill().await.expect("killed");
    eventually("the program was told", || async { exists(&told) }).await;
}

#[tokio::test]
async fn what_a_program_leaves_in_the_background_is_not_waited_for() {
    let desk = Desk::open().await;
    let ended = desk.run(&MAP, "(sleep 600; echo late) & echo $!; echo \"$KEY\"").await;
    let (left, rest) = ended.text().split_once('\n').expect("two lines");
    assert_eq!(rest, "<concealed by aurora>\n");
    kill_process(left.parse().ok().and_then(Pid::from_raw).expect("a pid"), Signal::KILL).expect("still there");
}

#[tokio::test]
async fn standard_input_is_the_programs() {
    let desk = Desk::open().await;
    let ended = run(&mut desk.command(&MAP, "cat"), b"some\0bytes\n").await;
    assert_eq!(ended.out, b"some\0bytes\n");
}
