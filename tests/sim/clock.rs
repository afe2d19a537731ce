//! The clocks of one simulated machine: one that counts since its boot, suspend included, and one that people set.

use std::time::Duration;

use aurora_mesh::model::time::{BootId, BootTime, Moment, Timestamp};

/// What the wall clocks show at first: some time in November 2026, in milliseconds since 1970.
const WALL_BEGINS: i64 = 1_795_000_000_000;

/// The clocks of a machine. True time is in milliseconds since the simulation began.
#[derive(Debug, Clone)]
pub struct MachineClock {
    number: u8,
    /// When each boot began, in true time.
    boots: Vec<u64>,
    /// How far the wall clock is ahead.
    offset: i64,
}

impl MachineClock {
    /// Of the machine with this number, which has just booted.
    pub fn new(number: u8, now: u64) -> Self {
        Self { number, boots: vec![now], offset: 0 }
    }

    /// The machine boots again.
    pub fn reboot(&mut self, now: u64) {
        self.boots.push(now);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&mut self, by: i64) {
        self.offset += by;
    }

    /// What the clocks show.
    pub fn read(&self, now: u64) -> Moment {
        let began = *self.boots.last().expect("it has booted");
        let mut boot_id = [0_u8; 16];
        boot_id[0] = self.number;
        boot_id[8..].copy_from_slice(&self.boots.len().to_be_bytes());
        Moment {
            wall: Timestamp(WALL_BEGINS + signed(now) + self.offset),
            boot: BootTime(Duration::from_millis(now - began)),
            boot_id: BootId(boot_id),
        }
    }

    /// When this machine read that moment, in true time.
    pub fn true_time(&self, moment: &Moment) -> u64 {
        let number = u64::from_be_bytes(moment.boot_id.0[8..].try_into().expect("eight bytes"));
        let began = self.boots[usize::try_from(number - 1).expect("small")];
        began + u64::try_from(moment.boot.0.as_millis()).expect("short")
    }

    /// By how much the machine, at one moment, underrates the age of what it heard at another: only by what its wall clock was
    /// set back by then, and only if it booted since.
    pub fn underrates(&self, heard: &Moment, here: &Moment) -> u64 {
        if heard.boot_id == here.boot_id {
            return 0;
        }
        let elapsed = signed(self.true_time(here)) - signed(self.true_time(heard));
        u64::try_from(elapsed - (here.wall.0 - heard.wall.0)).unwrap_or(0)
    }
}

fn signed(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).expect("short")
}

#[test]
fn a_machine_knows_how_long_it_is_up_and_believes_its_wall_clock_across_a_boot() {
    let mut clock = MachineClock::new(1, 100);
    let heard = clock.read(150);
    assert_eq!((heard.boot.0.as_millis(), clock.true_time(&heard)), (50, 150));
    clock.set_wall(-30);
    assert_eq!(clock.underrates(&heard, &clock.read(200)), 0, "within one boot nothing but the boot clock counts");
    clock.reboot(300);
    let deceived = clock.read(400);
    assert_eq!((clock.underrates(&heard, &deceived), clock.true_time(&heard)), (30, 150));
    clock.set_wall(90);
    assert_eq!(clock.underrates(&heard, &clock.read(400)), 0, "it overrates");
    assert_eq!(clock.underrates(&heard, &deceived), 30, "what it believed it did believe");
    assert_ne!(clock.read(400).boot_id, heard.boot_id);
}
