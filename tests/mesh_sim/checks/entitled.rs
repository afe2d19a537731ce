//! Invariant 4: a node gives out, and has on its disk, only what it is entitled to.

use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::store::contents::Contents;

use super::Found;

/// A node gives out a value from this place.
pub fn given(node: &NodeName, entitlement: &Entitlement, at: &ScopedSecret) -> Found {
    if entitlement.covers(node, at) { Ok(()) } else { Err(format!("{node} gives out {at}, which it may not hold")) }
}

/// What is on the disk of a node.
pub fn held(node: &NodeName, entitlement: &Entitlement, contents: &Contents) -> Found {
    if let Some(record) = contents.records.iter().find(|record| !entitlement.covers(node, &record.at)) {
        return Err(format!("{node} holds {}, which it may not", record.at));
    }
    match contents.scope_keys.iter().find(|key| !entitlement.covers_scope(node, &key.at)) {
        Some(key) => Err(format!("{node} holds the key of {:?}, which it may not", key.at)),
        None => Ok(()),
    }
}

#[test]
fn what_a_node_gives_out_without_being_entitled_to_it_is_found() {
    use crate::names::{ENTITLEMENTS, NODES, PLACES};
    assert_eq!(given(&NODES[0], &ENTITLEMENTS[2], &PLACES[0]), Ok(()));
    assert!(given(&NODES[0], &ENTITLEMENTS[2], &PLACES[3]).is_err(), "hubspot, of openai alone");
    assert!(given(&NODES[1], &ENTITLEMENTS[0], &PLACES[2]).is_err(), "another node's");
}
