//! What happens when a part of the node ends: one table, and a pure counter of how often.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::time::BootTime;

/// A supervised part of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The one writer of the store.
    Secret,
    /// Who is alive.
    Heartbeat,
    /// Connections to other nodes.
    Peers,
    /// Hints from the local network.
    Discovery,
    /// The lead's own certificate.
    Certificate,
    /// Values sealed anew after a scope got a new key.
    Rotation,
    /// Which APIs work from this node.
    Connectivity,
    /// What people are told of credentials and APIs.
    Reminders,
    /// The journals of all nodes.
    Audit,
    /// The files of the journal: packed, indexed and dropped in time.
    Upkeep,
    /// What the lead saves of itself.
    Snapshots,
    /// What happens, kept and passed on.
    Events,
    /// What subscribers are sent.
    Deliveries,
}

impl Part {
    /// For logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Heartbeat => "heartbeat",
            Self::Peers => "peers",
            Self::Discovery => "discovery",
            Self::Certificate => "certificate",
            Self::Rotation => "rotation",
            Self::Connectivity => "connectivity",
            Self::Reminders => "reminders",
            Self::Audit => "audit",
            Self::Upkeep => "upkeep",
            Self::Snapshots => "snapshots",
            Self::Events => "events",
            Self::Deliveries => "deliveries",
        }
    }
}

/// What the supervisor does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The node is unfit: stop it, and let the service manager start it anew from the disk.
    StopNode,
    /// Start the part again after this pause.
    RestartAfter(Duration),
}

/// More restarts than this within [`WINDOW`] mean that restarting does not help.
pub const RESTARTS_MAX: usize = 5;

/// The time over which restarts are counted.
pub const WINDOW: Duration = Duration::from_secs(60);

/// A pause long enough not to spin, short enough not to be noticed.
const PAUSE: Duration = Duration::from_millis(100);

/// What nobody waits for may fail for as long as it must: whatever it left is taken up where it lies.
const PATIENT_PAUSE: Duration = Duration::from_secs(5);

/// Counts the restarts of one part.
#[derive(Debug, Default)]
pub struct Restarts {
    recent: VecDeque<BootTime>,
}

impl Restarts {
    /// The part ended at `now`; `jitter` is any number, uniformly drawn.
    pub fn ended(&mut self, part: Part, now: BootTime, jitter: u64) -> Remedy {
        match part {
            Part::Secret => Remedy::StopNode,
            Part::Discovery
            | Part::Rotation
            | Part::Connectivity
            | Part::Reminders
            | Part::Audit
            | Part::Upkeep
            | Part::Snapshots
            | Part::Events
            | Part::Deliveries => Remedy::RestartAfter(PATIENT_PAUSE + Duration::from_millis(jitter % 1000)),
            Part::Heartbeat | Part::Peers | Part::Certificate => self.counted(now, jitter),
        }
    }

    fn counted(&mut self, now: BootTime, jitter: u64) -> Remedy {
        while self.recent.front().is_some_and(|&at| now.since(at) > WINDOW) {
            self.recent.pop_front();
        }
        if self.recent.len() >= RESTARTS_MAX {
            return Remedy::StopNode;
        }
        self.recent.push_back(now);
        Remedy::RestartAfter(PAUSE + Duration::from_millis(jitter % 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_store_stops_the_node_at_once() {
        assert_eq!(Restarts::default().ended(Part::Secret, BootTime::default(), 0), Remedy::StopNode);
    }

    #[test]
    fn replication_is_restarted_five_times_a_minute_and_then_the_node_stops() {
        let mut restarts = Restarts::default();
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        for second in 0..5 {
            assert!(matches!(restarts.ended(Part::Peers, at(second), 7), Remedy::RestartAfter(_)));
        }
        assert_eq!(restarts.ended(Part::Peers, at(5), 7), Remedy::StopNode);
        assert!(matches!(restarts.ended(Part::Peers, at(65), 7), Remedy::RestartAfter(_)));
    }

    #[test]
    fn what_nobody_waits_for_is_restarted_for_ever() {
        for part in [Part::Discovery, Part::Rotation, Part::Connectivity, Part::Reminders] {
            let mut restarts = Restarts::default();
            for _ in 0..100 {
                assert!(matches!(restarts.ended(part, BootTime::default(), 1), Remedy::RestartAfter(_)));
            }
        }
    }
}
