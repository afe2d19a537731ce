//! What a durable change costs: puts through the door of a lead, sealed, audited and committed, beside bare commits of redb on
//! the same disk in the same minute.
//!
//! `cargo bench --bench writes` takes turns, and fails when one writer makes less than four fifths of redb's commits or 64
//! less than 15,000 puts a second. Without `--bench`, which is how `cargo test --benches` starts it, it does a little of each
//! and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::cmp::Ordering;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use figures::{Promise, judge, tell};
use rate::rate;
use redb::{Database, Durability, TableDefinition};
use support::callers::{admin, put};
use support::mesh::TestMesh;

#[path = "figures.rs"]
mod figures;
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

/// One writer: of the commits that redb makes alone.
const ALONE_MIN: f64 = 0.8;

/// 64 writers together, a second.
const TOGETHER_MIN: f64 = 15_000.0;

/// Writers side by side.
const WRITERS: [usize; 4] = [1, 4, 16, 64];

/// A row about as long as the sealed record of a short value.
const ROW: [u8; 300] = [7; 300];

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let (rounds, span) = if judged { (5, Duration::from_secs(1)) } else { (1, Duration::from_millis(50)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let kept = runtime.block_on(measure(rounds, span));
    if kept || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(rounds: usize, span: Duration) -> bool {
    let mesh = TestMesh::start().await;
    let database = raw(mesh.dir.path());
    let mut bare = [Vec::new(), Vec::new()];
    let mut puts = WRITERS.map(|_| Vec::new());
    for _ in 0..rounds {
        for (rates, two_phase) in bare.iter_mut().zip([false, true]) {
            rates.push(bare_commits(&database, two_phase, span));
        }
        for (rates, writers) in puts.iter_mut().zip(WRITERS) {
            rates.push(commits(&mesh, writers, span).await);
        }
    }
    let [one_phase, two_phase] = bare.map(median);
    tell("redb_commits", one_phase, "/s", &[]);
    tell("redb_commits_two_phase", two_phase, "/s", &[]);
    let puts = puts.map(median);
    let mut kept = true;
    for (rate, writers) in puts.iter().zip(WRITERS) {
        let at = [("writers", u64::try_from(writers).expect("few"))];
        if writers == 64 {
            kept &= judge("puts", *rate, "/s", &at, Promise(Ordering::Greater, TOGETHER_MIN));
        } else {
            tell("puts", *rate, "/s", &at);
        }
    }
    kept & judge(
        "puts_of_redb_commits",
        puts[0] / one_phase,
        "ratio",
        &[("writers", 1)],
        Promise(Ordering::Greater, ALONE_MIN),
    )
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A store of redb with nothing around it.
fn raw(directory: &Path) -> Database {
    let database = Database::create(directory.join("raw.redb")).expect("a store");
    let txn = database.begin_write().expect("begun");
    drop(txn.open_table(TABLE).expect("a table"));
    txn.commit().expect("committed");
    database
}

/// Rows a second, each in a durable transaction of its own.
fn bare_commits(database: &Database, two_phase: bool, span: Duration) -> f64 {
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < span {
        let mut txn = database.begin_write().expect("begun");
        txn.set_durability(Durability::Immediate).expect("durable");
        txn.set_two_phase_commit(two_phase);
        txn.open_table(TABLE).expect("a table").insert(count % 1000, ROW.as_slice()).expect("inserted");
        txn.commit().expect("committed");
        count += 1;
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// Puts a second, by so many writers at once, each with a secret of its own, and each a value that was never there: the same
/// again would change nothing.
async fn commits(mesh: &TestMesh, writers: usize, span: Duration) -> f64 {
    let vault = mesh.lead.vault();
    let numbers = Arc::new(AtomicU64::new(vault.health().revision.get()));
    let rate = rate(writers, span, |writer| {
        let (vault, name, numbers) = (vault.clone(), format!("bench/writer-{writer}"), Arc::clone(&numbers));
        move || {
            let value = format!("not-a-real-key-{}", numbers.fetch_add(1, Relaxed));
            let (vault, ask) = (vault.clone(), put(&name, "global", &value));
            async move {
                vault.put(&admin(), ask).await.expect("stored");
            }
        }
    })
    .await;
    rate as f64
}
