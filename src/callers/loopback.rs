//! The loopback listener: TCP on an address that no other machine reaches, for programs that cannot speak to a Unix socket.
//!
//! The kernel says nothing of who connects here, and every user of the machine can. What may be asked is for whoever speaks
//! the protocol to decide.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::error::BindError;

/// A listener, and where it listens.
#[derive(Debug)]
pub struct Loopback {
    /// It.
    pub listener: TcpListener,
    /// With the port that the system chose, if none was named.
    pub address: SocketAddr,
}

/// Listens on an address of this machine alone. Must be called within a tokio runtime.
///
/// # Errors
/// [`BindError::NoLoopback`] for any other address; [`BindError::Address`] when the port is taken, or the address is none of
/// this machine.
pub async fn listen(address: SocketAddr) -> Result<Loopback, BindError> {
    if !address.ip().is_loopback() {
        return Err(BindError::NoLoopback { address });
    }
    let refused = |source| BindError::Address { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Loopback { listener, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_and_an_address_that_others_reach_are_refused_with_what_to_do() {
        let first = listen(([127, 0, 0, 1], 0).into()).await.expect("a port is free");
        let taken = listen(first.address).await.expect_err("taken");
        assert!(matches!(taken, BindError::Address { .. }), "{taken}");
        assert!(taken.to_string().contains("[api] listen"), "{taken}");
        let open = listen(([0, 0, 0, 0], 0).into()).await.expect_err("others reach it");
        assert!(matches!(open, BindError::NoLoopback { .. }), "{open}");
    }
}
