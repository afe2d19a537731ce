//! Why a caller could not be turned into principals.

/// A caller nobody answers for: refused before any grant is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The uid of `nobody`, or one the kernel could not map into this user namespace.
    #[error("uid {uid} is nobody: run the program as a user this machine knows")]
    Nobody {
        /// The uid the kernel gave.
        uid: u32,
    },
    /// Somebody came for a unit and is in none.
    #[error("not a systemd unit: only the service manager fetches credentials here")]
    NoUnit,
}
