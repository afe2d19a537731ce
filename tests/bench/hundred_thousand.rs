//! What a mesh of real processes does with 100,000 secrets: import in one go, arrival on a follower, list, read, restart;
//! and what that costs in files and memory.
//!
//! `cargo bench --bench hundred_thousand` runs all of it, and prints a table and the same as one line of JSON. Without
//! `--bench`, which is how `cargo test --benches` starts it, it takes a few hundred secrets, to show that it still works.

#![expect(clippy::disallowed_methods, reason = "a stopwatch: elapsed time is what is measured here")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Map, Value};
use support::process::{Node, directory};
use tokio::process::Command;

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

/// Between two looks at the memory of a command that runs.
const GLANCE: Duration = Duration::from_millis(2);

/// How much is done.
struct Plan {
    secrets: usize,
    reads: usize,
}

impl Plan {
    fn chosen() -> Self {
        if std::env::args().any(|argument| argument == "--bench") {
            Self { secrets: 100_000, reads: 10_000 }
        } else {
            Self { secrets: 300, reads: 20 }
        }
    }

    /// Where a secret is, spread over services as people's are.
    fn name(number: usize) -> String {
        format!("service-{}/key_{number}", number % 500)
    }

    /// The file, with a value of 40 characters for each.
    fn write(&self, path: &Path) {
        let line = |number: usize| format!("# aurora: {}\nK{number}=sk-{number:037}\n", Self::name(number));
        std::fs::write(path, (0..self.secrets).map(line).collect::<String>()).expect("writable");
    }
}

/// What was measured: printed as it comes, and kept for the JSON.
#[derive(Default)]
struct Report(Map<String, Value>);

impl Report {
    fn note(&mut self, key: &str, what: &str, value: impl Into<Value>, shown: &str) {
        writeln!(std::io::stdout(), "{what:<56} {shown}").expect("standard output");
        self.0.insert(key.to_owned(), value.into());
    }

    fn time(&mut self, key: &str, what: &str, time: Duration) {
        let milliseconds = time.as_secs_f64() * 1000.0;
        let shown = if milliseconds < 1000.0 {
            format!("{milliseconds:.2} ms")
        } else {
            format!("{:.2} s", time.as_secs_f64())
        };
        self.note(&format!("{key}_ms"), what, (milliseconds * 1000.0).round() / 1000.0, &shown);
    }

