//! What a follower gives out was right at the lead when its cache was vouched for, or later: the current version of a secret
//! that is not deleted, of a node that was a member and entitled, and allowed by the rules of that time. A change, a ban, a
//! freeze and a deny are over everywhere once the freshness contract is.
//!
//! A grant alone may be newer than the value: rules come before the records, and whoever is let in meanwhile may see the
//! value of a moment ago.
//!
//! The rules are read here from the articles themselves, not by the code that decides.

use std::collections::VecDeque;

use aurora_mesh::model::article::Article;
use aurora_mesh::model::company::Companies;
use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::grant::Effect;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::number::Version;
use aurora_mesh::model::record::Record;
use aurora_mesh::model::secret::{Scope, ScopedSecret};
use aurora_mesh::replication::view::LeadView;

/// What the lead published, and until when it was the newest, in true time.
#[derive(Debug, Default)]
pub struct Timeline {
    past: VecDeque<(u64, LeadView)>,
    now: Option<LeadView>,
}

impl Timeline {
    /// The lead publishes this now. What was over before `forget` is of no matter any more.
    pub fn published(&mut self, lead: LeadView, now: u64, forget: u64) {
        self.past.extend(self.now.replace(lead).map(|before| (now, before)));
        while self.past.front().is_some_and(|(until, _)| *until < forget) {
            self.past.pop_front();
        }
    }

    /// Whether a node might give this record out, at a time when its cache was vouched for not before `vouched`.
    pub fn check(&self, node: &NodeName, record: &Record, vouched: u64) -> Result<(), String> {
        let since = || self.past.iter().filter(|(until, _)| *until >= vouched).map(|(_, lead)| lead).chain(&self.now);
        let opened = since().any(|lead| judged(lead, node, &record.at).opened);
        if opened && since().any(|lead| is_there(lead, node, record) && !judged(lead, node, &record.at).closed) {
            return Ok(());
        }
        Err(format!("{node} gives out version {} of {}, vouched for at {vouched}", record.version, record.at))
    }
}

/// The version that a node should give out of a place, if it should give out any.
pub fn expected(lead: &LeadView, node: &NodeName, at: &ScopedSecret) -> Option<Version> {
    let current = lead.view.get(at).filter(|record| is_there(lead, node, record));
    current.filter(|_| judged(lead, node, at).allows()).map(|record| record.version)
}

/// Whether a node may hold this version, and it can be read.
fn is_there(lead: &LeadView, node: &NodeName, record: &Record) -> bool {
    let Some(entry) = lead.node(node).filter(|entry| entry.is_member()) else { return false };
    let current = lead.view.get(&record.at);
    let is_current = current.is_some_and(|current| current.version == record.version && current.sealed().is_some());
    is_current && entry.entitlement.covers(node, &record.at)
}

fn judged(lead: &LeadView, node: &NodeName, at: &ScopedSecret) -> Judged {
    judge(lead.articles.iter().map(|article| &**article), node, at)
}

/// What articles say about the members of the socket's group and one place on one node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Judged {
    opened: bool,
    closed: bool,
}

impl Judged {
    /// Whether they may read it: a grant lets them, and nothing closes it.
    pub fn allows(self) -> bool {
        self.opened && !self.closed
    }
}

/// Reads articles.
pub fn judge<'a>(articles: impl Iterator<Item = &'a Article>, node: &NodeName, at: &ScopedSecret) -> Judged {
    let mut judged = Judged::default();
    for article in articles {
        match article {
            Article::Grant(grant) => {
                let named = grant.reach.secrets.iter().any(|glob| glob.matches(&at.secret.name));
                let company = match (&at.scope, &grant.reach.companies) {
                    (Scope::Company(company), companies) => companies.contains(company),
                    (Scope::Global | Scope::Node(_), Companies::All | Companies::Only(_)) => true,
                };
                match grant.effect {
                    Effect::Allow => judged.opened |= named && company,
                    Effect::Deny => judged.closed |= named && company,
                }
            }
            Article::Freeze(freeze) => {
                judged.closed |= match &freeze.target {
                    FreezeTarget::Mesh => true,
                    FreezeTarget::Node(frozen) => frozen == node,
                    FreezeTarget::Secret(name) => *name == at.secret.name,
                    FreezeTarget::Company(company) => at.scope == Scope::Company(company.clone()),
                    FreezeTarget::Agent(_) => false,
                };
            }
            Article::Agent(_) | Article::ApiKey(_) => {}
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use aurora_mesh::model::article::Edit;
    use aurora_mesh::model::number::Revision;

    use super::super::sample::{lead, record};
    use super::*;
    use crate::names::{NODES, PLACES, TARGETS};
    use crate::rules::{freeze, readers};

    fn open(record: Record) -> LeadView {
        let mut lead = lead(record);
        lead.articles.edit(Edit::Put(readers()), Revision(1));
        lead
    }

    #[test]
    fn a_value_is_right_for_as_long_as_the_contract_after_it_was_and_no_longer() {
        let mut timeline = Timeline::default();
        timeline.published(open(record(1, 1)), 100, 0);
        assert_eq!(timeline.check(&NODES[0], &record(1, 1), 5_000), Ok(()));
        timeline.published(open(record(2, 2)), 6_000, 0);
        assert_eq!(timeline.check(&NODES[0], &record(1, 1), 6_000), Ok(()), "it was right when that was asked");
        assert!(timeline.check(&NODES[0], &record(1, 1), 6_001).is_err(), "an older version");
        assert!(timeline.check(&NODES[0], &record(3, 3), 0).is_err(), "a version there never was");
    }

    #[test]
    fn without_a_grant_with_a_freeze_or_for_a_stranger_nothing_is_right() {
        assert!(judge([readers()].iter(), &NODES[0], &PLACES[1]).allows());
        assert!(!judge([].iter(), &NODES[0], &PLACES[1]).allows());
        for target in TARGETS.iter().filter(|target| **target != TARGETS[1]) {
            let frozen = [readers(), freeze(target.clone())];
            assert!(!judge(frozen.iter(), &NODES[0], &PLACES[4]).allows(), "{target}");
        }
        let mut struck = open(record(1, 1));
        struck.strike(&NODES[0]);
        let mut timeline = Timeline::default();
        timeline.published(struck, 0, 0);
        assert!(timeline.check(&NODES[0], &record(1, 1), 0).is_err());
    }
}
