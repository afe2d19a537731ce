//! What strangers and leads say while a node joins, and the signing requests of strangers: whatever one asks for, the
//! certificate says what the roster does.

use std::sync::OnceLock;

use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::identity::{MeshId, Role};
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::transport::authority::{Authority, NODE_LIFETIME};
use aurora_mesh::transport::certificate::pin;
use aurora_mesh::transport::spiffe::PeerIdentity;
use aurora_mesh::wire::join::{JoinAnswer, JoinAsk};

use super::member_frames::decoded;

const NOW: Timestamp = Timestamp(1_795_248_000_123);

/// Takes the first byte for who speaks: a stranger, a lead, or a stranger whose whole frame is a signing request.
pub fn run(data: &[u8]) {
    let Some((speaker, rest)) = data.split_first() else { return };
    match speaker % 3 {
        0 => match decoded(rest) {
            Some(JoinAsk::Join(join)) => signed(&join.csr),
            Some(JoinAsk::Rejoin(rejoin)) => signed(&rejoin.csr),
            None => {}
        },
        1 => {
            if let Some(JoinAnswer::Admitted(admitted)) = decoded(rest) {
                let _names = (admitted.node_name(), admitted.lead_name(), admitted.mesh_id());
                let _may_hold = Entitlement::try_from(admitted.entitlement);
            }
        }
        _ => signed(rest),
    }
}

fn signed(request: &[u8]) {
    let requested = Authority::requested_pin(request);
    let node = NodeName::parse("vengeance").expect("a name");
    let identity = PeerIdentity { mesh: MeshId([7; 16]), role: Role::Follower, node };
    let issued = authority().issue(request, &identity, NOW, NODE_LIFETIME);
    assert_eq!(issued.is_ok(), requested.is_ok());
    if let (Ok(certificate), Ok(requested)) = (issued, requested) {
        assert_eq!(PeerIdentity::of_certificate(&certificate), Some(identity));
        assert_eq!(pin(&certificate), Some(requested));
    }
}

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::generate(&MeshId([7; 16]), NOW).expect("an authority"))
}
