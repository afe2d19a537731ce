//! Why there is no discovery. The mesh works without it, with configured addresses.

/// A failure of discovery.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The multicast sockets or their thread could not be had.
    #[error("mDNS is not available on this machine")]
    Unavailable(#[source] mdns_sd::Error),
    /// The daemon's thread has ended; start again.
    #[error("the mDNS daemon has stopped")]
    Stopped,
}
