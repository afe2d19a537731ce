//! How long an answer may take, by one timer for all requests of a connection: moving a timer to a later time is a write to
//! memory, while a new one for each request takes the lock of all timers of the process, once to enter and once to leave.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// The timer of a connection, for one request at a time; another one at the same time gets a timer of its own.
#[derive(Debug, Default)]
pub(super) struct Deadline(Mutex<Option<Pin<Box<Sleep>>>>);

impl Deadline {
    /// What comes of a future, or `None` if it takes longer than this.
    pub(super) async fn within<T>(&self, patience: Duration, future: impl Future<Output = T>) -> Option<T> {
        let until = Instant::now() + patience;
        let mut timer = match self.take() {
            Some(mut timer) => {
                timer.as_mut().reset(until);
                timer
            }
            None => Box::pin(sleep_until(until)),
        };
        let outcome = tokio::select! {
            biased;
            outcome = future => Some(outcome),
            // Looked at also when the future took all the turns its task has: it must not outlast its time by that.
            () = unconstrained(timer.as_mut()) => None,
        };
        self.put(timer);
        outcome
    }

    fn take(&self) -> Option<Pin<Box<Sleep>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, timer: Pin<Box<Sleep>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(timer);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::task::{consume_budget, yield_now};

    use super::*;

    const SHORT: Duration = Duration::from_secs(5);
    const LONG: Duration = Duration::from_secs(900);

    #[tokio::test(start_paused = true)]
    async fn every_request_has_its_own_time_whatever_the_last_one_was_given() {
        let deadline = Deadline::default();
        for (first, then) in [(LONG, SHORT), (SHORT, LONG), (SHORT, SHORT)] {
            for idle in [Duration::ZERO, first / 2, first * 2] {
                assert_eq!(deadline.within(first, yield_now()).await, Some(()));
                tokio::time::advance(idle).await;
                assert_eq!(timed_out_after(&deadline, then).await, then, "after {first:?} and {idle:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_lets_others_have_a_turn_ends_in_time() {
        let deadline = Deadline::default();
        let greedy = async {
            loop {
                consume_budget().await;
            }
        };
        let clock = async {
            loop {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            outcome = deadline.within(SHORT, greedy) => assert_eq!(outcome, None::<()>),
            () = clock => unreachable!("it goes on"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_at_once_wait_beside_each_other() {
        let deadline = Deadline::default();
        let both = tokio::join!(timed_out_after(&deadline, SHORT), timed_out_after(&deadline, LONG));
        assert_eq!(both, (SHORT, LONG));
    }

    /// To the second, for the timer has milliseconds.
    async fn timed_out_after(deadline: &Deadline, patience: Duration) -> Duration {
        let began = Instant::now();
        assert_eq!(deadline.within(patience, pending::<()>()).await, None);
        Duration::from_secs(began.elapsed().as_secs())
    }
}
