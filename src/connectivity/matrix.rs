//! The matrix: what each node knows about each API. One persistent value, published whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::changes::{Changes, Place};
use super::difference::{Difference, difference};
use crate::model::api_check::{Cell, Elsewhere};
use crate::model::name::{EnvironmentName, NodeName, ServiceName};
use crate::model::time::Timestamp;

/// What one node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its environment: credentials of another are other credentials.
    pub environment: EnvironmentName,
    /// By service.
    pub cells: BTreeMap<ServiceName, Arc<Cell>>,
    /// Until when the node is known to have kept up its checks: each of its paths was checked within an interval of this.
    pub confirmed_at: Timestamp,
}

/// What all nodes know. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    rows: RedBlackTreeMapSync<NodeName, Arc<Row>>,
    changes: Changes,
    elsewhere: Arc<BTreeMap<ServiceName, Elsewhere>>,
}

impl Matrix {
    /// The row of a node.
    #[must_use]
    pub fn row(&self, node: &NodeName) -> Option<&Arc<Row>> {
        self.rows.get(node)
    }

    /// All rows, by node.
    pub fn rows(&self) -> impl Iterator<Item = (&NodeName, &Row)> {
        self.rows.iter().map(|(node, row)| (node, &**row))
    }

    /// What changed when.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// What the lead told of nodes that have no row here; none of a service that it has not spoken of. A lead has all rows.
    #[must_use]
    pub fn elsewhere(&self, service: &ServiceName) -> Option<Elsewhere> {
        self.elsewhere.get(service).copied()
    }

    /// The lead tells of the nodes that have no row here.
    pub fn tell_elsewhere(&mut self, told: BTreeMap<ServiceName, Elsewhere>) {
        self.elsewhere = Arc::new(told);
    }

    /// Makes this the row of a node.
    pub fn put(&mut self, node: NodeName, row: Row) {
        let before = self.rows.get(&node).cloned();
        let before = before.filter(|before| before.environment == row.environment || self.leave(&node, before));
        let known = |service: &ServiceName| before.as_ref().and_then(|before| before.cells.get(service));
        for (service, cell) in &row.cells {
            let by = match known(service) {
                Some(known) if Arc::ptr_eq(known, cell) => Difference::None,
                Some(known) => difference(known, cell),
                None => Difference::Great,
            };
            self.changes.note(&place(&node, &row, service), by);
        }
        let gone = before.iter().flat_map(|before| before.cells.keys()).filter(|name| !row.cells.contains_key(*name));
        gone.for_each(|service| self.changes.note_gone(place(&node, &row, service)));
        self.rows.insert_mut(node, Arc::new(row));
    }

    /// The node kept up its checks until then. Changes nothing else.
    pub fn confirm(&mut self, node: &NodeName, at: Timestamp) {
        if let Some(row) = self.rows.get(node).filter(|row| row.confirmed_at != at) {
            let row = Row { confirmed_at: at, ..Row::clone(row) };
            self.rows.insert_mut(node.clone(), Arc::new(row));
        }
    }

    /// Forgets a node.
    pub fn forget(&mut self, node: &NodeName) {
        if let Some(row) = self.rows.get(node).cloned() {
            self.leave(node, &row);
            self.rows.remove_mut(node);
        }
    }

    /// Forgets all nodes but these.
    pub fn retain(&mut self, is_kept: impl Fn(&NodeName) -> bool) {
        let gone: Vec<NodeName> = self.rows.keys().filter(|node| !is_kept(node)).cloned().collect();
        gone.iter().for_each(|node| self.forget(node));
    }

    /// Notes that nothing of this row is there any more. Gives `false`, for use in a filter.
    fn leave(&mut self, node: &NodeName, row: &Row) -> bool {
        row.cells.keys().for_each(|service| self.changes.note_gone(place(node, row, service)));
        false
    }
}

fn place(node: &NodeName, row: &Row, service: &ServiceName) -> Place {
    Place { environment: row.environment.clone(), node: node.clone(), service: service.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::changes::Asked;
    use super::super::testing::{cell, node, row};
    use super::*;

    fn changed(matrix: &Matrix, since: u64) -> Vec<String> {
        let places = matrix.changes().since(since, Asked::Every, 0).expect("known");
        places.map(|place| format!("{} {}", place.environment, place.service)).collect()
    }

    #[test]
    fn a_row_that_is_put_again_changes_what_differs() {
        let mut matrix = Matrix::default();
        matrix.put(node("alpha"), row("prod", [cell("openai"), cell("slack")]));
        assert_eq!(changed(&matrix, 0), ["prod openai", "prod slack"]);
        let at = matrix.changes().last();
        matrix.put(node("alpha"), row("prod", [cell("openai"), cell("slack")]));
        assert!(changed(&matrix, at).is_empty());
        matrix.put(node("alpha"), row("prod", [Cell { spent_today: 1, ..cell("openai") }, cell("stripe")]));
        assert_eq!(changed(&matrix, at), ["prod openai", "prod stripe", "prod slack"]);
        let at = matrix.changes().last();
        matrix.confirm(&node("alpha"), Timestamp(9));
        assert!(changed(&matrix, at).is_empty());
        assert_eq!(matrix.row(&node("alpha")).expect("there").confirmed_at, Timestamp(9));
    }

    /// A node that joined anew elsewhere leaves where it was: those who saw it there must not keep its row.
    #[test]
    fn a_node_that_is_gone_or_elsewhere_leaves_its_places() {
        let mut matrix = Matrix::default();
        matrix.put(node("alpha"), row("prod", [cell("openai")]));
        let at = matrix.changes().last();
        matrix.put(node("alpha"), row("dev", [cell("openai")]));
        assert_eq!(changed(&matrix, at), ["prod openai", "dev openai"]);
        let at = matrix.changes().last();
        matrix.retain(|_| false);
        assert_eq!((changed(&matrix, at), matrix.rows().count()), (vec!["dev openai".to_owned()], 0));
    }
}
