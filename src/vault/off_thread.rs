//! Work that holds a thread: files that are read, or a hundred thousand records that are looked through. It must not hold
//! up the sockets or the heartbeats.

use super::error::VaultError;

/// Does the work on a thread of its own.
///
/// # Errors
/// As the work.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(work).await.map_err(|panicked| VaultError::Internal(panicked.to_string()))?
}
