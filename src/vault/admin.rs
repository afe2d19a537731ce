//! What the owner of a node does with its journal.

use crate::audit::tombstone::Trust;
use crate::audit::{tail, verify};
use crate::model::actions::Action;
use crate::model::caller::Caller;

use super::account::Account;
use super::answer::AuditVerdict;
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

    /// Checks the chain of this node's journal from its first line to its last.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not read the audit, or the files cannot be read.
    pub async fn audit_verify(&self, caller: &Caller) -> Result<AuditVerdict, VaultError> {
        let mut account = Account::open(caller, Action::AuditRead, self.parts.clock.now());
        let permitted = self.node_permit(caller, Action::AuditRead, &mut account);
        self.settle(&account, permitted).await?;
        let (dir, head) = (self.parts.audit_dir.clone(), self.parts.journal.head());
        let (mesh, node, keys) = (self.parts.mesh, self.parts.node.clone(), self.parts.audit_keys.clone());
        let trust = Trust { mesh, node, keys };
        let verdict = off_thread(move || verify::verify_kept(&dir, Some(&head), &trust).map_err(internal)).await?;
        Ok(AuditVerdict { lines: verdict.lines, broken: verdict.broken.map(|broken| broken.to_string()) })
    }

    pub(super) fn node_permit(&self, caller: &Caller, action: Action, account: &mut Account) -> Result<(), VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, action, account).map(drop)
    }
}

fn internal(error: impl std::fmt::Display) -> VaultError {
    VaultError::Internal(error.to_string())
}
