//! How fast a change on the lead is readable on its followers, and what the nodes cost: three nodes in one process, over
//! real QUIC on loopback, with real stores on a real disk and every audit line written.
//!
//! `cargo bench --bench change_latency` runs all of it and fails when a target is missed. Without `--bench`, which is how
//! `cargo test --benches` starts it, it does a handful of each to show that it still works, and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::callers::{admin, agent, put, read};
use support::mesh::{TestMesh, TestNode, prod};

use aurora_mesh::model::number::Revision;
use aurora_mesh::vault::answer::ReadOutcome;
use aurora_mesh::vault::parts::Vault;

#[path = "../it/support"]
#[expect(dead_code, reason = "the integration tests use more of it")]
mod support {
    pub mod callers;
    pub mod clock;
    pub mod mesh;
    pub mod ports;
    pub mod wait;
}

/// The promise: half of all changes are readable everywhere within this,
const MEDIAN_MAX: Duration = Duration::from_millis(20);

/// and the slowest of a thousand within this.
const WORST_MAX: Duration = Duration::from_millis(250);

/// Between two looks at the followers. The thread sleeps, so that looking takes no processor from what is looked at; the
/// kernel makes about a tenth of a millisecond of it.
const GLANCE: Duration = Duration::from_micros(20);

/// How much is done.
struct Plan {
    puts: usize,
    span: Duration,
    judged: bool,
}

impl Plan {
    fn chosen() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            Self { puts: 1000, span: Duration::from_secs(3), judged: true }
        } else {
            Self { puts: 5, span: Duration::from_millis(50), judged: false }
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
    let followers =
        [mesh.follower("vengeance", prod(&["company-town-foods"])).await, mesh.follower("runpod-tx", prod(&[])).await];
    for follower in &followers {
        follower.is_fresh().await;
    }
    line("three nodes, one process", format_args!("{}, directory {}", build(), mesh.dir.path().display()));
    line("memory of the process, idle", resident());

    let latency = Latency::of(&mesh, &followers, plan.puts).await;
    latency.print();
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

    let kept = latency.median <= MEDIAN_MAX && latency.worst <= WORST_MAX;
    let verdict = match (plan.judged, kept) {
        (false, _) => "not judged: add --bench",
        (true, true) => "met",
        (true, false) => "MISSED",
    };
    line("targets (median 20 ms, worst 250 ms)", verdict);
    kept
}

/// From the call of a put until every follower answers reads from it.
struct Latency {
    count: usize,
    committed: Duration,
    median: Duration,
    p99: Duration,
    worst: Duration,
}

impl Latency {
    async fn of(mesh: &TestMesh, followers: &[TestNode], puts: usize) -> Self {
        let (mut commits, mut arrivals) = (Vec::with_capacity(puts), Vec::with_capacity(puts));
        for at in 0..puts {
            // Fifty secrets, twenty versions each: first values and changes both.
            let ask = put(&format!("bench/key-{}", at % 50), "global", "not-a-real-key");
            let began = Instant::now();
            let stored = mesh.lead.vault().put(&admin(), ask).await.expect("stored");
            commits.push(began.elapsed());
            followers.iter().for_each(|follower| watch(follower.vault(), stored.revision));
            arrivals.push(began.elapsed());
        }
        commits.sort_unstable();
        arrivals.sort_unstable();
        let of = |times: &[Duration], percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
        Self {
            count: puts,
            committed: of(&commits, 50),
            median: of(&arrivals, 50),
            p99: of(&arrivals, 99),
            worst: of(&arrivals, 100),
        }
    }

    fn print(&self) {
        let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
        line("puts, one after the other", self.count);
        line("  on the lead's disk, median", milliseconds(self.committed));
        line("  readable on both followers, median", milliseconds(self.median));
        line("  readable on both followers, p99", milliseconds(self.p99));
        line("  readable on both followers, worst", milliseconds(self.worst));
    }
}

/// Returns once the node answers from `revision`. Blocks the main thread, which runs no task of the nodes.
fn watch(vault: &Vault, revision: Revision) {
    let began = Instant::now();
    while vault.health().revision < revision {
        assert!(began.elapsed() < Duration::from_secs(20), "revision {revision} never came");
        std::thread::sleep(GLANCE);
    }
}

/// Puts a second, by so many writers at once, each with a secret of its own.
async fn commits(mesh: &TestMesh, writers: usize, span: Duration) -> u64 {
    let vault = mesh.lead.vault();
    rate(writers, span, |writer| {
        let (vault, name) = (vault.clone(), format!("bench/writer-{writer}"));
        move || {
            let (vault, ask) = (vault.clone(), put(&name, "global", "not-a-real-key"));
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

/// How often a second so many tasks together do something for as long as `span`.
async fn rate<W, F>(tasks: usize, span: Duration, mut task: impl FnMut(usize) -> W) -> u64
where
    W: FnMut() -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|index| {
            let (over, count, mut work) = (Arc::clone(&over), Arc::clone(&count), task(index));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    work().await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(span).await;
    over.store(true, Ordering::Relaxed);
    for task in running {
        task.await.expect("no task panics");
    }
    let per_second = u128::from(count.load(Ordering::Relaxed)) * 1000 / began.elapsed().as_millis().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
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
