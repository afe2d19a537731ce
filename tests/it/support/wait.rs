//! Waiting for something that will be so, with a reason that is printed when it is not.

use std::future::Future;
use std::time::Duration;

/// Long enough for a loaded machine, short enough not to hang a test run.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until there is an answer.
///
/// # Panics
/// After 20 s, with the reason.
pub async fn eventually<T, F: Future<Output = Option<T>>>(reason: &str, mut ask: impl FnMut() -> F) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("never: {reason}"))
}
