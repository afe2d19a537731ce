//! The schedule, told as a story each: a clock that is moved by hand, and answers that are handed in.

use std::time::Duration;

use super::schedule::{Schedule, Task};
use super::spent::Spent;
use super::subject::{Subject, Watched};
use super::testing::{mark, path};
use crate::model::api_check::{Cell, KeyCheck, KeyMark, PathCheck};
use crate::model::connectivity::{PathFault, Verdict};
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::time::{BootTime, Moment, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);
const QUARTER: Duration = Duration::from_secs(900);

/// Noon of a day of UTC.
const NOON: i64 = 20_000 * 24 * 3_600_000 + 12 * 3_600_000;

struct World {
    schedule: Schedule,
    now: Moment,
    share: Option<u32>,
}

impl World {
    fn new() -> Self {
        let now = Moment { wall: Timestamp(NOON), boot: BootTime(HOUR), ..Moment::default() };
        Self { schedule: Schedule::new(Spent::default()), now, share: Some(u32::MAX) }
    }

    fn watch(&mut self, watched: impl IntoIterator<Item = Watched>) {
        self.schedule.watch(watched.into_iter().collect(), &self.now, 1, &mut || 0);
    }

    fn pass(&mut self, duration: Duration) {
        self.now.boot = BootTime(self.now.boot.0 + duration);
        self.now.wall = self.now.wall.plus(duration);
    }

    fn due(&mut self) -> Vec<Task> {
        let share = self.share;
        self.schedule.due(&self.now, &|_, _| share, &mut || 0)
    }

    /// What is due, and every path answered at once.
    fn keys_due(&mut self) -> Vec<Subject> {
        let mut keys = Vec::new();
        for task in self.due() {
            match task {
                Task::Path(service) => self.schedule.path_checked(&service, good_path(), &self.now, &mut || 0),
                Task::Key(subject) => keys.push(subject),
            }
        }
        keys
    }

    fn answer(&mut self, subject: &Subject, verdict: Verdict) {
        self.schedule.key_checked(subject, answer(subject, verdict, self.now.wall), &self.now, &mut || 0);
    }

