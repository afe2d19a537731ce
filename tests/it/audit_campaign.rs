//! Journals under load: reads on two followers while their lead is killed and its links are cut, and followers that are
//! killed while they answer.
//!
//! `AURORA_AUDIT_READS` and `AURORA_AUDIT_KILLS` set how many; `scripts/campaign-audit.sh` and
//! `scripts/campaign-audit-kill.sh` run many.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aurora_mesh::audit::copies::{JournalDir, chain_dir, chains};
use aurora_mesh::audit::cursor::Cursor;
use aurora_mesh::audit::head::Head;
use aurora_mesh::audit::proof::Anchor;
use aurora_mesh::model::identity::KeyPin;
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::audit_proof::tampering;
use crate::support::callers::node;
use crate::support::http;
use crate::support::process::{Node, directory};

/// Reads of an ordinary test run.
const READS: u64 = 3_000;

/// Kills of an ordinary test run.
const KILLS: u64 = 4;

/// Programs that read at the same time, on each follower.
const READERS: u64 = 4;

/// How often the lead is killed and started again.
const RESTARTS: u64 = 5;

/// The lead is stopped for so long that its followers give the connection up, as if the line were cut.
const CUT: Duration = Duration::from_secs(7);

/// The id of a request that there never was.
const NEVER_ANSWERED: &str = "00000000000000000000000000000000";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// One line on standard error, past the test runner's capture: a campaign reads it.
fn tell(line: &str) {
    use std::io::Write;
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}

/// A program that reads one secret again and again over one connection.
struct Reader {
    stream: UnixStream,
    bytes: Vec<u8>,
}

impl Reader {
    async fn open(socket: &Path) -> Option<Self> {
        Some(Self { stream: UnixStream::connect(socket).await.ok()?, bytes: Vec::new() })
    }

    /// The id of the request that was answered with a value; none when the connection broke.
    async fn read(&mut self) -> Option<String> {
        let request = b"GET /api/secrets/load/key HTTP/1.1\r\nhost: aurora\r\n\r\n";
        self.stream.write_all(request).await.ok()?;
        self.bytes.clear();
        loop {
            if self.stream.read_buf(&mut self.bytes).await.ok()? == 0 {
                return None;
            }
            let text = String::from_utf8_lossy(&self.bytes).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let field =
                |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
            let length: usize = field("content-length:").expect("a length").parse().expect("a number");
            if body.len() < length {
                continue;
            }
            // A line that a busy machine did not take in time: nothing was given out, so the reader asks again.
            if head.starts_with("http/1.1 503") && body.contains("\"audit_unavailable\"") {
                self.stream.write_all(request).await.ok()?;
                self.bytes.clear();
                continue;
            }
            assert!(head.starts_with("http/1.1 200"), "{text}");
            return Some(field("x-request-id:").expect("an id"));
        }
    }
}

/// The lines behind a number, to the end: how many, the hash of all, and what each is told to.
fn follow(directory: &Path, name: &str, behind: u64, mut tell: impl FnMut(&str)) -> Head {
    let mut cursor = Cursor::behind(directory, &node(name), behind).expect("a journal");
    while let Some(batch) = cursor.next_durable(u64::MAX, 1 << 20).expect("a chain that holds") {
        std::str::from_utf8(&batch.lines).expect("text").lines().for_each(&mut tell);
    }
    cursor.tip().head
}

fn journal(of: &Node) -> PathBuf {
    of.state_dir().join("audit")
}

async fn mesh(dir: &Path) -> (Node, [Node; 2]) {
    let lead = Node::lead(dir).await;
    let followers = [lead.follower("vengeance", &[]).await, lead.follower("runpod-tx", &[]).await];
    let revision = lead.put("load/key", "global", "value").await;
    for follower in &followers {
        follower.reaches(revision).await;
    }
    (lead, followers)
}

async fn is_valid(of: &Node, query: &str) {
    let verdict = http::get(&of.admin(), &format!("/api/audit/verify{query}")).await;
    assert_eq!(verdict.json()["valid"], true, "{}: {}", of.name, verdict.body);
}

