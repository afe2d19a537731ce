//! Histories of real processes, as JSON lines: one operation to a line, in any order, of any number of secrets.
//!
//! ```text
//! {"secret":"openai/api_key","op":"put","value":7,"invoked":120,"completed":135,"version":3}
//! {"secret":"openai/api_key","op":"cas","value":8,"expected":2,"invoked":121,"completed":130,"conflict":3}
//! {"secret":"openai/api_key","op":"delete","invoked":140}                      no answer came: it may have happened
//! {"secret":"openai/api_key","op":"read","invoked":141,"completed":142,"version":3,"value":7}
//! {"secret":"openai/api_key","op":"read","node":"vengeance","invoked":150,"completed":151,"version":3,"value":7}
//! ```
//!
//! Times are of one monotonic clock of one machine, in milliseconds. A read with a `node` is of a follower. A `cas`, `delete`
//! or `undelete` that found nothing says `"absent":true`, an `undelete` of what is not deleted `"not_deleted":true`; a read
//! that found nothing has no version. Versions of an environment begin with the history: nothing was stored before it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::followers::{self, FollowerRead};
use super::register::Register;
use super::{Answer, Call, Operation, search};

/// What was recorded of one secret.
#[derive(Debug, Default)]
struct Recorded {
    operations: Vec<Operation>,
    reads: Vec<FollowerRead>,
}

/// How much was judged.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Secrets.
    pub secrets: usize,
    /// Operations at the lead.
    pub operations: usize,
    /// Values that followers gave out.
    pub reads: usize,
}

/// Judges a recorded history; `bound` is `ttl + max_stale` of the followers, in milliseconds, with what the clocks and the
/// machine may add.
pub fn check(text: &str, bound: u64) -> Result<Judged, String> {
    let mut secrets: BTreeMap<String, Recorded> = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let line: Value = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
        let secret = line["secret"].as_str().ok_or_else(|| wrong("no secret"))?;
        take(&line, secrets.entry(secret.to_owned()).or_default()).map_err(|what| wrong(&what))?;
    }
    let mut judged = Judged::default();
    for (secret, mut recorded) in secrets {
        recorded.operations.sort_by_key(|operation| operation.invoked);
        let lead = search::linearizable(Register::default(), &recorded.operations);
        lead.map_err(|stuck| format!("{secret}: {stuck}"))?;
        followers::check(&recorded.operations, &recorded.reads, bound).map_err(|what| format!("{secret}: {what}"))?;
        judged.secrets += 1;
        judged.operations += recorded.operations.len();
        judged.reads += recorded.reads.len();
    }
    Ok(judged)
}

fn take(line: &Value, recorded: &mut Recorded) -> Result<(), String> {
    let number = |name: &str| line[name].as_u64();
    let needed = |name: &str| number(name).ok_or_else(|| format!("no {name}"));
    let says = |name: &str| line[name].as_bool() == Some(true);
    let invoked = needed("invoked")?;
    let call = match line["op"].as_str().unwrap_or_default() {
        "put" => Call::Put { value: needed("value")? },
        "cas" => Call::Cas { value: needed("value")?, expected: needed("expected")? },
        "delete" => Call::Delete,
        "undelete" => Call::Undelete,
        "read" => Call::Read,
        other => return Err(format!("no operation {other:?}")),
    };
    let Some(completed) = number("completed") else {
        if line["node"].is_null() {
            recorded.operations.push(Operation { call, invoked, completed: u64::MAX, answer: Answer::Unknown });
        }
        return Ok(());
    };
    if let Some(node) = line["node"].as_str() {
        // A follower that gave nothing out promised nothing.
        let read = number("version").map(|version| FollowerRead { node: node.to_owned(), invoked, completed, version });
        recorded.reads.extend(read);
        return Ok(());
    }
    let answer = match (call, number("version"), number("conflict")) {
        (Call::Read, version, _) => Answer::Value(version.zip(number("value"))),
        (_, _, Some(current)) => Answer::Conflict { current },
        (_, Some(version), None) => Answer::Done { version },
        (_, None, None) if says("absent") => Answer::Absent,
        (_, None, None) if says("not_deleted") => Answer::NotDeleted,
        (_, None, None) => return Err("an answer that says nothing".to_owned()),
    };
    recorded.operations.push(Operation { call, invoked, completed, answer });
    Ok(())
}

/// What a campaign recorded, if there is a file.
#[test]
fn a_recorded_history_is_linearizable_and_as_fresh_as_promised() {
    let good = r#"
        {"secret":"a/b","op":"put","value":7,"invoked":1,"completed":4,"version":1}
        {"secret":"a/b","op":"cas","value":8,"expected":1,"invoked":2,"completed":6,"version":2}
        {"secret":"a/b","op":"cas","value":9,"expected":1,"invoked":7,"completed":8,"conflict":2}
        {"secret":"a/b","op":"delete","invoked":9}
        {"secret":"a/b","op":"read","invoked":10,"completed":11}
        {"secret":"a/b","op":"read","node":"vengeance","invoked":12,"completed":13,"version":2,"value":8}
        {"secret":"c/d","op":"undelete","invoked":1,"completed":2,"absent":true}"#;
    assert_eq!(check(good, 100), Ok(Judged { secrets: 2, operations: 6, reads: 1 }));
    for (from, to) in
        [("\"completed\":6,\"version\":2", "\"completed\":6,\"version\":1"), ("13,\"version\":2", "13,\"version\":3")]
    {
        assert!(check(&good.replace(from, to), 100).is_err(), "{to}");
    }
    assert!(check("{\"secret\":\"a/b\",\"op\":\"put\"}", 0).is_err_and(|what| what.starts_with("line 1")));
    let Ok(path) = std::env::var("AURORA_HISTORY") else { return };
    let bound = std::env::var("AURORA_HISTORY_BOUND_MS").map_or(3_900_000, |text| text.parse().expect("milliseconds"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    match check(&text, bound) {
        Ok(judged) => crate::seeds::tell(&format!("{path}: {judged:?}: every answer is explained")),
        Err(what) => panic!("{path}: {what}"),
    }
}
