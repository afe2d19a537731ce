//! Ports for whoever has to come back to the same one: a node that is started again, a receiver that was away. The kernel
//! gives the ports of its own range to anybody who asks for any, so one of those can be gone before it is taken again.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below this are the services that a machine may have.
const LOWEST: u32 = 10_000;

/// How many this process has been given.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// An address of loopback whose port is free for UDP and TCP, is none that the kernel gives out, and was given to nobody in
/// this process lately. Where there are no such ports, any that is free.
pub fn free() -> SocketAddr {
    let count = first_of_the_kernel().saturating_sub(LOWEST);
    // Two processes at once begin far apart.
    let begin = std::process::id().wrapping_mul(2_654_435_761);
    for _ in 0..count {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = LOWEST + begin.wrapping_add(given) % count;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).expect("below the kernel's")));
        if is_free(at) {
            return at;
        }
    }
    let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    probe.local_addr().expect("bound")
}

fn is_free(at: SocketAddr) -> bool {
    UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok()
}

/// The first port of the range from which the kernel chooses.
fn first_of_the_kernel() -> u32 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("Linux");
    range.split_whitespace().next().and_then(|first| first.parse().ok()).expect("two ports")
}
