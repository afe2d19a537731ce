//! What a lead pays for connectivity: a report of a node into the matrix, what all reports say together, the frames that
//! followers are really sent, and the memory held, at 50 to 400 nodes with 22 services each.
//!
//! The mesh is one environment, so that every follower is told of every node. In half a minute half of the paths are
//! checked, and each check finds a latency that differs a little; one check in twenty finds one that differs much, which is
//! told at once. A round is what a follower is told every half minute. A changed key is one that every node uses: the cell
//! of one service changes on all of them.
//!
//! `cargo bench --bench connectivity` measures, prints a table with the cost of each size per node against that of the
//! smallest, and fails if one grows faster than the nodes do. Without `--bench`, which is how `cargo test --benches` starts it,
//! it does a little of each to show that it still works, and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aurora_mesh::actors::connectivity_frames::{RowFrames, confirmed};
use aurora_mesh::connectivity::budget::share;
use aurora_mesh::connectivity::changes::Asked;
use aurora_mesh::connectivity::elsewhere::Tally;
use aurora_mesh::connectivity::feed::{Cursor, Viewer};
use aurora_mesh::connectivity::matrix::{Matrix, Row};
use aurora_mesh::connectivity::summary::summary;
use aurora_mesh::model::api_check::{Cell, Elsewhere, KeyCheck, KeyMark, PATH_EVERY, PathCheck};
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::connectivity::{PathFault, Verdict};
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use aurora_mesh::model::number::Version;
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::wire::connectivity::{FromLead, Others};
use aurora_mesh::wire::frame::encode;

const SERVICES: usize = 22;

/// The cost per node at the largest mesh may be this many times that at the smallest: above one for a tree that is deeper and
/// for caches that are missed, well below what quadratic growth would come to.
const GROWTH_MAX: f64 = 3.0;

/// How often a follower is told what nobody waits for.
const ROUND_EVERY: Duration = Duration::from_secs(30);

/// One check of a path in so many finds another latency, by a quarter or more.
const GREAT_ONE_IN: usize = 20;

/// Matrices that are held while memory is measured: one is little beside what the process holds anyway.
const COPIES: u32 = 8;

struct Plan {
    judged: bool,
    sizes: &'static [usize],
    /// How often each node reports each service.
    rounds: usize,
    summaries: u32,
}

/// What one size of mesh costs.
struct Costs {
    nodes: usize,
    report: Duration,
    summary: Duration,
    share: Duration,
    /// One cell that changed, told to one follower.
    change: Sent,
    /// All that one follower is told in a round.
    round: Sent,
    /// One cell of every node, told to one follower.
    key: Sent,
    bytes: u64,
}

/// Frames for one follower: the time to make them, and their bytes.
#[derive(Clone, Copy)]
struct Sent {
    time: Duration,
    bytes: usize,
}

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let plan = if judged {
        Plan { judged, sizes: &[50, 100, 200, 400], rounds: 20, summaries: 50 }
    } else {
        Plan { judged, sizes: &[2, 4], rounds: 1, summaries: 1 }
    };
    // Memory first, while nothing has been freed that could be used again; all of it is kept until the end.
    let mut held = Vec::new();
    let bytes: Vec<u64> = plan.sizes.iter().map(|nodes| memory_of(*nodes, &mut held)).collect();
    let costs: Vec<Costs> = plan.sizes.iter().zip(bytes).map(|(nodes, bytes)| measured(*nodes, bytes, &plan)).collect();
    drop(held);
    let Some(first) = costs.first() else { return ExitCode::FAILURE };
    line(&format!(
        "{:>6} {:>11} {:>13} {:>10} {:>11} {:>21} {:>21} {:>11} {:>9} {:>10}",
        "nodes",
        "one report",
        "all services",
        "one share",
        "one change",
        "a round",
        "a changed key",
        "memory",
        "steady",
        "a key"
    ));
    let mut linear = true;
    for cost in &costs {
        line(&shown(cost));
        let ratios = growth(cost, first);
        let [report, summary, share, change, round, key, memory] = ratios.map(times);
        line(&format!(
            "{:>6} {report:>11} {summary:>13} {share:>10} {change:>11} {round:>21} {key:>21} {memory:>11}",
            ""
        ));
        linear &= ratios.iter().all(|ratio| *ratio <= GROWTH_MAX);
    }
    line(&format!(
        "One change, a round and a changed key are what one follower is sent. Below each size: its cost against {} nodes, divided \
         by the number of nodes but for one report and one change. `steady` is the processor time of a lead, in percent of \
         one processor: a report of each path once a minute, one summary a second, one change to every follower for one \
         check in {GREAT_ONE_IN}, and the rounds of all. `a key` is the processor time of telling all followers of a key that every node uses. \
         Both have parts that grow with the square of the nodes, as what is told does, and are not judged.",
        first.nodes
    ));
    line(&format!("growth: {}", if linear { "linear" } else { "faster than the nodes" }));
    if linear || !plan.judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shown(cost: &Costs) -> String {
    let Costs { nodes, report, summary, share, change, round, key, bytes } = cost;
    let followers = u32::try_from(*nodes).expect("small");
    let checks = u32::try_from(nodes * SERVICES).expect("small");
    let great = checks / u32::try_from(GREAT_ONE_IN).expect("small");
    let a_minute = *report * checks + *summary * 60 + change.time * great * followers + round.time * followers * 2;
    format!(
        "{nodes:>6} {report:>11.1?} {summary:>13.1?} {share:>10.1?} {:>11.1?} {:>10.1?} {:>6} KiB {:>10.1?} {:>6} KiB {:>7} KiB {:>7.2} % {:>10.1?}",
        change.time,
        round.time,
        round.bytes / 1024,
        key.time,
        key.bytes / 1024,
        bytes / 1024,
        a_minute.as_secs_f64() / 60.0 * 100.0,
        key.time * followers
    )
}

