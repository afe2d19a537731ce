//! The clocks of a simulated machine: both go by the time of the simulation, the wall clock can be set, and a reboot begins
//! the other anew.

use std::sync::Mutex;
use std::time::Duration;

use aurora_mesh::model::time::{BootId, BootTime, Clock, Moment, Timestamp};

/// When every simulation begins: 2026-11-21T08:00:00Z.
const BEGINNING: i64 = 1_795_248_000_000;

/// What a machine that was just switched on has counted: none starts at zero.
const BOOTED_BEFORE: Duration = Duration::from_secs(60);

/// The clocks of one machine.
#[derive(Debug)]
pub struct SimClock(Mutex<Hands>);

#[derive(Debug)]
struct Hands {
    machine: u8,
    boots: u8,
    booted_at: Duration,
    wall_off_ms: i64,
    /// The time of the simulation when it was last looked at from within.
    last: Duration,
}

impl SimClock {
    /// Of the machine with this number.
    pub fn new(machine: u8) -> Self {
        let hands = Hands { machine, boots: 0, booted_at: Duration::ZERO, wall_off_ms: 0, last: Duration::ZERO };
        Self(Mutex::new(hands))
    }

    /// Sets the wall clock forward or back.
    pub fn set_wall(&self, by_ms: i64) {
        self.0.lock().expect("not poisoned").wall_off_ms += by_ms;
    }

    /// The machine starts anew, `now` into the simulation.
    pub fn reboot(&self, now: Duration) {
        let mut hands = self.0.lock().expect("not poisoned");
        hands.boots += 1;
        hands.booted_at = now;
        hands.last = now;
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        let mut hands = self.0.lock().expect("not poisoned");
        // A thread that helps out is not in the simulation; its time stands still while it works.
        let now = turmoil::sim_elapsed().unwrap_or(hands.last).max(hands.last);
        hands.last = now;
        let passed = i64::try_from(now.as_millis()).expect("a short simulation");
        let mut boot_id = [hands.machine; 16];
        boot_id[0] = hands.boots;
        Moment {
            wall: Timestamp(BEGINNING + passed + hands.wall_off_ms),
            boot: BootTime(BOOTED_BEFORE + now.saturating_sub(hands.booted_at)),
            boot_id: BootId(boot_id),
        }
    }
}

#[test]
fn a_wall_clock_that_is_set_and_a_reboot_move_one_hand_each() {
    let clock = SimClock::new(3);
    let before = clock.now();
    clock.set_wall(-5_000);
    assert_eq!(clock.now(), Moment { wall: before.wall.minus(Duration::from_secs(5)), ..before });
    clock.reboot(Duration::from_secs(100));
    let after = clock.now();
    assert_ne!(after.boot_id, before.boot_id);
    assert_eq!((after.boot, after.wall), (before.boot, before.wall.plus(Duration::from_secs(95))));
}
