//! A clock a test can move: real time plus whatever the test adds, on each of its hands; or held, so that it stands at
//! one instant and only the test moves it.

use std::sync::Mutex;
use std::time::Duration;

use aurora_mesh::daemon::system_clock::SystemClock;
use aurora_mesh::model::time::{BootId, BootTime, Clock, Moment, Timestamp};

/// Runs like the real clocks, shifted, until it is held.
pub struct MovableClock {
    real: SystemClock,
    shift: Mutex<Shift>,
}

#[derive(Default)]
struct Shift {
    wall_ms: i64,
    boot_ns: i128,
    boot_id: Option<BootId>,
    held: Option<Moment>,
}

impl MovableClock {
    pub fn new() -> Self {
        Self { real: SystemClock::new().expect("a Linux kernel"), shift: Mutex::default() }
    }

    /// Both clocks go on by this much.
    pub fn advance(&self, by: Duration) {
        let mut shift = self.shift.lock().expect("not poisoned");
        shift.boot_ns += nanoseconds(by);
        shift.wall_ms += i64::try_from(by.as_millis()).expect("a short time");
    }

    /// From here on time passes only when the test says so: what happens at an exact instant can then be asserted.
    pub fn hold(&self) {
        self.shift.lock().expect("not poisoned").held = Some(self.real.now());
    }

    /// The wall clock alone is set, forward or back.
    pub fn set_wall(&self, by_ms: i64) {
        self.shift.lock().expect("not poisoned").wall_ms += by_ms;
    }

    /// The machine was rebooted: the boot clock counts from zero again, and the boot has another name.
    pub fn reboot(&self) {
        let mut shift = self.shift.lock().expect("not poisoned");
        let BootId(mut id) = shift.boot_id.unwrap_or_default();
        id[0] += 1;
        shift.boot_id = Some(BootId(id));
        shift.boot_ns = -nanoseconds(shift.held.unwrap_or_else(|| self.real.now()).boot.0);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Moment {
        let shift = self.shift.lock().expect("not poisoned");
        let from = shift.held.unwrap_or_else(|| self.real.now());
        let boot_ns = u64::try_from(nanoseconds(from.boot.0) + shift.boot_ns).expect("a clock after its boot");
        Moment {
            wall: Timestamp(from.wall.0 + shift.wall_ms),
            boot: BootTime(Duration::from_nanos(boot_ns)),
            boot_id: shift.boot_id.unwrap_or(from.boot_id),
        }
    }
}

fn nanoseconds(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).expect("less than the age of the universe")
}
