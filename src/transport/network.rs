//! Where UDP sockets come from: the machine's, or those of a simulation.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use quinn::{AsyncUdpSocket, Runtime, TokioRuntime};

use super::socket;

/// Gives sockets.
pub trait Network: Send + Sync + 'static {
    /// A socket at this address; port 0 is any port. Called within a tokio runtime, whose time it goes by.
    ///
    /// # Errors
    /// As the machine would: the address is taken, or none of ours.
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>>;
}

/// The sockets of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineNetwork;

impl Network for MachineNetwork {
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket::bind(address)?)
    }
}
