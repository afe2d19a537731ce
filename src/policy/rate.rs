//! Rate limits: whether a request has room, counted by the second over the last sixty.
//!
//! A request belongs to several buckets (its agent's, its key's) and needs room in all of them; one that is refused
//! counts in none. What other nodes counted is added to what was counted here. Pure: time comes in as a number.

use std::collections::HashMap;

use crate::model::usage::{Bucket, WINDOW_SECONDS, Window};

/// Most buckets at once; those in which nothing was counted for a minute are dropped. At half a kilobyte each it comes to
/// 8 MiB.
pub const BUCKETS_MAX: usize = 16_384;

/// What was counted in one bucket.
#[derive(Debug, Clone)]
pub struct Meter {
    own: Window,
    others: Window,
    /// Others' counts were heard since this node began to count.
    confirmed: bool,
    told: bool,
}

impl Meter {
    /// An empty meter at this second.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self { own: Window::new(now), others: Window::new(now), confirmed: false, told: false }
    }

    /// Moves to this second.
    pub fn advance(&mut self, now: u64) {
        self.own.advance(now);
        self.others.advance(now);
        // Nobody tells a node about a bucket it does not use.
        self.confirmed &= !self.own.is_empty();
    }

    /// Whether one more request has room, as of the second the meter was moved to.
    #[must_use]
    pub fn ask(&self, limit: u32) -> Room {
        let used = self.own.total().saturating_add(self.others.total());
        let limit = u64::from(limit);
        if used < limit {
            let left = limit.saturating_sub(used).saturating_sub(1);
            return Room::Allowed { remaining: u32::try_from(left).unwrap_or(u32::MAX) };
        }
        Room::Limited { retry_after: self.wait(used, limit) }
    }

    /// Seconds until so much has become too old that one more has room.
    fn wait(&self, used: u64, limit: u64) -> u32 {
        let mut left = used;
        for age in (0..WINDOW_SECONDS).rev() {
            let (own, others) = (self.own.at_age(age), self.others.at_age(age));
            left = left.saturating_sub(u64::from(own).saturating_add(u64::from(others)));
            if left < limit {
                return u32::try_from(WINDOW_SECONDS.saturating_sub(age)).unwrap_or(u32::MAX);
            }
        }
        // A limit of nothing: there is never room.
        u32::try_from(WINDOW_SECONDS).unwrap_or(u32::MAX)
    }
}

/// Whether one more request has room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It has.
    Allowed {
        /// How many more have, after it.
        remaining: u32,
    },
    /// It has not.
    Limited {
        /// Seconds, from 1, until one would have if nobody asks meanwhile.
        retry_after: u32,
    },
}

/// What came of asking several buckets at once, told about the one with the least room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether there is room.
    pub room: Room,
    /// The limit of that bucket, per minute.
    pub limit: u32,
    /// Whether other nodes' counts were heard for every bucket that was asked.
    pub knows_others: bool,
    /// Whether one of the buckets was not there before.
    pub is_new: bool,
}

/// All buckets of one node.
#[derive(Debug, Default)]
pub struct Meters(HashMap<Bucket, Meter>);

