//! Who is a node of the mesh: tokens that admit, approvals, entitlements, and the end of a node's membership.

use std::time::Duration;

use crate::actors::change::{Change, Committed, LockedOut};
use crate::actors::error::CommitError;
use crate::crypto::join_token::JoinSecret;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::entitlement::Entitlement;
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::model::roster::JoinToken;

use super::account::Account;
use super::answer_nodes::{IssuedToken, RevokedToken, ThrownOut, TokenLine};
use super::error::VaultError;
use super::parts::Vault;
use super::refusal::{Subject, refusal};
use super::request::{Approval, TokenRequest};
use super::roster_error::RosterError;

/// Long enough to walk to another machine, short enough that a lost token is worth little.
const TOKEN_VALID_FOR: Duration = Duration::from_secs(600);

/// A day: a longer-lived token is a standing invitation.
const TOKEN_VALID_MAX: Duration = Duration::from_secs(86_400);

impl Vault {
    /// Issues a token that admits one node once.
    ///
    /// # Errors
    /// [`VaultError`]; `Exists` when the name is taken, `Banned` when its bearer was banned.
    pub async fn issue_token(&self, caller: &Caller, ask: TokenRequest) -> Result<IssuedToken, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&format!("token for node {}", ask.node)));
        let result = self.try_issue_token(caller, ask, &mut account).await;
        self.settle(&account, result).await
    }

    /// The join tokens that are remembered, those that end first first. Never their secrets.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<TokenLine>, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some("list of join tokens"));
        let result = self.try_tokens(caller, &mut account);
        self.settle(&account, result).await
    }

    /// Makes a token admit nobody any more. A node that has joined with it stays.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchToken` when no token is called that.
    pub async fn revoke_token(&self, caller: &Caller, id: &str) -> Result<RevokedToken, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&format!("revocation of token {id}")));
        let result = self.try_revoke_token(caller, id, &mut account).await;
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
        let change = Change::Entitle { node: node.clone(), entitlement };
        let result = self.change_node(caller, &node, change, &mut account).await;
        let result = result.and_then(|committed| committed.node().map(|entry| entry.changed_at).map_err(Into::into));
        self.settle(&account, result).await
    }

    /// Makes a member of a node that waits, if its key has the fingerprint that was compared.
    ///
    /// # Errors
    /// [`VaultError`]; `NotPending` when it does not wait, `OtherFingerprint` when it waits with another key.
    pub async fn approve(&self, caller: &Caller, node: NodeName, ask: Approval) -> Result<Revision, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&format!("approval of node {node}, key {}", ask.fingerprint)));
        let change = Change::Approve { node: node.clone(), fingerprint: ask.fingerprint };
        let result = self.change_node(caller, &node, change, &mut account).await;
        let result = result.and_then(|committed| committed.node().map(|entry| entry.changed_at).map_err(Into::into));
        self.settle(&account, result).await
    }

    /// Throws a node out and keeps it known as that. Its connections end at once, and it wipes its cache when it hears.
    ///
    /// # Errors
    /// [`VaultError`]; `LeadStays` for the lead, `Banned` when it is banned already.
    pub async fn ban(&self, caller: &Caller, node: NodeName, reason: String) -> Result<ThrownOut, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some(&format!("ban of node {node}: {reason}")));
        let result = self.throw_out(caller, &node, Change::Ban { node: node.clone(), reason }, &mut account).await;
        self.settle(&account, result).await
    }

    /// Throws a node out and forgets it: its name can be given again.
    ///
    /// # Errors
    /// [`VaultError`]; `LeadStays` for the lead.
    pub async fn remove(&self, caller: &Caller, node: NodeName, reason: Option<&str>) -> Result<ThrownOut, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        account.reason(Some(&format!("removal of node {node}{why}")));
        let result = self.throw_out(caller, &node, Change::Remove { node: node.clone() }, &mut account).await;
        self.settle(&account, result).await
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
            return Err(RosterError::TokenLifetime.into());
        }
        let now = self.parts.clock.now().wall;
        let secret = JoinSecret::generate(lead.authority, lead.addresses.clone(), &*self.parts.entropy)
            .map_err(|error| VaultError::Internal(error.to_string()))?;
        let token = JoinToken {
            hash: secret.hash(),
            node: ask.node.clone(),
            entitlement: ask.entitlement,
            approve: ask.approve,
            issued_at: Some(now),
            expires_at: now.plus(valid_for),
            consumed_by: None,
        };
        let issued = IssuedToken {
            text: secret.text(),
            id: token.hash.id(),
            node: ask.node,
            approve: token.approve,
            expires_at: token.expires_at,
        };
        let audit_seq = self.announce(account).await?;
        let committed = lead.secrets.commit(Change::IssueToken(token), audit_seq).await;
        committed.map_err(|error| refusal(&error, Subject::Node(&issued.node)))?;
        Ok(issued)
    }

    fn try_tokens(&self, caller: &Caller, account: &mut Account) -> Result<Vec<TokenLine>, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let (tokens, now) = (self.lead()?.board.tokens.load(), self.parts.clock.now().wall);
        let mut lines: Vec<TokenLine> = tokens.values().map(|token| TokenLine::of(token, now)).collect();
        lines.sort_by(|one, other| (one.expires_at, &one.id).cmp(&(other.expires_at, &other.id)));
        Ok(lines)
    }

    async fn try_revoke_token(
        &self,
        caller: &Caller,
        id: &str,
        account: &mut Account,
    ) -> Result<RevokedToken, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let (lead, now) = (self.lead()?, self.parts.clock.now().wall);
        let known = lead.board.tokens.load().values().find(|token| token.hash.id() == id).cloned();
        let token = known.ok_or_else(|| RosterError::NoSuchToken(id.to_owned()))?;
        let audit_seq = self.announce(account).await?;
        let committed = lead.secrets.commit(Change::RevokeToken(token.hash), audit_seq).await;
        // Somebody else may have revoked it meanwhile.
        if matches!(committed, Err(CommitError::TokenUnknown)) {
            return Err(RosterError::NoSuchToken(id.to_owned()).into());
        }
        committed.map_err(|error| refusal(&error, Subject::Node(&token.node)))?;
        let TokenLine { id, node, state, .. } = TokenLine::of(&token, now);
        Ok(RevokedToken { id, node, state })
    }

    async fn throw_out(
        &self,
        caller: &Caller,
        node: &NodeName,
        change: Change,
        account: &mut Account,
    ) -> Result<ThrownOut, VaultError> {
        let LockedOut { revision, scopes } = self.change_node(caller, node, change, account).await?.locked_out()?;
        Ok(ThrownOut { revision, scopes })
    }

    /// Changes the roster. Scopes whose keys went with it have new ones by then; their values follow.
    async fn change_node(
        &self,
        caller: &Caller,
        node: &NodeName,
        change: Change,
        account: &mut Account,
    ) -> Result<Committed, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let lead = self.lead()?;
        let audit_seq = self.announce(account).await?;
        let committed = lead.secrets.commit(change, audit_seq).await;
        let committed = committed.map_err(|error| refusal(&error, Subject::Node(node)))?;
        lead.board.rotation.ask(audit_seq);
        Ok(committed)
    }
}
