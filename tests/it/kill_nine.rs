//! An acknowledged write survives the end of the process at any moment: `kill -9` under a stream of concurrent puts.
//!
//! `AURORA_KILL_NINE_ROUNDS` sets the number of kills, `AURORA_KILL_NINE_SEED` repeats a run's choices;
//! `scripts/campaign-kill-nine.sh` runs many.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::model::time::Entropy;
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

/// Rounds of an ordinary test run.
const ROUNDS: u64 = 8;

/// Enough to have several puts in one group commit.
const WRITERS: u64 = 8;

/// Secrets each writer writes, so that versions grow while names change.
const SECRETS_PER_WRITER: u64 = 3;

/// A follower notices that the lead was killed when its connection has been idle for 15 s; so it is looked at once in so
/// many rounds, and after the last.
const ROUNDS_PER_LOOK_AT_FOLLOWERS: u64 = 8;

/// Versions the store keeps of each secret.
const VERSIONS_KEPT: u64 = 10;

/// A round is killed within this time of its first acknowledgement, at a moment of chance.
const ROUND_MICROSECONDS_MAX: u64 = 120_000;

/// What one answer promised.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Promise {
    version: u64,
    revision: u64,
    value: String,
}

/// Every promise, by secret and version; and the values that were sent, which alone may ever be read.
#[derive(Debug, Default, Clone)]
struct Ledger {
    acknowledged: BTreeMap<(String, u64), Promise>,
    sent: BTreeMap<String, Vec<String>>,
}

impl Ledger {
    /// What was promised about one secret, oldest version first.
    fn of(&self, name: &str) -> impl DoubleEndedIterator<Item = &Promise> {
        self.acknowledged.range((name.to_owned(), 0)..=(name.to_owned(), u64::MAX)).map(|(_, promise)| promise)
    }
}

/// A small generator (`SplitMix64`): the moments of a run can be repeated from its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// One line on standard error, past the test runner's capture: a campaign reads it.
fn tell(line: &str) {
    use std::io::Write;
    let _nobody_reads = writeln!(std::io::stderr(), "{line}");
}

/// A lead, and two followers that stay up while the lead is killed.
struct Mesh {
    _dir: TempDir,
    lead: Node,
    followers: [Node; 2],
    ledger: Arc<Mutex<Ledger>>,
}

impl Mesh {
    async fn start() -> Self {
        let dir = directory();
        let lead = Node::lead(dir.path()).await;
        let followers = [lead.follower("vengeance", &[]).await, lead.follower("runpod-tx", &[]).await];
        Self { _dir: dir, lead, followers, ledger: Arc::default() }
    }

    /// Puts from all sides until the lead is killed, at a moment of chance after the first put was acknowledged.
    async fn round(&mut self, round: u64, moment: Duration) {
        let before = self.ledger.lock().expect("not poisoned").acknowledged.len();
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(write_until_cut_off(self.lead.admin(), Arc::clone(&self.ledger), round, writer));
        }
        eventually("the first put of the round is acknowledged", || async {
            (self.ledger.lock().expect("not poisoned").acknowledged.len() > before).then_some(())
        })
        .await;
        tokio::time::sleep(moment).await;
        self.lead.end(Signal::KILL).await;
        while let Some(ended) = writers.join_next().await {
            ended.expect("no writer panicked");
        }
        self.lead.start().await;
    }

    /// The promises the lead does not keep.
    async fn broken_by_lead(&self) -> Vec<String> {
        let ledger = self.ledger.lock().expect("not poisoned").clone();
        let revision = self.lead.health().await["revision"].as_u64().expect("a revision");
        let mut broken = Vec::new();
        let promised = ledger.acknowledged.values().map(|promise| promise.revision).max().unwrap_or(0);
        if revision < promised {
            broken.push(format!("the lead is at revision {revision}, {promised} was acknowledged"));
        }
        for name in ledger.sent.keys() {
            let found = read(&self.lead.agent(), name, None).await;
            broken.extend(disagreement(name, &ledger, found.as_ref()));
            let oldest = found.map_or(0, |(version, _)| version.saturating_sub(VERSIONS_KEPT - 1));
            for promise in ledger.of(name).filter(|promise| promise.version >= oldest) {
                let kept = read(&self.lead.agent(), name, Some(promise.version)).await;
                if kept != Some((promise.version, promise.value.clone())) {
                    broken.push(format!("{name}: {kept:?} is kept where {promise:?} was acknowledged"));
                }
            }
        }
        broken
    }

    /// Where a follower, connected again, has other values than the lead.
    async fn broken_by_followers(&self) -> Vec<String> {
        let revision = self.lead.health().await["revision"].as_u64().expect("a revision");
        let names: Vec<String> = self.ledger.lock().expect("not poisoned").sent.keys().cloned().collect();
        let mut broken = Vec::new();
        for follower in &self.followers {
            follower.reaches(revision).await;
            for name in &names {
                let (here, there) =
                    (read(&follower.agent(), name, None).await, read(&self.lead.agent(), name, None).await);
                if here != there {
                    broken.push(format!("{name} on {}: {here:?}, the lead has {there:?}", follower.name));
                }
            }
        }
        broken
    }

    async fn chain_holds(&self) {
        let verdict = http::get(&self.lead.admin(), "/api/audit/verify").await.json();
        assert_eq!(verdict["valid"], true, "{verdict}");
    }
}

