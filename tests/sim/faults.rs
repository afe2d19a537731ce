//! The rows of the fault catalogue that the simulation can show, each as meshes to which that fault happens most of the time.
//! Every checker looks on, whatever the fault.

use crate::events::Event::{
    self, Ban, Cas, Connect, CrashFollower, CrashInCommit, CrashLead, Cut, Delete, Deliver, Entitle, Feed, Freeze,
    Ghost, GhostWrites, GiveOut, Heartbeat, Pass, Plan, Put, Read, ReadLead, Reboot, Restore, Rotate, SetWall,
    StartFollower, StartLead, TakeImage, Undelete, Written,
};
use crate::events::draw;
use crate::seeds::report;
use crate::shrink::run_caught;
use crate::world::{Figures, Settings};

/// Meshes for each row, in an ordinary test run.
const MESHES: u64 = 25;

/// Runs meshes in which these happen more often; gives what happened in all of them.
fn meshes(more: &'static [Event]) -> Figures {
    let mut sum = Figures::default();
    for seed in 0..MESHES {
        let settings = Settings { seed, more, ..Settings::default() };
        match run_caught(&settings) {
            Ok(outcome) if outcome.violation.is_none() => sum.add(&outcome.figures),
            Ok(outcome) => {
                let (step, what) = outcome.violation.unwrap_or_default();
                panic!("{more:?}: {}", report(&settings, Some(step), &what));
            }
            Err(panic) => panic!("{more:?}: {}", report(&settings, None, &panic)),
        }
    }
    assert!(sum.acknowledged > 0 && sum.given_out > 0, "{sum:?}");
    sum
}

#[test]
fn fault_01_the_lead_is_killed_in_a_put() {
    assert!(meshes(&[Put, Cas, Plan, Written, CrashLead, StartLead]).crashes > MESHES);
}

#[test]
fn fault_02_the_lead_is_killed_in_a_rotation() {
    assert!(meshes(&[Rotate, Plan, Written, CrashLead, StartLead, Feed, Deliver]).crashes > MESHES);
}

#[test]
fn fault_05_the_lead_is_killed_while_rights_are_taken_away() {
    assert!(meshes(&[Ban, Entitle, Freeze, Plan, Written, CrashLead, StartLead, Connect]).crashes > MESHES);
}

#[test]
fn fault_09_a_follower_dies_in_its_recovery_from_a_death() {
    assert!(meshes(&[CrashInCommit, CrashFollower, StartFollower, Connect, Feed, Deliver]).crashes > 3 * MESHES);
}

#[test]
fn fault_32_wall_clocks_are_set() {
    assert!(meshes(&[SetWall, Reboot, StartFollower, Connect, Heartbeat, Deliver, Read, GiveOut]).clock_jumps > MESHES);
}

#[test]
fn fault_33_machines_sleep() {
    assert!(meshes(&[Pass, Heartbeat, Deliver, Read, GiveOut]).refused > MESHES, "nothing became too old");
}

#[test]
fn fault_34_a_process_pauses_between_deciding_and_answering() {
    assert!(meshes(&[Read, Pass, GiveOut, Heartbeat, Deliver, Connect]).refused > MESHES);
}

#[test]
fn fault_38_connections_carry_one_way_only() {
    meshes(&[Cut, Heartbeat, Feed, Deliver, Read, GiveOut, Put]);
}

#[test]
fn fault_39_connections_break_and_come_back() {
    assert!(meshes(&[Event::Break, Connect, Feed, Deliver]).breaks > MESHES);
}

#[test]
fn fault_44_the_lead_is_restored_from_an_older_disk() {
    assert!(meshes(&[TakeImage, Restore, Put, Plan, Written, Connect, Feed, Deliver]).reigns > MESHES);
}

#[test]
fn fault_45_two_machines_take_themselves_for_the_lead() {
    assert!(meshes(&[TakeImage, Ghost, GhostWrites, Restore, Connect, Feed, Deliver, Heartbeat, Read]).ghosts > MESHES);
}

#[test]
fn fault_53_rights_are_taken_away_while_nodes_are_cut_off() {
    meshes(&[Ban, Freeze, Entitle, Plan, Written, Event::Break, Connect, Heartbeat, Read, GiveOut]);
}

#[test]
fn fault_70_many_write_the_same_secrets_at_once() {
    assert!(meshes(&[Put, Cas, Delete, Undelete, ReadLead, Plan, Written]).longest_history > 10);
}

/// What is to happen more often does.
#[test]
fn events_that_are_asked_for_come_most_of_the_time() {
    let mut random = crate::random::Random::new(1);
    let drawn = (0..1_000).filter(|_| draw(&mut random, &[Restore]) == Restore).count();
    assert!((400..600).contains(&drawn), "{drawn}");
}
