//! The freshness contract: nothing is given out as fresh past `ttl`, nor at all past `ttl + max_stale`; and a node that
//! cannot hear its lead says an age at least as long as that lasts.

use std::collections::BTreeMap;

use aurora_mesh::vault::answer::Served;

use super::Found;
use crate::machine::FRESHNESS;
use crate::told::Given;

/// Since when each machine cannot hear its lead, in milliseconds.
#[derive(Debug, Default)]
pub struct Silence(BTreeMap<usize, u64>);

impl Silence {
    /// Whether a machine can hear its lead from now on.
    pub fn hears(&mut self, machine: usize, hears: bool, now: u64) {
        if hears {
            self.0.remove(&machine);
        } else {
            self.0.entry(machine).or_insert(now);
        }
    }

    /// A follower that was asked at this time gives a value out. `skew` is what its clocks may take off an age.
    pub fn given(&self, machine: usize, asked: u64, skew: u64, given: &Given) -> Found {
        let age = milliseconds(given.age);
        let (ttl, stale) = (milliseconds(FRESHNESS.ttl), milliseconds(FRESHNESS.max_stale));
        let longest = match given.served {
            Served::Lead => {
                return if machine == 0 { Ok(()) } else { Err("a follower answers as the lead".to_owned()) };
            }
            Served::Hit => ttl,
            Served::Stale => ttl + stale,
        };
        if age > longest {
            return Err(format!("{:?} at an age of {age} ms", given.served));
        }
        match self.0.get(&machine) {
            Some(since) if age + skew < asked.saturating_sub(*since) => {
                Err(format!("an age of {age} ms is claimed at {asked}, and the lead was last heard at {since}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A follower calls itself fresh.
    pub fn is_fresh(&self, machine: usize, now: u64, skew: u64) -> Found {
        match self.0.get(&machine) {
            Some(since) if now.saturating_sub(since + skew) > milliseconds(FRESHNESS.ttl) => {
                Err(format!("it calls itself fresh at {now} and has heard nothing since {since}"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// In milliseconds.
pub fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("short")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::checks::values::tests::given;

    #[test]
    fn an_age_that_is_too_long_or_too_short_is_found() {
        let mut silence = Silence::default();
        let aged = |served, seconds| Given { served, age: Duration::from_secs(seconds), ..given("one", 1) };
        assert_eq!(silence.given(1, 100_000, 0, &aged(Served::Hit, 20)), Ok(()));
        assert!(silence.given(1, 100_000, 0, &aged(Served::Hit, 21)).is_err());
        assert!(silence.given(1, 100_000, 0, &aged(Served::Stale, 81)).is_err());
        assert!(silence.given(1, 100_000, 0, &aged(Served::Lead, 0)).is_err());
        silence.hears(1, false, 90_000);
        assert!(silence.given(1, 100_000, 0, &aged(Served::Hit, 9)).is_err(), "it was deaf for ten seconds");
        assert_eq!(silence.given(1, 100_000, 1_000, &aged(Served::Hit, 9)), Ok(()), "its clock was set back");
        assert!(silence.is_fresh(1, 110_001, 0).is_err());
        silence.hears(1, true, 100_000);
        assert_eq!(silence.given(1, 100_000, 0, &aged(Served::Hit, 9)), Ok(()));
    }
}
