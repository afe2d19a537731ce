//! Changes run to their end whatever becomes of whoever asked for them: a change that has been announced in the journal is
//! made, and is accounted for, also when its caller hangs up, runs out of patience, or the node stops.

use std::future::Future;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::error::ApiError;
use crate::vault::error::VaultError;

/// For changes under way when the sockets are closed. A commit takes milliseconds; a disk that takes longer than this is
/// stuck, and what it leaves open is an intent without an outcome, which the journal explains.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The changes under way. Clones count the same changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    under_way: TaskTracker,
}

impl Changes {
    /// Makes a change and gives what came of it. Dropping the returned future does not stop the change.
    ///
    /// # Errors
    /// As the change.
    pub(super) async fn make<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, VaultError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        match self.under_way.spawn(change).await {
            Ok(made) => Ok(made?),
            Err(panicked) => Err(VaultError::Internal(panicked.to_string()).into()),
        }
    }

    /// Returns when no change is under way any more, or [after a while](END_WITHIN). Nobody may ask for one by then.
    pub(super) async fn end(&self) {
        self.end_within(END_WITHIN).await;
    }

    async fn end_within(&self, patience: Duration) {
        self.under_way.close();
        if tokio::time::timeout(patience, self.under_way.wait()).await.is_err() {
            tracing::warn!(changes = self.under_way.len(), "changes did not end before the node did");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    /// A change was part of the request that asked for it: when the caller hung up, or ran out of time, or the node
    /// stopped, it was cut off between its commit and the line that says what came of it.
    #[tokio::test]
    async fn a_change_ends_though_nobody_waits_for_it_and_the_end_waits_for_the_change() {
        let changes = Changes::default();
        let (commit, committed) = oneshot::channel::<()>();
        let (account, accounted) = oneshot::channel();
        let change = async move {
            committed.await.expect("committed");
            account.send(()).expect("somebody looks");
            Ok(())
        };
        assert!(changes.make(change).now_or_never().is_none(), "it waits for its commit, and is dropped");
        let mut end = Box::pin(changes.end());
        assert!(end.as_mut().now_or_never().is_none(), "a change is under way");
        commit.send(()).expect("it was not dropped with its caller");
        end.await;
        accounted.await.expect("accounted for");
    }

    #[tokio::test]
    async fn a_change_that_never_ends_does_not_keep_the_node_from_stopping() {
        let changes = Changes::default();
        let stuck = changes.make(std::future::pending::<Result<(), VaultError>>());
        assert!(stuck.now_or_never().is_none());
        changes.end_within(Duration::from_millis(10)).await;
        assert_eq!(changes.under_way.len(), 1);
    }
}
