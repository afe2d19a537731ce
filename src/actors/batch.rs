//! How the changes that wait become one batch: planned in the order they came, each on top of the ones before it. Pure but
//! for sealing.

use super::change::{Change, Committed};
use super::draft::{Draft, LeadState, Sealer};
use super::error::CommitError;
use crate::model::time::Timestamp;
use crate::store::mutation::Mutation;

/// A change that waits, and the audit line that announced it.
#[derive(Debug)]
pub struct Waiting {
    /// What is to be changed.
    pub change: Change,
    /// The number of the line.
    pub audit_seq: u64,
}

/// Changes planned together.
///
/// What came of them may speak of changes that are in the batch and not on the disk yet: a refusal of one that follows
/// another, too. So nobody is answered before the batch is written, unless there is nothing to write.
#[derive(Debug)]
pub struct Batch {
    /// The state after the batch.
    pub state: LeadState,
    /// What the store must write; nothing, if nothing changes.
    pub mutations: Vec<Mutation>,
    /// Whether bytes must leave the file before anyone is answered.
    pub purges: bool,
    /// What came of each change, in their order.
    pub outcomes: Vec<Result<Committed, CommitError>>,
}

/// Plans these changes on top of a committed state.
#[must_use]
pub fn plan(on: &LeadState, changes: Vec<Waiting>, sealer: &Sealer, now: Timestamp) -> Batch {
    let mut draft = Draft::new(on);
    let mut planned = |waiting: Waiting| draft.plan(waiting.change, waiting.audit_seq, sealer, now);
    let outcomes = changes.into_iter().map(&mut planned).collect();
    draft.conclude(sealer);
    let Draft { state, mutations, purges } = draft;
    Batch { state, mutations, purges, outcomes }
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

    /// A check-and-set that came with the put it lost to was refused at once, with a version that was not on the disk yet.
    /// The lead died before it was; whoever had been refused looked, and that version had never been.
    #[test]
    fn a_refusal_that_speaks_of_the_batch_waits_for_the_batch() {
        let bench = Bench::new();
        let batch = plan(&bench.draft.state, vec![put("one", None), put("two", Some(0))], &bench.sealer, NOW);
        let [Ok(_), Err(CommitError::Conflict { current: Some(planned) })] = &batch.outcomes[..] else {
            panic!("{:?}", batch.outcomes)
        };
        assert_eq!(planned.get(), 1);
        assert!(!batch.mutations.is_empty(), "it is answered once this is written");
    }

    #[test]
    fn a_batch_that_changes_nothing_has_nothing_to_write() {
        let bench = Bench::new();
        let batch = plan(&bench.draft.state, vec![put("one", Some(3))], &bench.sealer, NOW);
        assert!(matches!(batch.outcomes[..], [Err(CommitError::Conflict { current: None })]), "{:?}", batch.outcomes);
        assert!(batch.mutations.is_empty());
    }
}
