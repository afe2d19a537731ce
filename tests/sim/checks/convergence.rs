//! Once nothing more happens, every follower that is a member holds exactly what it is entitled to, as the lead has it, under
//! the rules the lead has for it; and whoever was thrown out and told so holds nothing.

use std::collections::BTreeMap;

use aurora_mesh::model::article::{Article, ArticleId};
use aurora_mesh::model::number::{Generation, Version};
use aurora_mesh::model::record::{Record, RecordState};
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::replication::view::LeadView;

use crate::follower::Follower;

/// What everybody must agree about of a record.
type Seen = (Version, RecordState, Option<Generation>);

fn seen(record: &Record) -> (ScopedSecret, Seen) {
    let generation = record.sealed().map(|sealed| sealed.generation);
    (record.at.clone(), (record.version, record.state(), generation))
}

/// Whether a follower that was left in peace has what it should have.
pub fn check(lead: &LeadView, follower: &Follower) -> Result<(), String> {
    let name = &follower.name;
    let stored = follower.held().ok_or_else(|| format!("{name} does not run"))?;
    let Some(entry) = lead.node(name).filter(|entry| entry.is_member()) else {
        let holds = !stored.view.is_empty() || !stored.keys.is_empty() || !stored.rules.is_empty() || stored.member;
        return if holds { Err(format!("{name} was thrown out and holds something")) } else { Ok(()) };
    };
    let covered = lead.view.after(None).filter(|record| entry.entitlement.covers(name, &record.at));
    let wanted: BTreeMap<ScopedSecret, Seen> = covered.map(|record| seen(record)).collect();
    let held: BTreeMap<ScopedSecret, Seen> = stored.view.after(None).map(|record| seen(record)).collect();
    if held != wanted {
        return Err(format!("{name} holds {held:?} instead of {wanted:?}"));
    }
    if stored.view.position != lead.view.position {
        return Err(format!("{name} stands at {:?}, the lead at {:?}", stored.view.position, lead.view.position));
    }
    let concern = lead.articles.iter().filter_map(|article| article.for_node(name, &entry.entitlement));
    let rules: BTreeMap<ArticleId, Article> = concern.map(|article| (article.id(), article)).collect();
    if stored.rules != rules {
        return Err(format!("{name} has the rules {:?} instead of {:?}", stored.rules.keys(), rules.keys()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{lead, record};
    use super::*;
    use crate::clock::MachineClock;
    use crate::names::{ENTITLEMENTS, NODES};

    #[test]
    fn a_follower_that_lacks_something_stands_elsewhere_or_keeps_what_it_should_not_is_found() {
        let mut follower = Follower::new(NODES[0].clone(), MachineClock::new(1, 0), ENTITLEMENTS[0].clone());
        let mut lead = lead(record(1, 1));
        assert!(check(&lead, &follower).is_err(), "it holds nothing");
        let hold = |follower: &mut Follower, records| {
            follower.running.as_mut().expect("running").stored.view.accept(lead.view.position, records);
        };
        hold(&mut follower, vec![record(2, 1)]);
        assert!(check(&lead, &follower).is_err(), "another version");
        hold(&mut follower, vec![record(1, 1)]);
        assert_eq!(check(&lead, &follower), Ok(()));
        lead.strike(&NODES[0]);
        assert!(check(&lead, &follower).is_err(), "it was thrown out");
    }
}
