//! Invariant 8: absence never grants. Whatever a node has not, be it rules, a contact, an entitlement or a membership, it
//! gives nothing out for the lack of it.

use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::record::Record;

use super::right::judge;
use crate::follower::Stored;

/// A node gives a record out, in this state.
pub fn check(node: &NodeName, stored: &Stored, has_contact: bool, record: &Record) -> Result<(), String> {
    let lacking = [
        (!stored.member, "a membership"),
        (stored.rules_held.is_none(), "rules"),
        (!has_contact, "a word of its lead"),
        (!stored.entitlement.covers(node, &record.at), "an entitlement"),
        (!judge(stored.rules.values(), node, &record.at).allows(), "a rule that allows it"),
    ];
    match lacking.iter().find(|(lacks, _)| *lacks) {
        Some((_, what)) => Err(format!("{node} gives {} out without {what}", record.at)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{position, record};
    use super::*;
    use crate::clock::MachineClock;
    use crate::follower::Follower;
    use crate::names::{ENTITLEMENTS, NODES};
    use crate::rules::readers;

    #[test]
    fn whatever_is_lacking_is_found() {
        let follower = Follower::new(NODES[0].clone(), MachineClock::new(1, 0), ENTITLEMENTS[0].clone());
        let empty = follower.held().expect("running").clone();
        let (record, grant) = (record(1, 1), readers());
        let stored = Stored { rules_held: Some(position(1, 1)), rules: [(grant.id(), grant)].into(), ..empty.clone() };
        let found = |stored: &Stored, contact| check(&NODES[0], stored, contact, &record).is_err();
        assert!(!found(&stored, true));
        assert!(found(&stored, false));
        assert!(found(&empty, true));
        assert!(found(&Stored { rules: empty.rules, ..stored.clone() }, true));
        assert!(found(&Stored { member: false, ..stored.clone() }, true));
        assert!(found(&Stored { entitlement: ENTITLEMENTS[3].clone(), ..stored }, true));
    }
}
