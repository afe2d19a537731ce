//! A clock a test can move: real time plus whatever the test adds, on each of its hands.

use std::sync::Mutex;
use std::time::Duration;

use aurora_mesh::daemon::system_clock::SystemClock;
use aurora_mesh::model::time::{BootId, BootTime, Clock, Moment, Timestamp};

/// Runs like the real clocks, shifted.
pub struct MovableClock {
    real: SystemClock,
    shift: Mutex<Shift>,
}

#[derive(Default)]
struct Shift {
    wall_ms: i64,
    boot: Duration,
    boot_id: Option<BootId>,
}

impl MovableClock {
    pub fn new() -> Self {
        Self { real: SystemClock::new().expect("a Linux kernel"), shift: Mutex::default() }
    }

    /// Both clocks go on by this much.
    pub fn advance(&self, by: Duration) {
        let mut shift = self.shift.lock().expect("not poisoned");
        shift.boot += by;
        shift.wall_ms += i64::try_from(by.as_millis()).expect("a short time");
    }

    /// The wall clock alone is set, forward or back.
    pub fn set_wall(&self, by_ms: i64) {
        self.shift.lock().expect("not poisoned").wall_ms += by_ms;
    }

    /// The machine was rebooted: the boot clock counts from somewhere else.
    pub fn reboot(&self) {
        let mut shift = self.shift.lock().expect("not poisoned");
        let BootId(mut id) = shift.boot_id.unwrap_or_default();
        id[0] += 1;
        shift.boot_id = Some(BootId(id));
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Moment {
        let real = self.real.now();
        let shift = self.shift.lock().expect("not poisoned");
        Moment {
            wall: Timestamp(real.wall.0 + shift.wall_ms),
            boot: BootTime(real.boot.0 + shift.boot),
            boot_id: shift.boot_id.unwrap_or(real.boot_id),
        }
    }
}
