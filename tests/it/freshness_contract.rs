//! The freshness contract: without the lead an answer is HIT, then STALE, then refused, each from its declared second,
//! and no restart, reboot or set clock makes a copy younger than it is.
//!
//! The clock of the follower is held, so that every boundary is asserted at its exact millisecond.

mod over_the_socket;
pub mod stage;

use std::time::Duration;

use aurora_mesh::model::freshness::Offline;
use aurora_mesh::model::metadata::SecretOptions;
use aurora_mesh::model::time::Clock;
use aurora_mesh::vault::answer::Served;
use aurora_mesh::vault::error::VaultError;

use crate::support::callers::{place, put, read, secret};
use stage::{A_MOMENT, CLOSES, NAME, Stage, TTL, assert_closed, served_at};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lead_a_copy_is_hit_then_stale_then_closed_each_at_its_second() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    for (age, served) in [(TTL, Served::Hit), (TTL + A_MOMENT, Served::Stale), (CLOSES, Served::Stale)] {
        assert_eq!(served_at(&stage, age).await, (served, age));
    }
    stage.grows_to(CLOSES + A_MOMENT);
    assert_closed(&stage, NAME, Some(CLOSES + A_MOMENT)).await;
    stage.lead_returns().await;
    assert_eq!(stage.served().await, (Served::Hit, Duration::ZERO));
}

/// The follower starts with the lead down, from its disk, and takes up the age where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_no_copy_younger() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    let before = Duration::from_secs(2);
    stage.grows_to(before);
    stage.follower_restarts().await;
    let (served, after) = stage.served().await;
    assert_eq!(served, Served::Hit);
    assert!(after >= before, "{after:?} after {before:?}");
    assert!(after <= before + stage::WRITTEN_EVERY, "the contact on disk is never older than that: {after:?}");
    assert_eq!(served_at(&stage, TTL + A_MOMENT).await.0, Served::Stale);
    stage.follower_restarts().await;
    assert_eq!(served_at(&stage, CLOSES).await, (Served::Stale, CLOSES));
    stage.grows_to(CLOSES + A_MOMENT);
    assert_closed(&stage, NAME, Some(CLOSES + A_MOMENT)).await;
    stage.follower_restarts().await;
    assert!(matches!(stage.read(NAME).await, Err(VaultError::StaleCache { .. })), "and stays so");
    stage.lead_returns().await;
    assert_eq!(stage.served().await.0, Served::Hit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wall_clock_set_back_by_an_hour_makes_no_copy_younger() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    stage.grows_to(TTL);
    stage.follower.clock.set_wall(-3_600_000);
    assert_eq!(stage.served().await, (Served::Hit, TTL));
    assert_eq!(served_at(&stage, CLOSES).await, (Served::Stale, CLOSES));
    stage.grows_to(CLOSES + A_MOMENT);
    for _restart in 0..2 {
        let closed = stage.read(NAME).await;
        assert!(matches!(closed, Err(VaultError::StaleCache { .. })), "{closed:?}");
        stage.follower_restarts().await;
    }
}

/// A stale answer said that it was fresh until an hour ahead: the end of freshness was counted from the wall clock of
/// the contact, which had been set back since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_answer_was_fresh_until_a_time_that_has_passed_by_todays_clock() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    stage.follower.clock.set_wall(-3_600_000);
    let second = Duration::from_secs(1);
    for (age, served) in [(TTL - second, Served::Hit), (TTL + second, Served::Stale)] {
        stage.grows_to(age);
        let freshness = stage.read(NAME).await.expect("given out").freshness;
        assert_eq!(freshness.served, served);
        assert_eq!(freshness.fresh_until, stage.follower.clock.now().wall.minus(age).plus(TTL));
    }
}

/// The boot clock starts from zero with another boot id: only the wall clock can tell the age.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reboot_the_wall_clock_counts() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    stage.grows_to(TTL);
    stage.follower_reboots().await;
    let (_, told) = stage.served().await;
    assert!((TTL..=TTL + stage::WRITTEN_EVERY).contains(&told), "{told:?}");
    assert_eq!(served_at(&stage, CLOSES).await, (Served::Stale, CLOSES));
    stage.grows_to(CLOSES + A_MOMENT);
    assert_closed(&stage, NAME, Some(CLOSES + A_MOMENT)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reboot_a_wall_clock_before_the_last_contact_closes_the_copy_until_the_lead_is_heard() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    stage.follower.clock.set_wall(-60_000);
    stage.follower_reboots().await;
    assert_closed(&stage, NAME, None).await;
    stage.lead_returns().await;
    assert_eq!(stage.served().await, (Served::Hit, Duration::ZERO));
}

