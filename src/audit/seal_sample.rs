//! Seals for the tests of this room.

use super::head::Head;
use super::sample::{clock, node};
use super::seal::{Author, Seal, SignedHead};
use crate::crypto::signature_testing::Key;
use crate::model::identity::MeshId;

pub(super) fn author() -> Author {
    Author { mesh: MeshId([7; 16]), node: node() }
}

pub(super) fn signed(key: &Key, head: Head) -> SignedHead {
    SignedHead::sign(&author(), head, 2, clock().now().wall, key).expect("signed")
}

pub(super) fn seal(node: &Key, authority: &Key, head: Head) -> Seal {
    Seal::new(signed(node, head), clock().now().wall, authority).expect("sealed")
}
