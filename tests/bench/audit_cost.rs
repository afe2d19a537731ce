//! What it costs a reader that every read is written down: reads of one secret over the agent socket, and at the door without
//! a socket, on a node whose journal goes to files and on one whose lines are made, chained and then thrown away, as a
//! journal on `/dev/null` would be.
//!
//! `cargo bench --bench audit_cost` reads in turns of half a second, so that whatever else the machine does hits both alike,
//! prints the reads of each in a second with their ratio, and fails when the files cost more than is promised. Without
//! `--bench`, which is how `cargo test --benches` starts it, it takes one short turn of each to show that it still works, and
//! judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aurora_mesh::daemon::seams::JournalPlace;
use support::callers::{agent, put, read};
use support::mesh::TestMesh;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

#[path = "../it/support"]
#[expect(dead_code, reason = "the integration tests use more of it")]
mod support {
    pub mod callers;
    pub mod clock;
    pub mod mesh;
    pub mod ports;
    pub mod wait;
}

/// The promise: with the journal in files at least this part of the reads is done that is done without.
const KEPT_MIN: f64 = 0.85;

/// Readers at once, each with a connection of its own.
const READERS: usize = 16;

/// How a value is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As programs do.
    Socket,
    /// Without HTTP: what is left is the door and the journal.
    Door,
}

struct Plan {
    turns: u32,
    turn: Duration,
}

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let plan = if judged {
        Plan { turns: 20, turn: Duration::from_millis(500) }
    } else {
        Plan { turns: 1, turn: Duration::from_millis(50) }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let kept = runtime.block_on(async {
        let written = mesh(JournalPlace::Files).await;
        let thrown_away = mesh(JournalPlace::Nowhere).await;
        let mut kept = true;
        for (way, what) in [(Way::Socket, "over the agent socket"), (Way::Door, "at the door")] {
            let (mut with, mut without) = (0, 0);
            for _ in 0..plan.turns {
                with += turn(&written, way, plan.turn).await;
                without += turn(&thrown_away, way, plan.turn).await;
            }
            kept &= told(what, (with, without), plan.turn * plan.turns) || way == Way::Door;
        }
        kept
    });
    if kept || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn mesh(journal: JournalPlace) -> TestMesh {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    mesh.lead.journal = journal;
    mesh.lead.start().await;
    mesh.put(put("bench/key", "global", "example-value-of-a-benchmark-fifty-bytes-in-length")).await;
    mesh
}

/// Reads with all readers for some time; gives how many reads were answered.
async fn turn(mesh: &TestMesh, way: Way, time: Duration) -> u64 {
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
        let (socket, vault) = (mesh.lead.agent_socket(), mesh.lead.vault().clone());
        readers.spawn(async move {
            let mut connection = Connection::open(&socket).await;
            while !stop.load(Ordering::Relaxed) {
                match way {
                    Way::Socket => connection.read().await,
                    Way::Door => drop(vault.read(&agent(), read("bench/key", None)).await.expect("a value")),
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let began = Instant::now();
    tokio::time::sleep_until((began + time).into()).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = readers.join_next().await {
        ended.expect("every read is answered");
    }
    done.load(Ordering::Relaxed)
}

/// A connection that is kept.
struct Connection {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Connection {
    async fn open(socket: &Path) -> Self {
        Self { stream: UnixStream::connect(socket).await.expect("the node listens"), received: Vec::new() }
    }

    async fn read(&mut self) {
        let request = b"GET /api/secrets/bench/key HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.stream.write_all(request).await.expect("sent");
        self.received.clear();
        // The answer is one JSON object: its end is the end of the answer.
        while !self.received.ends_with(b"}") {
            assert_ne!(self.stream.read_buf(&mut self.received).await.expect("an answer"), 0, "the connection ended");
        }
        assert!(self.received.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.received));
    }
}

fn told(what: &str, (with, without): (u64, u64), time: Duration) -> bool {
    let a_second = |reads: u64| precise(reads) / time.as_secs_f64();
    let kept = precise(with) / precise(without.max(1));
    let text =
        format!("{what:24} {:>9.0}/s written, {:>9.0}/s thrown away: {kept:.3}", a_second(with), a_second(without));
    drop(writeln!(std::io::stdout(), "{text}"));
    kept >= KEPT_MIN
}

#[expect(clippy::cast_precision_loss, reason = "a count of reads in seconds is far below 2^53")]
fn precise(number: u64) -> f64 {
    number as f64
}
