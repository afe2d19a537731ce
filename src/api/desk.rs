//! What every route works with.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::changes::Changes;
use crate::model::time::Clock;
use crate::vault::parts::Vault;

/// The door, and what is shared by all who knock.
pub(super) struct Desk {
    /// The one door.
    pub(super) vault: Vault,
    /// The changes its callers asked for.
    pub(super) changes: Changes,
    /// What bodies may take while they come in.
    pub(super) budget: Budget,
    /// What tells callers the time their answers are relative to.
    pub(super) clock: Arc<dyn Clock>,
    /// Bounds request bodies; the vault bounds the value itself.
    pub(super) value_bytes_max: usize,
    /// Ends what would go on for ever: watches.
    pub(super) stop: CancellationToken,
}
