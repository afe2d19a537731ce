//! The credentials that stop working by themselves soon, and those that are due to be rotated.

use std::sync::Arc;
use std::time::Duration;

use crate::connectivity::expiring::{Due, expiring};
use crate::connectivity::lifetimes::Ends;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::NodeName;
use crate::model::record::Record;
use crate::model::time::Timestamp;

use super::account::Account;
use super::answer_connectivity::{ExpiringList, ExpiringSecret};
use super::authorise::Object;
use super::error::VaultError;
use super::identity::Identified;
use super::off_thread::off_thread;
use super::parts::Vault;
use super::request::Context;

/// Most secrets in one list: bounds the memory of one answer. Those that expire first come first.
const EXPIRING_MAX: usize = 10_000;

impl Vault {
    /// What the caller may list here that expires within a time, or has expired, or is due to be rotated.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not list at all; a secret it may not know of is left out.
    pub async fn expiring(
        &self,
        caller: &Caller,
        context: &Context,
        within: Duration,
    ) -> Result<ExpiringList, VaultError> {
        let mut account = Account::open(caller, Action::SecretList, self.parts.clock.now());
        account.reason(context.reason.as_deref());
        let permitted = self.may_list(caller, context, &mut account);
        // The line is written before the work, which only reads: it may take a while.
        let who = self.settle(&account, permitted).await?;
        let vault = self.clone();
        off_thread(move || Ok(vault.look_ahead(&who, within))).await
    }

    fn may_list(&self, caller: &Caller, context: &Context, account: &mut Account) -> Result<Identified, VaultError> {
        let who = self.identify(caller, account)?;
        self.check_node(context)?;
        self.check_standing()?;
        self.authorise(&who, Action::SecretList, Object::of_node(&self.parts.environment), account)?;
        Ok(who)
    }

    fn look_ahead(&self, who: &Identified, within: Duration) -> ExpiringList {
        let (held, matrix) = (self.parts.board.held.load_full(), self.parts.board.connectivity.matrix());
        // A follower was told what others found out as far as it concerns it; what it found out itself is of its own keys.
        let is_own = |node: &NodeName| self.parts.lead.is_some() || *node == self.parts.node;
        let ends = Ends::in_rows(matrix.rows().filter(|(node, _)| is_own(node)).map(|(_, row)| row));
        let may_list = |record: &&Arc<Record>| self.may_know(who, &held.entitlement, &record.at, Action::SecretList);
        let now = self.parts.clock.now().wall;
        let records = held.view.after(None).filter(may_list);
        let mut secrets: Vec<ExpiringSecret> = records.filter_map(|record| look(record, &ends, now, within)).collect();
        secrets.sort_by_key(|it| (it.expires.map_or(Timestamp(i64::MAX), |expires| expires.at), it.rotation_due));
        let complete = secrets.len() <= EXPIRING_MAX;
        secrets.truncate(EXPIRING_MAX);
        ExpiringList { secrets, complete, now }
    }
}

/// What falls due of one credential, if anything does.
fn look(record: &Arc<Record>, ends: &Ends, now: Timestamp, within: Duration) -> Option<ExpiringSecret> {
    let lifetime = ends.lifetime(record)?;
    let dates = expiring(std::slice::from_ref(&lifetime), now, within);
    let ends_itself = dates.iter().any(|date| date.due == Due::Expiry && !lifetime.renews_itself(date));
    let expires = lifetime.expiry().filter(|_| ends_itself);
    let rotation = dates.iter().find(|date| date.due == Due::Rotation && date.at <= now);
    let rotation_due = rotation.map(|date| date.at);
    let record = Arc::clone(record);
    (expires.is_some() || rotation_due.is_some()).then_some(ExpiringSecret { record, expires, rotation_due })
}
