//! What the owner of the lead does besides secrets: tokens, entitlements, the journal.

use std::time::Duration;

use crate::actors::change::{Change, Committed};
use crate::audit::{tail, verify};
use crate::crypto::join_token::JoinSecret;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::entitlement::Entitlement;
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::model::roster::JoinToken;

use super::account::Account;
use super::answer::{AuditVerdict, IssuedToken};
use super::error::VaultError;
use super::off_thread::off_thread;
use super::parts::Vault;
use super::refusal::{Subject, refusal};
use super::request::TokenRequest;

/// Long enough to walk to another machine, short enough that a lost token is worth little.
const TOKEN_VALID_FOR: Duration = Duration::from_secs(600);

/// A day: a longer-lived token is a standing invitation.
const TOKEN_VALID_MAX: Duration = Duration::from_secs(86_400);

/// Bounds the memory of one answer.
const TAIL_LINES_MAX: usize = 10_000;

impl Vault {
    /// Issues a token that admits one node once.
    ///
    /// # Errors
    /// [`VaultError`]; `NodeExists` when the name is taken.
    pub async fn issue_token(&self, caller: &Caller, ask: TokenRequest) -> Result<IssuedToken, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&format!("token for node {}", ask.node)));
        let result = self.try_issue_token(caller, ask, &mut account).await;
        self.settle(&account, result).await
    }

    /// Changes what a node is entitled to. What is taken away leaves its cache when it next hears the lead.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchNode` when no node has that name.
    pub async fn entitle(
        &self,
        caller: &Caller,
        node: NodeName,
        entitlement: Entitlement,
    ) -> Result<Revision, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&format!("entitlement of node {node}")));
        let result = self.try_entitle(caller, node, entitlement, &mut account).await;
        self.settle(&account, result).await
    }

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
        let verdict = off_thread(move || verify::verify_to(&dir, &head).map_err(internal)).await?;
        Ok(AuditVerdict { lines: verdict.lines, broken: verdict.broken.map(|broken| broken.to_string()) })
    }

    pub(super) fn node_permit(&self, caller: &Caller, action: Action, account: &mut Account) -> Result<(), VaultError> {
        let who = self.identify(caller, account)?;
        self.authorise_wholly(&who, action, account).map(drop)
    }

    async fn try_issue_token(
        &self,
        caller: &Caller,
        ask: TokenRequest,
        account: &mut Account,
    ) -> Result<IssuedToken, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let lead = self.lead()?;
        let valid_for = ask.valid_for.unwrap_or(TOKEN_VALID_FOR);
        if valid_for.is_zero() || valid_for > TOKEN_VALID_MAX {
            return Err(VaultError::TokenLifetime);
        }
        let expires_at = self.parts.clock.now().wall.plus(valid_for);
        let secret = JoinSecret::generate(lead.authority, lead.addresses.clone(), &*self.parts.entropy)
            .map_err(|error| VaultError::Internal(error.to_string()))?;
        let token = JoinToken {
            hash: secret.hash(),
            node: ask.node.clone(),
            entitlement: ask.entitlement,
            expires_at,
            consumed_by: None,
        };
        let audit_seq = self.announce(account).await?;
        let committed = lead.secrets.commit(Change::IssueToken(token), audit_seq).await;
        committed.map_err(|error| refusal(&error, Subject::Node(&ask.node)))?;
        Ok(IssuedToken { text: secret.text(), node: ask.node, expires_at })
    }

    async fn try_entitle(
        &self,
        caller: &Caller,
        node: NodeName,
        entitlement: Entitlement,
        account: &mut Account,
    ) -> Result<Revision, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let lead = self.lead()?;
        let audit_seq = self.announce(account).await?;
        let change = Change::Entitle { node: node.clone(), entitlement };
        match lead.secrets.commit(change, audit_seq).await.map_err(|error| refusal(&error, Subject::Node(&node)))? {
            Committed::Node(entry) => {
                // The scopes it lost have new keys by now; their values follow.
                lead.board.rotation.ask(audit_seq);
                Ok(entry.changed_at)
            }
            Committed::Secret(_)
            | Committed::Secrets(_)
            | Committed::Keys(_)
            | Committed::Token
            | Committed::Rules(_) => Err(VaultError::Internal("a change of a node came out as another".to_owned())),
        }
    }
}

fn internal(error: impl std::fmt::Display) -> VaultError {
    VaultError::Internal(error.to_string())
}
