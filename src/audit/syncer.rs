//! The one thread that waits for the disk: it brings lines there that were written, soon or at once, while others are
//! written behind them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::timeout;

/// How long lines gather before they are brought to the disk together.
pub(super) const SYNC_WITHIN: Duration = Duration::from_millis(25);

/// Orders, and what is told of them, that wait. An order that finds no place is not needed: those that wait are followed by
/// word of what they came to, and that by the next order.
pub(super) const ORDERS_MAX: usize = 8;

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
/// are done together.
pub(super) async fn run(mut orders: Receiver<Order>, told: Sender<Brought>) {
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
        let _ = told.send(disk.bring()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::mpsc::channel;
    use tokio::time::Instant;

    use super::*;

    /// Counts how often it is brought.
    #[derive(Default)]
    struct Counted(AtomicU64);

    impl Disk for Counted {
        fn bring(&self) -> Brought {
            Brought { upto: self.0.fetch_add(1, Ordering::SeqCst) + 1, outcome: Ok(()) }
        }
    }

    type Kind = fn(Arc<dyn Disk>) -> Order;

    /// How often a disk is brought for these orders, and what the first of them waits.
    async fn brought(orders: &[Kind]) -> (u64, Duration) {
        let (disk, began) = (Arc::new(Counted::default()), Instant::now());
        let ((give, given), (tell, mut told)) = (channel(ORDERS_MAX), channel(ORDERS_MAX));
        for order in orders {
            let order = order(Arc::clone(&disk) as Arc<dyn Disk>);
            give.try_send(order).unwrap_or_else(|_| panic!("there is a place"));
        }
        let thread = tokio::spawn(run(given, tell));
        told.recv().await.expect("it is brought");
        let waited = began.elapsed();
        drop(give);
        thread.await.expect("it ends");
        (disk.0.load(Ordering::SeqCst), waited)
    }

    #[tokio::test(start_paused = true)]
    async fn lines_gather_unless_somebody_waits_and_orders_that_wait_are_done_together() {
        assert_eq!(brought(&[Order::Soon]).await, (1, SYNC_WITHIN));
        assert_eq!(brought(&[Order::Now, Order::Now, Order::Soon]).await, (1, Duration::ZERO));
        assert_eq!(brought(&[Order::Soon, Order::Now]).await, (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_ordered_is_brought_though_nobody_is_left_to_order() {
        let disk = Arc::new(Counted::default());
        let ((give, given), (tell, _told)) = (channel(ORDERS_MAX), channel(ORDERS_MAX));
        let order = Order::Soon(Arc::clone(&disk) as Arc<dyn Disk>);
        give.try_send(order).unwrap_or_else(|_| panic!("there is a place"));
        drop(give);
        let began = Instant::now();
        run(given, tell).await;
        assert_eq!((disk.0.load(Ordering::SeqCst), began.elapsed()), (1, Duration::ZERO));
    }
}
