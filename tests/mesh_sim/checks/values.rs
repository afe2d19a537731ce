//! Invariants 2 and 3 as clients see them: what was acknowledged is what is read, by the time the answer vouches for, wholly
//! and not half; what was deleted is gone; and a value in the node's own scope goes before the global one.

use std::collections::BTreeMap;

use aurora_mesh::model::number::{Revision, Version};
use aurora_mesh::model::secret::ScopedSecret;

use super::Found;
use crate::told::Given;

/// What was asked of one place.
#[derive(Debug, Clone)]
struct Deed {
    id: u64,
    stores: bool,
    asked: u64,
    /// When it could no longer happen: it was answered, or the lead went down.
    settled: Option<u64>,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Unknown,
    Acknowledged(Revision),
    Refused,
}

/// What was asked of all places, and what they held.
#[derive(Debug, Default)]
pub struct Values {
    deeds: BTreeMap<ScopedSecret, Vec<Deed>>,
    /// By the text that was put.
    put: BTreeMap<String, ScopedSecret>,
    held: BTreeMap<(ScopedSecret, Version), String>,
    asked: BTreeMap<u64, ScopedSecret>,
}

impl Values {
    /// A client puts this text, or lets the value that was deleted be there again; none is a deletion.
    pub fn asks(&mut self, id: u64, at: &ScopedSecret, stores: bool, value: Option<&str>, now: u64) {
        let deed = Deed { id, stores, asked: now, settled: None, outcome: Outcome::Unknown };
        self.deeds.entry(at.clone()).or_default().push(deed);
        self.put.extend(value.map(|value| (value.to_owned(), at.clone())));
        self.asked.insert(id, at.clone());
    }

    /// It was acknowledged.
    pub fn acknowledged(
        &mut self,
        id: u64,
        version: Version,
        revision: Revision,
        value: Option<&str>,
        now: u64,
    ) -> Found {
        self.settle(id, Outcome::Acknowledged(revision), now);
        match (self.asked.get(&id).cloned(), value) {
            (Some(at), Some(value)) => self.holds(at, version, value),
            (None | Some(_), _) => Ok(()),
        }
    }

    /// It was refused.
    pub fn refused(&mut self, id: u64, now: u64) {
        self.settle(id, Outcome::Refused, now);
    }

    /// Nobody knows, and it cannot happen any more: the lead went down.
    pub fn lost(&mut self, id: u64, now: u64) {
        self.settle(id, Outcome::Unknown, now);
    }

    fn settle(&mut self, id: u64, outcome: Outcome, now: u64) {
        let Some(deeds) = self.asked.get(&id).and_then(|at| self.deeds.get_mut(at)) else { return };
        for deed in deeds.iter_mut().filter(|deed| deed.id == id) {
            deed.outcome = outcome;
            deed.settled = Some(now);
        }
    }

    fn holds(&mut self, at: ScopedSecret, version: Version, value: &str) -> Found {
        let held = self.held.entry((at.clone(), version)).or_insert_with(|| value.to_owned());
        if held == value { Ok(()) } else { Err(format!("version {version} of {at} was {held} and is {value}")) }
    }

    /// A value is given out that its giver vouches for at `vouched`, at `now`; these are the places it may be from, the one
    /// that goes before first.
    pub fn given(&mut self, places: &[ScopedSecret], vouched: u64, now: u64, given: &Given) -> Found {
        if self.put.get(&given.value) != Some(&given.at) {
            return Err(format!("{} was never put at {}", given.value, given.at));
        }
        self.holds(given.at.clone(), given.version, &given.value)?;
        let floor = self.floor(&given.at, vouched);
        if given.revision < floor {
            return Err(format!(
                "revision {} of {} is given out as of {vouched}, and revision {floor} was acknowledged before",
                given.revision, given.at
            ));
        }
        if self.is_there(&given.at, vouched, now) == Some(false) {
            return Err(format!("{} was deleted before {vouched} and is given out", given.at));
        }
        let first = places.iter().take_while(|place| **place != given.at);
        match first.into_iter().find(|place| self.is_there(place, vouched, now) == Some(true)) {
            Some(place) => Err(format!("{} is given out, and {place} goes before it", given.at)),
            None => Ok(()),
        }
    }

    /// Nothing is found in these places by who vouches for that at `vouched`, at `now`.
    pub fn missing(&self, places: &[ScopedSecret], vouched: u64, now: u64) -> Found {
        match places.iter().find(|place| self.is_there(place, vouched, now) == Some(true)) {
            Some(place) => Err(format!("{place} was acknowledged before {vouched} and is not found")),
            None => Ok(()),
        }
    }

