//! What waits to be delivered, by receiver and by when: the part of the queue that is in memory. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::events::route::Route;
use crate::model::time::Timestamp;

/// What one receiver is sent at once: one that is slow takes no more places than these.
const IN_FLIGHT_MAX: usize = 4;

/// What waits. Holds numbers only; what is sent is in the file.
#[derive(Debug, Default)]
pub(super) struct DeliveryIndex {
    routes: BTreeMap<Route, Waiting>,
    all: BTreeMap<u64, (Route, Timestamp)>,
}

#[derive(Debug, Default)]
struct Waiting {
    due: BTreeSet<(Timestamp, u64)>,
    in_flight: BTreeSet<u64>,
}

impl DeliveryIndex {
    /// Something waits from now on, or waits for another time than before.
    pub(super) fn put(&mut self, number: u64, route: &Route, due: Timestamp) {
        self.remove(number);
        self.all.insert(number, (route.clone(), due));
        self.routes.entry(route.clone()).or_default().due.insert((due, number));
    }

    /// Something does not wait any more.
    pub(super) fn remove(&mut self, number: u64) {
        let Some((route, due)) = self.all.remove(&number) else { return };
        if let Some(waiting) = self.routes.get_mut(&route) {
            waiting.due.remove(&(due, number));
            waiting.in_flight.remove(&number);
            if waiting.due.is_empty() && waiting.in_flight.is_empty() {
                self.routes.remove(&route);
            }
        }
    }

    /// The next that is due for each receiver that `may_go` and has a place; they are in flight from here on.
    pub(super) fn take_due(&mut self, now: Timestamp, may_go: impl Fn(&Route) -> bool) -> Vec<u64> {
        let mut taken = Vec::new();
        for (route, waiting) in &mut self.routes {
            if waiting.in_flight.len() < IN_FLIGHT_MAX && may_go(route) {
                taken.extend(waiting.take(now));
            }
        }
        taken
    }

    /// At most so many more of one receiver that are due.
    pub(super) fn take_more(&mut self, route: &Route, now: Timestamp, limit: usize) -> Vec<u64> {
        let Some(waiting) = self.routes.get_mut(route) else { return Vec::new() };
        std::iter::from_fn(|| waiting.take(now)).take(limit).collect()
    }

    /// Nothing is in flight any more: whoever sent has ended. What did not come to an end waits again.
    pub(super) fn land_all(&mut self) {
        for waiting in self.routes.values_mut() {
            for number in std::mem::take(&mut waiting.in_flight) {
                let due = self.all.get(&number).map(|(_, due)| *due);
                waiting.due.extend(due.map(|due| (due, number)));
            }
        }
    }

    /// Puts something back that was taken and not sent.
    pub(super) fn land(&mut self, number: u64) {
        let Some((route, due)) = self.all.get(&number).cloned() else { return };
        self.put(number, &route, due);
    }

    /// Whether it still waits, or is in flight.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.all.contains_key(&number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many there are for one receiver.
    pub(super) fn len_of(&self, route: &Route) -> usize {
        self.routes.get(route).map_or(0, |waiting| waiting.due.len().saturating_add(waiting.in_flight.len()))
    }

    /// The oldest ones.
    pub(super) fn oldest(&self, count: usize) -> Vec<u64> {
        self.all.keys().copied().take(count).collect()
    }

    /// All of one receiver.
    pub(super) fn of(&self, route: &Route) -> Vec<u64> {
        let Some(waiting) = self.routes.get(route) else { return Vec::new() };
        waiting.due.iter().map(|(_, number)| *number).chain(waiting.in_flight.iter().copied()).collect()
    }
}

impl Waiting {
    fn take(&mut self, now: Timestamp) -> Option<u64> {
        let first = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        self.due.remove(&first);
        self.in_flight.insert(first.1);
        Some(first.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::KeyName;

    fn route(name: &str) -> Route {
        Route::Subscription(KeyName::parse(name).expect(name))
    }

    #[test]
    fn one_receiver_takes_no_more_places_than_it_may_and_holds_up_nobody() {
        let mut index = DeliveryIndex::default();
        (0..10).for_each(|number| index.put(number, &route("slow"), Timestamp(0)));
        index.put(10, &route("quick"), Timestamp(5));
        let mut taken: Vec<u64> =
            std::iter::repeat_with(|| index.take_due(Timestamp(4), |_| true)).take(6).flatten().collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3], "and what is not due is not taken");
        assert_eq!(index.take_due(Timestamp(5), |_| true), [10]);
        index.remove(2);
        assert_eq!(index.take_due(Timestamp(5), |to| *to != route("slow")), [0; 0]);
        assert_eq!(index.take_due(Timestamp(5), |_| true), [4]);
        assert_eq!((index.len(), index.len_of(&route("slow")), index.holds(2)), (10, 9, false));
    }

    #[test]
    fn what_did_not_come_to_an_end_waits_again() {
        let mut index = DeliveryIndex::default();
        index.put(1, &route("a"), Timestamp(0));
        index.put(2, &route("a"), Timestamp(0));
        assert_eq!(index.take_more(&route("a"), Timestamp(0), 9), [1, 2]);
        index.land(2);
        assert_eq!(index.take_more(&route("a"), Timestamp(0), 9), [2]);
        index.land_all();
        assert_eq!(index.take_more(&route("a"), Timestamp(0), 9), [1, 2]);
        assert_eq!((index.oldest(1), index.of(&route("a"))), (vec![1], vec![1, 2]));
    }
}