/// There is no room for one more bucket: too many agents, keys and companies are active within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Meters {
    /// Counts one request in all of these buckets, if each has room within its limit; else in none. `None` without any.
    ///
    /// # Errors
    /// [`Full`].
    pub fn take(&mut self, now: u64, wanted: &[(Bucket, u32)]) -> Result<Option<Verdict>, Full> {
        let mut told: Option<Verdict> = None;
        let (mut knows_others, mut is_new) = (true, false);
        for (bucket, limit) in wanted {
            is_new |= !self.0.contains_key(bucket);
            let meter = self.meter(now, bucket)?;
            meter.advance(now);
            knows_others &= meter.confirmed;
            let verdict = Verdict { room: meter.ask(*limit), limit: *limit, knows_others, is_new };
            told = Some(told.map_or(verdict, |told| tighter(told, verdict)));
        }
        let Some(verdict) = told else { return Ok(None) };
        if matches!(verdict.room, Room::Allowed { .. }) {
            for (bucket, _) in wanted {
                if let Some(meter) = self.0.get_mut(bucket) {
                    meter.own.add(1);
                    meter.told = false;
                }
            }
        }
        Ok(Some(Verdict { knows_others, is_new, ..verdict }))
    }

    fn meter(&mut self, now: u64, bucket: &Bucket) -> Result<&mut Meter, Full> {
        if !self.0.contains_key(bucket) && self.0.len() >= BUCKETS_MAX {
            self.drop_idle(now);
            if self.0.len() >= BUCKETS_MAX {
                return Err(Full);
            }
        }
        Ok(self.0.entry(bucket.clone()).or_insert_with(|| Meter::new(now)))
    }

    /// Forgets the buckets in which nothing was counted here within a minute.
    pub fn drop_idle(&mut self, now: u64) {
        self.0.retain(|_, meter| {
            meter.advance(now);
            !meter.own.is_empty()
        });
    }

    /// What was counted here in buckets that changed since they were last given out, most used first, at most so many.
    pub fn changed(&mut self, now: u64, most: usize) -> Vec<(Bucket, Window)> {
        self.drop_idle(now);
        let mut changed: Vec<_> = self.0.iter_mut().filter(|(_, meter)| !meter.told).collect();
        changed.sort_by_key(|(_, meter)| std::cmp::Reverse(meter.own.total()));
        let given = changed.into_iter().take(most).map(|(bucket, meter)| {
            meter.told = true;
            (bucket.clone(), meter.own.clone())
        });
        given.collect()
    }

    /// Every bucket counts as changed: somebody listens who knows nothing yet.
    pub fn tell_anew(&mut self) {
        self.0.values_mut().for_each(|meter| meter.told = false);
    }

    /// What was counted here in one bucket.
    #[must_use]
    pub fn own(&self, bucket: &Bucket) -> Option<&Window> {
        self.0.get(bucket).map(|meter| &meter.own)
    }

    /// What all other nodes counted in a bucket, in place of what was known of it.
    ///
    /// # Errors
    /// [`Full`].
    pub fn hear(&mut self, now: u64, bucket: &Bucket, others: Window) -> Result<(), Full> {
        let meter = self.meter(now, bucket)?;
        (meter.others, meter.confirmed) = (others, true);
        Ok(())
    }
}

