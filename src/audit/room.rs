//! How much room a disk has left for a journal.

use std::path::Path;

use super::error::AuditError;

/// The bytes that are free for this process on the disk of a directory, and the bytes it has.
///
/// # Errors
/// [`AuditError::Io`].
pub fn of(directory: &Path) -> Result<(u64, u64), AuditError> {
    let space = rustix::fs::statvfs(directory).map_err(|error| AuditError::io(directory)(error.into()))?;
    Ok((space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize)))
}