/// Reads until so many were answered by all together.
fn load(followers: &[Node], reads: u64, answered: &Arc<AtomicU64>) -> JoinSet<()> {
    let mut readers = JoinSet::new();
    for follower in followers {
        for _ in 0..READERS {
            let (socket, answered) = (follower.agent(), Arc::clone(answered));
            readers.spawn(async move {
                let mut reader = Reader::open(&socket).await.expect("a follower that answers");
                while answered.load(Ordering::Relaxed) < reads {
                    reader.read().await.expect("a follower answers whatever its lead does");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    readers
}

/// Kills the lead, starts it again, and cuts its links, as the reads go on.
async fn disturb(lead: &mut Node, reads: u64, answered: &AtomicU64) {
    for restart in 1..=RESTARTS {
        while answered.load(Ordering::Relaxed) < reads * restart / (RESTARTS + 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        lead.end(Signal::KILL).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        lead.start().await;
        if restart % 2 == 0 {
            kill_process(lead.pid(), Signal::STOP).expect("runs");
            tokio::time::sleep(CUT).await;
            kill_process(lead.pid(), Signal::CONT).expect("runs");
        }
        tell(&format!("audit: {} reads, {restart} restarts", answered.load(Ordering::Relaxed)));
    }
}

/// Waits until the lead has all of a follower's journal, as long as more comes.
async fn arrives(lead: &Node, follower: &Node) -> Head {
    let own = follow(&journal(follower), &follower.name, 0, |_| ());
    let (audit_dir, of) = (journal(lead), node(&follower.name));
    let mut last = (0, tokio::time::Instant::now());
    loop {
        assert_eq!(chains(&audit_dir, &of).expect("readable").len(), 1, "there is one chain");
        let copy = follow(&chain_dir(&audit_dir, &of, 1), &follower.name, last.0, |_| ());
        if copy == own {
            return own;
        }
        if copy.seq > last.0 {
            last = (copy.seq, tokio::time::Instant::now());
        }
        assert!(last.1.elapsed() < Duration::from_secs(90), "{copy:?} instead of {own:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_is_on_the_lead_once_and_in_order_whatever_happens_to_the_lead() {
    let (dir, began) = (directory(), tokio::time::Instant::now());
    let (mut lead, followers) = mesh(dir.path()).await;
    let (reads, answered) = (number("AURORA_AUDIT_READS").unwrap_or(READS), Arc::new(AtomicU64::new(0)));
    let mut readers = load(&followers, reads, &answered);
    disturb(&mut lead, reads, &answered).await;
    while let Some(ended) = readers.join_next().await {
        ended.expect("no reader panicked");
    }
    let (total, seconds) = (answered.load(Ordering::Relaxed), began.elapsed().as_secs());
    tell(&format!("audit: {total} reads answered in {seconds} s"));
    let mut recorded = 0;
    for follower in &followers {
        let end = arrives(&lead, follower).await;
        let copy = chain_dir(&journal(&lead), &node(&follower.name), 1);
        let mut expected = 0;
        follow(&copy, &follower.name, 0, |line| {
            let line: Value = serde_json::from_str(line).expect("a line");
            expected += 1;
            assert_eq!(line["seq"], expected, "in order, and once");
            recorded += u64::from(line["action"] == "secret.read" && line["outcome"] == "ok");
        });
        assert_eq!(end.seq, expected);
        is_valid(follower, "").await;
        is_valid(&lead, &format!("?node={}", follower.name)).await;
    }
    is_valid(&lead, "").await;
    tell(&format!("audit: {recorded} reads recorded on the lead, {} s", began.elapsed().as_secs()));
    assert_eq!(recorded, total, "every answered read is there, and no other");
    let gaps = http::get(&lead.admin(), "/api/audit/nodes").await.json();
    let whole = gaps["nodes"].as_array().expect("nodes").iter().all(|node| node["gaps"] == serde_json::json!([]));
    assert!(whole, "{gaps}");
    let anchor =
        Anchor { authority: KeyPin::parse(gaps["authority"].as_str().expect("a pin")).expect("a pin"), mesh: None };
    let dir_of =
        |name: &str| JournalDir { node: node(name), chain: Some(1), path: chain_dir(&journal(&lead), &node(name), 1) };
    let found = tampering::each_is_found(&dir_of("vengeance"), &dir_of("runpod-tx"), &anchor);
    tell(&format!("audit: {found} kinds of tampering found, {} s", began.elapsed().as_secs()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_read_is_missing_from_the_journal_of_a_follower_that_was_killed() {
    let dir = directory();
    let (_lead, [mut follower, _]) = mesh(dir.path()).await;
    let kills = number("AURORA_AUDIT_KILLS").unwrap_or(KILLS);
    let (mut behind, mut total) = (0, 0);
    for kill in 1..=kills {
        let (mut readers, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        let answered = Arc::new(AtomicU64::new(0));
        for _ in 0..READERS {
            let (socket, stop, answered) = (follower.agent(), Arc::clone(&stop), Arc::clone(&answered));
            readers.spawn(async move {
                let mut ids = Vec::new();
                let Some(mut reader) = Reader::open(&socket).await else { return ids };
                while !stop.load(Ordering::Relaxed) {
                    let Some(id) = reader.read().await else { break };
                    ids.push(id);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                ids
            });
        }
        while answered.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The moment differs from kill to kill; the scheduler adds its own chance.
        tokio::time::sleep(Duration::from_micros(kill * 7_919 % 150_000)).await;
        follower.end(Signal::KILL).await;
        stop.store(true, Ordering::Relaxed);
        let mut ids = BTreeSet::new();
        while let Some(ended) = readers.join_next().await {
            ids.extend(ended.expect("no reader panicked"));
        }
        follower.start().await;
        total += ids.len();
        // One that nobody answered, so that a look that finds everything is found out.
        ids.insert(NEVER_ANSWERED.to_owned());
        let head = follow(&journal(&follower), &follower.name, behind, |line| {
            let line: Value = serde_json::from_str(line).expect("a line");
            if line["action"] == "secret.read" && line["outcome"] == "ok" {
                ids.remove(line["request_id"].as_str().expect("an id"));
            }
        });
        behind = head.seq;
        assert!(ids.remove(NEVER_ANSWERED), "what is not in the journal is missed");
        tell(&format!("audit-kill: kill {kill}, {total} answered, {} missing", ids.len()));
        assert!(ids.is_empty(), "kill {kill}: {ids:?}");
    }
    is_valid(&follower, "").await;
}
