//! Joining: one question of at most 4 KiB from a stranger, one answer. The answer is read only from a lead that has proved
//! the authority the token pins.

use std::fmt;

use crate::model::identity::{MeshId, SealingPublicKey};
use crate::model::name::NodeName;

use super::entitlement::EntitlementFrame;
use super::error::WireError;

/// "Let me in." 602 is kept for a return with a pinned key and no token.
#[derive(Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Join {
    /// The secret of the join token.
    pub token_secret: [u8; 32],
    /// A certificate signing request, DER; only its public key counts.
    pub csr: Vec<u8>,
    /// The X25519 key scope keys will be sealed to.
    pub sealing_key: [u8; 32],
}

/// Without the token secret.
impl fmt::Debug for Join {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Join").field("csr_bytes", &self.csr.len()).finish_non_exhaustive()
    }
}

/// "I am a member whose certificate ran out." The request's signature proves the key, and the roster pins it: no token.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Rejoin {
    /// A certificate signing request, DER, of which only the public key counts.
    pub csr: Vec<u8>,
}

/// "You are in."
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Admitted {
    /// The mesh.
    pub mesh: [u8; 16],
    /// The name the token was made for.
    pub node: String,
    /// The node's certificates, leaf first, DER.
    pub chain: Vec<Vec<u8>>,
    /// The authority's certificate, DER.
    pub authority: Vec<u8>,
    /// The mesh's own X25519 key: scope keys that it did not seal do not open.
    pub mesh_sealing_key: [u8; 32],
    /// What the node may hold.
    pub entitlement: EntitlementFrame,
    /// The lead's name.
    pub lead: String,
}

impl Admitted {
    /// The mesh the node is in now.
    #[must_use]
    pub fn mesh_id(&self) -> MeshId {
        MeshId(self.mesh)
    }

    /// The node's name, checked.
    ///
    /// # Errors
    /// [`WireError::Name`].
    pub fn node_name(&self) -> Result<NodeName, WireError> {
        Ok(NodeName::parse(&self.node)?)
    }

    /// The lead's name, checked.
    ///
    /// # Errors
    /// [`WireError::Name`].
    pub fn lead_name(&self) -> Result<NodeName, WireError> {
        Ok(NodeName::parse(&self.lead)?)
    }

    /// The key to pin as the sender of scope keys.
    #[must_use]
    pub fn mesh_sealing_public_key(&self) -> SealingPublicKey {
        SealingPublicKey(self.mesh_sealing_key)
    }
}

codes! {
    /// Why a joiner stays out.
    pub enum RefusedReason {
        /// No such token.
        UnknownToken = 1,
        /// The token is too old.
        TokenExpired = 2,
        /// Another key has used the token.
        TokenConsumed = 3,
        /// The CSR or the sealing key is not one.
        BadRequest = 4,
        /// Too many join at once; try again.
        Busy = 5,
        /// The lead could not, for reasons of its own.
        Unavailable = 6,
        /// This node is the lead no longer.
        NotLead = 7,
        /// No member has this key.
        UnknownKey = 8,
        /// Another node has joined with this key.
        KeyInUse = 9,
        /// It is known, and waits for somebody to compare its key; ask again with the same key.
        Pending = 10,
        /// The node with this key was banned; do not come back.
        Banned = 11,
    }
}

/// "You stay out."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Refused {
    /// Why.
    pub reason: RefusedReason,
}

frames! {
    /// What a joiner asks.
    pub enum JoinAsk, at most JOIN_FRAME_BYTES_MAX {
        /// With a token.
        601 => Join,
        /// With a key the roster pins.
        602 => Rejoin,
    }
}

