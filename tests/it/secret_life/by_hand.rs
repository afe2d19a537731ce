//! On the command line.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::process::{AURORA, Ended, Node, directory};

/// The end of a command that was refused: the code, and what it said.
fn assert_ended(ended: &Ended, code: i32, says: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for part in says {
        assert!(ended.err.contains(part), "{part:?} is not in: {}", ended.err);
    }
}

#[tokio::test]
async fn a_life_from_the_first_value_to_the_last() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let run = async |line: &str, input: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        lead.run(&arguments, input.as_bytes()).await
    };
    let place = "--scope company:acme --reason test";
    run(&format!("put hub/key - {place} --tag eu --rotation-reminder-days 30 --description CRM"), "one").await.text();
    let again = run(&format!("put hub/key - {place}"), "one").await;
    assert_eq!(again.text(), "Unchanged: hub/key in company:acme, version 1, revision 1\n");
    run(&format!("put hub/key - {place}"), "two").await.text();
    let info = run("info hub/key", "").await;
    for part in ["tags         eu", "description  CRM", "rotation     due after 30 d", "version      2"] {
        assert!(info.text().contains(part), "{part}: {}", info.text());
    }
    let described = run(&format!("describe hub/key {place} --clear tags --owner ops"), "").await;
    assert_eq!(described.text(), "Secret described successfully: hub/key in company:acme, version 2, revision 3\n");
    let info = run("info hub/key", "").await;
    assert!(info.text().contains("owner        ops") && !info.text().contains("tags"), "{}", info.text());

    let deleted = run(&format!("delete hub/key {place}"), "").await;
    assert!(deleted.text().contains("deleted successfully"), "{deleted:?}");
    assert_eq!(deleted.err, "note: to undo it: aurora undelete hub/key --scope company:acme\n");
    assert_ended(&run("get hub/key --scope company:acme", "").await, 3, &["aurora explain hub/key"]);
    run(&format!("undelete hub/key {place}"), "").await.text();
    assert_ended(
        &run(&format!("undelete hub/key {place}"), "").await,
        2,
        &["is not deleted", "aurora versions hub/key --scope company:acme"],
    );
    run(&format!("rollback hub/key {place} --to 1"), "").await.text();
    assert_eq!(run("get hub/key --scope company:acme", "").await.text(), "one");
    assert_ended(&run(&format!("rollback hub/key {place} --to 7"), "").await, 3, &["version 7 of hub/key is not kept"]);
    run(&format!("destroy hub/key {place} --versions 1,2 --yes"), "").await.text();
    assert_ended(&run("get hub/key --scope company:acme --version 2", "").await, 3, &["version 2", "was destroyed"]);
    let versions = run("versions hub/key --scope company:acme", "").await;
    assert!(versions.text().contains("2 (destroyed)") && versions.text().contains("\n3 "), "{}", versions.text());
}

#[tokio::test]
async fn a_mistake_is_told_before_anything_happens() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hub/key", "global", "one").await;
    let table: [(&[&str], &[&str]); 10] = [
        (&["destroy", "hub/key"], &["no terminal to ask on", "aurora destroy hub/key --yes"]),
        (&["destroy", "hub/key", "--versions", "1", "--scope", "company:a"], &["--scope company:a --versions 1 --yes"]),
        (&["destroy", "hub/key", "--versions", "0", "--yes"], &["whole number from 1"]),
        (&["rollback", "hub/key"], &["--to"]),
        (&["describe", "hub/key"], &["nothing is said"]),
        (&["describe", "hub/key", "--clear", "value"], &["--clear"]),
        (&["describe", "hub/key", "--expires-at", "2020-01-01T00:00:00Z"], &["expires_at must be a time to come"]),
        (&["describe", "hub/key", "--ttl", "500ms"], &["whole seconds"]),
        (&["describe", "hub/key", "--ttl", "31d"], &["ttl must be between 1 s and 30 days"]),
        (&["token", "create", "runpod-tx", "--valid-for", "25h"], &["valid_for must be between 1 s and 24 h"]),
    ];
    for (arguments, says) in table {
        assert_ended(&lead.run(arguments, b"").await, 1, says);
    }
    let rehearsed = lead.run(&["destroy", "hub/key", "--dry-run"], b"").await;
    assert!(rehearsed.text().starts_with("Dry run: nothing was changed; hub/key in global would be"), "{rehearsed:?}");
    let rehearsed = lead.run(&["put", "hub/key", "-", "--dry-run"], b"two").await;
    assert!(rehearsed.text().ends_with("would be at version 2, revision 2\n"), "{rehearsed:?}");
    let rehearsed = lead.run(&["delete", "hub/key", "--dry-run"], b"").await;
    assert!(!rehearsed.text().is_empty() && rehearsed.err.is_empty(), "{rehearsed:?}");
    assert_eq!(lead.run(&["get", "hub/key"], b"").await.text(), "one");
    assert_eq!(lead.health().await["revision"], 1, "nothing was changed");
}

