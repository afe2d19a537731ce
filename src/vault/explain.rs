//! Why a read comes out as it does: each scope tried, the winner, the rule, the freshness, and who holds it.

use std::cell::LazyCell;
use std::sync::Arc;

use crate::model::actions::Action;
use crate::model::article::ArticleId;
use crate::model::caller::Caller;
use crate::model::company::Companies;
use crate::model::freshness::{FreshnessPolicy, Offline};
use crate::model::metadata::SecretOptions;
use crate::model::name::CompanyId;
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::model::secret::{Scope, SecretAddress, SecretName};
use crate::policy::decide::Decision;
use crate::policy::rule::ROSTER_RULE;
use crate::replication::holding::Timeline;

use super::account::Account;
use super::answer::{Durations, Explanation, Holder, SetBy, Tried, TriedScope};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::parts::Vault;
use super::request::Context;
use super::resolve::{CompanyChoice, Resolution, resolve};

impl Vault {
    /// Explains what the same caller would get by reading now. Never a value.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not even know.
    pub async fn explain(
        &self,
        caller: &Caller,
        name: SecretName,
        context: Context,
    ) -> Result<Explanation, VaultError> {
        let mut account = Account::open(caller, Action::SecretExplain, self.parts.clock.now());
        account.reason(context.reason.as_deref());
        let result = self.try_explain(caller, &name, &context, &mut account);
        self.settle(&account, result).await
    }

    fn try_explain(
        &self,
        caller: &Caller,
        name: &SecretName,
        context: &Context,
        account: &mut Account,
    ) -> Result<Explanation, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(context)?;
        let environment = self.environment(&who, context.environment.as_ref())?;
        account.about(name, &environment);
        account.company(context.company.as_ref());
        let object = Object { company: context.company.as_ref(), ..Object::of_secret(name, &environment) };
        self.check_standing()?;
        self.authorise(&who, Action::SecretExplain, object, account)?;
        let freeze = self.freeze_of(&who, Action::SecretRead, object);
        let (allowed, rule) = match (self.decide(&who, Action::SecretRead, object), freeze) {
            (Decision::Allowed { .. }, Some(freeze)) => (false, ArticleId::Freeze(freeze.target).to_string().into()),
            (Decision::Allowed { rule }, None) => (true, rule),
            (Decision::Denied { rule }, _) => (false, rule),
        };
        let held = self.parts.board.held.load();
        let company = Self::company(context, &held.entitlement);
        let refused = matches!(company, CompanyChoice::Refused);
        let secret = SecretAddress { environment, name: name.clone() };
        let Resolution { winner, tried } = resolve(&held.view, &secret, &self.parts.node, company);
        // What is in a scope is told to whoever may ask about that scope alone, and to nobody else.
        let may_know = |scope: &Scope| {
            self.is_allowed(&who, Action::SecretInfo, Object::in_scope(name, scope, &secret.environment))
        };
        let winner = winner.filter(|record| may_know(&record.at.scope));
        let held_here = held.entitlement.covers_name(name);
        let tried = tried.into_iter().map(|scope| told(scope, held_here, may_know)).collect();
        let options = winner.as_ref().map(|record| record.options.clone()).unwrap_or_default();
        Ok(Explanation {
            name: name.clone(),
            tried,
            allowed: allowed && !refused,
            rule: if refused { ROSTER_RULE.to_owned() } else { rule.to_string() },
            freshness: self.freshness(name, &options, &self.parts.clock.now()).ok(),
            durations: durations(&options, self.parts.freshness),
            holders: winner.as_ref().map(|record| self.holders(&who, record)).unwrap_or_default(),
            winner,
            environment: secret.environment,
        })
    }

    /// Which nodes are entitled to a record, and whether they have acknowledged it. A follower knows of itself only. Nodes
    /// that speak for companies are told to whoever may ask on behalf of one of them.
    pub(super) fn holders(&self, who: &Identified, record: &Record) -> Vec<Holder> {
        let own = &self.parts.node;
        let Some(lead) = &self.parts.lead else {
            let version = Some(record.version);
            return vec![Holder { node: own.clone(), entitled: true, current: Some(true), version }];
        };
        let lead_view = lead.board.lead_view.load();
        let presence = lead.board.presence.load();
        let timeline = LazyCell::new(|| Timeline::of(&lead_view, record));
        let holder = |entry: &Arc<RosterEntry>| {
            let acknowledged = presence.get(&entry.name).and_then(|presence| presence.acknowledged);
            let here = entry.name == *own;
            let entitled = here || entry.entitlement.covers(&entry.name, &record.at);
            // What a node acknowledged before it was entitled to the record did not hold it.
            let counts = acknowledged.filter(|revision| entitled && *revision >= entry.changed_at);
            let current = if here { Some(true) } else { acknowledged.map(|_| counts >= Some(record.revision)) };
            let version = match (current, counts) {
                (Some(true), _) => Some(record.version),
                (_, Some(revision)) => timeline.version_at(revision),
                (_, None) => None,
            };
            Holder { node: entry.name.clone(), entitled, current: current.filter(|_| entitled), version }
        };
        let SecretAddress { environment, name } = &record.at.secret;
        let may_ask = |company: &CompanyId| {
            let object = Object { company: Some(company), ..Object::of_secret(name, environment) };
            self.is_granted(who, Action::SecretInfo, object)
        };
        let is_told = |entry: &&Arc<RosterEntry>| match &entry.entitlement.companies {
            Companies::Only(companies) => companies.is_empty() || companies.iter().any(may_ask),
            Companies::All => true,
        };
        lead_view.members().filter(is_told).map(holder).collect()
    }
}

