//! What finding lines costs in a month of very many: making the indexes, their size, and the first page of several searches.
//!
//! `cargo bench --bench audit_search` makes a journal of 200,000 lines (`AURORA_BENCH_LINES` says how many) of 40 principals,
//! 500 secrets and 8 actions in packed files of 128 MiB and one open one, searches it, and fails when a search takes a second. A
//! cold search is the first of its kind after the files were dropped from memory as far as the system lets one; a warm one is
//! the best of five. Without `--bench`, which is how `cargo test --benches` starts it, it does a little to show that it still
//! works, and judges nothing.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aurora_mesh::audit::pack::{index_packed, pack_closed};
use aurora_mesh::audit::query::{ActionPattern, Query};
use aurora_mesh::audit::search::Search;
use aurora_mesh::audit::selection::Order;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::time::Timestamp;

/// The promise.
const SEARCH_MAX: Duration = Duration::from_secs(1);

/// As much as a node writes into one file.
const FILE_BYTES_MAX: usize = 128 << 20;

/// The first of November 2026, and how long the month is, in milliseconds.
const BEGIN: i64 = 1_793_491_200_000;
const MONTH: i64 = 30 * 86_400_000;

fn main() -> ExitCode {
    let judged = std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::var("AURORA_BENCH_LINES").ok().and_then(|text| text.parse().ok());
    let lines: u64 = asked.unwrap_or(if judged { 200_000 } else { 2_000 });
    let directory = tempfile::tempdir().expect("a directory");
    let (raw, files) = write(directory.path(), lines);
    say(&format!("{lines} lines, {} MiB in {files} files", raw >> 20));
    let began = Instant::now();
    let packing = pack_closed(directory.path()).expect("packed");
    assert!(packing.failed.is_empty(), "{packing:?}");
    say(&format!("packed in {:.1?}: {} MiB", began.elapsed(), bytes(directory.path(), "gz") >> 20));
    let began = Instant::now();
    index_packed(directory.path()).expect("indexed");
    say(&format!("indexed in {:.1?}: {} KiB", began.elapsed(), bytes(directory.path(), "idx") >> 10));
    let mut kept = true;
    for (what, query) in queries(lines) {
        drop_from_memory(directory.path());
        let (cold, found) = timed(directory.path(), &query);
        let warm = (0..5).map(|_| timed(directory.path(), &query).0).min().expect("five");
        kept &= cold.max(warm) < SEARCH_MAX;
        say(&format!("{what:34} {found:>4} lines  cold {cold:>9.1?}  warm {warm:>9.1?}"));
    }
    if kept || !judged { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn queries(lines: u64) -> Vec<(&'static str, Query)> {
    let robot = |name: &str| Some(name.to_owned());
    let action = |text: &str| ActionPattern::parse(text).ok();
    let at = |line: u64| Timestamp(time(line, lines));
    vec![
        ("a rare principal", Query { principal: robot("agent:rare"), ..Query::default() }),
        ("one principal of forty", Query { principal: robot("agent:robot-7"), ..Query::default() }),
        (
            "a principal and a secret apart",
            Query {
                principal: robot("agent:rare"),
                secret: SecretGlob::parse("service-1/key").ok(),
                ..Query::default()
            },
        ),
        ("a request id", Query { request_id: Some(format!("request-{}", lines / 3)), ..Query::default() }),
        ("a request id there is not", Query { request_id: robot("request-none"), ..Query::default() }),
        ("a common action", Query { action: action("secret.read"), ..Query::default() }),
        (
            "a family of actions, one secret",
            Query { action: action("secret.*"), secret: SecretGlob::parse("service-42/*").ok(), ..Query::default() },
        ),
        (
            "an hour in the middle",
            Query {
                since: Some(at(lines / 2)),
                until: Some(at(lines / 2).plus(Duration::from_secs(3600))),
                ..Query::default()
            },
        ),
        ("everything", Query::default()),
    ]
}

fn time(line: u64, lines: u64) -> i64 {
    BEGIN + i64::try_from(u128::from(line) * MONTH.unsigned_abs() as u128 / u128::from(lines.max(1))).expect("a month")
}

/// Lines as a node writes them, but for the hashes; gives their bytes and the number of files.
fn write(directory: &Path, lines: u64) -> (usize, u32) {
    const ACTIONS: [&str; 8] = [
        "secret.read",
        "secret.list",
        "secret.info",
        "secret.write",
        "credential.apply",
        "policy.manage",
        "node.manage",
        "agent.key",
    ];
    let (mut raw, mut files, mut bytes) = (0, 0, FILE_BYTES_MAX);
    let mut file: Option<std::io::BufWriter<File>> = None;
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for line in 0..lines {
        if bytes >= FILE_BYTES_MAX {
            (files, bytes) = (files + 1, 0);
            let number = if files == 1 { String::new() } else { format!(".{files:03}") };
            let path = directory.join(format!("audit-2026-11{number}.jsonl"));
            file = Some(std::io::BufWriter::new(File::create(path).expect("a file")));
        }
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let principal = if line % 100_003 == 17 {
            "agent:rare user:1001 group:1001".to_owned()
        } else {
            let robot = seed % 40;
            format!("agent:robot-{robot} user:{} group:1000 exe:/usr/bin/python3.12", 1000 + robot)
        };
        let secret = if principal.starts_with("agent:rare") { 2 } else { seed >> 8 & 0x1ff } % 500;
        let text = format!(
            "{{\"v\":2,\"seq\":{},\"prev\":\"{:016x}{:016x}{:016x}{:016x}\",\"time\":\"{}\",\"node\":\"aurora\",\
             \"request_id\":\"request-{line}\",\"principal\":\"{principal}\",\"established\":\"peer-credentials+pidfd, agent socket\",\
             \"action\":\"{}\",\"secret\":\"service-{secret}/key\",\"scope\":\"global\",\"environment\":\"prod\",\"version\":3,\
             \"decision\":\"{}\",\"rule\":\"socket-group\",\"outcome\":\"ok\",\"freshness\":\"lead\",\"latency_us\":{}}}\n",
            line + 1,
            seed,
            seed.rotate_left(9),
            seed.rotate_left(23),
            seed.rotate_left(41),
            Timestamp(time(line, lines)),
            ACTIONS[usize::try_from(seed >> 20 & 7).expect("small")],
            if seed >> 30 & 31 == 0 { "deny" } else { "allow" },
            seed >> 50,
        );
        file.as_mut().expect("open").write_all(text.as_bytes()).expect("written");
        (raw, bytes) = (raw + text.len(), bytes + text.len());
    }
    file.expect("open").flush().expect("written");
    (raw, files)
}

fn timed(directory: &Path, query: &Query) -> (Duration, usize) {
    let own = NodeName::parse("aurora").expect("name");
    let began = Instant::now();
    let mut search = Search::open(directory, &own, query.clone(), Order::Newest, None).expect("readable");
    let page = search.page(100).expect("readable");
    (began.elapsed(), page.lines.len())
}

fn bytes(directory: &Path, extension: &str) -> u64 {
    let items = fs::read_dir(directory).expect("readable").map(|item| item.expect("readable"));
    let of = items.filter(|item| item.path().extension().is_some_and(|found| found == extension));
    of.map(|item| item.metadata().expect("a file").len()).sum()
}

/// Asks the system to forget what it holds of the files.
fn drop_from_memory(directory: &Path) {
    for item in fs::read_dir(directory).expect("readable") {
        let file = File::open(item.expect("readable").path()).expect("a file");
        // What was not written back yet would stay.
        file.sync_all().expect("synced");
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("advised");
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush()).expect("somebody reads");
}
