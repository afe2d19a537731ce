//! The follower's side: which messages of the lead it accepts, and what they do to its cache.
//!
//! A follower accepts only an epoch at least its own and the next revision; a snapshot replaces the whole cache, and only
//! once all of it has arrived. Whatever does not fit ends the session with a typed reason: the follower keeps what it has.

use crate::model::entitlement::Entitlement;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::record::Record;

/// Most records a follower stages from one snapshot; the design limit of a whole mesh.
pub const SNAPSHOT_RECORDS_MAX: usize = 1_000_000;

/// Most sealed bytes it stages: a million records of four kilobytes. Without it the number alone would let a lead that was
/// taken over ask for a million of the largest values.
const SNAPSHOT_BYTES_MAX: usize = 4 << 30;

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
    #[error(
        "a snapshot holds more than {SNAPSHOT_RECORDS_MAX} records, or more than {SNAPSHOT_BYTES_MAX} sealed bytes"
    )]
    SnapshotTooLarge,
}

/// One subscription of a follower.
#[derive(Debug)]
pub struct Acceptance {
    position: Position,
    staged: Option<(Position, Entitlement, Vec<Record>)>,
    staged_bytes: usize,
}

impl Acceptance {
    /// A subscription of a node that stands at `position`.
    #[must_use]
    pub fn new(position: Position) -> Self {
        Self { position, staged: None, staged_bytes: 0 }
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
        #[cfg(feature = "seeded_bugs")]
        let own = if crate::model::seeded::bug(7) { Position { epoch: position.epoch, ..own } } else { own };
        if position.epoch < own.epoch {
            return Err(Refusal::EpochWentBack { offered: position.epoch, own: own.epoch });
        }
        if position < own {
            return Err(Refusal::RevisionWentBack { offered: position.revision, own: own.revision });
        }
        self.staged = Some((position, entitlement, Vec::new()));
        self.staged_bytes = 0;
        Ok(Accepted::Staged)
    }

