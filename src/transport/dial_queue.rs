//! Dials that wait for a place among the handshakes, each until its client gives up. Pure: the time is given.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The dials, oldest first.
#[derive(Debug)]
pub(super) struct DialQueue<D> {
    waiting: VecDeque<(Instant, D)>,
    most: usize,
    patience: Duration,
}

/// The dial whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<D> {
    /// Its handshake may take until then.
    Begin(Instant, D),
    /// Its client has given up by now.
    Late(D),
}

impl<D> DialQueue<D> {
    /// An empty queue for at most so many, whose clients have so much patience each.
    pub(super) fn new(most: usize, patience: Duration) -> Self {
        Self { waiting: VecDeque::new(), most, patience }
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether there is no room for one more.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= self.most
    }

    /// Puts a dial behind all others.
    pub(super) fn push(&mut self, dial: D, now: Instant) {
        self.waiting.push_back((now + self.patience, dial));
    }

    /// Takes the oldest.
    pub(super) fn next(&mut self, now: Instant) -> Option<Turn<D>> {
        let (until, dial) = self.waiting.pop_front()?;
        Some(if until > now { Turn::Begin(until, dial) } else { Turn::Late(dial) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn dials_have_their_turn_in_order_and_none_that_nobody_waits_for_any_more() {
        let (mut queue, begun) = (DialQueue::new(2, PATIENCE), Instant::now());
        assert!(queue.is_empty() && !queue.is_full());
        queue.push("first", begun);
        queue.push("second", begun + PATIENCE / 2);
        assert!(queue.is_full());
        assert_eq!(queue.next(begun + PATIENCE), Some(Turn::Late("first")));
        assert_eq!(queue.next(begun + PATIENCE), Some(Turn::Begin(begun + PATIENCE / 2 + PATIENCE, "second")));
        assert_eq!(queue.next(begun), None);
        assert!(queue.is_empty());
    }
}
