//! What `aurora run` costs before its command begins and after it ends: beside `true` alone, `aurora run -- true`, and
//! the same with three references, masked and not, against a real node.
//!
//! `cargo bench --bench run_overhead` runs each a hundred times, in turns, so that whatever else the machine does hits all
//! alike, and fails when the target is missed. Without `--bench`, which is how `cargo test --benches` starts it, it runs
//! each twice to show that it still works, and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use support::process::{AURORA, Node, directory};

#[path = "../it/support"]
#[expect(dead_code, reason = "the integration tests use more of it")]
mod support {
    #[path = "../../bench/unheld.rs"]
    pub mod contract;
    pub mod http;
    pub mod ports;
    pub mod process;
    pub mod wait;
}

/// The promise: the median of a run is that of the command alone, and no more than this.
const OVERHEAD_MAX: Duration = Duration::from_millis(15);

/// What is run: a word for it, and the options of `aurora run`; without any, the command alone.
const RUNS: [(&str, Option<&[&str]>); 4] = [
    ("true", None),
    ("aurora run -- true", Some(&[])),
    ("three references, masked", Some(&["--map", "A=bench/a", "--map", "B=bench/b", "--map", "C=bench/c"])),
    (
        "three references, --no-masking",
        Some(&["--map", "A=bench/a", "--map", "B=bench/b", "--map", "C=bench/c", "--no-masking"]),
    ),
];

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let dir = directory();
    let node = runtime.block_on(async {
        let node = Node::lead(dir.path()).await;
        for name in ["bench/a", "bench/b", "bench/c"] {
            node.put(name, "global", "example-value-of-a-benchmark").await;
        }
        node
    });
    let mut taken: [Vec<Duration>; RUNS.len()] = Default::default();
    for _ in 0..if judged { 100 } else { 2 } {
        for (taken, (_, options)) in taken.iter_mut().zip(RUNS) {
            taken.push(once(options, &node.agent(), dir.path()));
        }
    }
    let medians = taken.map(median);
    let alone = medians[0];
    let mut kept = true;
    for (median, (what, _)) in medians.into_iter().zip(RUNS) {
        let more = median.saturating_sub(alone);
        kept &= more < OVERHEAD_MAX;
        line(&format!("{what:32} {median:>9.2?}  {more:>9.2?} more than the command alone"));
    }
    line(if kept { "within 15 ms" } else { "over 15 ms" });
    if kept || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn once(options: Option<&[&str]>, socket: &Path, home: &Path) -> Duration {
    let mut command = match options {
        None => Command::new("true"),
        Some(options) => {
            let mut command = Command::new(AURORA);
            command.arg("run").args(options).args(["--", "true"]);
            command
        }
    };
    command.env("AURORA_SOCKET", socket).env("HOME", home).stdin(Stdio::null());
    let began = Instant::now();
    let status = command.status().expect("it runs");
    let taken = began.elapsed();
    assert!(status.success(), "{options:?}: {status}");
    taken
}

fn median(mut taken: Vec<Duration>) -> Duration {
    taken.sort_unstable();
    taken[taken.len() / 2]
}

fn line(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}
