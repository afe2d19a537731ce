//! The matrix: what each node knows about each API. One persistent value, published whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::model::api_check::Cell;
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

    /// Makes this the row of a node.
    pub fn put(&mut self, node: NodeName, row: Row) {
        self.rows.insert_mut(node, Arc::new(row));
    }

    /// Forgets a node.
    pub fn forget(&mut self, node: &NodeName) {
        self.rows.remove_mut(node);
    }
}
