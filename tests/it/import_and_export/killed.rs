//! `kill -9` of the lead at every step of an import: afterwards everything is there or nothing, and the same command
//! finishes it.

use std::os::unix::process::ExitStatusExt;

use aurora_mesh::store::failpoint::Failpoint;
use rustix::process::Signal;
use serde_json::Value;

use super::Desk;

/// Enough for a plan of some size.
const SECRETS: usize = 500;

async fn held(desk: &Desk) -> usize {
    let listed = desk.lead.run(&["list", "-o", "json"], b"").await.json();
    let secrets = listed.as_array().cloned().or_else(|| listed["secrets"].as_array().cloned()).expect("a list");
    secrets.iter().filter(|secret| secret["deleted"] == Value::Bool(false)).count()
}

#[tokio::test]
async fn an_import_killed_at_any_step_is_there_whole_or_not_at_all_and_the_same_command_finishes_it() {
    let mut desk = Desk::open().await;
    let mut before = 0;
    for point in Failpoint::OF_IMPORT {
        let turn = point.name();
        let line = |number: usize| format!("# aurora: {turn}/key-{number}\nK{number}=value {turn} {number}\n");
        let file = desk.file("turn.env", (0..SECRETS).map(line).collect::<String>());
        desk.lead.end(Signal::TERM).await;
        desk.lead.failpoint = Some(point.name());
        desk.lead.start().await;
        let cut = desk.import(&[&file, "--yes", "-o", "json"]).await;
        assert_ne!(cut.code, Some(0), "{point:?}: it was told to be done: {cut:?}");
        let ended = desk.lead.ended().await;
        assert_eq!(ended.signal(), Some(Signal::KILL.as_raw()), "{point:?} is not passed: {cut:?}");
        desk.lead.failpoint = None;
        desk.lead.start().await;

        let stored = if point == Failpoint::ImportStored { SECRETS } else { 0 };
        assert_eq!(held(&desk).await, before + stored, "{point:?}: half of it is there");
        let finished = desk.import(&[&file, "--yes", "-o", "json"]).await.json();
        let done = |what: &str| finished[what].as_u64().and_then(|count| usize::try_from(count).ok());
        let counts = (done("new"), done("changed"), done("same"));
        assert_eq!(counts, (Some(SECRETS - stored), Some(0), Some(stored)), "{point:?}");
        before += SECRETS;
        assert_eq!(held(&desk).await, before, "{point:?}");
        let verdict = desk.lead.run(&["audit", "verify", "-o", "json"], b"").await.json();
        assert_eq!(verdict["valid"], Value::Bool(true), "{point:?}: {verdict}");
    }
}
