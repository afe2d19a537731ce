//! The schedule within its limits, told as a story each: budgets, clocks that jump, restarts, and answers that say nothing.

use std::time::Duration;

use super::schedule::Schedule;
use super::schedule_world::{HOUR, NOON, QUARTER, World, answer, budgeted, one, seconds, service, subject, watched};
use super::spent::Spent;
use crate::model::api_check::{KeyCheck, KeyMark};
use crate::model::connectivity::Verdict;
use crate::model::time::Timestamp;

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
