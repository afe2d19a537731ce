//! What the owner of a node does with its journal.

use crate::audit::tail;
use crate::model::actions::Action;
use crate::model::caller::Caller;

use super::account::Account;
use super::error::VaultError;
use super::off_thread::off_thread;
use super::parts::Vault;

/// Bounds the memory of one answer.
const TAIL_LINES_MAX: usize = 10_000;

impl Vault {
    /// The last lines of this node's journal, oldest first.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not read the audit.
    pub async fn audit_tail(&self, caller: &Caller, lines: usize) -> Result<Vec<String>, VaultError> {
        let mut account = Account::open(caller, Action::AuditRead, self.parts.clock.now());
        let permitted = self.node_permit(caller, Action::AuditRead, &mut account);
        self.settle(&account, permitted).await?;
        let dir = self.parts.audit_dir.clone();
        let lines = lines.clamp(1, TAIL_LINES_MAX);
        off_thread(move || tail::tail(&dir, lines).map_err(internal)).await
    }

    pub(super) fn node_permit(&self, caller: &Caller, action: Action, account: &mut Account) -> Result<(), VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, action, account).map(drop)
    }
}

fn internal(error: impl std::fmt::Display) -> VaultError {
    VaultError::Internal(error.to_string())
}
