//! Why a read comes out as it does: each scope tried, the winner, the rule, the freshness, and who holds it.

use crate::model::caller::Caller;
use crate::model::metadata::SecretOptions;
use crate::model::record::Record;
use crate::model::secret::{SecretAddress, SecretName};
use crate::policy::actions::Action;
use crate::policy::decide::Decision;

use super::account::Account;
use super::answer::{Explanation, Holder};
use super::authorise::Object;
use super::error::VaultError;
use super::parts::Vault;
use super::request::Context;
use super::resolve::{CompanyChoice, resolve};

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
        let object = Object { secret: Some(name), company: context.company.as_ref(), environment: &environment };
        self.authorise(&who, Action::SecretExplain, object, account)?;
        let (allowed, rule) = match self.decide(&who, Action::SecretRead, object) {
            Decision::Allowed { rule } => (true, rule),
            Decision::Denied { rule } => (false, rule),
        };
        let held = self.parts.board.held.load();
        let company = Self::company(context, &held.entitlement);
        let refused = matches!(company, CompanyChoice::Refused);
        let secret = SecretAddress { environment, name: name.clone() };
        let resolution = resolve(&held.view, &secret, &self.parts.node, company);
        let options = resolution.winner.as_ref().map_or_else(SecretOptions::default, |record| record.options.clone());
        let holders = resolution.winner.as_ref().map(|record| self.holders(record)).unwrap_or_default();
        Ok(Explanation {
            name: name.clone(),
            environment: secret.environment,
            tried: resolution.tried,
            winner: resolution.winner,
            allowed: allowed && !refused,
            rule: if refused { "roster".to_owned() } else { rule },
            freshness: self.freshness(name, &options, &self.parts.clock.now()).ok(),
            holders,
        })
    }

    /// Which nodes are entitled to a record, and whether they have acknowledged it. A follower knows of itself only.
    pub(super) fn holders(&self, record: &Record) -> Vec<Holder> {
        let own = &self.parts.node;
        let Some(lead) = &self.parts.lead else {
            return vec![Holder { node: own.clone(), entitled: true, current: Some(true) }];
        };
        let lead_view = lead.board.lead_view.load();
        let presence = lead.board.presence.load();
        let holder = |entry: &std::sync::Arc<crate::model::roster::RosterEntry>| {
            let acknowledged = presence.get(&entry.name).and_then(|presence| presence.acknowledged);
            let entitled = entry.entitlement.covers(&entry.name, &record.at);
            let here = entry.name == *own;
            // What a node acknowledged before it was entitled to the record did not hold it.
            let written = record.revision.max(entry.changed_at);
            let current = if here { Some(true) } else { acknowledged.map(|revision| revision >= written) };
            Holder {
                node: entry.name.clone(),
                entitled: entitled || here,
                current: current.filter(|_| entitled || here),
            }
        };
        lead_view.nodes().map(holder).collect()
    }
}
