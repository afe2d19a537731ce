//! A long-running future as a supervised actor: the form of every loop that owns a connection or a socket.
//!
//! The actor ends when the future does: well if it returned `Ok`, failed otherwise, also after a panic. Stopping the
//! actor drops the future. It takes no messages from outside.

use std::future::Future;
use std::pin::Pin;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;

/// The work: an error is what the supervisor will log.
pub(super) type Work = Pin<Box<dyn Future<Output = Result<(), ActorProcessingErr>> + Send>>;

/// The actor around one future.
pub(super) struct Task;

/// The only message: the future is done.
pub(super) struct Done(Result<(), ActorProcessingErr>);

/// Aborts the future when the actor goes.
pub(super) struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor for Task {
    type Msg = Done;
    type State = Running;
    type Arguments = Work;

    async fn pre_start(&self, myself: ActorRef<Done>, work: Work) -> Result<Running, ActorProcessingErr> {
        let task = tokio::spawn(work);
        let running = Running(task.abort_handle());
        tokio::spawn(async move {
            let outcome = task.await.unwrap_or_else(|panicked| Err(panicked.into()));
            // A failed send means that the actor is gone, and with it everyone who wanted to know.
            drop(myself.cast(Done(outcome)));
        });
        Ok(running)
    }

    async fn handle(&self, myself: ActorRef<Done>, done: Done, _: &mut Running) -> Result<(), ActorProcessingErr> {
        done.0?;
        myself.stop(None);
        Ok(())
    }
}
