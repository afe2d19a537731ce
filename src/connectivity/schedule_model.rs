//! The schedule against a naive reference: whatever is watched, answered and reported in whatever order, and however the wall
//! clock swings, it keeps its promises.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

use super::flights::{IN_FLIGHT_MAX, LOST_AFTER};
use super::schedule::{Schedule, Task};
use super::spent::Spent;
use super::subject::{Subject, Watched};
use super::testing::{mark, path};
use crate::model::api_check::{KeyCheck, KeyMark};
use crate::model::connectivity::{PathFault, Verdict};
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::time::{BootTime, Moment, Timestamp};

const SERVICES: [&str; 3] = ["fireflies", "hubspot", "openai"];
const SCOPES: [&str; 4] = ["global", "company:a", "company:b", "company:c"];
const SHARE: u32 = 6;
const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Debug, Clone)]
enum Step {
    /// So much time passes, to the next check or beyond.
    Pass(u64),
    /// Only the wall clock moves.
    Swing(i64),
    /// What is watched: by service and scope, a version; 0 for none, and beyond 3 there is no key.
    Watch(Vec<u64>),
    /// What is due is begun.
    Begin,
    /// One check that is under way is answered.
    Answer(usize, Verdict),
    /// A failure is reported.
    Fail(usize),
    /// The process ends, and another begins with its counts.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop::sample::select(vec![
        Verdict::Accepted,
        Verdict::Limited,
        Verdict::Rejected,
        Verdict::Rejected,
        Verdict::Fault,
        Verdict::Throttled,
        Verdict::NoPath(PathFault::Dns),
    ]);
    prop_oneof![
        4 => (0_u64..40_000_000).prop_map(|ms| Step::Pass(ms / 40)),
        1 => (0_u64..40_000_000).prop_map(Step::Pass),
        1 => (-2_i64..3).prop_map(|hours| Step::Swing(hours * 3_600_000)),
        2 => prop::collection::vec(0_u64..5, SERVICES.len() * SCOPES.len()).prop_map(Step::Watch),
        8 => prop::strategy::Just(Step::Begin),
        8 => (0_usize..8, verdict).prop_map(|(which, verdict)| Step::Answer(which, verdict)),
        1 => (0..SERVICES.len()).prop_map(Step::Fail),
        1 => prop::strategy::Just(Step::Restart),
    ]
}

/// What the promises are checked against.
struct Reference {
    now: Moment,
    watched: Vec<Watched>,
    under_way: Vec<(Task, BootTime)>,
    /// Calls to the service with a budget, by day.
    calls: BTreeMap<i64, u32>,
    /// Refusals in a row of each key that is watched.
    refusals: BTreeMap<Subject, u32>,
}

impl Reference {
    fn begun(&mut self, task: &Task) -> Result<(), TestCaseError> {
        let now = self.now.boot;
        self.under_way.retain(|(_, began)| now.since(*began) < LOST_AFTER);
        prop_assert!(!self.under_way.iter().any(|(other, _)| same(other, task)), "twice at once: {task:?}");
        prop_assert!(self.under_way.len() < IN_FLIGHT_MAX, "too many at once");
        match task {
            Task::Path(service) => prop_assert!(self.watched.iter().any(|watched| watched.service == *service)),
            Task::Key(subject) => {
                prop_assert!(self.watched.iter().any(|watched| watched.subjects.contains(subject)), "not watched");
                prop_assert!(subject.key.is_some(), "there is nothing to ask about");
                if subject.service.as_str() == SERVICES[0] {
                    let day = self.now.wall.0.div_euclid(DAY_MS);
                    let calls = self.calls.entry(day).or_default();
                    *calls += 1;
                    prop_assert!(*calls <= SHARE, "{calls} calls on day {day}");
                }
            }
        }
        self.under_way.push((task.clone(), now));
        Ok(())
    }

    fn watch(&mut self, versions: &[u64]) {
        self.watched = watched(versions);
        let all: Vec<&Subject> = self.watched.iter().flat_map(|watched| &watched.subjects).collect();
        self.refusals.retain(|subject, _| all.contains(&subject));
    }
}

fn same(one: &Task, other: &Task) -> bool {
    match (one, other) {
        (Task::Path(one), Task::Path(other)) => one == other,
        (Task::Key(one), Task::Key(other)) => one.key == other.key,
        (Task::Path(_), Task::Key(_)) | (Task::Key(_), Task::Path(_)) => false,
    }
}

fn key(service: &str, scope: &str, version: u64) -> Option<KeyMark> {
    (version < 4).then(|| mark(&format!("{service}/api_key"), scope, version))
}

fn watched(versions: &[u64]) -> Vec<Watched> {
    let of = |(name, versions): (&&str, &[u64])| Watched {
        service: ServiceName::parse(name).expect("name"),
        has_host: *name != SERVICES[2],
        check_every: Duration::from_secs(900),
        calls_per_day: (*name == SERVICES[0]).then_some(50),
        subjects: SCOPES
            .iter()
            .zip(versions)
            .filter(|(_, version)| **version > 0)
            .map(|(scope, version)| Subject {
                service: ServiceName::parse(name).expect("name"),
                credential: Some(KeyName::parse("api_key").expect("name")),
                company: scope.strip_prefix("company:").map(|company| CompanyId::parse(company).expect("company")),
                key: key(name, scope, *version),
            })
            .collect(),
    };
    let all = SERVICES.iter().zip(versions.chunks(SCOPES.len())).map(of);
    all.filter(|watched| !watched.subjects.is_empty()).collect()
}

