//! The checks that are under way.

use std::time::Duration;

use super::schedule::Task;
use crate::model::api_check::KeyMark;
use crate::model::name::ServiceName;
use crate::model::time::BootTime;

/// Most checks at once: a node is no load generator, and each is only waiting.
pub const IN_FLIGHT_MAX: usize = 8;

/// A check whose answer did not come for so long has been lost with whoever made it: calls end after 5 s, and a check makes
/// few.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(60);

/// At most [`IN_FLIGHT_MAX`] tasks, and when each began.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Vec<(Task, BootTime)>,
}

impl Flights {
    /// Whether no more may begin.
    pub(super) fn full(&self) -> bool {
        self.under_way.len() >= IN_FLIGHT_MAX
    }

    /// Whether the path to a service is being checked.
    pub(super) fn path(&self, service: &ServiceName) -> bool {
        self.under_way.iter().any(|(task, _)| match task {
            Task::Path(other) => other == service,
            Task::Key(_) => false,
        })
    }

    /// Whether this key is being checked, on whosever behalf.
    pub(super) fn key(&self, mark: &KeyMark) -> bool {
        self.under_way.iter().any(|(task, _)| match task {
            Task::Path(_) => false,
            Task::Key(subject) => subject.key.as_ref() == Some(mark),
        })
    }

    pub(super) fn begin(&mut self, task: Task, now: BootTime) {
        self.under_way.push((task, now));
    }

    /// An answer came. False if nobody waits for it any more.
    pub(super) fn end(&mut self, task: &Task) -> bool {
        let before = self.under_way.len();
        self.under_way.retain(|(other, _)| other != task);
        self.under_way.len() < before
    }

    /// Forgets those that are lost.
    pub(super) fn drop_lost(&mut self, now: BootTime) {
        self.under_way.retain(|(_, began)| now.since(*began) < LOST_AFTER);
    }

    /// When the first of them is lost.
    pub(super) fn first_lost(&self) -> Option<BootTime> {
        self.under_way.iter().map(|(_, began)| BootTime(began.0.saturating_add(LOST_AFTER))).min()
    }
}
