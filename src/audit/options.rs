//! What a journal is opened with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::node_config::Durability;
use crate::model::crew::Crew;
use crate::model::name::NodeName;
use crate::model::time::Clock;

/// Where a journal is, and how it is written.
#[derive(Clone)]
pub struct JournalOptions {
    /// Its directory: made with mode 0700 if it is missing.
    pub directory: PathBuf,
    /// The node whose lines these are.
    pub node: NodeName,
    /// The time of the lines.
    pub clock: Arc<dyn Clock>,
    /// When a line is on the disk.
    pub durability: Durability,
    /// A file that has grown to so many bytes gets no further lines; it may end one group of lines behind that.
    pub file_bytes_max: u64,
    /// What bounds lines that wait for the lead; none on the lead.
    pub spool: Option<SpoolOptions>,
    /// Who brings it to the disk.
    pub crew: Arc<dyn Crew>,
}

/// The bound of what waits for the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolOptions {
    /// So many bytes of lines may wait. See [`super::error::Obstacle::SpoolFull`].
    pub bytes_max: u64,
    /// The number of the last line the lead is known to have; 0 if none is.
    pub forwarded_seq: u64,
}