    /// Lets time pass to each check until then, answers them all alike, and says after how long each key was asked about.
    fn run(&mut self, lasting: Duration, verdict: Verdict) -> Vec<Duration> {
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

    fn cell(&self) -> Cell {
        self.schedule.cells().into_iter().next().expect("one service")
    }

    fn verdict(&self) -> Option<Verdict> {
        self.cell().keys.first().expect("one key").verdict
    }
}

fn service(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("name")
}

fn subject(of: &str, scope: &str, version: u64) -> Subject {
    let key = mark(&format!("{of}/api_key"), scope, version);
    let company = scope.strip_prefix("company:").map(|company| CompanyId::parse(company).expect("company"));
    Subject {
        service: service(of),
        credential: Some(KeyName::parse("api_key").expect("name")),
        company,
        key: Some(key),
    }
}

fn watched(of: &str, subjects: impl IntoIterator<Item = Subject>) -> Watched {
    Watched {
        service: service(of),
        has_host: true,
        check_every: QUARTER,
        calls_per_day: None,
        subjects: subjects.into_iter().collect(),
    }
}

fn one(version: u64) -> Watched {
    watched("openai", [subject("openai", "global", version)])
}

fn budgeted(version: u64) -> Watched {
    Watched { calls_per_day: Some(50), ..one(version) }
}

fn answer(subject: &Subject, verdict: Verdict, at: Timestamp) -> KeyCheck {
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

fn good_path() -> PathCheck {
    path(None, 1).expect("a check")
}

fn seconds(durations: &[Duration]) -> Vec<u64> {
    durations.iter().map(Duration::as_secs).collect()
}

#[test]
fn a_path_is_checked_each_minute_and_a_key_each_quarter_of_an_hour() {
    let mut world = World::new();
    world.watch([one(1)]);
    let mut paths = Vec::new();
    let began = world.now.boot;
    for _ in 0..3 {
        let next = world.schedule.next().expect("a path");
        world.pass(next.since(world.now.boot));
        for task in world.due() {
            match task {
                Task::Path(service) => {
                    paths.push(world.now.boot.since(began));
                    world.schedule.path_checked(&service, good_path(), &world.now, &mut || 0);
                }
                Task::Key(subject) => world.answer(&subject, Verdict::Accepted),
            }
        }
    }
    assert_eq!(seconds(&paths), [0, 54, 108], "a tenth less than a minute, as drawn");
    let mut world = World::new();
    world.watch([one(1)]);
    assert_eq!(seconds(&world.run(HOUR, Verdict::Accepted)), [0, 810, 1620, 2430, 3240]);
}

#[test]
fn a_changed_key_is_asked_about_soon_and_the_answer_about_the_old_one_is_dropped() {
    let mut world = World::new();
    world.watch([one(1)]);
    let old = world.keys_due().pop().expect("the first");
    world.watch([one(2)]);
    assert_eq!(world.verdict(), None);
    world.answer(&old, Verdict::Accepted);
    assert_eq!(world.verdict(), None, "it was about version 1");
    let new = world.keys_due().pop().expect("at once on a node alone");
    assert_eq!(new.key.as_ref().map(|mark| mark.version.get()), Some(2));
    world.answer(&new, Verdict::Accepted);
    assert_eq!(world.verdict(), Some(Verdict::Accepted));
}

#[test]
fn a_change_is_spread_by_the_number_of_nodes() {
    let mut world = World::new();
    world.schedule.watch(vec![one(1)], &world.now, 200, &mut || 700);
    assert_eq!(world.schedule.next().map(|at| at.since(world.now.boot)), Some(Duration::from_millis(700)));
    assert_eq!(world.due(), []);
}

#[test]
fn what_is_watched_again_as_it_was_is_not_asked_about_again() {
    let mut world = World::new();
    world.watch([one(1)]);
    world.run(Duration::from_secs(1), Verdict::Accepted);
    let (cells, next) = (world.schedule.cells(), world.schedule.next());
    world.watch([one(1)]);
    assert_eq!((world.schedule.cells(), world.schedule.next()), (cells, next));
    assert_eq!(world.keys_due(), []);
}

#[test]
fn one_refusal_is_confirmed_before_it_is_believed() {
    let mut world = World::new();
    world.watch([one(1)]);
    world.run(Duration::from_secs(1), Verdict::Accepted);
    world.pass(QUARTER);
    let asked = world.keys_due().pop().expect("by routine");
    world.answer(&asked, Verdict::Rejected);
    let believed = world.cell().keys.pop().expect("one");
    assert_eq!(believed.verdict, Some(Verdict::Accepted));
    assert!(believed.detail.starts_with("refused once, to be confirmed; GET"), "{}", believed.detail);
    assert_eq!(world.keys_due(), []);
    world.pass(Duration::from_millis(500));
    let asked = world.keys_due().pop().expect("to confirm");
    world.answer(&asked, Verdict::Rejected);
    assert_eq!(world.verdict(), Some(Verdict::Rejected));
}

#[test]
fn a_refusal_that_is_not_confirmed_is_forgotten() {
    for between in [Verdict::Accepted, Verdict::Fault, Verdict::NoPath(PathFault::Timeout), Verdict::Throttled] {
        let mut world = World::new();
        world.watch([one(1)]);
        for verdict in [Verdict::Rejected, between, Verdict::Rejected] {
            world.pass(QUARTER * 2);
            let asked = world.keys_due().pop().expect("due");
            world.answer(&asked, verdict);
        }
        assert_eq!(world.verdict(), Some(between), "the second refusal is a first one again");
    }
}

#[test]
fn a_key_that_fails_is_asked_about_at_doubled_pauses_up_to_the_interval() {
    let mut world = World::new();
    world.watch([one(1)]);
    let asked = world.run(HOUR, Verdict::Fault);
    assert_eq!(seconds(&asked), [0, 27, 81, 189, 405, 837, 1647, 2457, 3267]);
    let next = world.run(HOUR, Verdict::Accepted);
    assert_eq!(next.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect::<Vec<_>>(), [810, 810, 810]);
}

#[test]
fn a_rejected_key_is_asked_about_four_times_a_day_in_the_end_and_a_new_one_at_once() {
    let mut world = World::new();
    world.watch([one(1)]);
    let asked = world.run(48 * HOUR, Verdict::Rejected);
    let last = asked.last_chunk::<2>().expect("many");
    assert_eq!((last[1] - last[0]).as_secs(), 6 * 3600 * 9 / 10);
    world.watch([one(2)]);
    assert_eq!(world.verdict(), None, "nothing is known of the new one");
    assert_eq!(world.keys_due().len(), 1);
}

#[test]
fn without_a_key_or_a_check_for_it_nothing_is_asked() {
    let mut world = World::new();
    world.watch([one(1)]);
    world.run(Duration::from_secs(1), Verdict::Accepted);
    let without = |key: Option<KeyMark>, credential| Subject { key, credential, ..subject("openai", "global", 1) };
    let credential = subject("openai", "global", 1).credential;
    for gone in [without(None, credential), without(None, None)] {
        world.watch([watched("openai", [gone])]);
        assert_eq!(world.verdict(), Some(Verdict::NoCredential));
        assert!(world.run(2 * HOUR, Verdict::Accepted).is_empty());
    }
    world.watch([watched("openai", [without(Some(mark("openai/api_key", "global", 1)), None)])]);
    assert_eq!(world.verdict(), Some(Verdict::Unsupported));
    assert!(world.run(2 * HOUR, Verdict::Accepted).is_empty());
    world.schedule.failure(&service("openai"), &world.now);
    assert_eq!(world.keys_due(), []);
    world.watch([one(1)]);
    assert_eq!(world.keys_due().len(), 1, "a value that came back is asked about");
}

#[test]
fn what_is_not_watched_any_more_is_forgotten_with_its_late_answers() {
    let mut world = World::new();
    world.watch([one(1)]);
    let tasks = world.due();
    assert_eq!(tasks.len(), 2);
    world.watch([]);
    let asked = subject("openai", "global", 1);
    world.answer(&asked, Verdict::Accepted);
    world.schedule.path_checked(&service("openai"), good_path(), &world.now, &mut || 0);
    assert_eq!(world.schedule.next(), None);
    let gone = Cell { spent_today: 1, ..Cell::new(service("openai")) };
    assert_eq!(world.schedule.cells(), [gone], "but for the call that was made");
}

#[test]
fn a_key_that_left_and_came_back_is_not_asked_about_twice_at_once() {
    let mut world = World::new();
    world.watch([one(1)]);
    let asked = world.keys_due().pop().expect("the first");
    world.watch([]);
    world.watch([one(1)]);
    assert_eq!(world.keys_due(), []);
    world.answer(&asked, Verdict::Accepted);
    assert_eq!(world.verdict(), Some(Verdict::Accepted), "it is the same key");
}

#[test]
fn at_most_eight_checks_are_under_way_and_the_one_that_waited_longest_is_next() {
    let mut world = World::new();
    let companies: Vec<Subject> =
        (0..20).map(|number| subject("openai", &format!("company:c{number:02}"), 1)).collect();
    world.watch([Watched { has_host: false, ..watched("openai", companies.clone()) }]);
    let first = world.keys_due();
    assert_eq!(first, companies[..8]);
    assert_eq!(world.keys_due(), []);
    world.answer(&companies[3], Verdict::Accepted);
    assert_eq!(world.keys_due(), companies[8..9]);
}

#[test]
fn a_check_whose_answer_never_comes_is_made_again() {
    let mut world = World::new();
    world.watch([one(1)]);
    let asked = world.keys_due();
    world.pass(Duration::from_secs(59));
    assert_eq!(world.keys_due(), []);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.keys_due(), asked);
    world.answer(&asked[0], Verdict::Accepted);
    assert_eq!(world.verdict(), Some(Verdict::Accepted));
    world.answer(&asked[0], Verdict::Fault);
    assert_eq!(world.verdict(), Some(Verdict::Accepted), "nobody waits for a second answer");
}

#[test]
fn a_reported_failure_is_looked_into_at_once_but_once_a_minute() {
    let mut world = World::new();
    world.watch([one(1), watched("hubspot", [subject("hubspot", "global", 1)])]);
    world.run(Duration::from_secs(5), Verdict::Accepted);
    world.schedule.failure(&service("openai"), &world.now);
    let tasks = world.due();
    assert_eq!(tasks, [Task::Path(service("openai")), Task::Key(subject("openai", "global", 1))]);
    world.schedule.path_checked(&service("openai"), good_path(), &world.now, &mut || 0);
    world.answer(&subject("openai", "global", 1), Verdict::Accepted);
    world.schedule.failure(&service("openai"), &world.now);
    assert_eq!(world.due(), []);
    world.schedule.failure(&service("unknown"), &world.now);
    world.pass(Duration::from_secs(60));
    world.schedule.failure(&service("openai"), &world.now);
    assert_eq!(world.keys_due(), [subject("openai", "global", 1)]);
}

#[test]
fn when_a_broken_path_works_again_the_keys_it_kept_away_are_asked_about() {
    let mut world = World::new();
    world.watch([one(1)]);
    let broken = || path(Some(PathFault::Dns), 0).expect("a check");
    for task in world.due() {
        match task {
            Task::Path(service) => world.schedule.path_checked(&service, broken(), &world.now, &mut || 0),
            Task::Key(subject) => {
                // Late enough in its back-off that the next try is far away.
                world.answer(&subject, Verdict::NoPath(PathFault::Dns));
            }
        }
    }
    world.pass(Duration::from_secs(54));
    let tasks = world.due();
    assert!(tasks.contains(&Task::Path(service("openai"))), "{tasks:?}");
    world.answer(&subject("openai", "global", 1), Verdict::NoPath(PathFault::Dns));
    assert_eq!(world.keys_due(), []);
    world.schedule.path_checked(&service("openai"), good_path(), &world.now, &mut || 0);
    assert_eq!(world.keys_due(), [subject("openai", "global", 1)]);
}

#[test]
fn three_quarters_of_the_share_last_the_day_and_the_rest_is_for_changes_and_failures() {
    let mut world = World::new();
    world.share = Some(16);
    world.now.wall = Timestamp(NOON).minus(12 * HOUR);
    world.watch([budgeted(1)]);
    let asked = world.run(24 * HOUR - Duration::from_secs(1), Verdict::Accepted);
    assert_eq!(asked.len(), 1 + 12, "one because it was new, and twelve by routine");
    let pauses = asked.windows(2).map(|pair| (pair[1] - pair[0]).as_secs());
    assert!(pauses.clone().all(|pause| pause >= 1700), "{:?}", pauses.collect::<Vec<_>>());
    assert!(asked.last() > Some(&(12 * HOUR)), "{asked:?}");
    assert_eq!(world.cell().spent_today, 13);
    world.watch([budgeted(2)]);
    assert_eq!(world.keys_due().len(), 1, "a change is looked into");
}

#[test]
fn failures_that_are_reported_in_a_loop_use_a_quarter_and_leave_the_routine_alone() {
    let mut world = World::new();
    world.share = Some(16);
    world.now.wall = Timestamp(NOON).minus(12 * HOUR);
    world.watch([budgeted(1)]);
    let mut asked = 0;
    for _ in 0..60 {
        world.schedule.failure(&service("openai"), &world.now);
        asked += world.run(Duration::from_secs(60), Verdict::Accepted).len();
    }
    assert_eq!(asked, 1 + 4, "one because it was new, four because of failures, and none by routine yet");
    assert!(!world.run(12 * HOUR, Verdict::Accepted).is_empty());
}

#[test]
fn without_a_share_nothing_is_asked_and_it_is_said_until_the_next_day() {
    let mut world = World::new();
    world.share = Some(1);
    world.watch([budgeted(1)]);
    assert_eq!(world.run(HOUR, Verdict::Accepted).len(), 1);
    let believed = world.cell().keys.pop().expect("one");
    assert_eq!(believed.verdict, Some(Verdict::Accepted), "what was believed stays");
    assert!(believed.detail.starts_with("not asked again for now: this node's calls"), "{}", believed.detail);
    world.watch([budgeted(2)]);
    assert!(world.run(HOUR, Verdict::Accepted).is_empty(), "nor is a new key");
    assert_eq!(world.verdict(), None);
    world.pass(10 * HOUR);
    let asked = world.keys_due().pop().expect("a new day");
    world.answer(&asked, Verdict::Accepted);
    assert_eq!(world.cell().keys, [answer(&asked, Verdict::Accepted, world.now.wall)]);
}

#[test]
fn while_nobody_has_told_the_share_nothing_is_asked_and_soon_after_it_is() {
    let mut world = World::new();
    world.share = None;
    world.watch([budgeted(1), watched("slack", [subject("slack", "global", 1)])]);
    let asked = world.run(HOUR, Verdict::Accepted);
    assert_eq!(asked.len(), 5, "slack has no budget: {asked:?}");
    let cell = world.cell();
    assert!(cell.path.is_some() && cell.spent_today == 0, "{cell:?}");
    assert!(cell.keys[0].detail.starts_with("not asked for now: the lead has not told"), "{cell:?}");
    world.share = Some(4);
    world.pass(Duration::from_millis(500));
    let asked = world.keys_due().pop().expect("told");
    world.answer(&asked, Verdict::Accepted);
    assert_eq!(world.cell().keys, [answer(&asked, Verdict::Accepted, world.now.wall)]);
}

#[test]
fn calls_that_somebody_asked_for_are_none_that_the_schedule_has() {
    let mut world = World::new();
    world.share = Some(4);
    world.watch([budgeted(1)]);
    world.run(HOUR, Verdict::Accepted);
    let spent = world.cell().spent_today;
    world.schedule.asked(&service(&world.cell().service.to_string()), 9, &world.now);
    assert_eq!(world.cell().spent_today, spent + 9, "though it is more than the share");
    assert!(world.run(10 * HOUR, Verdict::Accepted).is_empty());
    world.run(2 * HOUR, Verdict::Accepted);
    assert!(world.cell().spent_today < 4, "a new day");
}

#[test]
fn a_wall_clock_that_jumps_stops_nothing() {
    for jump in [-400_i64, -1, 1, 400] {
        let mut world = World::new();
        world.share = Some(4);
        world.watch([budgeted(1), watched("hubspot", [subject("hubspot", "global", 1)])]);
        world.run(HOUR, Verdict::Accepted);
        world.now.wall = Timestamp(world.now.wall.0 + jump * 24 * 3_600_000);
        let asked = world.run(25 * HOUR, Verdict::Accepted);
        assert!(asked.len() > 90, "{jump} days: {}", asked.len());
    }
}

#[test]
fn counts_of_before_a_restart_count() {
    let mut world = World::new();
    world.share = Some(1);
    world.watch([budgeted(1)]);
    world.run(HOUR, Verdict::Accepted);
    let bytes = world.schedule.spent().to_bytes();
    world.schedule = Schedule::new(Spent::parse(&bytes).expect("its own bytes"));
    world.watch([budgeted(1)]);
    assert_eq!(world.keys_due(), []);
    assert_eq!(world.cell().spent_today, 1);
}

#[test]
fn what_is_believed_comes_by_service_and_in_the_order_of_the_watch() {
    let mut world = World::new();
    let subjects = ["global", "company:b", "company:a"].map(|scope| subject("openai", scope, 1));
    world.watch([watched("openai", subjects.clone()), watched("anthropic", [])]);
    let cells = world.schedule.cells();
    assert_eq!(cells.iter().map(|cell| cell.service.as_str()).collect::<Vec<_>>(), ["anthropic", "openai"]);
    let marks: Vec<Option<KeyMark>> = cells[1].keys.iter().map(|key| key.key.clone()).collect();
    assert_eq!(marks, subjects.map(|subject| subject.key));
}

#[test]
fn an_answer_that_says_nothing_does_not_take_back_what_is_known_of_the_end() {
    use crate::model::api_check::{ExpirySource, KeyExpiry};
    let mut world = World::new();
    world.watch([one(1)]);
    let asked = world.keys_due().pop().expect("the first");
    let expires = Some(KeyExpiry { at: Timestamp(NOON + 1), source: ExpirySource::Header });
    let check = KeyCheck { expires, ..answer(&asked, Verdict::Accepted, world.now.wall) };
    world.schedule.key_checked(&asked, check, &world.now, &mut || 0);
    for (verdict, expected) in [(Verdict::Fault, expires), (Verdict::Accepted, None)] {
        world.pass(QUARTER);
        let asked = world.keys_due().pop().expect("due");
        world.answer(&asked, verdict);
        assert_eq!(world.cell().keys[0].expires, expected, "{verdict:?}");
    }
}

#[test]
fn an_answer_about_another_version_than_was_asked_for_is_not_believed() {
    let mut world = World::new();
    world.watch([one(1)]);
    let asked = world.keys_due().pop().expect("the first");
    let check = answer(&subject("openai", "global", 2), Verdict::Accepted, world.now.wall);
    world.schedule.key_checked(&asked, check, &world.now, &mut || 0);
    assert_eq!(world.verdict(), None);
    assert!(world.schedule.next().is_some());
}

#[test]
fn a_check_that_was_not_made_leaves_what_is_believed_and_is_tried_again_soon() {
    let mut world = World::new();
    world.watch([one(1)]);
    world.run(Duration::from_secs(1), Verdict::Accepted);
    world.pass(QUARTER);
    let asked = world.keys_due().pop().expect("due");
    let check = KeyCheck {
        verdict: None,
        detail: "the audit cannot be written".to_owned(),
        ..answer(&asked, Verdict::Fault, world.now.wall)
    };
    world.schedule.key_checked(&asked, check, &world.now, &mut || 0);
    assert_eq!(world.verdict(), Some(Verdict::Accepted));
    assert_eq!(world.cell().keys[0].detail, "the audit cannot be written");
    assert_eq!(seconds(&world.run(Duration::from_secs(60), Verdict::Accepted)), [27]);
}
