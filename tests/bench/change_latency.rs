//! How fast a change on the lead is readable on its followers, and what the nodes cost: a lead and ten followers in one
//! process, over real QUIC on loopback, with real stores on one real disk and every audit line written.
//!
//! `cargo bench --bench change_latency` runs all of it and fails when a target is missed. Without `--bench`, which is how
//! `cargo test --benches` starts it, it does a handful of each to show that it still works, and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::cmp::Ordering;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use figures::{Promise, judge, tell};
use percentile::percentile;
use rate::rate;
use support::callers::{admin, agent, put, read};
use support::mesh::{TestMesh, TestNode, prod};

use aurora_mesh::model::number::Revision;
use aurora_mesh::vault::answer::ReadOutcome;

#[path = "figures.rs"]
mod figures;
#[path = "percentile.rs"]
mod percentile;
#[path = "rate.rs"]
mod rate;

#[path = "../it/support"]
#[expect(dead_code, reason = "the integration tests use more of it")]
mod support {
    pub mod callers;
    pub mod clock;
    pub mod mesh;
    pub mod ports;
    pub mod wait;
}

/// The promise: from the commit on, a change is readable on a follower within this in half of all cases,
const MEDIAN_MAX_MS: f64 = 2.0;

/// and in 99 of 100 within this.
const P99_MAX_MS: f64 = 10.0;

/// Between two looks at the followers. The thread sleeps, so that looking takes no processor from what is looked at; the
/// kernel makes about a tenth of a millisecond of it.
const GLANCE: Duration = Duration::from_micros(20);

/// How much is done.
struct Plan {
    followers: usize,
    puts: usize,
    span: Duration,
    judged: bool,
}

impl Plan {
    fn chosen() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            Self { followers: 10, puts: 1000, span: Duration::from_secs(3), judged: true }
        } else {
            Self { followers: 2, puts: 5, span: Duration::from_millis(50), judged: false }
        }
    }
}

