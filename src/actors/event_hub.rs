//! Where parts of the node tell what happens, without waiting for anybody who hears of it.
//!
//! What is told waits here, in a bounded queue, for the part that keeps and passes on events. An event that finds the queue
//! full is not silently lost: it is counted, and the part that empties the queue tells how many are missing.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::model::event::Event;

/// Events that wait: a burst, such as a hundred nodes lost at once or a large import, and no more memory than a few MiB.
const WAITING_MAX: usize = 16_384;

/// The place to tell events.
#[derive(Debug)]
pub struct EventHub {
    queue: mpsc::Sender<Event>,
    waiting: Mutex<Option<mpsc::Receiver<Event>>>,
    missed: AtomicU64,
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
        if self.queue.try_send(event).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[expect(dead_code, reason = "for the part that keeps events")]
    /// The events that were told and were not taken yet. One part takes them; it gives the queue back when it ends.
    pub(super) fn take(&self) -> Option<mpsc::Receiver<Event>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    #[expect(dead_code, reason = "for the part that keeps events")]
    /// How many events found no place since this was last asked.
    pub(super) fn take_missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }

    #[expect(dead_code, reason = "for the part that keeps events")]
    /// Gives the queue back.
    pub(super) fn give_back(&self, waiting: mpsc::Receiver<Event>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting);
    }
}
