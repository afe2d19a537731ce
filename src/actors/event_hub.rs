//! Where parts of the node tell what happens, without waiting for anybody who hears of it.
//!
//! What is told waits here, in a bounded queue, for the part that keeps and passes on events. An event that finds the queue
//! full is not silently lost: it is counted, and the part that empties the queue tells how many are missing.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::model::event::Event;

/// Events that wait: a burst, such as a hundred nodes lost at once or a large import, and no more memory than a few MiB.
const WAITING_MAX: usize = 16_384;

/// How long somebody waits for an event to be kept: many times what a disk takes, and no longer than what is told here would
/// be told again.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// The place to tell events.
#[derive(Debug)]
pub struct EventHub {
    queue: mpsc::Sender<Waiting>,
    waiting: Mutex<Option<mpsc::Receiver<Waiting>>>,
    missed: AtomicU64,
}

/// An event that is to be kept, and whom to tell once it is.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) event: Event,
    pub(super) kept: Option<oneshot::Sender<()>>,
}

impl Default for EventHub {
    fn default() -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        Self { queue, waiting: Mutex::new(Some(waiting)), missed: AtomicU64::new(0) }
    }
}

impl EventHub {
    /// Tells an event. Never waits.
    pub fn tell(&self, event: Event) {
        self.put(event, None);
    }

    /// Tells an event, and says whether it is kept by now: for whoever notes that it was told.
    pub async fn tell_surely(&self, event: Event) -> bool {
        let (kept, told) = oneshot::channel();
        self.put(event, Some(kept));
        matches!(tokio::time::timeout(KEPT_WITHIN, told).await, Ok(Ok(())))
    }

    fn put(&self, event: Event, kept: Option<oneshot::Sender<()>>) {
        if self.queue.try_send(Waiting { event, kept }).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The events that were told and were not taken yet. One part takes them; it gives the queue back when it ends.
    pub(super) fn take(&self) -> Option<mpsc::Receiver<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How many events found no place since this was last asked.
    pub(super) fn take_missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }

    /// Gives the queue back.
    pub(super) fn give_back(&self, waiting: mpsc::Receiver<Waiting>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting);
    }
}
