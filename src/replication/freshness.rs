//! The freshness contract: how old a cache is, and whether it may still be answered from.
//!
//! A beacon of the lead answers a heartbeat and echoes its stamp, so a follower counts from when it *asked*: a process
//! that slept cannot take an old beacon for a new one. Ages are differences of the boot clock, which counts through
//! suspend; across a reboot the wall clock is used, and a wall clock that stands before the last contact proves nothing.

use std::time::Duration;

use crate::model::freshness::FreshnessPolicy;
use crate::model::number::Position;
use crate::model::record::Contact;
use crate::model::time::Moment;

/// How a cache stands at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The lead vouched for it within `ttl`.
    Fresh {
        /// Since then.
        age: Duration,
    },
    /// Older, but within `ttl + max_stale`.
    Stale {
        /// Since the lead vouched for it.
        age: Duration,
    },
    /// Older still, never vouched for, or the clocks cannot be trusted.
    Closed {
        /// Since the lead vouched for it, if that can be known.
        age: Option<Duration>,
    },
}

/// Time since the lead vouched for the cache; `None` if the clocks cannot tell.
#[must_use]
pub fn age(contact: &Contact, now: &Moment) -> Option<Duration> {
    #[cfg(feature = "seeded_bugs")]
    if crate::model::seeded::bug(4) {
        return now.wall.since(contact.at.wall);
    }
    if contact.at.boot_id == now.boot_id {
        return Some(now.boot.since(contact.at.boot));
    }
    now.wall.since(contact.at.wall)
}

/// Judges a cache by its last contact.
#[must_use]
pub fn judge(contact: Option<&Contact>, policy: FreshnessPolicy, now: &Moment) -> Standing {
    let Some(age) = contact.and_then(|contact| age(contact, now)) else { return Standing::Closed { age: None } };
    if age <= policy.ttl {
        Standing::Fresh { age }
    } else if age <= policy.ttl.saturating_add(policy.max_stale) {
        Standing::Stale { age }
    } else {
        Standing::Closed { age: Some(age) }
    }
}

/// Matches beacons with what has been applied: a beacon counts once the cache holds everything it speaks of.
#[derive(Debug, Default)]
pub struct Vouching {
    applied: Position,
    /// Where the session began. The lead gave out that much once: one that stands before it was set back.
    floor: Position,
    ahead: Option<Contact>,
}

impl Vouching {
    /// For a cache that stands at `applied`.
    #[must_use]
    pub fn new(applied: Position) -> Self {
        Self { applied, floor: applied, ahead: None }
    }

    /// A new session with a lead begins. Within it the lead may only go forward from what this cache holds now; beacons
    /// of the last session vouch for nothing in this one.
    pub fn begin(&mut self) {
        self.floor = self.applied;
        self.ahead = None;
    }

    /// The lead answered a heartbeat sent at `asked`: it stood at `position` then or later.
    /// Gives the new contact if the cache already holds that much.
    pub fn heard(&mut self, asked: Moment, position: Position) -> Option<Contact> {
        #[cfg(feature = "seeded_bugs")]
        let position = if crate::model::seeded::bug(26) { position.max(self.applied) } else { position };
        if position < self.floor {
            return None;
        }
        let contact = Contact { position, at: asked };
        if self.applied.epoch == position.epoch && self.applied.revision >= position.revision {
            self.ahead = None;
            return Some(contact);
        }
        // The oldest unmet beacon is kept: it is the first that applying changes can meet.
        if self.ahead.is_none_or(|ahead| ahead.position.epoch != position.epoch) {
            self.ahead = Some(contact);
        }
        None
    }

