//! A provider that allows so many calls a day allows them to the whole mesh: each node has its part.

use super::matrix::Matrix;
use crate::model::name::{NodeName, ServiceName};

/// How many of `budget` calls a day the node `own` may make: an equal part for each node that watches the service (the first
/// by name get one more while they do not divide evenly), and never more than the others have left. What is said to be spent
/// in another environment, with other keys, is not taken off: nobody there holds up the checks here.
#[must_use]
pub fn share(matrix: &Matrix, service: &ServiceName, own: &NodeName, budget: u32) -> u32 {
    let (mut nodes, mut before, mut spent) = (1_u32, 0_u32, 0_u32);
    let here = matrix.row(own).map(|row| &row.environment);
    let others = matrix.rows().filter(|(node, _)| *node != own);
    for (node, row, cell) in others.filter_map(|(node, row)| Some((node, row, row.cells.get(service)?))) {
        nodes = nodes.saturating_add(1);
        before = before.saturating_add(u32::from(node < own));
        if here.is_none_or(|here| *here == row.environment) {
            spent = spent.saturating_add(cell.spent_today);
        }
    }
    let part = budget / nodes + u32::from(before < budget % nodes);
    part.min(budget.saturating_sub(spent))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::matrix::Row;
    use super::*;
    use crate::model::api_check::Cell;
    use crate::model::name::EnvironmentName;
    use crate::model::time::Timestamp;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).expect("name")
    }

    fn service(name: &str) -> ServiceName {
        ServiceName::parse(name).expect("name")
    }

    fn matrix(nodes: &[(&str, &str, u32)]) -> Matrix {
        let mut matrix = Matrix::default();
        for (name, of, spent_today) in nodes {
            let cell = Cell { spent_today: *spent_today, ..Cell::new(service(of)) };
            let environment = EnvironmentName::parse("prod").expect("name");
            let cells = [(service(of), Arc::new(cell))].into();
            matrix.put(node(name), Row { environment, cells, confirmed_at: Timestamp(0) });
        }
        matrix
    }

    fn shares(matrix: &Matrix, nodes: &[&str], budget: u32) -> Vec<u32> {
        nodes.iter().map(|name| share(matrix, &service("fireflies"), &node(name), budget)).collect()
    }

    #[test]
    fn the_parts_of_all_nodes_are_the_budget_and_nodes_that_do_not_watch_have_none() {
        let matrix = matrix(&[("a", "fireflies", 0), ("b", "fireflies", 0), ("c", "fireflies", 0), ("d", "openai", 0)]);
        assert_eq!(shares(&matrix, &["a", "b", "c"], 50), [17, 17, 16]);
        assert_eq!(shares(&matrix, &["a", "b", "c"], 2), [1, 1, 0]);
        assert_eq!(shares(&matrix, &["a", "b", "c"], 0), [0, 0, 0]);
    }

    #[test]
    fn a_node_that_is_alone_or_not_known_yet_counts_itself() {
        assert_eq!(shares(&Matrix::default(), &["a"], 50), [50]);
        assert_eq!(shares(&matrix(&[("a", "fireflies", 0)]), &["b"], 51), [25]);
    }

    #[test]
    fn what_others_have_already_used_is_gone() {
        let matrix = matrix(&[("a", "fireflies", 40), ("b", "fireflies", 0)]);
        assert_eq!(shares(&matrix, &["a", "b"], 50), [25, 10]);
    }

    #[test]
    fn what_a_node_of_another_environment_says_it_spent_takes_nothing_from_the_nodes_here() {
        let mut matrix = matrix(&[("a", "fireflies", 0), ("b", "fireflies", 30)]);
        let cell = Cell { spent_today: u32::MAX, ..Cell::new(service("fireflies")) };
        let environment = EnvironmentName::parse("dev").expect("name");
        let cells = [(service("fireflies"), Arc::new(cell))].into();
        matrix.put(node("mallory"), Row { environment, cells, confirmed_at: Timestamp(0) });
        assert_eq!(shares(&matrix, &["a", "b"], 50), [17, 17]);
        assert_eq!(shares(&matrix, &["a"], 35), [5], "what is spent here counts");
    }
}
