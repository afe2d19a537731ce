//! Where a lead may be: unproved, bounded, and cleaned of addresses that cannot be dialled.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV6};

use mdns_sd::{ResolvedService, ScopedIp};

use super::service;
use crate::crypto::digest::sha256;
use crate::model::identity::MeshId;
use crate::model::name::NodeName;

/// Most addresses of one hint: a machine with several networks, in both families.
pub const ADDRESSES_MAX: usize = 8;

/// The first half of SHA-256 over the mesh's id: tells meshes apart without naming them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeshHash([u8; 16]);

impl MeshHash {
    /// The hash of a mesh.
    #[must_use]
    pub fn of(mesh: &MeshId) -> Self {
        let digest = sha256(&[b"aurora-mesh discovery 1".as_slice(), &mesh.0].concat());
        Self(digest.first_chunk().copied().unwrap_or_default())
    }

    /// Reads what [`fmt::Display`] prints: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        MeshId::parse(text).map(|id| Self(id.0))
    }
}

impl fmt::Display for MeshHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&MeshId(self.0), formatter)
    }
}

/// A claim that a lead can be reached somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The mesh it claims to be of.
    pub mesh: MeshHash,
    /// The name it claims.
    pub name: NodeName,
    /// Where to dial; at least one, at most [`ADDRESSES_MAX`], in a fixed order.
    pub addresses: Vec<SocketAddr>,
}

impl Hint {
    /// Reads an announcement; `None` for one of another protocol version, or without a name, mesh or usable address.
    pub(super) fn of_service(announced: &ResolvedService) -> Option<Self> {
        let text = |key| announced.get_property_val_str(key);
        if text(service::VERSION_KEY)? != service::VERSION || announced.port == 0 {
            return None;
        }
        let mesh = MeshHash::parse(text(service::MESH_KEY)?)?;
        let name = NodeName::parse(text(service::NAME_KEY)?).ok()?;
        let mut addresses: Vec<_> = announced.addresses.iter().filter_map(|ip| address(ip, announced.port)).collect();
        // Loopback last: it leads anywhere only when the lead is on this machine.
        addresses.sort_by_key(|address| (address.ip().is_loopback(), *address));
        addresses.dedup();
        addresses.truncate(ADDRESSES_MAX);
        (!addresses.is_empty()).then_some(Self { mesh, name, addresses })
    }
}

fn address(ip: &ScopedIp, port: u16) -> Option<SocketAddr> {
    let plain = ip.to_ip_addr();
    if plain.is_unspecified() || plain.is_multicast() {
        return None;
    }
    match ip {
        // Without the interface a link-local address leads nowhere.
        ScopedIp::V6(v6) if v6.addr().is_unicast_link_local() => {
            Some(SocketAddr::V6(SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index)))
        }
        ScopedIp::V4(_) | ScopedIp::V6(_) | _ => Some(SocketAddr::new(plain, port)),
    }
}

#[cfg(test)]
mod tests {
    use mdns_sd::ServiceInfo;

    use super::*;

    fn announced(mesh: &str, name: &str, version: &str, addresses: &str, port: u16) -> ResolvedService {
        let properties = [("v", version), ("mesh", mesh), ("lead", name)];
        let info = ServiceInfo::new(service::TYPE, "x", "x.local.", addresses, port, &properties[..]);
        info.expect("well formed").as_resolved_service()
    }

    #[test]
    fn a_hash_tells_meshes_apart_and_does_not_show_the_id() {
        let mesh = MeshId([7; 16]);
        let hash = MeshHash::of(&mesh);
        assert_eq!(MeshHash::parse(&hash.to_string()), Some(hash));
        assert_ne!(hash, MeshHash::of(&MeshId([8; 16])));
        assert_ne!(hash.to_string(), mesh.to_string());
    }

    #[test]
    fn an_announcement_gives_its_usable_addresses_in_a_fixed_order() {
        let mesh = MeshHash::of(&MeshId([7; 16])).to_string();
        let addresses = "127.0.0.1,10.0.0.9,0.0.0.0,224.0.0.251,10.0.0.2";
        let hint = Hint::of_service(&announced(&mesh, "aurora", "1", addresses, 4433)).expect("a hint");
        let texts: Vec<_> = hint.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.2:4433", "10.0.0.9:4433", "127.0.0.1:4433"]);
        assert_eq!(hint.name.as_str(), "aurora");
    }

    #[test]
    fn addresses_are_bounded() {
        let mesh = MeshHash::of(&MeshId([7; 16])).to_string();
        let many: Vec<_> = (1..100).map(|last| format!("10.0.0.{last}")).collect();
        let hint = Hint::of_service(&announced(&mesh, "aurora", "1", &many.join(","), 4433)).expect("a hint");
        assert_eq!(hint.addresses.len(), ADDRESSES_MAX);
    }

    #[test]
    fn announcements_that_make_no_sense_are_no_hints() {
        let mesh = MeshHash::of(&MeshId([7; 16])).to_string();
        for (mesh, name, version, addresses, port) in [
            ("", "aurora", "1", "10.0.0.1", 1),
            ("zz", "aurora", "1", "10.0.0.1", 1),
            (&mesh, "Aurora\u{1b}", "1", "10.0.0.1", 1),
            (&mesh, "lead", "1", "10.0.0.1", 1),
            (&mesh, "aurora", "2", "10.0.0.1", 1),
            (&mesh, "aurora", "1", "0.0.0.0", 1),
            (&mesh, "aurora", "1", "10.0.0.1", 0),
        ] {
            assert_eq!(
                Hint::of_service(&announced(mesh, name, version, addresses, port)),
                None,
                "{mesh} {name} {addresses}"
            );
        }
    }
}
