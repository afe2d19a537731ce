//! Nothing to a node that was thrown out: nothing that is newer than that, nothing vouched for after it, and nothing at all
//! once it knows.

use std::collections::{BTreeMap, BTreeSet};

use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::Revision;
use aurora_mesh::replication::view::LeadView;

use super::Found;
use crate::told::Given;

#[derive(Debug)]
struct Out {
    revision: Revision,
    at: u64,
    knows: Option<u64>,
    returns: bool,
}

/// What a node has heard is on its disk within this, however slow the disk.
const KEPT_WITHIN_MS: u64 = 2_000;

/// Who was thrown out.
#[derive(Debug, Default)]
pub struct Banned {
    out: BTreeMap<NodeName, Out>,
    /// Whom somebody wanted to throw out; nobody may know whether it came to that.
    wanted: BTreeSet<NodeName>,
}

impl Banned {
    /// Somebody asks to throw a node out.
    pub fn asks(&mut self, node: &NodeName) {
        self.wanted.insert(node.clone());
    }

    /// That a node is thrown out was acknowledged.
    pub fn thrown_out(&mut self, node: &NodeName, revision: Revision, at: u64) {
        self.out.entry(node.clone()).or_insert(Out { revision, at, knows: None, returns: false });
    }

    /// A node shows that it believes it was thrown out.
    pub fn knows(&mut self, node: &NodeName, now: u64) -> Found {
        if !self.wanted.contains(node) {
            return Err(format!("{node} believes it was thrown out, and nobody wanted that"));
        }
        // It may know of one that was never acknowledged.
        self.thrown_out(node, Revision(u64::MAX), now);
        self.out.entry(node.clone()).and_modify(|out| out.knows = out.knows.or(Some(now)));
        Ok(())
    }

    /// The power went while the node wrote: what it had only just heard may not be on its disk, and then it has not heard it.
    pub fn torn(&mut self, node: &NodeName, now: u64) {
        if let Some(out) = self.out.get_mut(node) {
            out.knows = out.knows.filter(|since| since + KEPT_WITHIN_MS < now);
        }
    }

    /// Somebody brings a machine of this name in again: the lead may know it as a member from here on.
    pub fn may_return(&mut self, node: &NodeName) {
        if let Some(out) = self.out.get_mut(node) {
            out.returns = true;
        }
    }

    /// Whether a lead knows all who are out as that.
    pub fn check(&self, lead: &LeadView) -> Found {
        let is_member = |node: &NodeName| lead.node(node).is_some_and(|entry| entry.is_member());
        match self.out.iter().find(|(node, out)| !out.returns && is_member(node)) {
            Some((node, _)) => Err(format!("{node} was thrown out and is a member")),
            None => Ok(()),
        }
    }

    /// A machine of this name has joined again, with nothing of before.
    pub fn admitted(&mut self, node: &NodeName) {
        self.out.remove(node);
    }

    /// Whether a node was thrown out.
    pub fn is_out(&self, node: &NodeName) -> bool {
        self.out.contains_key(node)
    }

    /// A node gives out a value for which it was vouched at `vouched`.
    pub fn given(&self, node: &NodeName, vouched: u64, given: &Given) -> Found {
        let Some(out) = self.out.get(node) else { return Ok(()) };
        if given.revision > out.revision || vouched > out.at || out.knows.is_some() {
            return Err(format!("{node} is out since revision {} and gives out {given:?}", out.revision));
        }
        Ok(())
    }
}

#[test]
fn what_a_banned_node_cannot_have_or_may_not_give_is_found() {
    use crate::checks::values::tests::given;
    use crate::names::NODES;
    let mut banned = Banned::default();
    assert_eq!(banned.given(&NODES[0], 100, &given("one", 9)), Ok(()));
    banned.thrown_out(&NODES[0], Revision(5), 50);
    assert_eq!(banned.given(&NODES[0], 50, &given("one", 5)), Ok(()), "it has not heard");
    assert!(banned.given(&NODES[0], 50, &given("one", 6)).is_err());
    assert!(banned.given(&NODES[0], 51, &given("one", 5)).is_err());
    assert!(banned.knows(&NODES[0], 60).is_err(), "nobody wanted that");
    banned.asks(&NODES[0]);
    assert_eq!(banned.knows(&NODES[0], 60), Ok(()));
    assert!(banned.given(&NODES[0], 50, &given("one", 5)).is_err());
    banned.torn(&NODES[0], 60 + KEPT_WITHIN_MS + 1);
    assert!(banned.given(&NODES[0], 50, &given("one", 5)).is_err(), "it was on the disk");
    banned.torn(&NODES[0], 60 + KEPT_WITHIN_MS);
    assert_eq!(banned.given(&NODES[0], 50, &given("one", 5)), Ok(()), "it has not heard");
    banned.admitted(&NODES[0]);
    assert_eq!(banned.given(&NODES[0], 51, &given("one", 6)), Ok(()));
}