/// How much more each costs than at the smallest mesh: one report and one change as they are, the others for each node.
fn growth(cost: &Costs, first: &Costs) -> [f64; 7] {
    let nodes = ratio(cost.nodes as f64, first.nodes as f64);
    let time = |one: Duration, other: Duration| ratio(one.as_secs_f64(), other.as_secs_f64());
    [
        time(cost.report, first.report),
        time(cost.summary, first.summary) / nodes,
        time(cost.share, first.share) / nodes,
        time(cost.change.time, first.change.time),
        time(cost.round.time, first.round.time) / nodes,
        time(cost.key.time, first.key.time) / nodes,
        ratio(cost.bytes as f64, first.bytes as f64) / nodes,
    ]
}

fn ratio(one: f64, other: f64) -> f64 {
    if other > 0.0 { one / other } else { 1.0 }
}

fn times(ratio: f64) -> String {
    format!("x {ratio:.2}")
}

fn memory_of(nodes: usize, held: &mut Vec<Matrix>) -> u64 {
    let before = resident();
    held.extend((0..COPIES).map(|_| {
        let mut matrix = Matrix::default();
        // As they arrive over the network: nothing is shared between two reports.
        (0..nodes).for_each(|node| (0..SERVICES).for_each(|service| report(&mut matrix, node, service, 0)));
        matrix
    }));
    resident().saturating_sub(before) / u64::from(COPIES)
}

fn measured(nodes: usize, bytes: u64, plan: &Plan) -> Costs {
    let mut matrix = Matrix::default();
    (0..nodes).for_each(|node| (0..SERVICES).for_each(|service| report(&mut matrix, node, service, 0)));
    let began = Instant::now();
    for round in 1..=plan.rounds {
        for node in 0..nodes {
            for service in 0..SERVICES {
                // The board publishes each change as a matrix of its own.
                let mut next = matrix.clone();
                report(&mut next, node, service, round);
                matrix = next;
            }
        }
    }
    let reports = u32::try_from(plan.rounds * nodes * SERVICES).expect("small");
    let per_report = began.elapsed() / reports;
    assert_eq!(ROUND_EVERY * 2, PATH_EVERY, "a round has half of the checks");
    let now = Timestamp(1);
    let told = summary(matrix.rows(), now);
    assert!(told.len() == SERVICES && told.iter().all(|service| service.lines.len() == nodes));
    let (own, service) = (node_name(nodes / 2), service_name(0));
    Costs {
        nodes,
        report: per_report,
        summary: median(plan.summaries, || drop(black_box(summary(matrix.rows(), now)))),
        share: median(plan.summaries, || {
            black_box(share(&matrix, Elsewhere::default(), &service, &own, 50, now));
        }),
        change: sent(&matrix, &own, plan, Asked::Great, |matrix| report(matrix, 0, 0, plan.rounds + 40)),
        round: sent(&matrix, &own, plan, Asked::Every, |matrix| {
            let half = (0..nodes).flat_map(|node| (0..SERVICES).step_by(2).map(move |service| (node, service)));
            half.for_each(|(node, service)| report(matrix, node, service, plan.rounds + 1));
        }),
        key: sent(&matrix, &own, plan, Asked::Great, |matrix| {
            (0..nodes).for_each(|node| {
                let mut row = Row::clone(matrix.row(&node_name(node)).expect("a row"));
                let mut cell = simulated(node, 0, plan.rounds);
                cell.keys[0].key.as_mut().expect("a key").version = Version::FIRST.next();
                row.cells.insert(cell.service.clone(), Arc::new(cell));
                matrix.put(node_name(node), row);
            });
        }),
        bytes,
    }
}