/// A certainty that was asked for is not given by a contact of another boot, whose clock ran higher than today's.
/// The contact was compared by its boot clock alone, so for as long as the machine had run before the reboot every
/// `refresh` was answered from the cache without a word to the lead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reboot_a_refresh_still_asks_the_lead() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    stage.follower_reboots().await;
    assert_eq!(stage.served().await.0, Served::Hit, "without a refresh the copy is still good");
    let mut ask = read(NAME, None);
    ask.refresh = true;
    let refused = stage.follower.read(ask.clone()).await;
    assert!(matches!(refused, Err(VaultError::NoLead { .. })), "{refused:?}");
    stage.lead_returns().await;
    stage.follower.read(ask).await.expect("the lead confirms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_keeps_its_own_durations() {
    let mut stage = Stage::set().await;
    let second = Duration::from_secs(1);
    let own = |ttl, max_stale, offline| SecretOptions { ttl, max_stale, offline, ..SecretOptions::default() };
    stage.put("svc/short", own(Some(second), Some(second), Offline::Allow)).await;
    stage.put("svc/long", own(Some(CLOSES), Some(CLOSES), Offline::Allow)).await;
    stage.put("svc/never-stale", own(None, Some(CLOSES), Offline::Deny)).await;
    stage.lead_stops().await;
    for (age, short, long, never_stale) in [
        (second, Some(Served::Hit), Some(Served::Hit), Some(Served::Hit)),
        (second + A_MOMENT, Some(Served::Stale), Some(Served::Hit), Some(Served::Hit)),
        (second * 2, Some(Served::Stale), Some(Served::Hit), Some(Served::Hit)),
        (second * 2 + A_MOMENT, None, Some(Served::Hit), Some(Served::Hit)),
        (TTL, None, Some(Served::Hit), Some(Served::Hit)),
        (TTL + A_MOMENT, None, Some(Served::Hit), None),
        (CLOSES, None, Some(Served::Hit), None),
        (CLOSES + A_MOMENT, None, Some(Served::Stale), None),
        (CLOSES * 2, None, Some(Served::Stale), None),
        (CLOSES * 2 + A_MOMENT, None, None, None),
    ] {
        stage.grows_to(age);
        for (name, expected) in [("svc/short", short), ("svc/long", long), ("svc/never-stale", never_stale)] {
            match expected {
                Some(served) => {
                    let freshness = stage.read(name).await.expect(name).freshness;
                    assert_eq!((freshness.served, freshness.age), (served, age), "{name} at {age:?}");
                }
                None => assert_closed(&stage, name, Some(age)).await,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_that_arrives_beats_every_grace() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    assert_eq!(served_at(&stage, CLOSES).await.0, Served::Stale, "it would still be given");
    stage.lead_returns().await;
    let deleted = stage.mesh.delete(place(NAME, "global")).await;
    stage.follower.reaches(deleted.revision).await;
    assert!(matches!(stage.read(NAME).await, Err(VaultError::NotFound { .. })), "at once");
    stage.lead_stops().await;
    for restart in [false, true] {
        if restart {
            stage.follower_restarts().await;
        }
        let gone = stage.read(NAME).await;
        assert!(matches!(gone, Err(VaultError::NotFound { .. })), "also within grace: {gone:?}");
    }
    stage.grows_to(CLOSES + A_MOMENT);
    // Too old to know even that it is gone.
    assert_closed(&stage, NAME, Some(CLOSES + A_MOMENT)).await;
}

/// A new version, too: grace is for what was current, never for what a newer value replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_that_arrives_replaces_the_old_one_for_good() {
    let mut stage = Stage::set().await;
    let stored = stage.mesh.put(put(NAME, "global", "second")).await;
    stage.follower.reaches(stored.revision).await;
    stage.lead_stops().await;
    stage.follower_restarts().await;
    stage.grows_to(CLOSES);
    assert_eq!(stage.follower.value(read(NAME, None)).await.expect("stale, but the newest"), "second");
}

/// A process that slept between deciding and writing must not hand out what has expired meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_counts_again_when_the_answer_is_written() {
    let mut stage = Stage::set().await;
    stage.lead_stops().await;
    let mut answers = Vec::new();
    for decided_at in [Duration::ZERO, TTL, CLOSES] {
        stage.grows_to(decided_at);
        answers.push(stage.read(NAME).await.expect("decided in time"));
    }
    for answer in &answers {
        stage.follower.vault().confirm(answer).expect("the last instant");
    }
    stage.grows_to(CLOSES + A_MOMENT);
    for answer in &answers {
        let late = stage.follower.vault().confirm(answer).expect_err("too late");
        let VaultError::StaleCache { name, age, .. } = late else { panic!("{late:?}") };
        assert_eq!((name, age), (secret(NAME), Some(CLOSES + A_MOMENT)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_itself_is_never_stale() {
    let stage = Stage::set().await;
    let answer = stage.mesh.lead.read(read(NAME, None)).await.expect("the lead answers");
    stage.mesh.lead.clock.advance(CLOSES * 100);
    stage.mesh.lead.vault().confirm(&answer).expect("the lead itself is never stale");
    assert_eq!(answer.freshness.served, Served::Lead);
}
