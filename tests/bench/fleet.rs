//! A thousand followers on one lead: how long a change takes to all of them, what it costs the lead, and how long they take to
//! come back after the lead was away.
//!
//! The lead is a process of the real binary, with its store, its journal and its sockets; the followers are members without a
//! disk, all in this process (`fleet/member.rs`), so what is measured is the lead, the protocol and the network. Both share
//! the processors. `cargo bench --bench fleet` fails when a target is missed; without `--bench`, which is how `cargo test
//! --benches` starts it, a handful of followers shows that it still works, and nothing is judged.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use figures::{Promise, judge, tell};
use member::{Arrival, Member};
use percentile::percentile;
use rustix::process::Signal;
use serde_json::json;
use support::http;
use support::process::{Node, directory};
use tokio::sync::mpsc::UnboundedReceiver;

#[path = "figures.rs"]
mod figures;
#[path = "fleet/member.rs"]
mod member;
#[path = "percentile.rs"]
mod percentile;

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

/// The promises for the largest fleet: a change is with 99 of 100 followers within this,
const PUSH_P99_MAX_MS: f64 = 500.0;

/// all are back within this after the lead was started again,
const REJOIN_MAX_S: f64 = 10.0;

/// and the lead holds no more memory than this.
const LEAD_MAX_MIB: f64 = 150.0;

/// How often something is stored while they come back. A change costs the lead and a thousand members, which share these
/// processors, about 0.2 s of them: whoever stores as fast as it is answered measures that instead.
const STORED_EVERY: Duration = Duration::from_millis(500);

/// What takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much is done.
struct Plan {
    fleets: Vec<usize>,
    puts: usize,
    judged: bool,
}

impl Plan {
    fn chosen() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            let largest = std::env::var("AURORA_BENCH_FOLLOWERS").map_or(1000, |text| text.parse().expect("a number"));
            let mut fleets: Vec<usize> = [10, 100, 300].into_iter().filter(|fleet| *fleet < largest).collect();
            fleets.push(largest);
            Self { fleets, puts: 100, judged: true }
        } else {
            Self { fleets: vec![3, 8], puts: 3, judged: false }
        }
    }
}

