//! Who writes the disks of a simulated machine: tasks of its own runtime instead of threads, so that no time passes while
//! they work, and so much as the disk is slow before they do.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use aurora_mesh::model::crew::{Crew, Work};
use tokio::time::{Sleep, sleep};

/// The crew of one machine, and how many milliseconds its disk takes for whatever it is told to do.
#[derive(Debug, Default)]
pub struct SimCrew {
    /// By default none.
    pub slow_ms: Arc<AtomicU64>,
}

impl Crew for SimCrew {
    fn take(&self, _: &'static str, work: Work) -> io::Result<()> {
        tokio::spawn(slowed(work, Arc::clone(&self.slow_ms)));
        Ok(())
    }
}

/// The work, which is let go on only so long after somebody wanted something of it.
async fn slowed(mut work: Work, slow_ms: Arc<AtomicU64>) {
    let mut held: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        let slow = slow_ms.load(Ordering::Relaxed);
        if held.is_none() && slow > 0 {
            held = Some(Box::pin(sleep(Duration::from_millis(slow))));
        }
        if let Some(sleep) = held.as_mut() {
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            held = None;
        }
        work.as_mut().poll(context)
    })
    .await;
}
