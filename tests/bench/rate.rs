//! How fast many do the same at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a second so many tasks together do something for as long as `span`.
pub async fn rate<W, F>(tasks: usize, span: Duration, mut task: impl FnMut(usize) -> W) -> u64
where
    W: FnMut() -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|index| {
            let (over, count, mut work) = (Arc::clone(&over), Arc::clone(&count), task(index));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    work().await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(span).await;
    over.store(true, Ordering::Relaxed);
    for task in running {
        task.await.expect("no task panics");
    }
    let per_second = u128::from(count.load(Ordering::Relaxed)) * 1000 / began.elapsed().as_millis().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}