    fn stage(&mut self, records: Vec<Record>) -> Result<Accepted, Refusal> {
        let Some((_, _, staged)) = &mut self.staged else { return Err(Refusal::SnapshotOutOfOrder) };
        let sealed = records.iter().filter_map(Record::sealed).map(|sealed| sealed.ciphertext.len());
        self.staged_bytes = sealed.fold(self.staged_bytes, usize::saturating_add);
        let count = staged.len().saturating_add(records.len());
        if count > SNAPSHOT_RECORDS_MAX || self.staged_bytes > SNAPSHOT_BYTES_MAX {
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
        #[cfg(feature = "seeded_bugs")]
        let own = if crate::model::seeded::bug(7) { Position { epoch, ..own } } else { own };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::company::Companies;
    use crate::model::name::EnvironmentName;
    use crate::model::number::Generation;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn position(epoch: u64, revision: u64) -> Position {
        Position { epoch: Epoch(epoch), revision: Revision(revision) }
    }

    /// A subscription of a node that stands at epoch 2, revision 10.
    fn acceptance() -> Acceptance {
        Acceptance::new(position(2, 10))
    }

    fn change(epoch: u64, previous: u64, revision: u64) -> Incoming {
        let (previous, revision) = (Revision(previous), Revision(revision));
        Incoming::Change { epoch: Epoch(epoch), previous, revision, records: Vec::new() }
    }

    fn begin(epoch: u64, revision: u64) -> Incoming {
        let environment = EnvironmentName::parse("prod").expect("environment");
        let entitlement = Entitlement { environment, companies: Companies::default(), globs: Vec::new() };
        Incoming::SnapshotBegin { position: position(epoch, revision), entitlement }
    }

    fn refused(incoming: Incoming) -> Refusal {
        acceptance().accept(incoming).expect_err("refused")
    }

    #[test]
    fn the_next_change_is_accepted_and_the_one_after_it_follows_on() {
        let mut acceptance = acceptance();
        for (previous, revision) in [(10, 11), (11, 20)] {
            let accepted = acceptance.accept(change(2, previous, revision)).expect("follows on");
            assert_eq!(accepted, Accepted::Apply { position: position(2, revision), records: Vec::new() });
        }
        let repeated = acceptance.accept(change(2, 11, 20)).expect_err("heard before");
        assert_eq!(repeated, Refusal::Gap { offered: Revision(11), own: Revision(20) });
    }

    #[test]
    fn a_change_that_leaves_something_out_or_repeats_it_is_a_gap() {
        for previous in [9, 11] {
            let gap = Refusal::Gap { offered: Revision(previous), own: Revision(10) };
            assert_eq!(refused(change(2, previous, 12)), gap);
        }
    }

    #[test]
    fn a_change_that_leads_nowhere_or_back_is_refused() {
        for revision in [10, 9, 0] {
            let back = Refusal::RevisionWentBack { offered: Revision(revision), own: Revision(10) };
            assert_eq!(refused(change(2, 10, revision)), back);
        }
    }

    #[test]
    fn a_reign_that_is_over_is_refused_by_change_and_by_snapshot() {
        let back = Refusal::EpochWentBack { offered: Epoch(1), own: Epoch(2) };
        assert_eq!(refused(change(1, 10, 11)), back);
        assert_eq!(refused(begin(1, 1_000)), back);
    }

    #[test]
    fn a_snapshot_of_a_lead_that_was_set_back_is_refused_and_one_of_a_new_reign_is_not() {
        let back = Refusal::RevisionWentBack { offered: Revision(9), own: Revision(10) };
        assert_eq!(refused(begin(2, 9)), back);
        assert_eq!(acceptance().accept(begin(2, 10)), Ok(Accepted::Staged));
        assert_eq!(acceptance().accept(begin(3, 1)), Ok(Accepted::Staged));
    }

    #[test]
    fn a_new_reign_begins_with_a_snapshot() {
        assert_eq!(refused(change(3, 10, 11)), Refusal::NewEpochWithoutSnapshot(Epoch(3)));
    }

    #[test]
    fn a_snapshot_of_another_number_of_records_than_it_says_changes_nothing() {
        let mut acceptance = acceptance();
        for incoming in [begin(2, 20), Incoming::SnapshotRecords(Vec::new())] {
            assert_eq!(acceptance.accept(incoming), Ok(Accepted::Staged));
        }
        let miscounted = acceptance.accept(Incoming::SnapshotEnd { count: 1 });
        assert_eq!(miscounted, Err(Refusal::SnapshotCount { said: 1, came: 0 }));
        let next = acceptance.accept(change(2, 10, 11)).expect("it still stands where it stood");
        assert_eq!(next, Accepted::Apply { position: position(2, 11), records: Vec::new() });
    }

    #[test]
    fn snapshot_messages_out_of_order_are_refused() {
        assert_eq!(refused(Incoming::SnapshotRecords(Vec::new())), Refusal::SnapshotOutOfOrder);
        assert_eq!(refused(Incoming::SnapshotEnd { count: 0 }), Refusal::SnapshotOutOfOrder);
        for second in [begin(2, 20), change(2, 10, 11)] {
            let mut acceptance = acceptance();
            assert_eq!(acceptance.accept(begin(2, 20)), Ok(Accepted::Staged));
            assert_eq!(acceptance.accept(second), Err(Refusal::SnapshotOutOfOrder));
        }
    }

    /// The bytes are zeros that the system only promises: nobody touches them.
    #[test]
    fn a_snapshot_of_more_sealed_bytes_than_a_node_may_hold_is_refused() {
        let mut acceptance = acceptance();
        assert_eq!(acceptance.accept(begin(2, 20)), Ok(Accepted::Staged));
        let at = SecretAddress {
            environment: EnvironmentName::parse("prod").expect("environment"),
            name: SecretName::parse("hubspot/api_key").expect("name"),
        };
        let first = Generation::new(1).expect("positive");
        let record = |bytes: usize| Record::sample(at.within(Scope::Global), first, vec![0; bytes]);
        for _ in 0..4 {
            assert_eq!(acceptance.accept(Incoming::SnapshotRecords(vec![record(1 << 30)])), Ok(Accepted::Staged));
        }
        assert_eq!(acceptance.accept(Incoming::SnapshotRecords(vec![record(1)])), Err(Refusal::SnapshotTooLarge));
    }

    /// Half a snapshot is in memory only: a node that is cut off stands where it stood.
    #[test]
    fn a_snapshot_counts_once_it_is_complete_and_not_before() {
        let mut acceptance = acceptance();
        assert_eq!(acceptance.accept(begin(3, 5)), Ok(Accepted::Staged));
        assert_eq!(acceptance.position, position(2, 10));
        let complete = acceptance.accept(Incoming::SnapshotEnd { count: 0 }).expect("complete");
        assert!(matches!(complete, Accepted::Replace { position: at, .. } if at == position(3, 5)), "{complete:?}");
        assert_eq!(acceptance.position, position(3, 5));
    }
}