fn apply(
    schedule: &mut Schedule,
    reference: &mut Reference,
    step: &Step,
    draw: &mut dyn FnMut() -> u64,
) -> Result<(), TestCaseError> {
    match step {
        Step::Pass(ms) => {
            let passed = Duration::from_millis(*ms);
            reference.now.boot = BootTime(reference.now.boot.0 + passed);
            reference.now.wall = reference.now.wall.plus(passed);
        }
        Step::Swing(ms) => reference.now.wall = Timestamp(reference.now.wall.0 + ms),
        Step::Watch(versions) => {
            reference.watch(versions);
            schedule.watch(reference.watched.clone(), &reference.now, 200, draw);
        }
        Step::Begin => begin(schedule, reference, draw)?,
        Step::Answer(which, verdict) => answer(schedule, reference, *which, *verdict, draw),
        Step::Fail(which) => {
            schedule.failure(&ServiceName::parse(SERVICES[*which]).expect("name"), &reference.now);
        }
        Step::Restart => {
            *schedule = Schedule::new(Spent::parse(&schedule.spent().to_bytes()).expect("its own bytes"));
            (reference.under_way, reference.refusals) = (Vec::new(), BTreeMap::new());
            schedule.watch(reference.watched.clone(), &reference.now, 200, draw);
        }
    }
    Ok(())
}

/// Everything that is due is begun, and then nothing is due until later, unless there is no room for more.
fn begin(
    schedule: &mut Schedule,
    reference: &mut Reference,
    draw: &mut dyn FnMut() -> u64,
) -> Result<(), TestCaseError> {
    for _ in 0..3 {
        for task in schedule.due(&reference.now, &|_, _| Some(SHARE), draw) {
            reference.begun(&task)?;
        }
    }
    let full = reference.under_way.len() >= IN_FLIGHT_MAX;
    let next = schedule.next();
    prop_assert!(full || next.is_none_or(|next| next > reference.now.boot), "due and not begun: {next:?}");
    Ok(())
}

fn answer(
    schedule: &mut Schedule,
    reference: &mut Reference,
    which: usize,
    verdict: Verdict,
    draw: &mut dyn FnMut() -> u64,
) {
    let now = reference.now.boot;
    // What is lost is not answered at all here.
    reference.under_way.retain(|(_, began)| now.since(*began) < LOST_AFTER);
    if reference.under_way.is_empty() {
        return;
    }
    let (task, _) = reference.under_way.remove(which % reference.under_way.len());
    match task {
        Task::Path(service) => {
            let fault = matches!(verdict, Verdict::NoPath(_)).then_some(PathFault::Dns);
            schedule.path_checked(&service, path(fault, 1).expect("a check"), &reference.now, draw);
        }
        Task::Key(subject) => {
            let watched = reference.watched.iter().any(|watched| watched.subjects.contains(&subject));
            if watched && verdict == Verdict::Rejected {
                *reference.refusals.entry(subject.clone()).or_default() += 1;
            } else if watched {
                reference.refusals.remove(&subject);
            }
            let check = KeyCheck {
                company: subject.company.clone(),
                key: subject.key.clone(),
                verdict: Some(verdict),
                detail: String::new(),
                response_time: None,
                checked_at: Some(reference.now.wall),
                expires: None,
            };
            schedule.key_checked(&subject, check, &reference.now, draw);
        }
    }
}

fn check(schedule: &Schedule, reference: &Reference) -> Result<(), TestCaseError> {
    let mut cells = schedule.cells();
    // Of what is watched no more, the calls are told.
    cells.retain(|cell| !cell.keys.is_empty());
    let services: Vec<&ServiceName> = cells.iter().map(|cell| &cell.service).collect();
    prop_assert_eq!(services, reference.watched.iter().map(|watched| &watched.service).collect::<Vec<_>>());
    for (cell, watched) in cells.iter().zip(&reference.watched) {
        for (believed, subject) in cell.keys.iter().zip(&watched.subjects) {
            prop_assert_eq!(&believed.key, &subject.key);
            prop_assert_eq!(believed.verdict == Some(Verdict::NoCredential), subject.key.is_none());
            if believed.verdict == Some(Verdict::Rejected) {
                prop_assert!(reference.refusals.get(subject) >= Some(&2), "believed after one refusal: {subject:?}");
            }
        }
    }
    let anything = reference
        .watched
        .iter()
        .any(|watched| watched.has_host || watched.subjects.iter().any(|subject| subject.key.is_some()));
    prop_assert!(!anything || schedule.next().is_some(), "something is watched and nothing is ever due");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Never the same key twice at once, nor more than a few together; never more calls a day than the share; nothing that is
    /// not watched; a refusal is believed after the second; and while something is watched, something is due at some time.
    #[test]
    fn it_keeps_its_promises_whatever_happens(steps in prop::collection::vec(step(), 1..150), seed in 0_u64..1000) {
        let now = Moment { wall: Timestamp(20_000 * DAY_MS), boot: BootTime(Duration::from_secs(9)), ..Moment::default() };
        let mut reference = Reference {
            now,
            watched: Vec::new(),
            under_way: Vec::new(),
            calls: BTreeMap::new(),
            refusals: BTreeMap::new(),
        };
        let mut schedule = Schedule::new(Spent::default());
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 16
        };
        for step in &steps {
            apply(&mut schedule, &mut reference, step, &mut draw)?;
            check(&schedule, &reference)?;
        }
    }
}