/// A version and its value; the current one unless another is named.
async fn read(socket: &Path, name: &str, version: Option<u64>) -> Option<(u64, String)> {
    let query = version.map(|version| format!("?version={version}")).unwrap_or_default();
    let answer = http::get(socket, &format!("/api/secrets/{name}{query}")).await;
    if answer.status == 404 {
        return None;
    }
    let json = answer.json();
    let version = json["version"].as_u64().unwrap_or_else(|| panic!("{}", answer.body));
    Some((version, json["key_value"].as_str().expect("a value").to_owned()))
}

/// What is wrong with the current value of one secret: a later one than was acknowledged may be there, for its answer
/// was on the way, but it must have been sent; an earlier one, or other bytes, may not.
fn disagreement(name: &str, ledger: &Ledger, found: Option<&(u64, String)>) -> Option<String> {
    match (ledger.of(name).next_back(), found) {
        (Some(promise), None) => Some(format!("{name}: nothing is there, {promise:?} was acknowledged")),
        (Some(promise), Some((version, _))) if *version < promise.version => {
            Some(format!("{name}: version {version} is there, {promise:?} was acknowledged"))
        }
        (Some(promise), Some((version, value))) if *version == promise.version && *value != promise.value => {
            Some(format!("{name}: version {version} has another value than was acknowledged"))
        }
        (_, Some((_, value))) if !ledger.sent[name].contains(value) => Some(format!("{name}: holds what nobody sent")),
        (None | Some(_), None | Some(_)) => None,
    }
}

/// One writer: puts, one after the other, each a new value, until the connection breaks.
async fn write_until_cut_off(socket: PathBuf, ledger: Arc<Mutex<Ledger>>, round: u64, writer: u64) {
    for turn in 0_u64.. {
        let key = format!("w{writer}-{}", turn % SECRETS_PER_WRITER);
        let name = format!("stream/{key}");
        let value = format!("round {round} writer {writer} turn {turn} {}", "x".repeat(200));
        ledger.lock().expect("not poisoned").sent.entry(name.clone()).or_default().push(value.clone());
        let body = json!({"service": "stream", "key_name": key, "key_value": value}).to_string();
        let Some(answer) = http::try_ask(&socket, "POST", "/api/secrets", &[], &body).await else { return };
        assert_eq!(answer.status, 200, "{}", answer.body);
        let stored = answer.json();
        let number = |field: &str| stored[field].as_u64().expect("a number");
        let promise = Promise { version: number("version"), revision: number("revision"), value };
        let earlier = ledger.lock().expect("not poisoned").acknowledged.insert((name, promise.version), promise);
        assert_eq!(earlier, None, "a version was given twice");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_process_was_killed() {
    let mut drawn = [0; 8];
    SystemEntropy.fill(&mut drawn).expect("random bytes");
    let seed = number("AURORA_KILL_NINE_SEED").unwrap_or_else(|| u64::from_be_bytes(drawn));
    let rounds = number("AURORA_KILL_NINE_ROUNDS").unwrap_or(ROUNDS);
    tell(&format!("kill_nine: seed {seed}, {rounds} rounds"));
    let began = tokio::time::Instant::now();
    let (mut chance, mut mesh) = (Chance(seed), Mesh::start().await);
    for round in 1..=rounds {
        mesh.round(round, Duration::from_micros(chance.below(ROUND_MICROSECONDS_MAX))).await;
        mesh.chain_holds().await;
        let mut broken = mesh.broken_by_lead().await;
        if round == rounds || round % ROUNDS_PER_LOOK_AT_FOLLOWERS == 0 {
            broken.extend(mesh.broken_by_followers().await);
        }
        let acknowledged = mesh.ledger.lock().expect("not poisoned").acknowledged.len();
        let seconds = began.elapsed().as_secs();
        tell(&format!("kill_nine: round {round}, {acknowledged} acknowledged, {} lost, {seconds} s", broken.len()));
        assert!(broken.is_empty(), "seed {seed}, round {round}: {broken:#?}");
    }
}

#[test]
fn a_lost_an_old_and_an_altered_value_are_seen() {
    let promise = Promise { version: 2, revision: 9, value: "second".to_owned() };
    let mut ledger = Ledger::default();
    ledger.sent.insert("a/b".to_owned(), vec!["first".to_owned(), "second".to_owned(), "third".to_owned()]);
    ledger.acknowledged.insert(("a/b".to_owned(), 2), promise);
    let seen = |found: Option<(u64, &str)>| {
        disagreement("a/b", &ledger, found.map(|(version, value)| (version, value.to_owned())).as_ref()).is_some()
    };
    assert!(seen(None) && seen(Some((1, "first"))) && seen(Some((2, "third"))) && seen(Some((3, "torn"))));
    assert!(!seen(Some((2, "second"))) && !seen(Some((3, "third"))));
}
