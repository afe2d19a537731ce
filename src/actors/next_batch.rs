//! The batch that the lead writes next, with everybody who waits for it: planned while the one before it is being written, so
//! that the disk never waits for a plan.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::batch::{Batch, Waiting};
use super::change::{Change, Committed};
use super::draft::{Draft, LeadState, Sealer};
use super::error::CommitError;
use crate::model::time::Timestamp;

/// A change that somebody waits for.
#[derive(Debug)]
pub(super) struct Ticket {
    /// What is to be changed.
    pub(super) change: Change,
    /// The number of the audit line that announced it.
    pub(super) audit_seq: u64,
    /// Where the answer goes.
    pub(super) reply: Reply,
    /// The place in the queue; free again when the answer is given.
    pub(super) permit: OwnedSemaphorePermit,
}

/// Where an answer goes.
pub(super) type Reply = oneshot::Sender<Result<Committed, CommitError>>;

/// Who waits for what, each with its place in the queue.
pub(super) type Replies = Vec<(Reply, Result<Committed, CommitError>, OwnedSemaphorePermit)>;

/// Tells everybody what came of it.
pub(super) fn answer(replies: Replies) {
    for (reply, outcome, _) in replies {
        // Whoever gave up waiting is not there to hear it.
        drop(reply.send(outcome));
    }
}

/// The next batch.
pub(super) struct Next {
    batch: Batch,
    waiting: Vec<(Reply, OwnedSemaphorePermit)>,
}

impl Next {
    /// An empty one on top of a state.
    pub(super) fn on(state: &LeadState) -> Self {
        Self { batch: Batch::on(state), waiting: Vec::new() }
    }

    /// How many wait for it.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Plans these changes, but for those nobody waits for any more.
    pub(super) fn add(&mut self, tickets: Vec<Ticket>, sealer: &Sealer, now: Timestamp) {
        for Ticket { change, audit_seq, reply, permit } in
            tickets.into_iter().filter(|ticket| !ticket.reply.is_closed())
        {
            self.batch.add(Waiting { change, audit_seq }, sealer, now);
            self.waiting.push((reply, permit));
        }
    }

    /// What the store must write, and what everybody is told then.
    pub(super) fn concluded(self, sealer: &Sealer) -> (Draft, Replies) {
        let (draft, outcomes) = self.batch.concluded(sealer);
        let replies = self.waiting.into_iter().zip(outcomes).map(|((reply, permit), outcome)| (reply, outcome, permit));
        (draft, replies.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::super::change::NewValue;
    use super::super::draft_life::{Bench, NOW, at};
    use super::*;
    use crate::crypto::plaintext::Plaintext;
    use crate::model::patch::Patch;

    type Answer = oneshot::Receiver<Result<Committed, CommitError>>;

    fn ticket(places: &Arc<Semaphore>, value: &str, cas: u64) -> (Ticket, Answer) {
        let value = Plaintext::new(value.as_bytes().to_vec());
        let change = Change::Put(Box::new(NewValue { at: at(), value, patch: Patch::default(), cas: Some(cas) }));
        let permit = Arc::clone(places).try_acquire_owned().expect("a place");
        let (reply, answer) = oneshot::channel();
        (Ticket { change, audit_seq: 1, reply, permit }, answer)
    }

    #[test]
    fn what_comes_while_a_batch_is_written_is_planned_on_top_of_it_in_the_order_it_came() {
        let (bench, places) = (Bench::new(), Arc::new(Semaphore::new(4)));
        let mut written = Next::on(&bench.draft.state);
        let (first, mut answered) = ticket(&places, "one", 0);
        written.add(vec![first], &bench.sealer, NOW);
        let (written, replies) = written.concluded(&bench.sealer);
        let mut next = Next::on(&written.state);
        let ((late, mut late_answer), (later, mut later_answer)) =
            (ticket(&places, "two", 1), ticket(&places, "three", 1));
        next.add(vec![late], &bench.sealer, NOW);
        next.add(vec![later], &bench.sealer, NOW);
        assert_eq!(next.len(), 2);
        let (planned, waiting) = next.concluded(&bench.sealer);
        assert_eq!(planned.state.lead.view.get(&at()).expect("stored").version.get(), 2);
        assert!(answered.try_recv().is_err() && late_answer.try_recv().is_err(), "nobody is told before it is written");
        answer(replies);
        answer(waiting);
        assert!(matches!(answered.try_recv(), Ok(Ok(Committed::Secret(_)))));
        assert!(matches!(late_answer.try_recv(), Ok(Ok(Committed::Secret(_)))));
        let refused = later_answer.try_recv().expect("told");
        assert!(matches!(refused, Err(CommitError::Conflict { current: Some(version) }) if version.get() == 2));
        assert_eq!(places.available_permits(), 4);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_planned() {
        let (bench, places) = (Bench::new(), Arc::new(Semaphore::new(1)));
        let (given_up, answer) = ticket(&places, "one", 0);
        drop(answer);
        let mut next = Next::on(&bench.draft.state);
        next.add(vec![given_up], &bench.sealer, NOW);
        let (planned, replies) = next.concluded(&bench.sealer);
        assert!(planned.mutations.is_empty() && replies.is_empty());
        assert_eq!(places.available_permits(), 1, "and its place is free");
    }
}
