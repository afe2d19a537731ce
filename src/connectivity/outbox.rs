//! What a follower tells its lead: all it knows at the start, then what changes. Only one copy of each cell is kept,
//! which is the one that was told; nothing waits in a line.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::difference::{Difference, difference};
use super::matrix::Row;
use crate::model::api_check::{Cell, SERVICES_MAX};
use crate::model::name::ServiceName;

/// What was told in one session.
#[derive(Debug, Default)]
pub struct Outbox {
    told: BTreeMap<ServiceName, (u64, Arc<Cell>)>,
    last: u64,
}

/// What is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Cells, each with its serial number.
    pub cells: Vec<(u64, Arc<Cell>)>,
    /// Services of which nothing is known any more.
    pub gone: Vec<ServiceName>,
}

impl Outgoing {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.gone.is_empty()
    }
}

impl Outbox {
    /// All of it. Counts as told.
    pub fn whole(&mut self, row: Option<&Row>) -> Outgoing {
        self.told.clear();
        self.changes(row, Difference::Slight)
    }

    /// What differs that much, or more, from what was told. Counts as told.
    pub fn changes(&mut self, row: Option<&Row>, at_least: Difference) -> Outgoing {
        let mut outgoing = Outgoing::default();
        for (service, cell) in row.iter().flat_map(|row| &row.cells).take(SERVICES_MAX) {
            let by = self.told.get(service).map_or(Difference::Great, |(_, told)| difference(told, cell));
            if by >= at_least {
                self.last += 1;
                self.told.insert(service.clone(), (self.last, Arc::clone(cell)));
                outgoing.cells.push((self.last, Arc::clone(cell)));
            }
        }
        let is_there = |service: &ServiceName| row.is_some_and(|row| row.cells.contains_key(service));
        outgoing.gone = self.told.keys().filter(|service| !is_there(service)).cloned().collect();
        outgoing.gone.iter().for_each(|service| drop(self.told.remove(service)));
        outgoing
    }

    /// How many cells were told, and the sum of their serial numbers.
    #[must_use]
    pub fn digest(&self) -> (u32, u64) {
        let serials = self.told.values().fold(0_u64, |sum, (serial, _)| sum.wrapping_add(*serial));
        (u32::try_from(self.told.len()).unwrap_or(u32::MAX), serials)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, row};
    use super::*;

    fn names(outgoing: &Outgoing) -> Vec<String> {
        outgoing.cells.iter().map(|(serial, cell)| format!("{serial} {}", cell.service)).collect()
    }

    #[test]
    fn great_changes_go_at_once_and_slight_ones_with_the_round() {
        let mut outbox = Outbox::default();
        let first = outbox.whole(Some(&row("prod", [cell("openai"), cell("slack")])));
        assert_eq!(names(&first), ["1 openai", "2 slack"]);
        assert_eq!(outbox.digest(), (2, 3));
        let slight = || Cell { spent_today: 1, ..cell("openai") };
        let next = row("prod", [slight(), Cell { path: None, ..cell("slack") }]);
        assert_eq!(names(&outbox.changes(Some(&next), Difference::Great)), ["3 slack"]);
        assert_eq!(names(&outbox.changes(Some(&next), Difference::Slight)), ["4 openai"]);
        assert!(outbox.changes(Some(&next), Difference::Slight).is_empty());
        assert_eq!(outbox.digest(), (2, 7));
        let gone = outbox.changes(Some(&row("prod", [slight()])), Difference::Great);
        assert_eq!((names(&gone), gone.gone.len(), outbox.digest()), (Vec::new(), 1, (1, 4)));
        assert_eq!(outbox.changes(None, Difference::Great).gone.len(), 1, "the row itself is gone");
        assert_eq!(names(&outbox.whole(Some(&next))), ["5 openai", "6 slack"]);
    }
}
