//! What stories about the schedule are told with: a clock that is moved by hand, and answers that are handed in.

use std::time::Duration;

use super::schedule::{Schedule, Task};
use super::spent::Spent;
use super::subject::{Subject, Watched};
use super::testing::{mark, path};
use crate::model::api_check::{Cell, KeyCheck, PathCheck};
use crate::model::connectivity::Verdict;
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::time::{BootTime, Moment, Timestamp};

pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const QUARTER: Duration = Duration::from_secs(900);

/// Noon of a day of UTC.
pub(super) const NOON: i64 = 20_000 * 24 * 3_600_000 + 12 * 3_600_000;

pub(super) struct World {
    pub(super) schedule: Schedule,
    pub(super) now: Moment,
    pub(super) share: Option<u32>,
}

impl World {
    pub(super) fn new() -> Self {
        let now = Moment { wall: Timestamp(NOON), boot: BootTime(HOUR), ..Moment::default() };
        Self { schedule: Schedule::new(Spent::default()), now, share: Some(u32::MAX) }
    }

    pub(super) fn watch(&mut self, watched: impl IntoIterator<Item = Watched>) {
        self.schedule.watch(watched.into_iter().collect(), &self.now, 1, &mut || 0);
    }

    pub(super) fn pass(&mut self, duration: Duration) {
        self.now.boot = BootTime(self.now.boot.0 + duration);
        self.now.wall = self.now.wall.plus(duration);
    }

    pub(super) fn due(&mut self) -> Vec<Task> {
        let share = self.share;
        self.schedule.due(&self.now, &|_, _| share, &mut || 0)
    }

    /// What is due, and every path answered at once.
    pub(super) fn keys_due(&mut self) -> Vec<Subject> {
        let mut keys = Vec::new();
        for task in self.due() {
            match task {
                Task::Path(service) => self.schedule.path_checked(&service, good_path(), &self.now, &mut || 0),
                Task::Key(subject) => keys.push(subject),
            }
        }
        keys
    }

    pub(super) fn answer(&mut self, subject: &Subject, verdict: Verdict) {
        self.schedule.key_checked(subject, answer(subject, verdict, self.now.wall), &self.now, &mut || 0);
    }

    /// Lets time pass to each check until then, answers them all alike, and says after how long each key was asked about.
    pub(super) fn run(&mut self, lasting: Duration, verdict: Verdict) -> Vec<Duration> {
        let began = self.now.boot;
        let mut asked = Vec::new();
        while let Some(next) = self.schedule.next().filter(|next| next.since(began) < lasting) {
            self.pass(next.since(self.now.boot));
            for subject in self.keys_due() {
                asked.push(self.now.boot.since(began));
                self.answer(&subject, verdict);
            }
        }
        let left = lasting - self.now.boot.since(began);
        self.pass(left);
        asked
    }

    pub(super) fn cell(&self) -> Cell {
        self.schedule.cells().into_iter().next().expect("one service")
    }

    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.cell().keys.first().expect("one key").verdict
    }
}

pub(super) fn service(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("name")
}

pub(super) fn subject(of: &str, scope: &str, version: u64) -> Subject {
    let key = mark(&format!("{of}/api_key"), scope, version);
    let company = scope.strip_prefix("company:").map(|company| CompanyId::parse(company).expect("company"));
    Subject {
        service: service(of),
        credential: Some(KeyName::parse("api_key").expect("name")),
        company,
        key: Some(key),
    }
}

pub(super) fn watched(of: &str, subjects: impl IntoIterator<Item = Subject>) -> Watched {
    Watched {
        service: service(of),
        has_host: true,
        check_every: QUARTER,
        calls_per_day: None,
        subjects: subjects.into_iter().collect(),
    }
}

pub(super) fn one(version: u64) -> Watched {
    watched("openai", [subject("openai", "global", version)])
}

pub(super) fn budgeted(version: u64) -> Watched {
    Watched { calls_per_day: Some(50), ..one(version) }
}

pub(super) fn answer(subject: &Subject, verdict: Verdict, at: Timestamp) -> KeyCheck {
    KeyCheck {
        company: subject.company.clone(),
        key: subject.key.clone(),
        verdict: Some(verdict),
        detail: format!("GET /v1/models: {verdict:?}"),
        response_time: None,
        checked_at: Some(at),
        expires: None,
    }
}

pub(super) fn good_path() -> PathCheck {
    path(None, 1).expect("a check")
}

pub(super) fn seconds(durations: &[Duration]) -> Vec<u64> {
    durations.iter().map(Duration::as_secs).collect()
}
