//! The signature under a succession: the authority of the mesh says which reign begins, and anybody who pinned it can check.
//!
//! ECDSA on P-256 with SHA-256, as in [`super::signature`]. The text begins with words that nothing else the authority signs
//! begins with, so no seal and no certificate can be taken for a succession.

use super::signature::{Signer, is_signed, pin};
use crate::model::identity::{KeyPin, MeshId};
use crate::model::reign::{Reign, Succession};

/// States a reign; none when the library has no randomness.
#[must_use]
pub fn sign(reign: Reign, authority: &dyn Signer) -> Option<Succession> {
    let signature = authority.sign(reign.text().as_bytes())?;
    Some(Succession { reign, authority: authority.public_key(), signature })
}

/// Whether the authority with this pin states it, of this mesh.
///
/// # Errors
/// [`SuccessionFlaw`] says why it is not believed.
pub fn check(told: &Succession, mesh: &MeshId, authority: &KeyPin) -> Result<(), SuccessionFlaw> {
    if told.reign.mesh != *mesh {
        return Err(SuccessionFlaw::OtherMesh);
    }
    if pin(&told.authority) != *authority {
        return Err(SuccessionFlaw::OtherAuthority);
    }
    let signed = is_signed(&told.authority, told.reign.text().as_bytes(), &told.signature);
    if signed { Ok(()) } else { Err(SuccessionFlaw::NotSigned) }
}

/// Why a succession is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionFlaw {
    /// It is of another mesh.
    #[error("it is of another mesh")]
    OtherMesh,
    /// Another authority made it.
    #[error("it is not by the authority of this mesh")]
    OtherAuthority,
    /// The signature does not fit.
    #[error("it is not what the authority signed")]
    NotSigned,
}

#[cfg(test)]
mod tests {
    use super::super::signature_testing::Key;
    use super::*;
    use crate::model::identity::StoreId;
    use crate::model::name::NodeName;
    use crate::model::number::Epoch;
    use crate::model::time::Timestamp;

    const MESH: MeshId = MeshId([7; 16]);

    fn reign() -> Reign {
        let lead = NodeName::parse("aurora").expect("a name");
        Reign { mesh: MESH, store: StoreId([9; 16]), epoch: Epoch(3), lead, begins_at: Timestamp(0) }
    }

    #[test]
    fn a_succession_is_believed_by_whoever_pinned_the_authority_and_nobody_else() {
        let (authority, other) = (Key::new(), Key::new());
        let told = sign(reign(), &authority).expect("signed");
        let own = pin(&authority.public_key());
        assert_eq!(check(&told, &MESH, &own), Ok(()));
        assert_eq!(check(&told, &MeshId([8; 16]), &own), Err(SuccessionFlaw::OtherMesh));
        assert_eq!(check(&told, &MESH, &pin(&other.public_key())), Err(SuccessionFlaw::OtherAuthority));
        let usurped = sign(reign(), &other).expect("signed");
        assert_eq!(check(&usurped, &MESH, &own), Err(SuccessionFlaw::OtherAuthority));
        let lent = Succession { authority: authority.public_key(), ..usurped };
        assert_eq!(check(&lent, &MESH, &own), Err(SuccessionFlaw::NotSigned));
    }

    #[test]
    fn every_changed_field_shows() {
        let authority = Key::new();
        let own = pin(&authority.public_key());
        let changes: [fn(&mut Reign); 4] = [
            |reign| reign.store = StoreId([8; 16]),
            |reign| reign.epoch = Epoch(4),
            |reign| reign.lead = NodeName::parse("beta").expect("a name"),
            |reign| reign.begins_at = Timestamp(1),
        ];
        for change in changes {
            let mut told = sign(reign(), &authority).expect("signed");
            change(&mut told.reign);
            assert_eq!(check(&told, &MESH, &own), Err(SuccessionFlaw::NotSigned), "{told:?}");
        }
    }
}