    fn bytes(&mut self, key: &str, what: &str, bytes: u64) {
        self.note(&format!("{key}_bytes"), what, bytes, &format!("{:.1} MB", bytes as f64 / 1e6));
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(measure(&Plan::chosen()));
}

async fn measure(plan: &Plan) {
    let dir = directory();
    let mut lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("vengeance", &[]).await;
    let mut report = Report::default();
    report.note("secrets", "secrets", plan.secrets, &format!("{}, {}", plan.secrets, build()));
    for (key, node) in [("lead_idle", &lead), ("follower_idle", &follower)] {
        report.bytes(key, &format!("memory of {}, idle", node.name), memory(node, "VmRSS"));
    }
    import(plan, &lead, &follower, &mut report).await;
    list(plan, &lead, &mut report).await;
    for node in [&lead, &follower] {
        reads(plan, node, &mut report);
    }
    let role = |node: &Node| if node.name == "aurora" { "lead" } else { "follower" };
    for node in [&lead, &follower] {
        let (key, name) = (role(node), &node.name);
        report.bytes(&format!("{key}_rss"), &format!("memory of {name}, now"), memory(node, "VmRSS"));
        report.bytes(&format!("{key}_peak"), &format!("memory of {name}, at most"), memory(node, "VmHWM"));
        let store = std::fs::metadata(node.state_dir().join("store.redb")).expect("a store").len();
        report.bytes(&format!("{key}_store"), &format!("store of {name}"), store);
        report.bytes(&format!("{key}_journal"), &format!("journal of {name}"), size(&node.state_dir().join("audit")));
    }
    for node in [&mut lead, &mut follower] {
        node.end(Signal::TERM).await;
        let began = Instant::now();
        node.start().await;
        Reader::of(node).read(&Plan::name(plan.secrets / 2));
        let key = role(node);
        report.time(
            &format!("{key}_restart"),
            &format!("restart of {}, to the first read", node.name),
            began.elapsed(),
        );
        report.bytes(
            &format!("{key}_restarted"),
            &format!("memory of {}, after that", node.name),
            memory(node, "VmRSS"),
        );
    }
    writeln!(std::io::stdout(), "{}", Value::Object(report.0)).expect("standard output");
}

async fn import(plan: &Plan, lead: &Node, follower: &Node, report: &mut Report) {
    let file = lead.dir.join("many.env");
    plan.write(&file);
    let file = file.to_str().expect("text");
    for (key, what, options) in [
        ("rehearsal", "import --dry-run", &["--dry-run"][..]),
        ("import", "import --yes: the plan, then one transaction", &["--yes"]),
    ] {
        let command = lead.aurora(&[&["import", file, "--quiet"], options].concat());
        let (time, peak) = watched(command).await;
        report.time(key, what, time);
        report.bytes(&format!("{key}_peak"), "  memory of the command, at most", peak);
    }
    let began = Instant::now();
    follower.reaches(lead.health().await["revision"].as_u64().expect("a revision")).await;
    report.time("arrival", "until the follower has it all, after that", began.elapsed());
    let (time, _) = watched(lead.aurora(&["import", file, "--yes", "--quiet"])).await;
    report.time("import_again", "import --yes of the same again: nothing to store", time);
}

async fn list(plan: &Plan, lead: &Node, report: &mut Report) {
    let (time, peak) = watched(lead.aurora(&["list"])).await;
    report.time("list", "list", time);
    report.bytes("list_peak", "  memory of the command, at most", peak);
    let out = lead.dir.join("out.json");
    let (time, peak) = watched(lead.aurora(&["export", "--output-file", out.to_str().expect("text"), "--quiet"])).await;
    report.time("export", "export", time);
    report.bytes("export_peak", "  memory of the command, at most", peak);
    let exported: Map<String, Value> = serde_json::from_slice(&std::fs::read(&out).expect("a file")).expect("JSON");
    assert_eq!(exported.len(), plan.secrets);
}

fn reads(plan: &Plan, node: &Node, report: &mut Report) {
    let mut reader = Reader::of(node);
    let mut times: Vec<Duration> = (0..plan.reads)
        .map(|turn| {
            let name = Plan::name(turn * 7919 % plan.secrets);
            let began = Instant::now();
            reader.read(&name);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    for percent in [50, 99] {
        let time = times[(times.len() * percent / 100).min(times.len() - 1)];
        let what = format!("read on {} over its socket, p{percent} of {}", node.name, plan.reads);
        report.time(&format!("read_{}_p{percent}", node.name), &what, time);
    }
}

/// Runs a command that must succeed; how long it took, and the most memory it was seen to hold.
async fn watched(mut command: Command) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the binary is there");
    let pid = child.id().expect("runs");
    let mut peak = 0;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.expect("our child"),
            () = tokio::time::sleep(GLANCE) => peak = memory_of(pid, "VmHWM").unwrap_or(peak),
        }
    };
    assert!(status.success(), "{status}");
    (began.elapsed(), peak)
}

/// One connection that stays open, as a program's does.
struct Reader(UnixStream);

impl Reader {
    fn of(node: &Node) -> Self {
        Self(UnixStream::connect(node.agent()).expect("it listens"))
    }

    fn read(&mut self, name: &str) {
        let request = format!("GET /api/secrets/{name} HTTP/1.1\r\nHost: aurora\r\n\r\n");
        self.0.write_all(request.as_bytes()).expect("written");
        let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(b"}") {
            let count = self.0.read(&mut chunk).expect("read");
            assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&chunk[..count]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
}

fn memory(node: &Node, field: &str) -> u64 {
    memory_of(u32::try_from(node.pid().as_raw_nonzero().get()).expect("a pid"), field).expect("runs")
}

/// A line of `proc_pid_status(5)`, in bytes.
fn memory_of(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn size(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory).expect("a directory");
    files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len()).sum()
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "dev profile" } else { "release profile" }
}