/// Of two verdicts the one with less room; of two refusals the longer.
fn tighter(one: Verdict, other: Verdict) -> Verdict {
    let other_is_tighter = match (one.room, other.room) {
        (Room::Limited { retry_after: one }, Room::Limited { retry_after: other }) => other > one,
        (Room::Allowed { remaining: one }, Room::Allowed { remaining: other }) => other < one,
        (Room::Allowed { .. }, Room::Limited { .. }) => true,
        (Room::Limited { .. }, Room::Allowed { .. }) => false,
    };
    if other_is_tighter { other } else { one }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};

    use super::*;
    use crate::model::name::{AgentName, ApiKeyName, CompanyId};

    fn of_agent(company: Option<&str>) -> Bucket {
        let company = company.map(|name| CompanyId::parse(name).expect("name"));
        Bucket::Agent(AgentName::parse("openclaw").expect("name"), company)
    }

    fn of_key() -> Bucket {
        Bucket::Key(AgentName::parse("openclaw").expect("name"), ApiKeyName::parse("main").expect("name"))
    }

    fn room(meters: &mut Meters, now: u64, wanted: &[(Bucket, u32)]) -> Room {
        meters.take(now, wanted).expect("not full").expect("a limit").room
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]
        /// The reference keeps every second at which a request was let through, its own and others'.
        #[test]
        fn a_window_decides_like_a_log_of_every_request(
            limit in 0_u32..20,
            steps in prop::collection::vec((0_u64..25, any::<bool>(), 0_u32..4), 1..120),
        ) {
            let (mut meters, mut log, mut elsewhere) = (Meters::default(), Vec::new(), Vec::new());
            let (bucket, mut now) = (of_agent(None), 1_000_u64);
            for (passed, heard, others) in steps {
                now += passed;
                if heard {
                    elsewhere.extend((0..others).map(|_| now));
                    let recent = |age: usize| elsewhere.iter().filter(|at| now - **at == age as u64).count();
                    let ages: Vec<u32> = (0..WINDOW_SECONDS).map(|age| recent(age) as u32).collect();
                    meters.hear(now, &bucket, Window::from_ages(now, &ages)).expect("not full");
                }
                let within = |at: &&u64| now - **at < 60;
                let seen = log.iter().chain(&elsewhere).filter(within);
                let mut recent: Vec<u64> = seen.copied().collect();
                recent.sort_unstable();
                let expected = match usize::try_from(limit).expect("fits").checked_sub(recent.len() + 1) {
                    Some(left) => {
                        log.push(now);
                        Room::Allowed { remaining: u32::try_from(left).expect("fits") }
                    }
                    None => {
                        let due = recent.len() - usize::try_from(limit).expect("fits");
                        let wait = recent.get(due).map_or(60, |at| at + 60 - now);
                        Room::Limited { retry_after: u32::try_from(wait).expect("fits") }
                    }
                };
                prop_assert_eq!(room(&mut meters, now, &[(bucket.clone(), limit)]), expected);
            }
        }
    }

    #[test]
    fn waiting_as_long_as_was_said_is_enough() {
        let (mut meters, wanted) = (Meters::default(), [(of_agent(None), 2)]);
        assert_eq!(room(&mut meters, 100, &wanted), Room::Allowed { remaining: 1 });
        assert_eq!(room(&mut meters, 130, &wanted), Room::Allowed { remaining: 0 });
        assert_eq!(room(&mut meters, 131, &wanted), Room::Limited { retry_after: 29 });
        assert_eq!(room(&mut meters, 159, &wanted), Room::Limited { retry_after: 1 });
        assert_eq!(room(&mut meters, 160, &wanted), Room::Allowed { remaining: 0 });
    }

    #[test]
    fn a_request_that_is_refused_by_one_bucket_counts_in_none() {
        let mut meters = Meters::default();
        let wanted = [(of_agent(None), 10), (of_key(), 1)];
        assert_eq!(room(&mut meters, 5, &wanted), Room::Allowed { remaining: 0 });
        for _ in 0..50 {
            assert_eq!(room(&mut meters, 5, &wanted), Room::Limited { retry_after: 60 });
        }
        assert_eq!(room(&mut meters, 5, &[(of_agent(None), 10)]), Room::Allowed { remaining: 8 });
    }

    #[test]
    fn companies_do_not_use_up_each_others_share() {
        let mut meters = Meters::default();
        assert_eq!(room(&mut meters, 5, &[(of_agent(Some("acme")), 1)]), Room::Allowed { remaining: 0 });
        assert!(matches!(room(&mut meters, 5, &[(of_agent(Some("acme")), 1)]), Room::Limited { .. }));
        assert_eq!(room(&mut meters, 5, &[(of_agent(Some("other")), 1)]), Room::Allowed { remaining: 0 });
        assert_eq!(room(&mut meters, 5, &[(of_agent(None), 1)]), Room::Allowed { remaining: 0 });
    }

    #[test]
    fn others_count_and_are_known_only_while_this_node_counts_too() {
        let (mut meters, wanted) = (Meters::default(), [(of_agent(None), 4)]);
        let mut ask = |now, others: Option<u32>| {
            if let Some(count) = others {
                meters.hear(now, &of_agent(None), Window::from_ages(now, &[count])).expect("room");
            }
            let verdict = meters.take(now, &wanted).expect("room").expect("a limit");
            (verdict.room, verdict.knows_others, verdict.is_new)
        };
        assert_eq!(ask(100, None), (Room::Allowed { remaining: 3 }, false, true));
        assert_eq!(ask(101, Some(2)), (Room::Allowed { remaining: 0 }, true, false));
        assert_eq!(ask(102, None), (Room::Limited { retry_after: 58 }, true, false));
        assert_eq!(ask(161, None), (Room::Allowed { remaining: 3 }, false, false));
    }

    #[test]
    fn buckets_are_bounded_and_idle_ones_make_room() {
        let mut meters = Meters::default();
        let bucket = |number: usize| of_agent(Some(&format!("c{number}")));
        for number in 0..BUCKETS_MAX {
            room(&mut meters, 5, &[(bucket(number), 1)]);
        }
        assert_eq!(meters.take(64, &[(bucket(BUCKETS_MAX), 1)]), Err(Full));
        assert_eq!(room(&mut meters, 65, &[(bucket(BUCKETS_MAX), 1)]), Room::Allowed { remaining: 0 });
        assert_eq!(meters.0.len(), 1);
    }

    #[test]
    fn a_bucket_is_given_out_once_per_change_and_the_most_used_first() {
        let mut meters = Meters::default();
        room(&mut meters, 5, &[(of_agent(None), 9)]);
        room(&mut meters, 5, &[(of_key(), 9)]);
        room(&mut meters, 6, &[(of_key(), 9)]);
        let names = |given: Vec<(Bucket, Window)>| given.into_iter().map(|(bucket, _)| bucket).collect::<Vec<_>>();
        assert_eq!(names(meters.changed(6, 1)), [of_key()]);
        assert_eq!(names(meters.changed(6, 9)), [of_agent(None)]);
        assert_eq!(names(meters.changed(6, 9)), []);
        meters.tell_anew();
        assert_eq!(meters.changed(6, 9).len(), 2);
        assert_eq!(meters.changed(66, 9).len(), 0, "all is idle by then");
    }
}