frames! {
    /// What the lead answers a joiner.
    #[expect(clippy::large_enum_variant, reason = "there is one of these in the life of a connection")]
    pub enum JoinAnswer, at most JOIN_ANSWER_BYTES_MAX {
        /// In.
        701 => Admitted,
        /// Out.
        702 => Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::{JOIN_FRAME_BYTES_MAX, decode, encode};
    use super::super::testing::{golden, survives_anything};
    use super::*;
    use crate::model::entitlement::{COMPANIES_MAX, GLOBS_MAX};

    fn join() -> Join {
        Join { token_secret: [0x11; 32], csr: vec![0x30, 0x82], sealing_key: [0x22; 32] }
    }

    fn admitted() -> Admitted {
        Admitted {
            mesh: [0x33; 16],
            node: "vengeance".to_owned(),
            chain: vec![vec![0x30]],
            authority: vec![0x31],
            mesh_sealing_key: [0x44; 32],
            entitlement: EntitlementFrame::sample(),
            lead: "aurora".to_owned(),
        }
    }

    #[test]
    fn join_frames_have_the_bytes_they_always_had() {
        golden(
            &JoinAsk::from(join()),
            "0000004601025911111111111111111111111111111111111111111111111111111111111111110230822222222222222222222222222222222222222222222222222222222222222222",
        );
        golden(
            &JoinAnswer::from(admitted()),
            "0000005f0102bd333333333333333333333333333333330976656e6765616e6365010130013144444444444444444444444444444444444444444444444444444444444444440470726f6400010461636d6501086f70656e61692f2a066175726f7261",
        );
        golden(&JoinAnswer::from(Refused { reason: RefusedReason::UnknownToken }), "000000040102be01");
        golden(&JoinAsk::from(Rejoin { csr: vec![0x30, 0x82] }), "0000000601025a023082");
        golden(&JoinAnswer::from(Refused { reason: RefusedReason::NotLead }), "000000040102be07");
        golden(&JoinAnswer::from(Refused { reason: RefusedReason::UnknownKey }), "000000040102be08");
        golden(&JoinAnswer::from(Refused { reason: RefusedReason::KeyInUse }), "000000040102be09");
        golden(&JoinAnswer::from(Refused { reason: RefusedReason::Pending }), "000000040102be0a");
        golden(&JoinAnswer::from(Refused { reason: RefusedReason::Banned }), "000000040102be0b");
    }

    #[test]
    fn no_bytes_make_joining_panic() {
        survives_anything(&JoinAsk::from(join()));
        survives_anything(&JoinAnswer::from(admitted()));
    }

    #[test]
    fn the_token_secret_is_not_in_the_debug_text() {
        let text = format!("{:?}", JoinAsk::from(join()));
        assert!(!text.contains("17") && !text.contains("11"), "{text}");
    }

    #[test]
    fn a_stranger_cannot_send_more_than_four_kibibytes() {
        let mut bytes = vec![0_u8; JOIN_FRAME_BYTES_MAX + 1];
        bytes[..3].copy_from_slice(&[1, 2, 89]);
        assert!(matches!(decode::<JoinAsk>(&bytes), Err(WireError::FrameTooLarge { max: JOIN_FRAME_BYTES_MAX, .. })));
    }

    #[test]
    fn the_largest_entitlement_fits_into_the_answer() {
        let entitlement = EntitlementFrame {
            environment: "e".repeat(64),
            every_company: false,
            companies: vec!["c".repeat(64); COMPANIES_MAX],
            globs: vec![format!("{}/{}", "s".repeat(64), "k".repeat(64)); GLOBS_MAX],
        };
        let chain = vec![vec![0; 1024]; 2];
        assert!(encode(&JoinAnswer::from(Admitted { entitlement, chain, ..admitted() })).is_ok());
    }

    #[test]
    fn names_in_the_answer_are_checked() {
        assert_eq!(admitted().node_name().expect("name").as_str(), "vengeance");
        assert!(Admitted { node: "lead".to_owned(), ..admitted() }.node_name().is_err());
        assert!(Admitted { lead: "a/b".to_owned(), ..admitted() }.lead_name().is_err());
    }
}
