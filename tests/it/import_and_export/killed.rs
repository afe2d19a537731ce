//! `kill -9` of the lead while it imports: afterwards everything is there or nothing, and the same command finishes.

use rustix::process::Signal;
use serde_json::Value;

use super::Desk;

/// Enough that an import takes a while, few enough for an ordinary test run.
const SECRETS: usize = 1_500;

/// Kills spread over the time an import was seen to take, from its first moment to past its end.
const KILLS: u32 = 8;

async fn held(desk: &Desk) -> usize {
    let listed = desk.lead.run(&["list", "-o", "json"], b"").await.json();
    let secrets = listed.as_array().cloned().or_else(|| listed["secrets"].as_array().cloned()).expect("a list");
    secrets.iter().filter(|secret| secret["deleted"] == Value::Bool(false)).count()
}

#[tokio::test]
async fn an_import_that_is_cut_short_is_there_whole_or_not_at_all_and_the_same_command_finishes_it() {
    let mut desk = Desk::open().await;
    let text = |turn: u32| -> String {
        let line = |number: usize| format!("# aurora: turn-{turn}/key-{number}\nK{number}=value {turn} {number}\n");
        (0..SECRETS).map(line).collect()
    };
    let first = desk.file("turn.env", text(0));
    let began = tokio::time::Instant::now();
    desk.import(&[&first, "--yes", "--quiet"]).await.text();
    let whole = began.elapsed();
    let mut expected = SECRETS;
    for turn in 1..=KILLS {
        let file = desk.file("turn.env", text(turn));
        let mut command = desk.lead.aurora(&["import", &file, "--yes", "-o", "json"]);
        let cut = tokio::spawn(async move { crate::support::process::run(&mut command, b"").await });
        tokio::time::sleep(whole * turn / KILLS).await;
        desk.lead.end(Signal::KILL).await;
        let cut = cut.await.expect("no panic");
        desk.lead.start().await;
        let found = held(&desk).await;
        assert!(found == expected || found == expected + SECRETS, "turn {turn}: {found} of {expected} + {SECRETS}");
        if cut.code == Some(0) {
            assert_eq!(found, expected + SECRETS, "turn {turn}: what was acknowledged is not there");
        }
        expected += SECRETS;
        let finished = desk.import(&[&file, "--yes", "-o", "json"]).await.json();
        let done = |what: &str| finished[what].as_u64().expect("a number");
        let is_new = if found == expected { 0 } else { u64::try_from(SECRETS).expect("few") };
        assert_eq!((done("new"), done("changed")), (is_new, 0), "turn {turn}");
        assert_eq!(held(&desk).await, expected, "turn {turn}");
        let verdict = desk.lead.run(&["audit", "verify", "-o", "json"], b"").await.json();
        assert_eq!(verdict["valid"], Value::Bool(true), "turn {turn}: {verdict}");
    }
}
