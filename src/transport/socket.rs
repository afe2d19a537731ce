//! The UDP socket under an endpoint, with buffers that outlast a burst.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Once;

use rustix::net::sockopt::{set_socket_recv_buffer_size_force, socket_recv_buffer_size};
use socket2::{Domain, Protocol, Socket, Type};
use tracing::warn;

/// A thousand followers that return at once overflow the system's default of 208 KiB, and then need a minute instead of a
/// second.
const BUFFER_BYTES: usize = 16 * 1024 * 1024;

static WARNED: Once = Once::new();

/// Binds the address. An IPv6 wildcard also takes IPv4.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    raise_buffers(&socket);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Takes what the system gives. Only with a capability may a process pass the system's own limit.
fn raise_buffers(socket: &Socket) {
    // The result is read back below; a refusal shows there.
    drop(socket.set_send_buffer_size(BUFFER_BYTES));
    if set_socket_recv_buffer_size_force(socket, BUFFER_BYTES).is_err() {
        drop(socket.set_recv_buffer_size(BUFFER_BYTES));
    }
    // Linux reports twice what it grants.
    let granted = socket_recv_buffer_size(socket).unwrap_or_default() / 2;
    if granted < BUFFER_BYTES {
        WARNED.call_once(|| {
            warn!(
                granted_bytes = granted,
                wanted_bytes = BUFFER_BYTES,
                "the UDP receive buffer is small; run: sysctl -w net.core.rmem_max={BUFFER_BYTES}"
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_binds_with_whatever_buffer_the_system_grants() {
        let socket = bind("127.0.0.1:0".parse().expect("address")).expect("binds");
        assert_ne!(socket.local_addr().expect("bound").port(), 0);
        assert!(socket_recv_buffer_size(&socket).expect("size") > 0);
    }

    #[test]
    fn an_address_in_use_is_refused() {
        let first = bind("127.0.0.1:0".parse().expect("address")).expect("binds");
        let refusal = bind(first.local_addr().expect("bound")).expect_err("taken");
        assert_eq!(refusal.kind(), io::ErrorKind::AddrInUse);
    }
}
