//! How the changes that wait become one batch: planned in the order they came, each on top of the ones before it. Pure but
//! for sealing.

use super::change::{Change, Committed};
use super::draft::{Draft, LeadState, Sealer};
use super::error::CommitError;
use crate::model::time::Timestamp;

/// A change that waits, and the audit line that announced it.
#[derive(Debug)]
pub struct Waiting {
    /// What is to be changed.
    pub change: Change,
    /// The number of the line.
    pub audit_seq: u64,
}

/// Changes planned together: it grows until it is handed to the store.
///
/// What came of them may speak of changes that are in the batch, or in the one it stands on, and not on the disk yet: a
/// refusal of one that follows another, too. So nobody is answered before both are written, as far as there is anything
/// to write.
#[derive(Debug)]
pub struct Batch {
    draft: Draft,
    /// What came of each change, in their order.
    pub outcomes: Vec<Result<Committed, CommitError>>,
}

impl Batch {
    /// An empty batch on top of a state: the committed one, or the one that is being written.
    #[must_use]
    pub fn on(state: &LeadState) -> Self {
        Self { draft: Draft::new(state), outcomes: Vec::new() }
    }

    /// Plans one change on top of those that are in the batch.
    pub fn add(&mut self, Waiting { change, audit_seq }: Waiting, sealer: &Sealer, now: Timestamp) {
        self.outcomes.push(self.draft.plan(change, audit_seq, sealer, now));
    }

    /// Ends it: the state after it, what the store must write, which is nothing if nothing changes, and whether bytes must
    /// leave the file before anyone is answered.
    #[must_use]
    pub fn concluded(self, sealer: &Sealer) -> (Draft, Vec<Result<Committed, CommitError>>) {
        let Self { mut draft, outcomes } = self;
        draft.conclude(sealer);
        (draft, outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::NewValue;
    use super::super::draft_life::{Bench, NOW, at};
    use super::*;
    use crate::crypto::plaintext::Plaintext;
    use crate::model::patch::Patch;

    fn put(value: &str, cas: Option<u64>) -> Waiting {
        let value = Plaintext::new(value.as_bytes().to_vec());
        let change = Change::Put(Box::new(NewValue { at: at(), value, patch: Patch::default(), cas }));
        Waiting { change, audit_seq: 1 }
    }

    fn planned(bench: &Bench, changes: Vec<Waiting>) -> (Draft, Vec<Result<Committed, CommitError>>) {
        let mut batch = Batch::on(&bench.draft.state);
        changes.into_iter().for_each(|waiting| batch.add(waiting, &bench.sealer, NOW));
        batch.concluded(&bench.sealer)
    }

    /// A check-and-set that came with the put it lost to was refused at once, with a version that was not on the disk yet.
    /// The lead died before it was; whoever had been refused looked, and that version had never been.
    #[test]
    fn a_refusal_that_speaks_of_the_batch_waits_for_the_batch() {
        let bench = Bench::new();
        let (draft, outcomes) = planned(&bench, vec![put("one", None), put("two", Some(0))]);
        let [Ok(_), Err(CommitError::Conflict { current: Some(planned) })] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert_eq!(planned.get(), 1);
        assert!(!draft.mutations.is_empty(), "it is answered once this is written");
    }

    #[test]
    fn a_batch_that_changes_nothing_has_nothing_to_write() {
        let bench = Bench::new();
        let (draft, outcomes) = planned(&bench, vec![put("one", Some(3))]);
        assert!(matches!(outcomes[..], [Err(CommitError::Conflict { current: None })]), "{outcomes:?}");
        assert!(draft.mutations.is_empty());
    }
}
