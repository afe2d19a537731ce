//! By when a node has heard of a change of the rulebook, or has stopped serving without it. Pure.
//!
//! A follower counts its freshness from the moment it asked for a beacon, which is before the lead heard it ask. So the
//! time told here is never too early.

use std::time::Duration;

use crate::model::freshness::FreshnessPolicy;
use crate::model::number::Revision;

use super::liveness::{self, Liveness};

/// What is known of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// How long ago the lead heard it last; since the lead started, if it has not been heard since.
    pub silence: Duration,
    /// Whether it has been heard since the lead started.
    pub heard: bool,
    /// Whether its connection stands, as far as anyone can tell.
    pub connected: bool,
    /// The last revision it has said it holds.
    pub acknowledged: Option<Revision>,
}

/// Whether a node holds a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// It does, on its disk.
    Holds,
    /// It is connected, and has not said so yet.
    Waiting,
    /// It cannot be told. It stops by itself at the end of its own freshness.
    Unreachable,
}

/// Judges one node about one revision.
#[must_use]
pub fn judge(known: Known, revision: Revision) -> Holding {
    if known.acknowledged.is_some_and(|acknowledged| acknowledged >= revision) {
        return Holding::Holds;
    }
    match liveness::judge(known.silence) {
        Liveness::Alive if known.heard && known.connected => Holding::Waiting,
        Liveness::Alive | Liveness::Suspect | Liveness::Lost => Holding::Unreachable,
    }
}

/// The longest time a node may go on giving out a value without its lead, counted from when it was heard last.
#[must_use]
pub fn longest(policies: impl IntoIterator<Item = FreshnessPolicy>) -> Duration {
    let total = |policy: FreshnessPolicy| policy.ttl.saturating_add(policy.max_stale);
    policies.into_iter().map(total).max().unwrap_or_default()
}

/// The durations to reckon with when a node has not told its own: each the longest that is known of anybody.
#[must_use]
pub fn assumed(known: impl IntoIterator<Item = FreshnessPolicy>, own: FreshnessPolicy) -> FreshnessPolicy {
    known.into_iter().fold(own, |all, one| FreshnessPolicy {
        ttl: all.ttl.max(one.ttl),
        max_stale: all.max_stale.max(one.max_stale),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn known(silence: u64, acknowledged: u64) -> Known {
        Known { silence: seconds(silence), heard: true, connected: true, acknowledged: Some(Revision(acknowledged)) }
    }

    #[test]
    fn who_has_acknowledged_holds_it_however_long_ago_that_was() {
        assert_eq!(judge(known(0, 7), Revision(7)), Holding::Holds);
        assert_eq!(judge(known(9_999, 8), Revision(7)), Holding::Holds);
        assert_eq!(judge(Known { connected: false, ..known(9_999, 7) }, Revision(7)), Holding::Holds);
    }

    #[test]
    fn who_is_heard_is_waited_for_and_who_is_not_is_unreachable() {
        assert_eq!(judge(known(1, 6), Revision(7)), Holding::Waiting);
        assert_eq!(judge(known(4, 6), Revision(7)), Holding::Unreachable);
        assert_eq!(judge(Known { connected: false, ..known(0, 6) }, Revision(7)), Holding::Unreachable);
        let never = Known { heard: false, acknowledged: None, ..known(0, 0) };
        assert_eq!(judge(never, Revision(7)), Holding::Unreachable, "a lead that has just started has heard nobody");
    }

    #[test]
    fn the_longest_durations_count() {
        let policy = |ttl, max_stale| FreshnessPolicy { ttl: seconds(ttl), max_stale: seconds(max_stale) };
        assert_eq!(longest([policy(300, 3_600), policy(5, 4_000)]), seconds(4_005));
        assert_eq!(longest([]), Duration::ZERO, "who may hold nothing stops at once");
        assert_eq!(assumed([policy(5, 4_000)], policy(300, 3_600)), policy(300, 4_000));
    }
}
