//! What is said about the end of a chain, and by whom: a node signs its head, and the mesh's authority countersigns it.
//!
//! A chain proves that nothing within it was changed; a seal proves up to where there was a chain, and when. Whoever has the
//! authority's pin can check a seal, without the mesh and without trusting where the seal was kept.

use super::head::Head;
use crate::crypto::signature::{Signer, is_signed, pin};
use crate::model::hex::hex;
use crate::model::identity::{KeyPin, MeshId};
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// What a node says about the end of its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The mesh.
    pub mesh: MeshId,
    /// Whose journal it is.
    pub node: NodeName,
    /// The end of the chain.
    pub head: Head,
    /// The format of that line.
    pub format: u8,
    /// When the node said so, on its own clock.
    pub time: Timestamp,
    /// The key the node is known by.
    pub key: KeyPin,
}

impl Statement {
    /// The one text that is signed. Each field has one spelling, and none can hold a newline.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { mesh, node, head, format, time, key } = self;
        format!(
            "aurora audit head v1\nmesh {mesh}\nnode {node}\nseq {}\nhash {}\nformat {format}\ntime {time}\nkey {}\n",
            head.seq,
            head.hex(),
            hex(&key.0)
        )
    }
}

/// A statement with the signature of its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// What is said.
    pub statement: Statement,
    /// The node's public key: `SubjectPublicKeyInfo`, DER.
    pub public_key: Vec<u8>,
    /// The signature over the statement's text, DER.
    pub signature: Vec<u8>,
}

/// Whose head is signed: what every statement of one node has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The mesh.
    pub mesh: MeshId,
    /// The node.
    pub node: NodeName,
}

impl SignedHead {
    /// Signs a head; none when the library has no randomness.
    #[must_use]
    pub fn sign(author: &Author, head: Head, format: u8, time: Timestamp, signer: &dyn Signer) -> Option<Self> {
        let public_key = signer.public_key();
        let Author { mesh, node } = author.clone();
        let statement = Statement { mesh, node, head, format, time, key: pin(&public_key) };
        let signature = signer.sign(statement.text().as_bytes())?;
        Some(Self { statement, public_key, signature })
    }

    /// Whether it is what this node of this mesh says, by its own key.
    ///
    /// # Errors
    /// [`SealFlaw`] says what is wrong.
    pub fn check(&self, author: &Author) -> Result<(), SealFlaw> {
        let Statement { mesh, node, key, .. } = &self.statement;
        if *mesh != author.mesh {
            return Err(SealFlaw::OtherMesh);
        }
        if *node != author.node {
            return Err(SealFlaw::OtherNode { found: node.clone() });
        }
        let signed = || is_signed(&self.public_key, self.statement.text().as_bytes(), &self.signature);
        if pin(&self.public_key) == *key && signed() { Ok(()) } else { Err(SealFlaw::NotSigned) }
    }
}

/// A signed head that the mesh's authority vouches for: every line up to it was on the lead's disk, and its hash was this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// What the node says.
    pub head: SignedHead,
    /// When the lead said that it is so, on the lead's clock.
    pub sealed_at: Timestamp,
    /// The authority's public key: `SubjectPublicKeyInfo`, DER.
    pub authority: Vec<u8>,
    /// Its signature, DER.
    pub countersignature: Vec<u8>,
}

impl Seal {
    /// Countersigns a head that was checked; none when the library has no randomness.
    #[must_use]
    pub fn new(head: SignedHead, sealed_at: Timestamp, authority: &dyn Signer) -> Option<Self> {
        let countersignature = authority.sign(sealed_text(&head, sealed_at).as_bytes())?;
        Some(Self { head, sealed_at, authority: authority.public_key(), countersignature })
    }

    /// The end of the chain it is about.
    #[must_use]
    pub fn chain_head(&self) -> &Head {
        &self.head.statement.head
    }

