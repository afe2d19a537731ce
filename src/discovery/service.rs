//! The names of the announcement (DNS-SD, RFC 6763), and the daemon both sides run.

use std::time::Duration;

use mdns_sd::{DaemonStatus, Receiver, ServiceDaemon};
use tokio::time::timeout;
use tracing::debug;

use super::error::DiscoveryError;

/// The service type.
pub(super) const TYPE: &str = "_aurora-mesh._udp.local.";

/// The version of the announcement, not of the peer protocol.
pub(super) const VERSION: &str = "1";

/// TXT key of [`VERSION`].
pub(super) const VERSION_KEY: &str = "v";

/// TXT key of the mesh's hash.
pub(super) const MESH_KEY: &str = "mesh";

/// TXT key of the lead's name.
pub(super) const NAME_KEY: &str = "lead";

/// The goodbye packet is sent at once; this only bounds the wait for a thread that hangs.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// A daemon of our own: a thread with multicast sockets. Dropping it asks the thread to say goodbye and end.
pub(super) struct Daemon(ServiceDaemon);

impl Daemon {
    /// On the standard port, or on another one, where only daemons on the same port are heard.
    pub(super) fn start(port: Option<u16>) -> Result<Self, DiscoveryError> {
        let daemon = match port {
            None => ServiceDaemon::new(),
            Some(port) => ServiceDaemon::new_with_port(port),
        };
        daemon.map(Self).map_err(DiscoveryError::Unavailable)
    }

    pub(super) fn inner(&self) -> &ServiceDaemon {
        &self.0
    }

    /// Ends the thread and waits for it.
    pub(super) async fn stop(self) {
        let Some(status) = self.ask_to_stop() else { return };
        if timeout(STOP_TIMEOUT, status.recv_async()).await.is_err() {
            debug!("the mDNS daemon did not confirm its end");
        }
    }

    fn ask_to_stop(&self) -> Option<Receiver<DaemonStatus>> {
        // A full command queue is worth one more try; a daemon that is gone needs none.
        self.0.shutdown().or_else(|_| self.0.shutdown()).ok()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.ask_to_stop());
    }
}