/// What may be told of one scope. Where the globs of this node leave the name out, nothing could be.
fn told(tried: TriedScope, held_here: bool, may_know: impl Fn(&Scope) -> bool) -> TriedScope {
    let outcome = match &tried.scope {
        Some(scope) if !may_know(scope) => Tried::NotAllowed,
        Some(_) if tried.outcome == Tried::Absent && !held_here => Tried::NotEntitled,
        Some(_) | None => return tried,
    };
    TriedScope { outcome, ..tried }
}

fn durations(options: &SecretOptions, node: FreshnessPolicy) -> Durations {
    let set_by = |own: bool| if own { SetBy::Secret } else { SetBy::Node };
    Durations {
        policy: options.freshness(node),
        ttl_by: set_by(options.ttl.is_some()),
        max_stale_by: set_by(options.max_stale.is_some() || options.offline == Offline::Deny),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::number::Version;

    fn tried(scope: Option<&str>, outcome: Tried) -> TriedScope {
        let scope = scope.map(|text| Scope::parse(text).expect("scope"));
        TriedScope { kind: scope.as_ref().map_or("company", Scope::kind), scope, outcome }
    }

    #[test]
    fn a_scope_that_the_caller_may_not_ask_about_tells_neither_a_version_nor_whether_it_won() {
        let won = tried(Some("company:acme"), Tried::Won { version: Version::FIRST });
        assert_eq!(told(won.clone(), true, |_| false).outcome, Tried::NotAllowed);
        assert_eq!(told(won.clone(), true, |_| true), won);
        assert_eq!(told(tried(Some("global"), Tried::Absent), true, |_| false).outcome, Tried::NotAllowed);
        assert_eq!(told(tried(None, Tried::NotNamed), false, |_| false).outcome, Tried::NotNamed);
    }

    #[test]
    fn where_the_globs_of_a_node_leave_a_name_out_nothing_could_be() {
        assert_eq!(told(tried(Some("global"), Tried::Absent), false, |_| true).outcome, Tried::NotEntitled);
        assert_eq!(told(tried(Some("global"), Tried::Absent), true, |_| true).outcome, Tried::Absent);
    }

    #[test]
    fn a_duration_is_told_with_who_set_it() {
        let node = FreshnessPolicy::default();
        let own = SecretOptions { ttl: Some(Duration::from_secs(5)), ..SecretOptions::default() };
        let told = durations(&own, node);
        assert_eq!((told.ttl_by, told.policy.ttl), (SetBy::Secret, Duration::from_secs(5)));
        assert_eq!((told.max_stale_by, told.policy.max_stale), (SetBy::Node, node.max_stale));
        let denied = durations(&SecretOptions { offline: Offline::Deny, ..SecretOptions::default() }, node);
        assert_eq!((denied.max_stale_by, denied.policy.max_stale), (SetBy::Secret, Duration::ZERO));
    }
}