    /// The cache now stands at `position`. Gives the contact of a beacon that this meets.
    pub fn applied(&mut self, position: Position) -> Option<Contact> {
        self.applied = position;
        self.ahead
            .take_if(|ahead| ahead.position.epoch == position.epoch && ahead.position.revision <= position.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::number::{Epoch, Revision};
    use crate::model::time::{BootId, BootTime, Timestamp};

    const POLICY: FreshnessPolicy = FreshnessPolicy { ttl: Duration::from_secs(5), max_stale: Duration::from_secs(10) };

    fn moment(wall_s: i64, boot_s: u64, boot: u8) -> Moment {
        Moment {
            wall: Timestamp(wall_s * 1000),
            boot: BootTime(Duration::from_secs(boot_s)),
            boot_id: BootId([boot; 16]),
        }
    }

    fn position(revision: u64) -> Position {
        Position { epoch: Epoch(1), revision: Revision(revision) }
    }

    #[test]
    fn a_cache_is_fresh_then_stale_then_closed_at_its_declared_seconds() {
        let contact = Contact { position: position(1), at: moment(1000, 100, 1) };
        let judged = |boot_s| judge(Some(&contact), POLICY, &moment(1000, boot_s, 1));
        assert_eq!(judged(105), Standing::Fresh { age: Duration::from_secs(5) });
        assert_eq!(judged(106), Standing::Stale { age: Duration::from_secs(6) });
        assert_eq!(judged(115), Standing::Stale { age: Duration::from_secs(15) });
        assert_eq!(judged(116), Standing::Closed { age: Some(Duration::from_secs(16)) });
    }

    #[test]
    fn a_wall_clock_set_back_changes_no_age_within_one_boot() {
        let contact = Contact { position: position(1), at: moment(10_000, 100, 1) };
        let now = moment(10_000 - 3600, 107, 1);
        assert_eq!(judge(Some(&contact), POLICY, &now), Standing::Stale { age: Duration::from_secs(7) });
    }

    #[test]
    fn after_a_reboot_the_wall_clock_counts_unless_it_went_back() {
        let contact = Contact { position: position(1), at: moment(10_000, 100, 1) };
        let later = moment(10_007, 3, 2);
        assert_eq!(judge(Some(&contact), POLICY, &later), Standing::Stale { age: Duration::from_secs(7) });
        let before = moment(9_999, 3, 2);
        assert_eq!(judge(Some(&contact), POLICY, &before), Standing::Closed { age: None });
    }

    #[test]
    fn a_cache_nobody_vouched_for_is_closed() {
        assert_eq!(judge(None, POLICY, &moment(0, 0, 1)), Standing::Closed { age: None });
    }

    #[test]
    fn extreme_durations_neither_wrap_nor_panic() {
        let endless = FreshnessPolicy { ttl: Duration::MAX, max_stale: Duration::MAX };
        let contact = Contact { position: position(1), at: moment(0, 0, 1) };
        assert!(matches!(judge(Some(&contact), endless, &moment(0, u64::MAX / 2000, 1)), Standing::Fresh { .. }));
        let never = FreshnessPolicy { ttl: Duration::ZERO, max_stale: Duration::ZERO };
        assert!(matches!(judge(Some(&contact), never, &moment(0, 1, 1)), Standing::Closed { .. }));
    }

    #[test]
    fn a_beacon_counts_only_once_the_cache_holds_what_it_speaks_of() {
        let mut vouching = Vouching::new(position(3));
        assert!(vouching.heard(moment(0, 10, 1), position(5)).is_none());
        assert!(vouching.applied(position(4)).is_none());
        let contact = vouching.applied(position(5)).expect("the beacon is met");
        assert_eq!(contact.at, moment(0, 10, 1));
        assert_eq!(vouching.heard(moment(0, 11, 1), position(5)).expect("held already").at, moment(0, 11, 1));
    }

    /// A lead restored to an older state was refused by its followers and yet kept them fresh: each new session began
    /// with a beacon, and a cache that holds more than the beacon speaks of was taken to be covered by it.
    #[test]
    fn a_lead_that_was_set_back_vouches_for_nothing() {
        let mut vouching = Vouching::new(position(3));
        assert!(vouching.applied(position(5)).is_none());
        // Within a session an older beacon may be overtaken by a newer change.
        assert!(vouching.heard(moment(0, 10, 1), position(4)).is_some());
        vouching.begin();
        assert!(vouching.heard(moment(0, 11, 1), position(4)).is_none());
        assert!(vouching.heard(moment(0, 12, 1), position(5)).is_some());
    }

    #[test]
    fn a_beacon_of_another_epoch_never_vouches_for_this_one() {
        let mut vouching = Vouching::new(position(9));
        let other = Position { epoch: Epoch(2), revision: Revision(1) };
        assert!(vouching.heard(moment(0, 10, 1), other).is_none());
        assert!(vouching.applied(position(10)).is_none());
        assert!(vouching.applied(other).is_some());
    }
}
