//! Invariant 2: what was acknowledged is on the disk, and stays: after every restart of the lead each secret is at least at
//! the version that was acknowledged, the history is at least as long, and who was thrown out is out.

use std::collections::{BTreeMap, BTreeSet};

use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Revision, Version};
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::replication::view::LeadView;

/// What was acknowledged so far.
#[derive(Debug, Default)]
pub struct Acknowledged {
    versions: BTreeMap<ScopedSecret, Version>,
    banned: BTreeSet<NodeName>,
    revision: Revision,
}

impl Acknowledged {
    /// A change of a secret was acknowledged as this.
    pub fn secret(&mut self, at: &ScopedSecret, version: Version, revision: Revision) {
        let known = self.versions.entry(at.clone()).or_insert(version);
        *known = version.max(*known);
        self.revision = self.revision.max(revision);
    }

    /// That a node is thrown out was acknowledged.
    pub fn banned(&mut self, node: NodeName) {
        self.banned.insert(node);
    }

    /// The history begins anew from an older state, with what that lost. Versions go on all the same.
    pub fn reigns(&mut self, lead: &LeadView) {
        self.revision = lead.view.position.revision;
        self.banned.retain(|node| lead.node(node).is_some_and(|entry| !entry.is_member()));
        let held: BTreeSet<&ScopedSecret> = lead.view.after(None).map(|record| &record.at).collect();
        self.versions.retain(|at, _| held.contains(at));
    }

    /// Whether a lead holds all of it.
    pub fn check(&self, lead: &LeadView) -> Result<(), String> {
        if lead.view.position.revision < self.revision {
            return Err(format!("revision {} was acknowledged and is gone", self.revision));
        }
        for (at, acknowledged) in &self.versions {
            let held = lead.view.get(at).map(|record| record.version);
            if held < Some(*acknowledged) {
                return Err(format!("version {acknowledged} of {at} was acknowledged, and there is {held:?}"));
            }
        }
        match self.banned.iter().find(|node| lead.node(node).is_some_and(|entry| entry.is_member())) {
            Some(node) => Err(format!("{node} was thrown out and is a member")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{lead, record, version};
    use super::*;
    use crate::names::{NODES, PLACES};

    #[test]
    fn a_version_a_revision_or_a_ban_that_is_lost_is_found() {
        let mut acknowledged = Acknowledged::default();
        acknowledged.secret(&PLACES[0], version(2), Revision(5));
        assert_eq!(acknowledged.check(&lead(record(2, 5))), Ok(()));
        assert!(acknowledged.check(&lead(record(1, 5))).is_err(), "an older version");
        assert!(acknowledged.check(&lead(record(2, 4))).is_err(), "a shorter history");
        acknowledged.banned(NODES[0].clone());
        assert!(acknowledged.check(&lead(record(2, 5))).is_err(), "whoever was thrown out is back");
    }
}
