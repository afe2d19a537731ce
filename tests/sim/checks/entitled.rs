//! Invariant 4: a node is sent only what it is entitled to at that moment, and what is stored after it lost a scope is
//! sealed under a key that it never had.

use std::collections::{BTreeMap, BTreeSet};

use aurora_mesh::model::change::ChangeKind;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::{Generation, Revision};
use aurora_mesh::model::record::Record;
use aurora_mesh::model::secret::KeyScope;
use aurora_mesh::replication::view::LeadView;

use crate::session::Sent;

/// Every key that was ever sent to each node, by whatever lead: whoever took one may have kept it.
#[derive(Debug, Default)]
pub struct Entitled {
    keys: BTreeMap<NodeName, BTreeSet<(KeyScope, Generation)>>,
}

impl Entitled {
    /// A lead sends this to a node.
    pub fn sent(&mut self, lead: &LeadView, node: &NodeName, sent: &Sent) -> Result<(), String> {
        if sent.lacks_key {
            return Err(format!("a record was sent to {node} without its key"));
        }
        if sent.records.is_empty() && sent.keys.is_empty() {
            return Ok(());
        }
        let Some(entry) = lead.node(node).filter(|entry| entry.is_member()) else {
            return Err(format!("{node} is no member and was sent something"));
        };
        if let Some(record) = sent.records.iter().find(|record| !entry.entitlement.covers(node, &record.at)) {
            return Err(format!("{} was sent to {node}, which may not hold it", record.at));
        }
        if let Some((at, _)) = sent.keys.iter().find(|(at, _)| !entry.entitlement.covers_scope(node, at)) {
            return Err(format!("the key of {at:?} was sent to {node}, which may not hold it"));
        }
        self.keys.entry(node.clone()).or_default().extend(sent.keys.iter().cloned());
        Ok(())
    }

    /// A lead has published what came after this revision.
    pub fn published(&self, lead: &LeadView, after: Revision) -> Result<(), String> {
        let mut new = lead.view.after(None).filter(|record| {
            record.revision > after && record.change == ChangeKind::Stored && record.sealed().is_some()
        });
        new.try_for_each(|record| self.check(lead, record))
    }

    fn check(&self, lead: &LeadView, record: &Record) -> Result<(), String> {
        let Some(sealed) = record.sealed() else { return Ok(()) };
        let key = (record.at.key_scope(), sealed.generation);
        for (node, _) in self.keys.iter().filter(|(_, keys)| keys.contains(&key)) {
            let Some(entry) = lead.node(node) else { continue };
            let may = entry.is_member() && entry.entitlement.covers_scope(node, &key.0);
            // What was sealed before the node lost the scope, it may have.
            if !may && entry.changed_at < record.revision {
                return Err(format!("{} is sealed under a key that {node} has, which may not hold it", record.at));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aurora_mesh::model::roster::RosterEntry;

    use super::super::sample::{lead, record};
    use super::*;
    use crate::names::{ENTITLEMENTS, NODES, PLACES};

    fn sending(record: Record) -> Sent {
        let keys = record.sealed().map(|sealed| (record.at.key_scope(), sealed.generation));
        Sent { keys: keys.into_iter().collect(), records: vec![Arc::new(record)], lacks_key: false }
    }

    fn entitled(lead: &mut LeadView, number: usize, changed_at: u64) {
        let entry = RosterEntry::clone(lead.node(&NODES[0]).expect("a member"));
        let entitlement = ENTITLEMENTS[number].clone();
        lead.enrol(RosterEntry { entitlement, changed_at: Revision(changed_at), ..entry });
    }

    #[test]
    fn a_record_a_key_or_anything_at_all_for_the_wrong_node_is_found() {
        let of_acme = || Record { at: PLACES[1].clone(), ..record(1, 1) };
        let mut lead = lead(of_acme());
        let mut checker = Entitled::default();
        assert_eq!(checker.sent(&lead, &NODES[0], &sending(of_acme())), Ok(()));
        entitled(&mut lead, 1, 2);
        assert!(checker.sent(&lead, &NODES[0], &sending(of_acme())).is_err());
        let only_key = Sent { records: Vec::new(), ..sending(of_acme()) };
        assert!(checker.sent(&lead, &NODES[0], &only_key).is_err());
        lead.strike(&NODES[1]);
        assert!(checker.sent(&lead, &NODES[1], &sending(record(1, 1))).is_err());
        assert!(checker.sent(&lead, &NODES[2], &Sent { lacks_key: true, ..Sent::default() }).is_err());
    }

    #[test]
    fn a_value_that_is_stored_under_a_key_of_somebody_who_lost_it_is_found() {
        let of_acme = |revision| Record { at: PLACES[1].clone(), ..record(1, revision) };
        let mut before = lead(of_acme(1));
        let mut checker = Entitled::default();
        assert_eq!(checker.sent(&before, &NODES[0], &sending(of_acme(1))), Ok(()));
        entitled(&mut before, 1, 2);
        assert_eq!(checker.published(&before, Revision(0)), Ok(()), "it was sealed before that");
        let mut after = lead(of_acme(3));
        entitled(&mut after, 1, 2);
        assert!(checker.published(&after, Revision(2)).is_err());
    }
}
