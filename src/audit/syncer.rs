//! The one thread that waits for the disk: it brings lines there that were written, soon or at once, while others are
//! written behind them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

/// How long lines gather before they are brought to the disk together.
pub(super) const SYNC_WITHIN: Duration = Duration::from_millis(50);

/// What can be brought to the disk, by whichever thread.
pub(super) trait Disk: Send + Sync {
    /// Brings there all that was written when this is called.
    fn bring(&self) -> Brought;
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Brought {
    /// The place up to which it was tried.
    pub(super) upto: u64,
    /// Whether it is there.
    pub(super) outcome: io::Result<()>,
}

/// What the thread is told.
pub(super) enum Order {
    /// Within [`SYNC_WITHIN`].
    Soon(Arc<dyn Disk>),
    /// Somebody waits for it.
    Now(Arc<dyn Disk>),
}

/// Does what it is ordered until nobody is left to order, and what was ordered by then. Orders that come while it is at it
/// are done together. There are at most as many of them as lines that wait, which are bounded.
pub(super) async fn run(mut orders: UnboundedReceiver<Order>, told: UnboundedSender<Brought>) {
    while let Some(order) = orders.recv().await {
        let mut disk = match order {
            Order::Now(disk) => disk,
            Order::Soon(disk) => match timeout(SYNC_WITHIN, orders.recv()).await {
                Ok(Some(Order::Now(newer) | Order::Soon(newer))) => newer,
                Ok(None) | Err(_) => disk,
            },
        };
        // The file before the newest one is on the disk already.
        while let Ok(Order::Now(newer) | Order::Soon(newer)) = orders.try_recv() {
            disk = newer;
        }
        // Nobody may be left to hear it.
        let _ = told.send(disk.bring());
    }
}
