//! How many calls with a credential this node has made today, by service: some providers allow fifty a day. The counts
//! outlive the process, so that a node that is started again and again does not use up what belongs to all.
//!
//! A day is one of UTC. The days beside it are kept too, so that a clock that swings around midnight opens no second budget.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::model::api_check::SERVICES_MAX;
use crate::model::name::ServiceName;
use crate::model::time::{Moment, Timestamp};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Yesterday, today and tomorrow.
const DAYS_MAX: usize = 3;

/// The first line of the bytes: what they are, and their version.
const TITLE: &str = "aurora-spent 1";

/// Why a key is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The value is new, or a first refusal is to be confirmed.
    Change,
    /// Somebody who uses the key met a failure, or a path that was broken works again.
    Failure,
    /// It is time to.
    Routine,
}

/// The calls of one day to one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Calls {
    changes: u32,
    failures: u32,
    routine: u32,
    /// Because somebody asked, which no share forbids.
    asked: u32,
}

impl Calls {
    fn total(self) -> u32 {
        self.changes.saturating_add(self.failures).saturating_add(self.routine).saturating_add(self.asked)
    }
}

/// Calls by day and service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spent {
    days: BTreeMap<i64, BTreeMap<ServiceName, Calls>>,
}

/// The bytes are not counts of calls, or not of this version. Nothing is assumed in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the counts of calls cannot be read")]
pub struct SpentFault {
    /// Which line, from 1.
    pub line: usize,
}

impl Spent {
    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`SpentFault`] names the first line that is not as it was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, SpentFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| SpentFault { line: 1 })?;
        let mut lines = text.lines().zip(1_usize..);
        if lines.next().is_none_or(|(title, _)| title != TITLE) {
            return Err(SpentFault { line: 1 });
        }
        let mut days: BTreeMap<i64, BTreeMap<ServiceName, Calls>> = BTreeMap::new();
        for (text, line) in lines {
            let (day, service, calls) = parse_line(text).ok_or(SpentFault { line })?;
            let services = days.entry(day).or_default();
            services.insert(service, calls);
            if services.len() > SERVICES_MAX || days.len() > DAYS_MAX {
                return Err(SpentFault { line });
            }
        }
        Ok(Self { days })
    }

    /// A line of title, then one for each day and service: the day since 1970, the service, and the calls after changes,
    /// after failures, by routine, and because somebody asked.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{TITLE}\n");
        for (day, services) in &self.days {
            for (service, Calls { changes, failures, routine, asked }) in services {
                // Writing to a String cannot fail.
                let _infallible = writeln!(text, "{day} {service} {changes} {failures} {routine} {asked}");
            }
        }
        text.into_bytes()
    }

    /// How many calls to this service were made on the day of this time.
    #[must_use]
    pub fn on_day_of(&self, now: Timestamp, service: &ServiceName) -> u32 {
        self.calls(day(now), service).total()
    }

    /// The calls of one day, by service.
    pub(super) fn on_day(&self, day: i64) -> impl Iterator<Item = (&ServiceName, u32)> {
        self.days.get(&day).into_iter().flatten().map(|(service, calls)| (service, calls.total()))
    }

    /// Whether one more call is within this node's share of the day: in all, and for this reason.
    pub(super) fn allows(&self, service: &ServiceName, reason: Reason, share: u32, now: &Moment) -> bool {
        let calls = self.calls(day(now.wall), service);
        calls.total() < share
            && match reason {
                Reason::Change => true,
                Reason::Failure => calls.failures < share.div_ceil(4),
                Reason::Routine => calls.routine < routine_share(share),
            }
    }

    /// How many calls by routine are left today.
    pub(super) fn routine_left(&self, service: &ServiceName, share: u32, now: &Moment) -> u32 {
        let calls = self.calls(day(now.wall), service);
        routine_share(share).saturating_sub(calls.routine).min(share.saturating_sub(calls.total()))
    }

    /// Counts a call.
    pub(super) fn count(&mut self, service: &ServiceName, reason: Reason, now: &Moment) {
        let calls = self.calls_mut(service, now);
        let count = match reason {
            Reason::Change => &mut calls.changes,
            Reason::Failure => &mut calls.failures,
            Reason::Routine => &mut calls.routine,
        };
        *count = count.saturating_add(1);
    }

    /// Counts calls that were made because somebody asked.
    pub(super) fn count_asked(&mut self, service: &ServiceName, count: u32, now: &Moment) {
        let calls = self.calls_mut(service, now);
        calls.asked = calls.asked.saturating_add(count);
    }

    fn calls_mut(&mut self, service: &ServiceName, now: &Moment) -> &mut Calls {
        let today = day(now.wall);
        self.days.retain(|day, _| day.abs_diff(today) <= 1);
        let services = self.days.entry(today).or_default();
        if services.len() >= SERVICES_MAX && !services.contains_key(service) {
            // So many services are never watched at once: the one with the fewest calls is long gone.
            let least = services.iter().min_by_key(|(_, calls)| calls.total()).map(|(service, _)| service.clone());
            least.map(|service| services.remove(&service));
        }
        services.entry(service.clone()).or_default()
    }

    fn calls(&self, day: i64, service: &ServiceName) -> Calls {
        self.days.get(&day).and_then(|services| services.get(service)).copied().unwrap_or_default()
    }
}

