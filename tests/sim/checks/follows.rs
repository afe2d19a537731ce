//! Invariant 11: a follower only goes forward, in its own epoch by revisions and otherwise to a later epoch; and a lead that
//! does its part is never refused.

use std::collections::BTreeMap;

use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::Position;

/// Where each follower stands on its disk.
#[derive(Debug, Default)]
pub struct Follows(BTreeMap<NodeName, Position>);

impl Follows {
    /// A follower stands here now.
    pub fn stands(&mut self, node: &NodeName, at: Position) -> Result<(), String> {
        let before = self.0.insert(node.clone(), at).unwrap_or_default();
        if at < before { Err(format!("{node} went from {before:?} back to {at:?}")) } else { Ok(()) }
    }

    /// A follower refused what a lead sent it.
    pub fn refused(&self, node: &NodeName, by_ghost: bool, why: &str) -> Result<(), String> {
        if by_ghost { Ok(()) } else { Err(format!("{node} refused the lead that reigns: {why}")) }
    }

    /// A machine that does not reign made a follower vouch for its cache. It may, for a cache that is no newer than what that
    /// machine itself has: nobody could know.
    pub fn vouched_by_ghost(&self, node: &NodeName, held: Position, ghost: Position) -> Result<(), String> {
        if held > ghost { Err(format!("{node} stands at {held:?} and believes a lead at {ghost:?}")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::position;
    use super::*;
    use crate::names::NODES;

    #[test]
    fn a_follower_that_goes_back_or_refuses_its_lead_is_found() {
        let mut follows = Follows::default();
        assert_eq!(follows.stands(&NODES[0], position(1, 5)), Ok(()));
        assert_eq!(follows.stands(&NODES[0], position(2, 1)), Ok(()));
        assert!(follows.stands(&NODES[0], position(1, 9)).is_err());
        assert_eq!(follows.refused(&NODES[0], true, "an old epoch"), Ok(()));
        assert!(follows.refused(&NODES[0], false, "a gap").is_err());
        assert!(follows.vouched_by_ghost(&NODES[0], position(2, 1), position(1, 9)).is_err());
    }
}