    /// Whether the authority with this pin vouches for it, and the node signed it.
    ///
    /// # Errors
    /// [`SealFlaw`] says what is wrong.
    pub fn check(&self, author: &Author, authority: &KeyPin) -> Result<(), SealFlaw> {
        self.head.check(author)?;
        if pin(&self.authority) != *authority {
            return Err(SealFlaw::OtherAuthority);
        }
        let text = sealed_text(&self.head, self.sealed_at);
        let signed = is_signed(&self.authority, text.as_bytes(), &self.countersignature);
        if signed { Ok(()) } else { Err(SealFlaw::NotCountersigned) }
    }
}

/// What the authority signs: another first line than any statement has, so neither can be taken for the other.
fn sealed_text(head: &SignedHead, sealed_at: Timestamp) -> String {
    let statement = head.statement.text();
    format!("aurora audit seal v1\nsealed {sealed_at}\n{statement}signature {}\n", hex(&head.signature))
}

/// Why a signed head or a seal is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealFlaw {
    /// It is of another mesh.
    #[error("is of another mesh")]
    OtherMesh,
    /// It is about another node's journal.
    #[error("is about the journal of {found}")]
    OtherNode {
        /// Whose.
        found: NodeName,
    },
    /// The node's signature does not fit, or is by another key than it says.
    #[error("is not signed by the key it names: it was altered")]
    NotSigned,
    /// Another authority made it.
    #[error("is not by the authority that is trusted")]
    OtherAuthority,
    /// The authority's signature does not fit.
    #[error("is not what the authority signed: it was altered")]
    NotCountersigned,
}

#[cfg(test)]
mod tests {
    use super::super::seal_sample::{author, seal, signed};
    use super::*;
    use crate::crypto::signature_testing::Key;

    #[test]
    fn a_statement_has_one_text() {
        let signed = signed(&Key::new(), Head { seq: 7, hash: [0xab; 32] });
        let key = hex(&signed.statement.key.0);
        let expected = format!(
            "aurora audit head v1\nmesh {}\nnode vengeance\nseq 7\nhash {}\nformat 2\ntime 2026-11-21T08:00:00.000Z\nkey {key}\n",
            "07".repeat(16),
            "ab".repeat(32),
        );
        assert_eq!(signed.statement.text(), expected);
    }

    #[test]
    fn a_seal_is_believed_by_whoever_has_the_pin_of_the_authority() {
        let (node, authority) = (Key::new(), Key::new());
        let seal = seal(&node, &authority, Head { seq: 7, hash: [1; 32] });
        assert_eq!(seal.check(&author(), &pin(&authority.public_key())), Ok(()));
        assert_eq!(seal.check(&author(), &pin(&node.public_key())), Err(SealFlaw::OtherAuthority));
        let elsewhere = Author { mesh: MeshId([8; 16]), ..author() };
        assert_eq!(seal.check(&elsewhere, &pin(&authority.public_key())), Err(SealFlaw::OtherMesh));
    }

    #[test]
    fn every_changed_field_shows() {
        let (node, authority) = (Key::new(), Key::new());
        let whole = seal(&node, &authority, Head { seq: 7, hash: [1; 32] });
        let pin = pin(&authority.public_key());
        let check = |change: &dyn Fn(&mut Seal)| {
            let mut seal = whole.clone();
            change(&mut seal);
            seal.check(&author(), &pin).expect_err("altered")
        };
        assert_eq!(check(&|seal| seal.head.statement.head.seq = 6), SealFlaw::NotSigned);
        assert_eq!(check(&|seal| seal.head.statement.head.hash = [2; 32]), SealFlaw::NotSigned);
        assert_eq!(check(&|seal| seal.head.statement.format = 1), SealFlaw::NotSigned);
        assert_eq!(check(&|seal| seal.head.statement.time = Timestamp(1)), SealFlaw::NotSigned);
        assert_eq!(check(&|seal| seal.sealed_at = Timestamp(1)), SealFlaw::NotCountersigned);
        assert_eq!(check(&|seal| seal.countersignature = vec![0; 70]), SealFlaw::NotCountersigned);
        assert_eq!(check(&|seal| seal.authority = Key::new().public_key()), SealFlaw::OtherAuthority);
        // A node that signs with a key of its own making says so in its statement, which the authority never saw.
        assert_eq!(check(&|seal| seal.head = signed(&Key::new(), *seal.chain_head())), SealFlaw::NotCountersigned);
    }
}