/// Three quarters, rounded up: a share of one is for routine.
fn routine_share(share: u32) -> u32 {
    share - share / 4
}

/// The day of UTC, counted from 1970.
pub(super) fn day(now: Timestamp) -> i64 {
    now.0.div_euclid(DAY_MS)
}

/// How long it is until the next midnight of UTC.
pub(super) fn until_midnight(now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(DAY_MS - now.0.rem_euclid(DAY_MS)).unwrap_or(0))
}

fn parse_line(text: &str) -> Option<(i64, ServiceName, Calls)> {
    let mut words = text.split(' ');
    let day = words.next()?.parse().ok()?;
    let service = ServiceName::parse(words.next()?).ok()?;
    let mut count = || words.next()?.parse().ok();
    let calls = Calls { changes: count()?, failures: count()?, routine: count()?, asked: count()? };
    words.next().is_none().then_some((day, service, calls))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Moment {
        Moment { wall: Timestamp(ms), ..Moment::default() }
    }

    fn service(name: &str) -> ServiceName {
        ServiceName::parse(name).expect("name")
    }

    #[test]
    fn counts_outlive_a_restart_in_bytes_that_do_not_change() {
        let mut spent = Spent::default();
        spent.count(&service("fireflies"), Reason::Change, &at(DAY_MS));
        spent.count(&service("fireflies"), Reason::Routine, &at(DAY_MS + 1));
        spent.count_asked(&service("fireflies"), 3, &at(DAY_MS + 1));
        spent.count(&service("openai"), Reason::Failure, &at(2 * DAY_MS));
        assert_eq!(spent.on_day_of(Timestamp(DAY_MS), &service("fireflies")), 5);
        let bytes = spent.to_bytes();
        assert_eq!(String::from_utf8_lossy(&bytes), "aurora-spent 1\n1 fireflies 1 0 1 3\n2 openai 0 1 0 0\n");
        assert_eq!(Spent::parse(&bytes), Ok(spent));
    }

    #[test]
    fn bytes_that_are_no_counts_are_refused_and_not_read_as_none() {
        let refused = |text: &str| Spent::parse(text.as_bytes()).expect_err(text).line;
        assert_eq!(refused(""), 1);
        assert_eq!(refused("aurora-spent 2\n"), 1);
        assert_eq!(refused("aurora-spent 1\n1 openai 1 1 1\n"), 2);
        assert_eq!(refused("aurora-spent 1\n1 openai 1 1 1 1 1\n"), 2);
        assert_eq!(refused("aurora-spent 1\n1 openai 1 1 1 1\n1 OPENAI 1 1 1 1\n"), 3);
        assert_eq!(refused("aurora-spent 1\n1 a 1 1 1 1\n2 a 1 1 1 1\n3 a 1 1 1 1\n4 a 1 1 1 1\n"), 5);
        assert_eq!(Spent::parse(&[0xff]), Err(SpentFault { line: 1 }));
        assert_eq!(Spent::parse(b"aurora-spent 1\n"), Ok(Spent::default()));
    }

    #[test]
    fn a_day_begins_at_midnight_and_a_clock_that_swings_around_it_opens_no_second_budget() {
        let (mut spent, openai) = (Spent::default(), service("openai"));
        let (before, after) = (at(DAY_MS - 1), at(DAY_MS));
        for _ in 0..3 {
            spent.count(&openai, Reason::Change, &before);
            spent.count(&openai, Reason::Change, &after);
        }
        assert_eq!((spent.on_day_of(before.wall, &openai), spent.on_day_of(after.wall, &openai)), (3, 3));
        spent.count(&openai, Reason::Change, &at(9 * DAY_MS));
        assert_eq!(spent.on_day_of(after.wall, &openai), 0);
        assert_eq!(until_midnight(Timestamp(-1)), Duration::from_millis(1));
        assert_eq!(until_midnight(Timestamp(DAY_MS)), Duration::from_secs(24 * 60 * 60));
    }

    #[test]
    fn routine_uses_three_quarters_and_failures_one() {
        let (mut spent, openai, now) = (Spent::default(), service("openai"), at(0));
        for left in (1..=3).rev() {
            assert_eq!(spent.routine_left(&openai, 4, &now), left);
            spent.count(&openai, Reason::Routine, &now);
        }
        assert!(!spent.allows(&openai, Reason::Routine, 4, &now));
        assert!(spent.allows(&openai, Reason::Failure, 4, &now));
        spent.count(&openai, Reason::Failure, &now);
        assert!(!spent.allows(&openai, Reason::Change, 4, &now), "the share is the limit of all");
        assert!(!spent.allows(&openai, Reason::Failure, 8, &now) || spent.allows(&openai, Reason::Change, 8, &now));
        assert!(!spent.allows(&service("other"), Reason::Change, 0, &now));
        assert!(spent.allows(&service("other"), Reason::Routine, 1, &now));
    }
}
