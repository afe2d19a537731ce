//! How long an answer may take, by one timer for all requests of a connection: moving a timer to a later time is a write to
//! memory, while a new one for each request takes the lock of all timers of the process, once to enter and once to leave.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer of a connection, for one request at a time; another one at the same time gets a timer of its own.
#[derive(Debug, Default)]
pub(super) struct Deadline(Mutex<Option<Pin<Box<Sleep>>>>);

impl Deadline {
    /// What comes of a future, or `None` if it takes longer than this.
    pub(super) async fn within<T>(&self, patience: Duration, future: impl Future<Output = T>) -> Option<T> {
        let until = Instant::now() + patience;
        let mut timer = self.take().unwrap_or_else(|| Box::pin(sleep_until(until)));
        timer.as_mut().reset(until);
        let outcome = tokio::select! {
            biased;
            outcome = future => Some(outcome),
            () = timer.as_mut() => None,
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
    use std::future::{pending, ready};

    use super::*;

    const SHORT: Duration = Duration::from_secs(5);
    const LONG: Duration = Duration::from_secs(900);

    #[tokio::test(start_paused = true)]
    async fn every_request_has_its_own_time_whatever_the_last_one_was_given() {
        let deadline = Deadline::default();
        for patience in [SHORT, LONG, SHORT, SHORT] {
            assert_eq!(deadline.within(patience, ready(7)).await, Some(7));
            tokio::time::advance(patience / 2).await;
            let began = Instant::now();
            assert_eq!(deadline.within(patience, pending::<()>()).await, None);
            let taken = began.elapsed();
            assert!(taken >= patience && taken < patience + Duration::from_millis(10), "{patience:?}: {taken:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_at_once_wait_beside_each_other() {
        let deadline = Deadline::default();
        let began = Instant::now();
        let both = tokio::join!(deadline.within(SHORT, pending::<()>()), deadline.within(LONG, pending::<()>()));
        assert_eq!(both, (None, None));
        assert!(began.elapsed() >= LONG);
    }
}
