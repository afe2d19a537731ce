//! The rulebook as a whole: what this node has of it, and edits of it that are made as they are given.

use std::sync::Arc;

use crate::model::actions::Action;
use crate::model::article::Edit;
use crate::model::caller::Caller;
use crate::model::number::Revision;
use crate::policy::rulebook::Rulebook;

use super::account::Account;
use super::error::VaultError;
use super::parts::Vault;
use super::rule_change::Plan;

impl Vault {
    /// What decides on this node now.
    #[must_use]
    pub fn rules(&self) -> Arc<Rulebook> {
        self.parts.board.rules.load_full()
    }

    /// Edits articles, all or none, without a plan: what is put replaces what was there. Gives the revision at which they are
    /// in force on this node.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` names where to go, `BadRule` an article that is over its bounds.
    pub async fn edit_rules(&self, caller: &Caller, edits: Vec<Edit>) -> Result<Revision, VaultError> {
        let mut account = Account::open(caller, Action::PolicyManage, self.parts.clock.now());
        account.reason(Some(&format!("{} edits of the rulebook", edits.len())));
        let made = self.try_edit_rules(caller, edits, &mut account).await;
        self.settle(&account, made).await
    }

    async fn try_edit_rules(
        &self,
        caller: &Caller,
        edits: Vec<Edit>,
        account: &mut Account,
    ) -> Result<Revision, VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, Action::PolicyManage, account)?;
        self.change_rules(account, |_| Ok(Plan { edits: edits.clone(), told: () })).await.map(|(revision, ())| revision)
    }
}
