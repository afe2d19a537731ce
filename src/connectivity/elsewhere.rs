//! Who else calls an API, where a node may not look: a budget a day is one of the whole mesh, and of nodes of other
//! environments a follower is told nothing. So the lead counts them for it, without names.

use std::collections::BTreeMap;

use super::matrix::{Matrix, Row};
use crate::model::api_check::{Cell, Elsewhere};
use crate::model::name::{EnvironmentName, NodeName, ServiceName};

/// Who watches what in a whole matrix, counted once for all followers.
#[derive(Debug, Default)]
pub struct Tally {
    /// The nodes in their order.
    services: BTreeMap<ServiceName, BTreeMap<EnvironmentName, Vec<NodeName>>>,
}

impl Tally {
    /// Counts what is known now.
    #[must_use]
    pub fn of(matrix: &Matrix) -> Self {
        let mut services: BTreeMap<ServiceName, BTreeMap<EnvironmentName, Vec<NodeName>>> = BTreeMap::new();
        for (node, row) in matrix.rows() {
            for (service, _) in row.cells.iter().filter(|(_, cell)| watches(cell)) {
                let environments = services.entry(service.clone()).or_default();
                environments.entry(row.environment.clone()).or_default().push(node.clone());
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
fn with(sum: Elsewhere, watchers: &[NodeName], node: &NodeName) -> Elsewhere {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let before = watchers.partition_point(|other| other < node);
    Elsewhere {
        nodes: sum.nodes.saturating_add(count(watchers.len())),
        before: sum.before.saturating_add(count(before)),
    }
}

/// Whether the node itself calls the API: what only a monitor spoke of takes no part of a budget.
pub(super) fn watches(cell: &Cell) -> bool {
    cell.path.is_some() || !cell.keys.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, monitor, node, row, service};
    use super::*;

    fn mesh() -> Matrix {
        let mut matrix = Matrix::default();
        let heard = Cell { monitors: vec![monitor("user:uptime", 1)], ..Cell::new(service("fireflies")) };
        matrix.put(node("alpha"), row("prod", [cell("fireflies")]));
        matrix.put(node("beta"), row("dev", [cell("fireflies"), cell("slack")]));
        matrix.put(node("gamma"), row("dev", [heard]));
        matrix.put(node("omega"), row("test", [cell("fireflies")]));
        matrix
    }

    #[test]
    fn nodes_of_other_environments_are_counted_for_the_services_a_node_watches() {
        let matrix = mesh();
        let told = |name: &str| Tally::of(&matrix).elsewhere(&node(name), matrix.row(&node(name)).expect("a row"));
        let fireflies = |name| told(name)[&service("fireflies")];
        assert_eq!(told("alpha").len(), 1, "of slack, which it does not watch, it is told nothing");
        assert_eq!(fireflies("alpha"), Elsewhere { nodes: 2, before: 0 }, "gamma only heard of it");
        assert_eq!(fireflies("beta"), Elsewhere { nodes: 2, before: 1 });
        assert_eq!(fireflies("omega"), Elsewhere { nodes: 2, before: 2 });
        assert_eq!(told("beta")[&service("slack")], Elsewhere::default(), "that there are none is told too");
    }
}
