//! Entries, lines and clocks for the tests of this room.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::config::node_config::{AuditSection, Durability};
use crate::model::crew::{Crew, Work};
use crate::model::name::NodeName;
use crate::model::time::{BootTime, Clock, Moment, Timestamp};

use super::entry::{Entry, Ruling};
use super::head::Head;
use super::line::{Stamp, render};
use super::options::JournalOptions;

/// A wall clock that stands where it is put.
pub(super) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(super) fn at(time: &str) -> Self {
        Self(Mutex::new(Timestamp::parse(time).expect(time)))
    }

    pub(super) fn set(&self, time: &str) {
        *self.0.lock().expect("not poisoned") = Timestamp::parse(time).expect(time);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let wall = *self.0.lock().expect("not poisoned");
        let boot = BootTime(Duration::from_millis(u64::try_from(wall.0).expect("since 1970")));
        Moment { wall, boot, ..Moment::default() }
    }
}

/// A clock in November 2026.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(TestClock::at("2026-11-21T08:00:00Z"))
}

/// A journal in a directory, as a lead opens it.
pub(super) fn options(directory: &Path, durability: Durability) -> JournalOptions {
    JournalOptions {
        directory: directory.to_owned(),
        node: node(),
        clock: clock(),
        durability,
        file_bytes_max: AuditSection::default().file_bytes_max,
        spool: None,
        crew: Arc::new(OwnThread),
    }
}

/// A thread for what waits for the disk.
struct OwnThread;

impl Crew for OwnThread {
    fn take(&self, name: &'static str, work: Work) -> std::io::Result<()> {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime().block_on(work)).map(drop)
    }
}

pub(super) fn node() -> NodeName {
    NodeName::parse("vengeance").expect("name")
}

/// Somebody was allowed to read something.
pub(super) fn entry(request_id: &str) -> Entry {
    Entry {
        request_id: request_id.into(),
        principal: "user:1000".into(),
        established: "peer-credentials",
        attest: None,
        action: "secret.read",
        secret: None,
        scope: None,
        environment: None,
        company: None,
        version: None,
        ruling: Ruling::Allow,
        rule: "socket-group".into(),
        outcome: "ok",
        freshness: None,
        latency: None,
        reason: None,
        lasting: false,
    }
}

/// The first lines of a chain, each with its newline.
pub(super) fn lines(count: usize) -> Vec<String> {
    lines_of(&(1..=count).map(|number| entry(&format!("r{number}"))).collect::<Vec<_>>())
}

/// The first lines of a chain with these entries, each with its newline.
pub(super) fn lines_of(entries: &[Entry]) -> Vec<String> {
    let mut head = Head::GENESIS;
    let stamp = Stamp { node: &node(), time: clock().now().wall };
    let mut next = |entry: &Entry| {
        let mut line = Vec::new();
        head = render(&head, stamp, entry, &mut line).expect("short");
        String::from_utf8(line).expect("JSON is UTF-8")
    };
    entries.iter().map(&mut next).collect()
}

/// Makes a pipe nobody reads.
pub(super) fn make_pipe(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("pipe");
}
