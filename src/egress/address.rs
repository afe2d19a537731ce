//! Which addresses a call may go to.
//!
//! The open internet is what remains when everything with a purpose of its own is taken out: the special-purpose registries
//! of IANA (RFC 6890), and the places where clouds give out the credentials of a machine. For IPv6 it is the other way
//! round: only global unicast (2000::/3, RFC 4291) is open at all. An IPv4 address inside an IPv6 one decides where a
//! translator would take it there; where it cannot be told, the address is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address this is that calls may not go to; none for one of the open internet.
#[must_use]
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match place(address) {
        Place::Open => None,
        Place::Inside(kind) | Place::Never(kind) => Some(kind),
    }
}

/// The same where the file of a provider says that its host may have a private address: loopback, private networks, carrier
/// networks and unique local addresses are let through; link-local addresses, metadata services and the rest are not.
#[must_use]
pub fn forbidden_inside(address: IpAddr) -> Option<&'static str> {
    match place(address) {
        Place::Open | Place::Inside(_) => None,
        Place::Never(kind) => Some(kind),
    }
}

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On the open internet.
    Open,
    /// Inside a machine or an organisation.
    Inside(&'static str),
    /// Where no call ever has to go.
    Never(&'static str),
}

use Place::{Inside, Never, Open};

const LOOPBACK: Place = Inside("a loopback address");
const PRIVATE: Place = Inside("a private address");
const METADATA: Place = Never("the address of a metadata service");
const LINK_LOCAL: Place = Never("a link-local address");
const DOCUMENTATION: Place = Never("an address for documentation");
const RESERVED: Place = Never("a reserved address");
const TUNNEL: Place = Never("the address of a tunnel");

/// Ranges of IPv4, the narrow ones before those they lie in.
const RANGES_V4: &[(Ipv4Addr, u32, Place)] = &[
    // Metadata services outside the link-local range: Alibaba, Azure, Oracle.
    (Ipv4Addr::new(100, 100, 100, 200), 32, METADATA),
    (Ipv4Addr::new(168, 63, 129, 16), 32, METADATA),
    (Ipv4Addr::new(192, 0, 0, 192), 32, METADATA),
    (Ipv4Addr::new(0, 0, 0, 0), 32, Never("an unspecified address")),
    (Ipv4Addr::new(0, 0, 0, 0), 8, RESERVED),
    (Ipv4Addr::new(10, 0, 0, 0), 8, PRIVATE),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Inside("an address of a carrier's network")),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LINK_LOCAL),
    (Ipv4Addr::new(172, 16, 0, 0), 12, PRIVATE),
    (Ipv4Addr::new(192, 0, 0, 0), 24, RESERVED),
    (Ipv4Addr::new(192, 0, 2, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(192, 88, 99, 0), 24, TUNNEL),
    (Ipv4Addr::new(192, 168, 0, 0), 16, PRIVATE),
    (Ipv4Addr::new(198, 18, 0, 0), 15, RESERVED),
    (Ipv4Addr::new(198, 51, 100, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(203, 0, 113, 0), 24, DOCUMENTATION),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Never("a multicast address")),
    (Ipv4Addr::new(255, 255, 255, 255), 32, Never("the broadcast address")),
    (Ipv4Addr::new(240, 0, 0, 0), 4, RESERVED),
];

/// Ranges of IPv6, the narrow ones before those they lie in. What is in none is open in 2000::/3 and reserved outside.
const RANGES_V6: &[(Ipv6Addr, u32, Place)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, Never("an unspecified address")),
    (Ipv6Addr::LOCALHOST, 128, LOOPBACK),
    // Metadata services: AWS, Google, Scaleway.
    (Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0), 32, METADATA),
    (Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0), 32, METADATA),
    (Ipv6Addr::new(0xfd00, 0x0042, 0, 0, 0, 0, 0, 0), 32, METADATA),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Inside("a unique local address")),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LINK_LOCAL),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Never("a site-local address")),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Never("a multicast address")),
    // Translation inside one network (RFC 8215): where the IPv4 address stands is known there only.
    (Ipv6Addr::new(0x0064, 0xff9b, 1, 0, 0, 0, 0, 0), 48, TUNNEL),
    (Ipv6Addr::new(0x0100, 0, 0, 0, 0, 0, 0, 0), 64, Never("an address that discards")),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, TUNNEL),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, RESERVED),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32, DOCUMENTATION),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, TUNNEL),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, DOCUMENTATION),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Open),
];

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => embedded(address).map_or_else(|| place_v6(address), place_v4),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    let within = |range: Ipv4Addr, length: u32| {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
        address.to_bits() & mask == range.to_bits()
    };
    RANGES_V4.iter().find(|(range, length, _)| within(*range, *length)).map_or(Open, |(_, _, place)| *place)
}

fn place_v6(address: Ipv6Addr) -> Place {
    let within = |range: Ipv6Addr, length: u32| {
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
        address.to_bits() & mask == range.to_bits()
    };
    RANGES_V6.iter().find(|(range, length, _)| within(*range, *length)).map_or(RESERVED, |(_, _, place)| *place)
}

/// The IPv4 address that a packet to this one ends at: `::ffff:0:0/96` (mapped), `64:ff9b::/96` (NAT64, RFC 6052).
/// The compatible form `::/96` is out of use, and refused with all that is outside 2000::/3.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let is_nat64 = address.segments().starts_with(&[0x0064, 0xff9b, 0, 0, 0, 0]);
    address.to_ipv4_mapped().or_else(|| is_nat64.then(|| Ipv4Addr::new(a, b, c, d)))
}
