//! The follower's side: which messages of the lead it accepts, and what they do to its cache.
//!
//! A follower accepts only an epoch at least its own and the next revision; a snapshot replaces the whole cache, and only
//! once all of it has arrived. Whatever does not fit ends the session with a typed reason: the follower keeps what it has.

use crate::model::entitlement::Entitlement;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::record::Record;

/// Most records a follower stages from one snapshot; the design limit of a whole mesh.
pub const SNAPSHOT_RECORDS_MAX: usize = 1_000_000;

/// A message of the subscription stream, already parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A snapshot follows.
    SnapshotBegin {
        /// The state it describes.
        position: Position,
        /// What this node is entitled to from now on.
        entitlement: Entitlement,
    },
    /// Part of a snapshot.
    SnapshotRecords(Vec<Record>),
    /// The snapshot is complete.
    SnapshotEnd {
        /// How many records it had.
        count: u64,
    },
    /// Changes.
    Change {
        /// The lead's reign.
        epoch: Epoch,
        /// Where the follower must stand.
        previous: Revision,
        /// Where this brings it.
        revision: Revision,
        /// The records of it that concern this node.
        records: Vec<Record>,
    },
}

/// What an accepted message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Kept in memory until the snapshot is complete.
    Staged,
    /// The cache becomes exactly this.
    Replace {
        /// The new position.
        position: Position,
        /// All records.
        records: Vec<Record>,
        /// The entitlement they were chosen by.
        entitlement: Entitlement,
    },
    /// These records are new.
    Apply {
        /// The new position.
        position: Position,
        /// The records.
        records: Vec<Record>,
    },
}

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The sender's reign is over, or it was restored without a new one.
    #[error("the lead speaks for epoch {offered}, this node has followed epoch {own}")]
    EpochWentBack {
        /// What it spoke for.
        offered: Epoch,
        /// What this node has followed.
        own: Epoch,
    },
    /// The sender's history is shorter than what this node has seen.
    #[error("the lead stands at revision {offered}, this node at {own}: the lead was set back")]
    RevisionWentBack {
        /// Where it stands.
        offered: Revision,
        /// Where this node stands.
        own: Revision,
    },
    /// A change that does not follow on.
    #[error("a change follows revision {offered}, this node stands at {own}")]
    Gap {
        /// What it follows.
        offered: Revision,
        /// Where this node stands.
        own: Revision,
    },
    /// A new epoch can only begin with a snapshot.
    #[error("a change of epoch {0} came before its snapshot")]
    NewEpochWithoutSnapshot(Epoch),
    /// Snapshot messages out of order.
    #[error("a snapshot message came out of order")]
    SnapshotOutOfOrder,
    /// The snapshot is not what it said it was.
    #[error("a snapshot of {said} records had {came}")]
    SnapshotCount {
        /// What its end said.
        said: u64,
        /// What came.
        came: u64,
    },
    /// More than any mesh may hold.
    #[error("a snapshot holds more than {SNAPSHOT_RECORDS_MAX} records")]
    SnapshotTooLarge,
}

/// One subscription of a follower.
#[derive(Debug)]
pub struct Acceptance {
    position: Position,
    staged: Option<(Position, Entitlement, Vec<Record>)>,
}

impl Acceptance {
    /// A subscription of a node that stands at `position`.
    #[must_use]
    pub fn new(position: Position) -> Self {
        Self { position, staged: None }
    }

    /// Judges one message.
    ///
    /// # Errors
    /// [`Refusal`]: the message changes nothing and the session must end.
    pub fn accept(&mut self, incoming: Incoming) -> Result<Accepted, Refusal> {
        match incoming {
            Incoming::SnapshotBegin { position, entitlement } => self.begin(position, entitlement),
            Incoming::SnapshotRecords(records) => self.stage(records),
            Incoming::SnapshotEnd { count } => self.complete(count),
            Incoming::Change { epoch, previous, revision, records } => self.change(epoch, previous, revision, records),
        }
    }

    fn begin(&mut self, position: Position, entitlement: Entitlement) -> Result<Accepted, Refusal> {
        if self.staged.is_some() {
            return Err(Refusal::SnapshotOutOfOrder);
        }
        let own = self.position;
        if position.epoch < own.epoch {
            return Err(Refusal::EpochWentBack { offered: position.epoch, own: own.epoch });
        }
        if position < own {
            return Err(Refusal::RevisionWentBack { offered: position.revision, own: own.revision });
        }
        self.staged = Some((position, entitlement, Vec::new()));
        Ok(Accepted::Staged)
    }

    fn stage(&mut self, records: Vec<Record>) -> Result<Accepted, Refusal> {
        let Some((_, _, staged)) = &mut self.staged else { return Err(Refusal::SnapshotOutOfOrder) };
        if staged.len().saturating_add(records.len()) > SNAPSHOT_RECORDS_MAX {
            return Err(Refusal::SnapshotTooLarge);
        }
        staged.extend(records);
        Ok(Accepted::Staged)
    }

    fn complete(&mut self, said: u64) -> Result<Accepted, Refusal> {
        let Some((position, entitlement, records)) = self.staged.take() else {
            return Err(Refusal::SnapshotOutOfOrder);
        };
        let came = u64::try_from(records.len()).unwrap_or(u64::MAX);
        if came != said {
            return Err(Refusal::SnapshotCount { said, came });
        }
        self.position = position;
        Ok(Accepted::Replace { position, records, entitlement })
    }

    fn change(
        &mut self,
        epoch: Epoch,
        previous: Revision,
        revision: Revision,
        records: Vec<Record>,
    ) -> Result<Accepted, Refusal> {
        let own = self.position;
        if self.staged.is_some() {
            return Err(Refusal::SnapshotOutOfOrder);
        }
        if epoch < own.epoch {
            return Err(Refusal::EpochWentBack { offered: epoch, own: own.epoch });
        }
        if epoch > own.epoch {
            return Err(Refusal::NewEpochWithoutSnapshot(epoch));
        }
        if previous != own.revision {
            return Err(Refusal::Gap { offered: previous, own: own.revision });
        }
        if revision <= previous {
            return Err(Refusal::RevisionWentBack { offered: revision, own: own.revision });
        }
        self.position = Position { epoch, revision };
        Ok(Accepted::Apply { position: self.position, records })
    }
}
