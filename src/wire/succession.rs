//! The frame in which a reign is stated: told by a lead after its welcome, and shown by a follower that knows of one.

use super::error::{FieldRule, WireError};
use crate::model::identity::{MeshId, StoreId};
use crate::model::name::NodeName;
use crate::model::number::Epoch;
use crate::model::reign::{Reign, Succession};
use crate::model::time::Timestamp;

/// A public key on P-256 has 91 bytes.
const KEY_BYTES_MAX: usize = 128;

/// A signature of ECDSA on P-256 has at most 72 bytes in DER.
const SIGNATURE_BYTES_MAX: usize = 80;

/// A reign, signed by the authority of the mesh.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct SuccessionFrame {
    /// The mesh.
    pub mesh: [u8; 16],
    /// Which life of which store.
    pub store: [u8; 16],
    /// Its place among all reigns of the mesh.
    pub epoch: u64,
    /// Who leads.
    pub lead: String,
    /// Since when, in milliseconds since 1970.
    pub begins_at_ms: i64,
    /// The authority's public key (`SubjectPublicKeyInfo`, DER).
    pub authority: Vec<u8>,
    /// Its signature (DER).
    pub signature: Vec<u8>,
}

impl From<&Succession> for SuccessionFrame {
    fn from(succession: &Succession) -> Self {
        let Succession { reign, authority, signature } = succession;
        Self {
            mesh: reign.mesh.0,
            store: reign.store.0,
            epoch: reign.epoch.get(),
            lead: reign.lead.to_string(),
            begins_at_ms: reign.begins_at.0,
            authority: authority.clone(),
            signature: signature.clone(),
        }
    }
}

impl TryFrom<SuccessionFrame> for Succession {
    type Error = WireError;

    fn try_from(frame: SuccessionFrame) -> Result<Self, WireError> {
        bounded("authority", frame.authority.len(), KEY_BYTES_MAX)?;
        bounded("signature", frame.signature.len(), SIGNATURE_BYTES_MAX)?;
        let reign = Reign {
            mesh: MeshId(frame.mesh),
            store: StoreId(frame.store),
            epoch: Epoch(frame.epoch),
            lead: NodeName::parse(&frame.lead)?,
            begins_at: Timestamp(frame.begins_at_ms),
        };
        Ok(Self { reign, authority: frame.authority, signature: frame.signature })
    }
}

fn bounded(field: &'static str, length: usize, max: usize) -> Result<(), WireError> {
    if length > max { Err(WireError::Field { field, rule: FieldRule::TooMany(max) }) } else { Ok(()) }
}

#[cfg(test)]
impl SuccessionFrame {
    /// The third reign, of `aurora`.
    pub(super) fn sample() -> Self {
        Self {
            mesh: [7; 16],
            store: [9; 16],
            epoch: 3,
            lead: "aurora".to_owned(),
            begins_at_ms: -1,
            authority: vec![0xab, 1],
            signature: vec![0xcd],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_the_statement_it_was_made_of() {
        let succession = Succession::try_from(SuccessionFrame::sample()).expect("a succession");
        assert_eq!(SuccessionFrame::from(&succession), SuccessionFrame::sample());
        assert_eq!(succession.reign.epoch, Epoch(3));
    }

    #[test]
    fn a_frame_with_a_bad_name_or_an_endless_key_is_refused() {
        let refused = |frame: SuccessionFrame| Succession::try_from(frame).expect_err("refused").to_string();
        let sample = SuccessionFrame::sample;
        assert!(matches!(
            Succession::try_from(SuccessionFrame { lead: "../lead".to_owned(), ..sample() }),
            Err(WireError::Name(_))
        ));
        assert!(refused(SuccessionFrame { authority: vec![0; 129], ..sample() }).contains("authority"));
        assert!(refused(SuccessionFrame { signature: vec![0; 81], ..sample() }).contains("signature"));
    }
}