/// What one follower is sent after this change, as a lead sends it. In a round, it is also told until when the others kept up
/// their checks, and what nodes elsewhere are counted for it is looked at.
fn sent(matrix: &Matrix, own: &NodeName, plan: &Plan, asked: Asked, change: impl FnOnce(&mut Matrix)) -> Sent {
    let entitlement = Entitlement {
        environment: environment(),
        companies: Companies::Only([company()].into()),
        globs: vec![SecretGlob::parse("*").expect("a glob")],
    };
    let viewer = Viewer { node: own, entitlement: &entitlement };
    let (at, now) = (Cursor::after(matrix), Timestamp(1));
    let mut changed = matrix.clone();
    change(&mut changed);
    let tally = Tally::of(&changed);
    let mut bytes = 0;
    let time = median(plan.summaries, || {
        bytes = 0;
        let mut send = |frame: FromLead| bytes += black_box(encode(&frame).expect("within its limit")).len();
        let (told, _) = viewer.changes(&changed, at, asked).expect("known");
        assert!(!told.is_empty(), "something changed");
        RowFrames::new(told.into_iter(), false, now).for_each(|frame| send(frame.into()));
        if asked == Asked::Every {
            let row = changed.row(own).expect("a row");
            send(Others::new(&tally.elsewhere(own, row)).into());
            confirmed(&viewer.confirmed(&changed), now).for_each(|frame| send(frame.into()));
        }
    });
    Sent { time, bytes }
}

fn median(rounds: u32, mut work: impl FnMut()) -> Duration {
    let mut costs: Vec<Duration> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

/// One node reports one service: its row with one other cell takes the place of the one before.
fn report(matrix: &mut Matrix, node: usize, service: usize, round: usize) {
    let (name, cell) = (node_name(node), simulated(node, service, round));
    let mut row = match matrix.row(&name) {
        Some(row) => Row::clone(row),
        None => Row { environment: environment(), cells: Default::default(), confirmed_at: Timestamp(0) },
    };
    row.cells.insert(cell.service.clone(), Arc::new(cell));
    matrix.put(name, row);
}

/// The node's own key and that of a company; one node in ten does not reach the host, and one key in ten is rejected.
fn simulated(node: usize, service: usize, round: usize) -> Cell {
    let fault = (node % 10 == 9).then_some(PathFault::Timeout);
    let verdict = if (node + service) % 10 == 5 { Verdict::Rejected } else { Verdict::Accepted };
    let response_time = Some(Duration::from_millis(u64::try_from(20 + round % 100).expect("small")));
    let key = |company: Option<CompanyId>, verdict| KeyCheck {
        key: Some(KeyMark {
            secret: SecretName { service: service_name(service), key: KeyName::parse("api_key").expect("name") },
            scope: company.clone().map_or(Scope::Global, Scope::Company),
            secret_id: u64::try_from(service).expect("small"),
            version: Version::FIRST,
        }),
        company,
        verdict: Some(verdict),
        detail: "GET /v1/models: 200".to_owned(),
        response_time,
        checked_at: Some(Timestamp(0)),
        expires: None,
    };
    Cell {
        path: Some(PathCheck { fault, detail: String::new(), response_time, checked_at: Timestamp(0) }),
        keys: vec![key(None, Verdict::Accepted), key(Some(company()), verdict)],
        ..Cell::new(service_name(service))
    }
}

/// `VmRSS` of proc_pid_status(5), in bytes: what this process holds in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process holds memory");
    let kibibytes: u64 = held.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kibibytes * 1024
}

fn node_name(number: usize) -> NodeName {
    NodeName::parse(&format!("node-{number:03}")).expect("name")
}

fn service_name(number: usize) -> ServiceName {
    ServiceName::parse(&format!("service-{number:02}")).expect("name")
}

fn company() -> CompanyId {
    CompanyId::parse("acme").expect("company")
}

fn environment() -> EnvironmentName {
    EnvironmentName::parse("prod").expect("environment")
}

fn line(text: &str) {
    // Nobody is left to be told if standard output is gone.
    let _gone = writeln!(std::io::stdout(), "{text}");
}