    /// The last change of a place that was acknowledged by then.
    fn floor(&self, at: &ScopedSecret, by: u64) -> Revision {
        let known = self.deeds.get(at).into_iter().flatten();
        let acknowledged = known.filter(|deed| deed.settled.is_some_and(|settled| settled <= by));
        let revisions = acknowledged.filter_map(|deed| match deed.outcome {
            Outcome::Acknowledged(revision) => Some(revision),
            Outcome::Unknown | Outcome::Refused => None,
        });
        revisions.max().unwrap_or_default()
    }

    /// Whether there surely is, or surely is not, a value all the time from `from` to `to`. A deed is out of the way if it
    /// was refused, over before the other began, or asked after all this.
    fn is_there(&self, at: &ScopedSecret, from: u64, to: u64) -> Option<bool> {
        let deeds = self.deeds.get(at)?;
        let sure = |wanted: bool| {
            deeds.iter().filter(|deed| deed.stores == wanted).any(|last| {
                let done =
                    matches!(last.outcome, Outcome::Acknowledged(_)) && last.settled.is_some_and(|at| at <= from);
                let out_of_the_way = |other: &&Deed| {
                    other.outcome == Outcome::Refused
                        || other.settled.is_some_and(|settled| settled <= last.asked)
                        || other.asked > to
                };
                done && deeds.iter().filter(|other| other.stores != wanted).all(|other| out_of_the_way(&other))
            })
        };
        if sure(true) { Some(true) } else { sure(false).then_some(false) }
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use aurora_mesh::vault::answer::Served;

    use super::*;
    use crate::names::PLACES;

    pub fn given(value: &str, revision: u64) -> Given {
        let version = Version::new(1).expect("positive");
        let (revision, value) = (Revision(revision), value.to_owned());
        Given { at: PLACES[0].clone(), version, revision, value, served: Served::Hit, age: Duration::ZERO }
    }

    fn version(number: u64) -> Version {
        Version::new(number).expect("positive")
    }

    /// One was put first and two after it, each known at the tens.
    fn two() -> Values {
        let mut values = Values::default();
        values.asks(1, &PLACES[0], true, Some("one"), 5);
        values.acknowledged(1, version(1), Revision(1), Some("one"), 10).expect("right");
        values.asks(2, &PLACES[0], true, Some("two"), 15);
        values.acknowledged(2, version(2), Revision(2), Some("two"), 20).expect("right");
        values
    }

    #[test]
    fn an_older_a_strange_or_a_torn_value_is_found() {
        let mut values = two();
        let mut ask = |given: Given, vouched| values.given(&[PLACES[0].clone()], vouched, 30, &given);
        assert_eq!(ask(given("one", 1), 19), Ok(()), "it was right when it was vouched for");
        assert!(ask(given("one", 1), 20).is_err());
        assert!(ask(given("three", 3), 20).is_err());
        assert!(ask(given("two", 2), 20).is_err(), "that is version 2");
        assert!(ask(Given { at: PLACES[3].clone(), ..given("two", 2) }, 20).is_err(), "that is elsewhere");
    }

    #[test]
    fn what_is_gone_and_is_given_or_is_there_and_is_not_found_is_found() {
        let mut values = two();
        let place = [PLACES[0].clone()];
        assert!(values.missing(&place, 20, 30).is_err());
        values.asks(3, &PLACES[0], false, None, 40);
        assert_eq!(values.missing(&place, 20, 50), Ok(()), "it is being deleted");
        values.acknowledged(3, version(2), Revision(3), None, 60).expect("right");
        let late = Given { version: version(2), ..given("two", 3) };
        assert_eq!(values.given(&place, 59, 70, &late), Ok(()));
        assert!(values.given(&place, 60, 70, &late).is_err());
        values.asks(4, &PLACES[0], true, Some("four"), 65);
        assert_eq!(values.given(&place, 60, 70, &late), Ok(()), "nobody knows whether there is one again");
    }

    #[test]
    fn a_place_that_goes_before_and_is_passed_over_is_found() {
        let mut values = two();
        values.asks(5, &PLACES[2], true, Some("own"), 15);
        values.acknowledged(5, version(1), Revision(3), Some("own"), 20).expect("right");
        let places = [PLACES[2].clone(), PLACES[0].clone()];
        let global = Given { version: version(2), ..given("two", 2) };
        assert_eq!(values.given(&places, 19, 30, &global), Ok(()));
        assert!(values.given(&places, 20, 30, &global).is_err());
    }
}
