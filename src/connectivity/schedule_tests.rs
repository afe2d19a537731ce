//! The schedule, told as a story each: when what is checked, and how far one answer is believed.

use std::time::Duration;

use super::schedule::Task;
use super::schedule_world::{HOUR, QUARTER, World, good_path, one, seconds, service, subject, watched};
use super::subject::{Subject, Watched};
use super::testing::{mark, path};
use crate::model::api_check::{Cell, KeyMark};
use crate::model::connectivity::{PathFault, Verdict};

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
