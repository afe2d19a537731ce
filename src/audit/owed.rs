//! How long lines that were written are off the disk: what a power cut may take.

use std::collections::VecDeque;
use std::time::Duration;

use super::syncer::SYNC_WITHIN;
use crate::model::time::BootTime;

/// A line that is off the disk for so long makes those that follow it wait for the disk too: a power cut takes what was
/// answered within this time, and no more. It is twice the time after which a line is brought there.
const SYNC_LATE: Duration = SYNC_WITHIN.saturating_mul(2);

/// Lines within this are remembered together, as old as the first of them.
const TOGETHER: Duration = Duration::from_millis(5);

/// Lines that are not on the disk, oldest first.
#[derive(Debug, Default)]
pub(super) struct Owed(VecDeque<Lines>);

#[derive(Debug)]
struct Lines {
    /// When the first of them was written.
    since: BootTime,
    /// The place behind the last.
    end: u64,
}

impl Owed {
    /// Lines were written, up to this place.
    pub(super) fn add(&mut self, end: u64, now: BootTime) {
        match self.0.back_mut().filter(|lines| now.since(lines.since) < TOGETHER) {
            Some(lines) => lines.end = end,
            None => self.0.push_back(Lines { since: now, end }),
        }
    }

    /// Everything up to this place is on the disk.
    pub(super) fn forget(&mut self, synced: u64) {
        while self.0.pop_front_if(|lines| lines.end <= synced).is_some() {}
    }

    /// Whether the disk does not keep up.
    pub(super) fn is_late(&self, now: BootTime) -> bool {
        self.0.front().is_some_and(|lines| now.since(lines.since) >= SYNC_LATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> BootTime {
        BootTime(Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_line_is_late_by_when_it_was_written_and_not_by_when_the_last_was_brought_to_the_disk() {
        let mut owed = Owed::default();
        assert!(!owed.is_late(at(1_000)), "nothing is owed");
        owed.add(10, at(0));
        owed.add(20, at(30));
        assert!(!owed.is_late(at(49)) && owed.is_late(at(50)));
        owed.forget(10);
        assert!(!owed.is_late(at(79)) && owed.is_late(at(80)), "the second was written at 30");
        owed.forget(20);
        assert!(!owed.is_late(at(1_000)));
    }

    #[test]
    fn lines_that_are_remembered_together_are_as_old_as_their_first_until_the_last_is_there() {
        let mut owed = Owed::default();
        owed.add(10, at(0));
        owed.add(20, at(4));
        owed.forget(10);
        assert!(owed.is_late(at(50)));
        owed.forget(20);
        assert!(!owed.is_late(at(50)));
    }
}
