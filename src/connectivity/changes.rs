//! What changed in a matrix since when: so that whoever was told up to one point finds the rest without looking at all of
//! it. Its size goes with that of the matrix, however often anything changes.

use std::ops::Bound;

use rpds::RedBlackTreeMapSync;

use super::difference::Difference;
use crate::model::name::{EnvironmentName, NodeName, ServiceName};

/// So many places that are empty by now are remembered. Whoever was told up to before the oldest is told all again.
const GONE_MAX: usize = 4_096;

/// One cell of a matrix, or where one was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The environment of the row.
    pub environment: EnvironmentName,
    /// Whose row.
    pub node: NodeName,
    /// Which API.
    pub service: ServiceName,
}

/// Which changes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Those people wait for.
    Great,
    /// Every one.
    Every,
}

/// The last change of each place, in their order.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    last: u64,
    great: Index,
    every: Index,
    gone: RedBlackTreeMapSync<u64, Place>,
    complete_from: u64,
}

#[derive(Debug, Clone, Default)]
struct Index {
    by_stamp: RedBlackTreeMapSync<u64, Place>,
    by_place: RedBlackTreeMapSync<Place, u64>,
}

impl Index {
    fn put(&mut self, place: &Place, stamp: u64) {
        self.remove(place);
        self.by_stamp.insert_mut(stamp, place.clone());
        self.by_place.insert_mut(place.clone(), stamp);
    }

    fn remove(&mut self, place: &Place) {
        if let Some(before) = self.by_place.get(place).copied() {
            self.by_stamp.remove_mut(&before);
            self.by_place.remove_mut(place);
        }
    }
}

impl Changes {
    /// The number of the last change.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The places that changed after this number, each once; `None` if that is not known any more. Of every change, those
    /// that were great ones up to `told` are left out.
    pub fn since(&self, stamp: u64, asked: Asked, told: u64) -> Option<impl Iterator<Item = &Place>> {
        let index = match asked {
            Asked::Great => &self.great,
            Asked::Every => &self.every,
        };
        let was_told = move |at: u64, place: &Place| {
            asked == Asked::Every && at <= told && self.great.by_place.get(place) == Some(&at)
        };
        let after = index.by_stamp.range((Bound::Excluded(stamp), Bound::Unbounded));
        let places = after.filter(move |(at, place)| !was_told(**at, place)).map(|(_, place)| place);
        (stamp >= self.complete_from).then_some(places)
    }

    /// The cell at this place differs that much from what was there.
    pub(super) fn note(&mut self, place: &Place, by: Difference) {
        if by == Difference::None {
            return;
        }
        self.last += 1;
        if by == Difference::Great {
            if let Some(before) = self.great.by_place.get(place) {
                self.gone.remove_mut(before);
            }
            self.great.put(place, self.last);
        }
        self.every.put(place, self.last);
    }

    /// Nothing is at this place any more.
    pub(super) fn note_gone(&mut self, place: Place) {
        self.note(&place, Difference::Great);
        self.gone.insert_mut(self.last, place);
        while self.gone.size() > GONE_MAX {
            let Some((stamp, place)) = self.gone.first().map(|(stamp, place)| (*stamp, place.clone())) else { return };
            self.gone.remove_mut(&stamp);
            self.great.remove(&place);
            self.every.remove(&place);
            self.complete_from = self.complete_from.max(stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectivity::testing::{environment, node, service};

    fn place(name: &str) -> Place {
        Place { environment: environment("prod"), node: node("alpha"), service: service(name) }
    }

    fn since(changes: &Changes, stamp: u64, asked: Asked, told: u64) -> Vec<String> {
        let places = changes.since(stamp, asked, told).expect("known");
        places.map(|place| place.service.to_string()).collect()
    }

    #[test]
    fn each_place_is_named_once_with_its_last_change() {
        let mut changes = Changes::default();
        for (name, by) in [("a", Difference::Great), ("b", Difference::Slight), ("a", Difference::Slight)] {
            changes.note(&place(name), by);
        }
        changes.note(&place("c"), Difference::None);
        assert_eq!(changes.last(), 3);
        assert_eq!(since(&changes, 0, Asked::Great, 0), ["a"]);
        assert_eq!(since(&changes, 1, Asked::Great, 0), Vec::<String>::new());
        assert_eq!(since(&changes, 0, Asked::Every, 1), ["b", "a"], "it changed again after it was told");
        changes.note(&place("b"), Difference::Great);
        assert_eq!(since(&changes, 3, Asked::Every, 4), Vec::<String>::new(), "told already");
        assert_eq!(since(&changes, 3, Asked::Every, 3), ["b"]);
    }

    #[test]
    fn what_is_gone_is_remembered_within_bounds() {
        let mut changes = Changes::default();
        for number in 0..=GONE_MAX {
            changes.note_gone(place(&format!("s{number}")));
        }
        assert!(changes.since(0, Asked::Every, 0).is_none(), "the first is forgotten");
        assert_eq!(since(&changes, 1, Asked::Great, 0).len(), GONE_MAX);
        assert_eq!(changes.every.by_place.size(), GONE_MAX);
        changes.note(&place("s1"), Difference::Great);
        changes.note_gone(place("other"));
        assert!(changes.since(1, Asked::Great, 0).is_some(), "what is back is not gone");
    }
}
