//! Who else calls an API, where a node may not look: a budget a day is one of the whole mesh, and of nodes of other
//! environments a follower is told nothing. So the lead counts them for it, without names.

use std::collections::BTreeMap;

use super::matrix::{Matrix, Row};
use super::spent;
use crate::model::api_check::{Cell, Elsewhere};
use crate::model::name::{EnvironmentName, NodeName, ServiceName};
use crate::model::time::Timestamp;

/// Who watches what in a whole matrix, counted once for all followers.
#[derive(Debug, Default)]
pub struct Tally {
    services: BTreeMap<ServiceName, BTreeMap<EnvironmentName, Watchers>>,
}

#[derive(Debug, Default)]
struct Watchers {
    /// In their order.
    nodes: Vec<NodeName>,
    spent: u32,
}

impl Tally {
    /// Counts what is known now.
    #[must_use]
    pub fn of(matrix: &Matrix, now: Timestamp) -> Self {
        let mut services: BTreeMap<ServiceName, BTreeMap<EnvironmentName, Watchers>> = BTreeMap::new();
        for (node, row) in matrix.rows() {
            for (service, cell) in &row.cells {
                let watchers = services.entry(service.clone()).or_default().entry(row.environment.clone()).or_default();
                watchers.nodes.extend(watches(cell).then(|| node.clone()));
                watchers.spent = watchers.spent.saturating_add(spent_today(row, cell, now));
            }
        }
        Self { services }
    }

    /// What a node is told: for each service of its row, the nodes of other environments.
    #[must_use]
    pub fn elsewhere(&self, node: &NodeName, row: &Row) -> BTreeMap<ServiceName, Elsewhere> {
        let told = row.cells.keys().map(|service| {
            let known = self.services.get(service).into_iter().flatten();
            let others = known.filter(|(environment, _)| **environment != row.environment);
            (service.clone(), others.fold(Elsewhere::default(), |sum, (_, watchers)| with(sum, watchers, node)))
        });
        told.collect()
    }
}

/// One more environment, as a node of another is told of it.
fn with(sum: Elsewhere, watchers: &Watchers, node: &NodeName) -> Elsewhere {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let before = watchers.nodes.partition_point(|other| other < node);
    Elsewhere {
        nodes: sum.nodes.saturating_add(count(watchers.nodes.len())),
        before: sum.before.saturating_add(count(before)),
        spent: sum.spent.saturating_add(watchers.spent),
    }
}

/// Whether the node itself calls the API: what only a monitor spoke of takes no part of a budget.
pub(super) fn watches(cell: &Cell) -> bool {
    cell.path.is_some() || !cell.keys.is_empty()
}

/// The calls of today. What a node told on an earlier day, before it was lost, is not of today.
pub(super) fn spent_today(row: &Row, cell: &Cell, now: Timestamp) -> u32 {
    if spent::day(row.confirmed_at) < spent::day(now) { 0 } else { cell.spent_today }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, monitor, node, row, service};
    use super::*;

    fn mesh() -> Matrix {
        let mut matrix = Matrix::default();
        let spent = |spent_today| Cell { spent_today, ..cell("fireflies") };
        let heard = Cell { monitors: vec![monitor("user:uptime", 1)], ..Cell::new(service("fireflies")) };
        matrix.put(node("alpha"), row("prod", [spent(1)]));
        matrix.put(node("beta"), row("dev", [spent(2), cell("slack")]));
        matrix.put(node("gamma"), row("dev", [Cell { spent_today: 4, ..heard }]));
        matrix.put(node("omega"), row("test", [spent(8)]));
        matrix
    }

    #[test]
    fn nodes_of_other_environments_are_counted_for_the_services_a_node_watches() {
        let matrix = mesh();
        let told = |name: &str, now| {
            let row = matrix.row(&node(name)).expect("a row");
            Tally::of(&matrix, now).elsewhere(&node(name), row)
        };
        let alpha = told("alpha", Timestamp(1));
        assert_eq!(alpha.len(), 1, "of slack, which it does not watch, it is told nothing");
        assert_eq!(alpha[&service("fireflies")], Elsewhere { nodes: 2, before: 0, spent: 14 });
        let omega = told("omega", Timestamp(1));
        assert_eq!(omega[&service("fireflies")], Elsewhere { nodes: 2, before: 2, spent: 7 });
        let beta = told("beta", Timestamp(1));
        assert_eq!(beta[&service("fireflies")], Elsewhere { nodes: 2, before: 1, spent: 9 });
        assert_eq!(beta[&service("slack")], Elsewhere::default(), "that there are none is told too");
        let tomorrow = told("alpha", Timestamp(86_400_001));
        assert_eq!(tomorrow[&service("fireflies")].spent, 0);
    }
}