fn main() -> ExitCode {
    let plan = Plan::chosen();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let kept = runtime.block_on(measure(&plan));
    if kept || !plan.judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(plan: &Plan) -> bool {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let (sender, arrivals) = tokio::sync::mpsc::unbounded_channel();
    let mut fleet = Fleet { address: address(&lead), members: 0, arrivals };
    let mut kept = true;
    for size in &plan.fleets {
        while fleet.members < *size {
            let token = lead.token(&format!("member-{}", fleet.members), &[]).await;
            let member = Member::join(fleet.members, fleet.address, &token, sender.clone()).await;
            tokio::spawn(member.follow(fleet.address));
            fleet.members += 1;
        }
        kept &= fleet.push(&lead, plan.puts).await;
    }
    let followers = fleet.at();
    kept &= judge("lead_rss", memory_mib(&lead), "MiB", &followers, Promise(Ordering::Less, LEAD_MAX_MIB));
    kept &= fleet.storm(&mut lead).await;
    kept & judge("lead_rss_after_rejoin", memory_mib(&lead), "MiB", &followers, Promise(Ordering::Less, LEAD_MAX_MIB))
}

/// The members, and where what arrives at them is told.
struct Fleet {
    address: SocketAddr,
    members: usize,
    arrivals: UnboundedReceiver<Arrival>,
}

impl Fleet {
    /// How many there are, as a figure says it.
    fn at(&self) -> [(&'static str, u64); 1] {
        [("followers", u64::try_from(self.members).expect("small"))]
    }

    /// Changes, one after the other has reached everybody; whether the promise was kept.
    async fn push(&mut self, lead: &Node, puts: usize) -> bool {
        // Whoever has just come gets what was there, and then this.
        let first = lead.put("bench/push", "global", &format!("before {} followers", self.members)).await;
        self.have(first).await;
        let (mut each, mut all) = (Vec::new(), Vec::new());
        let busy = cpu(lead);
        for number in 0..puts {
            let began = Instant::now();
            let revision =
                lead.put(&format!("bench/key-{}", number % 50), "global", &value(self.members, number)).await;
            let arrived = self.have(revision).await;
            let since = |at: Instant| at.saturating_duration_since(began).as_secs_f64() * 1000.0;
            all.push(since(*arrived.iter().max().expect("there is one")));
            each.extend(arrived.into_iter().map(since));
        }
        let spent = (cpu(lead) - busy).as_secs_f64() * 1e6 / (puts * self.members) as f64;
        for times in [&mut each, &mut all] {
            times.sort_unstable_by(f64::total_cmp);
        }
        let followers = self.at();
        tell("fleet_push_p50", percentile(&each, 50), "ms", &followers);
        tell("fleet_push_all_p50", percentile(&all, 50), "ms", &followers);
        tell("lead_cpu_per_change_and_follower", spent, "us", &followers);
        judge("fleet_push_p99", percentile(&each, 99), "ms", &followers, Promise(Ordering::Less, PUSH_P99_MAX_MS))
    }

    /// The lead is stopped and started again, and changes are stored from its first moment on: how long until every member
    /// has the first of them, and how long the slowest of them took. None may be refused.
    async fn storm(&mut self, lead: &mut Node) -> bool {
        lead.end(Signal::TERM).await;
        let began = Instant::now();
        lead.start().await;
        let up = began.elapsed();
        let first = lead.put("bench/storm", "global", "the first after the restart").await;
        let (mut slowest, mut puts) = (began.elapsed().checked_sub(up).unwrap_or_default(), 1);
        let admin = lead.admin();
        let writing = async {
            let mut ticks = tokio::time::interval(STORED_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let asked = Instant::now();
                let body =
                    json!({"service": "bench", "key_name": "storm", "key_value": value(0, puts), "scope": "global"});
                let answer = http::post(&admin, "/api/secrets", &body).await;
                assert_eq!(answer.status, 200, "a write was refused: {}", answer.body);
                slowest = slowest.max(asked.elapsed());
                puts += 1;
            }
        };
        let back = tokio::select! {
            arrived = self.have(first) => *arrived.iter().max().expect("there is one"),
            () = writing => unreachable!("it goes on"),
        };
        let (took, followers) = (back.saturating_duration_since(began).as_secs_f64(), self.at());
        tell("rejoin_lead_answers", up.as_secs_f64(), "s", &followers);
        tell("rejoin_puts", puts as f64, "puts", &followers);
        tell("rejoin_slowest_put", slowest.as_secs_f64() * 1000.0, "ms", &followers);
        judge("rejoin_all", took, "s", &followers, Promise(Ordering::Less, REJOIN_MAX_S))
    }

    /// Waits until as many as there are members have come to this revision; when each of them did.
    async fn have(&mut self, revision: u64) -> Vec<Instant> {
        let mut arrived = Vec::with_capacity(self.members);
        let all = async {
            while arrived.len() < self.members {
                let arrival = self.arrivals.recv().await.expect("members are there");
                // A member that comes to a later one at once skips it, and never comes to it again.
                if arrival.revision >= revision && arrival.before < revision {
                    arrived.push(arrival.at);
                }
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("every member has it");
        arrived
    }
}

/// A value that was never there: storing the same again would change nothing.
fn value(fleet: usize, number: usize) -> String {
    format!("not-a-real-key-{fleet}-{number}")
}

/// Where the lead listens.
fn address(lead: &Node) -> SocketAddr {
    let text = std::fs::read_to_string(lead.config_file()).expect("a configuration");
    let line = text.lines().find_map(|line| line.strip_prefix("listen = \"")).expect("it listens");
    line.trim_end_matches('"').parse().expect("an address")
}

/// Processor time of the lead so far: `proc_pid_stat(5)`, in ticks of a hundredth of a second.
fn cpu(lead: &Node) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", lead.pid().as_raw_nonzero())).expect("it runs");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|field| fields[*field].parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// `VmRSS` of proc_pid_status(5).
fn memory_mib(lead: &Node) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", lead.pid().as_raw_nonzero())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
