//! A provider that allows so many calls a day allows them to the whole mesh: each node has its part.

use super::elsewhere::watches;
use super::matrix::{Matrix, Row};
use super::spent;
use crate::model::api_check::{Cell, Elsewhere};
use crate::model::name::{NodeName, ServiceName};
use crate::model::time::Timestamp;

/// How many of `budget` calls a day the node `own` may make: an equal part for each node that watches the service (the first
/// by name get one more while they do not divide evenly), and never more than the others have left. A lead sees all nodes
/// in its matrix; `elsewhere` counts those that a follower does not see in its own. What is said to be spent in another
/// environment, with other keys, is not taken off: nobody there holds up the checks here.
///
/// A follower that has not been told who else there is has no part that it could know of, and is not to ask: it makes no
/// calls to such a provider by itself until a lead told it. So does one that was started while its lead is away, however
/// long that lasts. What a follower was told once goes on to count when the lead is lost.
#[must_use]
pub fn share(
    matrix: &Matrix,
    elsewhere: Elsewhere,
    service: &ServiceName,
    own: &NodeName,
    budget: u32,
    now: Timestamp,
) -> u32 {
    let Elsewhere { nodes, mut before } = elsewhere;
    let (mut nodes, mut spent) = (nodes.saturating_add(1), 0_u32);
    let here = matrix.row(own).map(|row| &row.environment);
    let others = matrix.rows().filter(|(node, _)| *node != own);
    for (node, row, cell) in others.filter_map(|(node, row)| Some((node, row, row.cells.get(service)?))) {
        if watches(cell) {
            nodes = nodes.saturating_add(1);
            before = before.saturating_add(u32::from(node < own));
        }
        if here.is_none_or(|here| *here == row.environment) {
            spent = spent.saturating_add(spent_today(row, cell, now));
        }
    }
    let part = budget / nodes + u32::from(before < budget % nodes);
    part.min(budget.saturating_sub(spent))
}

/// The calls of today. What a node told on an earlier day, before it was lost, is not of today.
fn spent_today(row: &Row, cell: &Cell, now: Timestamp) -> u32 {
    if spent::day(row.confirmed_at) < spent::day(now) { 0 } else { cell.spent_today }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cell, node, row, service};
    use super::*;

    const NOW: Timestamp = Timestamp(1);

    fn matrix(nodes: &[(&str, &str, u32)]) -> Matrix {
        let mut matrix = Matrix::default();
        for (name, of, spent_today) in nodes {
            matrix.put(node(name), row("prod", [Cell { spent_today: *spent_today, ..cell(of) }]));
        }
        matrix
    }

    fn shares(matrix: &Matrix, nodes: &[&str], budget: u32) -> Vec<u32> {
        let elsewhere = Elsewhere::default();
        nodes.iter().map(|name| share(matrix, elsewhere, &service("fireflies"), &node(name), budget, NOW)).collect()
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
    fn what_others_have_already_used_is_gone_until_the_next_day() {
        let matrix = matrix(&[("a", "fireflies", 40), ("b", "fireflies", 0)]);
        assert_eq!(shares(&matrix, &["a", "b"], 50), [25, 10]);
        let tomorrow = Timestamp(86_400_001);
        let b = share(&matrix, Elsewhere::default(), &service("fireflies"), &node("b"), 50, tomorrow);
        assert_eq!(b, 25, "a was lost yesterday");
    }

    #[test]
    fn what_a_monitor_speaks_of_takes_no_part() {
        let mut matrix = matrix(&[("a", "fireflies", 0)]);
        matrix.put(node("b"), row("prod", [Cell::new(service("fireflies"))]));
        assert_eq!(shares(&matrix, &["a"], 50), [50]);
    }

    /// Two nodes of one environment, one of another: together they have the budget, whatever each may see of the others.
    #[test]
    fn nodes_that_are_not_seen_have_their_parts_too() {
        let seen = matrix(&[("a", "fireflies", 0), ("c", "fireflies", 0)]);
        let part = |matrix: &Matrix, name: &str, elsewhere| {
            share(matrix, elsewhere, &service("fireflies"), &node(name), 50, NOW)
        };
        let one = |before| Elsewhere { nodes: 1, before };
        let b = Elsewhere { nodes: 2, before: 1 };
        let parts = [part(&seen, "a", one(0)), part(&Matrix::default(), "b", b), part(&seen, "c", one(1))];
        assert_eq!(parts, [17, 17, 16]);
    }

    #[test]
    fn what_a_node_of_another_environment_says_it_spent_takes_nothing_from_the_nodes_here() {
        let mut matrix = matrix(&[("a", "fireflies", 0), ("b", "fireflies", 30)]);
        matrix.put(node("mallory"), row("dev", [Cell { spent_today: u32::MAX, ..cell("fireflies") }]));
        assert_eq!(shares(&matrix, &["a", "b"], 50), [17, 17]);
        assert_eq!(shares(&matrix, &["a"], 35), [5], "what is spent here counts");
    }
}