fn main() -> ExitCode {
    let plan = Plan::chosen();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let kept = runtime.block_on(measure(&plan));
    if kept || !plan.judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints everything; says whether the targets were met.
async fn measure(plan: &Plan) -> bool {
    let mesh = TestMesh::start().await;
    let mut followers = Vec::new();
    for number in 0..plan.followers {
        let companies: &[&str] = if number == 0 { &["company-town-foods"] } else { &[] };
        followers.push(mesh.follower(&format!("follower-{number}"), prod(companies)).await);
    }
    for follower in &followers {
        follower.is_fresh().await;
    }
    line("one process", format_args!("{}, directory {}", build(), mesh.dir.path().display()));
    line("memory of the process, idle", resident());

    let kept = Latency::of(&mesh, &followers, plan.puts).await.told(plan.followers);
    for writers in [1, 16, 64] {
        line(&format!("commits a second, {writers} writers"), commits(&mesh, writers, plan.span).await);
    }
    for readers in [1, 16] {
        let count = reads(&followers[0], readers, plan.span).await;
        line(&format!("reads a second on a follower, {readers} readers"), count);
    }
    let written = mesh.lead.vault().health().revision;
    for follower in &followers {
        follower.reaches(written).await;
    }
    line("memory of the process, after", format_args!("{}, {written} changes", resident()));

    let verdict = match (plan.judged, kept) {
        (false, _) => "not judged: add --bench",
        (true, true) => "met",
        (true, false) => "MISSED",
    };
    line("targets (median 2 ms, p99 10 ms)", verdict);
    kept
}

/// In milliseconds, sorted.
struct Latency {
    /// From the call of a put until it is on the lead's disk.
    committed: Vec<f64>,
    /// From then until a follower answers reads from it; one for each follower and put.
    readable: Vec<f64>,
    /// The same, until the last of them does.
    everywhere: Vec<f64>,
}

impl Latency {
    async fn of(mesh: &TestMesh, followers: &[TestNode], puts: usize) -> Self {
        let (mut committed, mut readable, mut everywhere) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..puts {
            // Fifty secrets, twenty versions each: first values and changes both. The same value again would be none.
            let ask = put(&format!("bench/key-{}", at % 50), "global", &format!("not-a-real-key-{at}"));
            let began = Instant::now();
            let stored = mesh.lead.vault().put(&admin(), ask).await.expect("stored");
            let durable = Instant::now();
            committed.push(milliseconds(durable.duration_since(began)));
            let arrived = watch(followers, stored.revision, durable);
            everywhere.push(arrived.iter().copied().fold(0.0, f64::max));
            readable.extend(arrived);
        }
        for times in [&mut committed, &mut readable, &mut everywhere] {
            times.sort_unstable_by(f64::total_cmp);
        }
        Self { committed, readable, everywhere }
    }

    /// Tells all of it; whether the promise was kept.
    fn told(&self, followers: usize) -> bool {
        let at = [("followers", u64::try_from(followers).expect("few"))];
        tell("commit_p50", percentile(&self.committed, 50), "ms", &at);
        let [median, p99] = [50, 99].map(|percent| percentile(&self.readable, percent));
        let kept = judge("push_p50", median, "ms", &at, Promise(Ordering::Less, MEDIAN_MAX_MS))
            & judge("push_p99", p99, "ms", &at, Promise(Ordering::Less, P99_MAX_MS));
        tell("push_all_p50", percentile(&self.everywhere, 50), "ms", &at);
        tell("push_all_p99", percentile(&self.everywhere, 99), "ms", &at);
        tell("push_all_worst", percentile(&self.everywhere, 100), "ms", &at);
        kept
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Returns once every node answers from `revision`, with the time since `from` of each. Blocks the main thread, which runs
/// no task of the nodes.
fn watch(nodes: &[TestNode], revision: Revision, from: Instant) -> Vec<f64> {
    let mut arrived = vec![None; nodes.len()];
    while arrived.iter().any(Option::is_none) {
        assert!(from.elapsed() < Duration::from_secs(20), "revision {revision} never came");
        for (node, at) in nodes.iter().zip(&mut arrived) {
            if at.is_none() && node.vault().health().revision >= revision {
                *at = Some(milliseconds(from.elapsed()));
            }
        }
        std::thread::sleep(GLANCE);
    }
    arrived.into_iter().flatten().collect()
}

/// Puts a second, by so many writers at once, each with a secret of its own.
async fn commits(mesh: &TestMesh, writers: usize, span: Duration) -> u64 {
    let vault = mesh.lead.vault();
    rate(writers, span, |writer| {
        let (vault, name, mut number) = (vault.clone(), format!("bench/writer-{writer}"), 0_u64);
        move || {
            number += 1;
            let (vault, ask) = (vault.clone(), put(&name, "global", &format!("not-a-real-key-{number}")));
            async move {
                vault.put(&admin(), ask).await.expect("stored");
            }
        }
    })
    .await
}

/// Reads a second through the door of a follower: policy, opening and the audit line included, the socket not.
async fn reads(follower: &TestNode, readers: usize, span: Duration) -> u64 {
    let vault = follower.vault();
    rate(readers, span, |_| {
        let vault = vault.clone();
        move || {
            let vault = vault.clone();
            async move {
                let outcome = vault.read(&agent(), read("bench/key-0", None)).await.expect("readable");
                assert!(matches!(outcome, ReadOutcome::Value(_)));
            }
        }
    })
    .await
}

/// `VmRSS` of proc_pid_status(5): what the process holds in memory.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    held.map_or_else(|| "unknown".to_owned(), |held| held.trim().to_owned())
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "dev profile" } else { "release profile" }
}

fn line(what: &str, value: impl Display) {
    writeln!(std::io::stdout(), "{what:<40} {value}").expect("standard output");
}