#[tokio::test]
async fn fields_come_as_an_object_and_go_one_by_one() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let fields = ["--field", "client_id:string", "--field", "client_secret:secret"];
    let put = [&["put", "google/oauth", "-"][..], &fields].concat();
    lead.run(&put, b"{\"client_id\": \"i\", \"client_secret\": \"s\"}\n").await.text();
    assert_eq!(lead.run(&["get", "google/oauth", "--field", "client_id"], b"").await.text(), "i");
    let whole = lead.run(&["get", "google/oauth"], b"").await;
    assert_eq!(whole.text(), "{\"client_id\": \"i\", \"client_secret\": \"s\"}", "as it was given");
    let wrong = lead.run(&["get", "google/oauth", "--field", "nope", "--environment", "prod"], b"").await;
    assert_ended(&wrong, 3, &["it has client_id, client_secret", "aurora info google/oauth --environment prod"]);
    let refused = lead.run(&["put", "google/oauth", "-"], b"{\"client_id\":\"canary\"}").await;
    assert_ended(&refused, 1, &["lacks the field client_secret"]);
    assert!(!refused.err.contains("canary"), "{}", refused.err);
    let info = lead.run(&["info", "google/oauth"], b"").await;
    assert!(info.text().contains("client_id (string), client_secret (secret)"), "{}", info.text());
    let json = lead.run(&["list", "-o", "json"], b"").await.json();
    assert_eq!(json["secrets"][0]["fields"][0]["name"], "client_id");
}

/// How long an answer to what was typed may take before it is typed again.
const PATIENCE: Duration = Duration::from_secs(3);

/// A terminal is made by script(1), which comes with every Linux that has a login; where it does not, there is none.
/// Each text is typed once what stands before it is on the screen; and once more if nothing comes of it, because a
/// prompt that turns the echo off throws away what was typed before it did.
async fn on_terminal(lead: &Node, line: &str, dialogue: &[(&str, &str)]) -> Option<String> {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("{AURORA} {line}"), "/dev/null"]);
    script.env_clear().env("HOME", &lead.dir).env("AURORA_SOCKET", lead.agent()).env("TERM", "dumb");
    let started = script.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no script(1) here");
            return None;
        }
        Err(error) => panic!("script is there and cannot be run: {error}"),
    };
    let (mut keyboard, mut screen) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let (mut shown, mut last) = (Vec::new(), "");
    for (question, typed) in dialogue {
        let is_asked = |shown: &[u8]| String::from_utf8_lossy(shown).contains(question);
        assert!(look(&mut screen, &mut keyboard, &mut shown, last, is_asked).await, "{question}: {shown:?}");
        keyboard.write_all(typed.as_bytes()).await.expect("it reads");
        last = typed;
    }
    look(&mut screen, &mut keyboard, &mut shown, last, |_| false).await;
    child.wait().await.expect("ends");
    Some(String::from_utf8(shown).expect("text"))
}

/// Looks at the screen until it shows what is waited for (true) or ends (false).
async fn look(
    screen: &mut ChildStdout,
    keyboard: &mut ChildStdin,
    shown: &mut Vec<u8>,
    typed: &str,
    is_there: impl Fn(&[u8]) -> bool,
) -> bool {
    for _ in 0..10 {
        while !is_there(shown) {
            match timeout(PATIENCE, screen.read_buf(shown)).await {
                Ok(Ok(0)) => return false,
                Ok(read) => drop(read.expect("a screen")),
                Err(_) => break,
            }
        }
        if is_there(shown) {
            return true;
        }
        keyboard.write_all(typed.as_bytes()).await.expect("it reads");
    }
    panic!("nothing comes of it: {shown:?}");
}

#[tokio::test]
async fn a_terminal_is_asked_before_a_value_goes_for_good_and_for_each_field() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hub/key", "global", "one").await;
    lead.put("hub/key", "global", "two").await;
    let Some(no) = on_terminal(&lead, "destroy hub/key --versions 1", &[("Destroy them?", "n")]).await else { return };
    assert!(no.contains("versions 1, go for good") && no.contains("nothing was done"), "{no}");
    assert_eq!(lead.run(&["get", "hub/key", "--version", "1"], b"").await.text(), "one");
    let yes = on_terminal(&lead, "destroy hub/key", &[("Destroy them?", "y")]).await.expect("script is there");
    assert!(yes.contains("versions 2, 1, go for good") && yes.contains("Destroyed for good"), "{yes}");
    assert_eq!(lead.run(&["get", "hub/key"], b"").await.code, Some(3));

    let put = "put google/oauth --field client_id:string --field client_secret:secret";
    let shown = on_terminal(&lead, put, &[("client_id of", "the-id\r"), ("client_secret of", "the-canary\r")])
        .await
        .expect("script is there");
    assert!(shown.contains("Field client_id of google/oauth"), "{shown}");
    assert_eq!(lead.run(&["get", "google/oauth", "--field", "client_secret"], b"").await.text(), "the-canary");
    assert_eq!(lead.run(&["get", "google/oauth", "--field", "client_id"], b"").await.text(), "the-id");
}
