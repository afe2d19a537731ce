//! What a node was entitled to before: after an incident it is asked what the node could have read, not only what it may.

use std::collections::BTreeSet;

use super::company::Companies;
use super::entitlement::Entitlement;
use super::glob::SecretGlob;
use super::time::Timestamp;

/// Most former entitlements that are told apart; beyond it the two oldest become one that allows what either did. A row
/// of a node stays far below the limit of rows.
pub const FORMER_MAX: usize = 64;

/// Since when a node is entitled to what it is entitled to, and what that was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntitlementHistory {
    /// Since when the present entitlement holds.
    pub since: Timestamp,
    /// Those before it, oldest first.
    pub former: Vec<FormerEntitlement>,
}

/// An entitlement that held for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerEntitlement {
    /// What the node could hold.
    pub entitlement: Entitlement,
    /// From when.
    pub from: Timestamp,
    /// Until when. What it had by then it may still have.
    pub until: Timestamp,
}

/// The time of an entitlement, or of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` is still.
    pub until: Option<Timestamp>,
}

impl EntitlementHistory {
    /// Of a node that just got its first entitlement.
    #[must_use]
    pub fn beginning(since: Timestamp) -> Self {
        Self { since, former: Vec::new() }
    }

    /// The present entitlement has become a former one.
    #[must_use]
    pub fn followed(mut self, entitlement: Entitlement, now: Timestamp) -> Self {
        // A clock that was set back does not make a period end before it began.
        let until = now.max(self.since);
        self.former.push(FormerEntitlement { entitlement, from: self.since, until });
        if self.former.len() > FORMER_MAX {
            let oldest = self.former.remove(0);
            if let Some(next) = self.former.first_mut() {
                next.entitlement = either(&oldest.entitlement, &next.entitlement);
                next.from = oldest.from;
            }
        }
        self.since = until;
        self
    }

    /// Nothing of what it is entitled to now was held: that counts from now. What it held before it was no member for a while,
    /// it may still have.
    #[must_use]
    pub fn begun_anew(self, now: Timestamp) -> Self {
        Self { since: now, ..self }
    }

    /// Every entitlement the node has or had, with its time, oldest first.
    pub fn with<'a>(&'a self, present: &'a Entitlement) -> impl Iterator<Item = (&'a Entitlement, Period)> {
        let period = |former: &FormerEntitlement| Period { from: former.from, until: Some(former.until) };
        let former = self.former.iter().map(move |former| (&former.entitlement, period(former)));
        former.chain([(present, Period { from: self.since, until: None })])
    }
}

/// What allows whatever one of the two allowed. Both are of one environment: a node is in one for life.
fn either(one: &Entitlement, other: &Entitlement) -> Entitlement {
    let companies = match (&one.companies, &other.companies) {
        (Companies::Only(one), Companies::Only(other)) => Companies::Only(one | other),
        (Companies::All, _) | (_, Companies::All) => Companies::All,
    };
    let globs: BTreeSet<&str> = one.globs.iter().chain(&other.globs).map(SecretGlob::as_str).collect();
    let globs = globs.into_iter().filter_map(|glob| SecretGlob::parse(glob).ok()).collect();
    Entitlement { environment: other.environment.clone(), companies, globs }
}

#[cfg(test)]
mod tests {
    use super::super::name::{CompanyId, EnvironmentName, NodeName};
    use super::super::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
    use super::*;

    fn entitlement(companies: &[&str], glob: &str) -> Entitlement {
        Entitlement {
            environment: EnvironmentName::parse("prod").expect("name"),
            companies: Companies::Only(companies.iter().map(|id| CompanyId::parse(id).expect("id")).collect()),
            globs: vec![SecretGlob::parse(glob).expect("glob")],
        }
    }

    fn at(scope: &str) -> ScopedSecret {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse("openai/api_key").expect("name");
        SecretAddress { environment, name }.within(Scope::parse(scope).expect("scope"))
    }

    fn periods(history: &EntitlementHistory, present: &Entitlement, scope: &str) -> Vec<(i64, Option<i64>)> {
        let node = NodeName::parse("vengeance").expect("name");
        let at = at(scope);
        let found = history.with(present).filter(|(entitlement, _)| entitlement.covers(&node, &at));
        found.map(|(_, period)| (period.from.0, period.until.map(|until| until.0))).collect()
    }

    #[test]
    fn what_a_node_could_hold_is_remembered_with_its_times() {
        let history = EntitlementHistory::beginning(Timestamp(10));
        let history = history.followed(entitlement(&["acme"], "*"), Timestamp(20));
        let history = history.followed(entitlement(&[], "stripe/*"), Timestamp(15));
        let present = entitlement(&["town"], "openai/*");
        assert_eq!(periods(&history, &present, "company:acme"), [(10, Some(20))]);
        assert_eq!(periods(&history, &present, "company:town"), [(20, None)]);
        assert_eq!(periods(&history, &present, "global"), [(10, Some(20)), (20, None)]);
        assert_eq!(periods(&history, &present, "node:runpod-tx"), []);
    }

    #[test]
    fn nothing_a_node_could_hold_is_forgotten_when_there_are_too_many_to_tell_apart() {
        let mut history = EntitlementHistory::beginning(Timestamp(0));
        for number in 0..200 {
            let company = format!("company{number}");
            history = history.followed(entitlement(&[&company], "openai/*"), Timestamp(number + 1));
        }
        assert_eq!(history.former.len(), FORMER_MAX);
        let present = entitlement(&[], "stripe/*");
        for number in 0..200 {
            let found = periods(&history, &present, &format!("company:company{number}"));
            let [(from, Some(until))] = found[..] else { panic!("{number}: {found:?}") };
            assert!(from <= number && number < until, "{number}: {found:?}");
        }
    }
}
