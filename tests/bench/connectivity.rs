//! What a lead pays for connectivity: a report of a node into the matrix, what all reports say together, what one follower
//! may see of it, and the memory held, at 50 to 400 nodes with 22 services each.
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

use aurora_mesh::connectivity::budget::share;
use aurora_mesh::connectivity::matrix::{Matrix, Row};
use aurora_mesh::connectivity::seen_by::seen_by;
use aurora_mesh::connectivity::summary::summary;
use aurora_mesh::model::api_check::{Cell, KeyCheck, KeyMark, PathCheck};
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::connectivity::{PathFault, Verdict};
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::name::{CompanyId, EnvironmentName, KeyName, NodeName, ServiceName};
use aurora_mesh::model::number::Version;
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::model::time::Timestamp;

const SERVICES: usize = 22;

/// The cost per node at the largest mesh may be this many times that at the smallest: above one for a tree that is deeper and
/// for caches that are missed, well below what quadratic growth would come to.
const GROWTH_MAX: f64 = 3.0;

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
    seen: Duration,
    share: Duration,
    bytes: u64,
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
        "{:>6} {:>12} {:>14} {:>14} {:>12} {:>12} {:>16}",
        "nodes", "one report", "all services", "one follower", "one share", "memory", "lead's CPU"
    ));
    let mut linear = true;
    for cost in &costs {
        line(&shown(cost));
        let ratios = growth(cost, first);
        line(&format!(
            "{:>6} {:>12} {:>14} {:>14} {:>12} {:>12}",
            "",
            times(ratios[0]),
            times(ratios[1]),
            times(ratios[2]),
            times(ratios[3]),
            times(ratios[4])
        ));
        linear &= ratios.iter().all(|ratio| *ratio <= GROWTH_MAX);
    }
    line(&format!(
        "Below each size: its cost against {} nodes, divided by the number of nodes but for one report. The lead's CPU is that \
         of each cell reported once a minute, one summary a second, and all cells told on to every node once a minute; the \
         last part grows with the square of the nodes, as what is told does, and is not judged.",
        first.nodes
    ));
    line(&format!("growth: {}", if linear { "linear" } else { "faster than the nodes" }));
    if linear || !plan.judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shown(cost: &Costs) -> String {
    let Costs { nodes, report, summary, seen, share, bytes } = cost;
    let cells = u32::try_from(nodes * SERVICES).expect("small");
    let followers = u32::try_from(*nodes).expect("small");
    let a_minute = *report * cells + *seen * followers + *summary * 60;
    format!(
        "{nodes:>6} {report:>12.1?} {summary:>14.1?} {seen:>14.1?} {share:>12.1?} {:>8} KiB {:>14.2} %",
        bytes / 1024,
        a_minute.as_secs_f64() / 60.0 * 100.0
    )
}

/// How much more each costs than at the smallest mesh: the report as it is, the others for each node.
fn growth(cost: &Costs, first: &Costs) -> [f64; 5] {
    let nodes = ratio(cost.nodes as f64, first.nodes as f64);
    let time = |one: Duration, other: Duration| ratio(one.as_secs_f64(), other.as_secs_f64());
    [
        time(cost.report, first.report),
        time(cost.summary, first.summary) / nodes,
        time(cost.seen, first.seen) / nodes,
        time(cost.share, first.share) / nodes,
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
    let now = Timestamp(1);
    let told = summary(matrix.rows(), now);
    assert!(told.len() == SERVICES && told.iter().all(|service| service.lines.len() == nodes));
    let entitlement = Entitlement {
        environment: environment(),
        companies: Companies::Only([company()].into()),
        globs: vec![SecretGlob::parse("*").expect("glob")],
    };
    let own = node_name(nodes / 2);
    let service = service_name(0);
    Costs {
        nodes,
        report: per_report,
        summary: median(plan.summaries, || drop(black_box(summary(matrix.rows(), now)))),
        seen: median(plan.summaries, || {
            let rows = matrix.rows().filter_map(|(_, row)| seen_by(row, &entitlement));
            black_box(rows.map(|row| row.cells.len()).sum::<usize>());
        }),
        share: median(plan.summaries, || {
            black_box(share(&matrix, &service, &own, 50));
        }),
        bytes,
    }
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
