//! What is counted: any part adds, one text shows all of it.

/// The numbers of one node. Cheap to share.
#[derive(Debug, Clone, Default)]
pub struct Metrics {}
