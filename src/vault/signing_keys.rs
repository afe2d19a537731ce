//! The keys agents sign their commands with: made, changed and taken on the lead, and shown once.

use std::sync::Arc;
use std::time::Duration;

use crate::actors::change::Change;
use crate::actors::error::CommitError;
use crate::audit::entry::Ruling;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::signing::SigningKey;
use crate::crypto::signing_keys::AGENTS_MAX;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::AgentName;
use crate::model::time::Timestamp;

use super::account::{Account, noted};
use super::agent_error::AgentError;
use super::agent_plan;
use super::error::VaultError;
use super::parts::Vault;
use super::refusal::{Subject, refusal};
use super::rule_change::ESCALATION_RULE;

/// How long two keys work while an agent goes over to the new one, unless it is said.
const GRACE: Duration = Duration::from_secs(86_400);

/// The longest that may be said.
const GRACE_MAX: Duration = Duration::from_secs(30 * 86_400);

/// A signing key, the only time it is shown.
#[derive(Debug)]
pub struct IssuedSigningKey {
    /// Its text. It is the secret.
    pub text: Plaintext,
    /// Whose it is.
    pub agent: AgentName,
    /// Until when the key before it works; `None` if there was none.
    pub previous_until: Option<Timestamp>,
}

impl Vault {
    /// Gives an agent a new signing key. The one it had works for the grace (a day, if none is said), an older one no more.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn set_signing_key(
        &self,
        caller: &Caller,
        agent: AgentName,
        grace: Option<Duration>,
        reason: Option<&str>,
    ) -> Result<IssuedSigningKey, VaultError> {
        let mut account = Account::open(caller, Action::AgentKey, self.parts.clock.now());
        account.reason(Some(&noted(&format!("signing key of agent {agent}"), reason)));
        let issued = self.try_set_signing_key(caller, agent, grace, &mut account).await;
        self.settle(&account, issued).await
    }

    /// Takes all signing keys from an agent: nothing that it signed is good any more.
    ///
    /// # Errors
    /// [`VaultError`]; `NotLead` on a follower.
    pub async fn remove_signing_key(
        &self,
        caller: &Caller,
        agent: AgentName,
        reason: Option<&str>,
    ) -> Result<(), VaultError> {
        let mut account = Account::open(caller, Action::AgentKey, self.parts.clock.now());
        account.reason(Some(&noted(&format!("no signing key for agent {agent}"), reason)));
        let removed = self.try_remove_signing_key(caller, agent, &mut account).await;
        self.settle(&account, removed).await
    }

    async fn try_set_signing_key(
        &self,
        caller: &Caller,
        agent: AgentName,
        grace: Option<Duration>,
        account: &mut Account,
    ) -> Result<IssuedSigningKey, VaultError> {
        self.may_change_signing_key(caller, &agent, account)?;
        let grace = grace.unwrap_or(GRACE);
        if grace > GRACE_MAX {
            return Err(AgentError::Grace.into());
        }
        let lead = self.lead()?;
        let until = self.parts.clock.now().wall.plus(grace);
        let key = SigningKey::generate(&*self.parts.entropy);
        let key = Arc::new(key.map_err(|error| VaultError::Internal(error.to_string()))?);
        let previous_until = lead.board.signing.load().has(&agent).then_some(until);
        let text = key.text();
        self.commit_signing_key(Change::SigningKey { agent: agent.clone(), key: Some((key, until)) }, account).await?;
        Ok(IssuedSigningKey { text, agent, previous_until })
    }

    async fn try_remove_signing_key(
        &self,
        caller: &Caller,
        agent: AgentName,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        self.may_change_signing_key(caller, &agent, account)?;
        self.commit_signing_key(Change::SigningKey { agent, key: None }, account).await
    }

    async fn commit_signing_key(&self, change: Change, account: &mut Account) -> Result<(), VaultError> {
        let lead = self.lead()?;
        let audit_seq = self.announce(account).await?;
        match lead.secrets.commit(change, audit_seq).await {
            Ok(_) => Ok(()),
            Err(CommitError::TooManySigners) => {
                Err(AgentError::TooMany { what: "agents with a signing key", max: AGENTS_MAX }.into())
            }
            Err(error) => Err(refusal(&error, Subject::Many)),
        }
    }

    /// Whoever signs as an agent could do what that agent may: so it must have all of that itself.
    fn may_change_signing_key(
        &self,
        caller: &Caller,
        agent: &AgentName,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let who = self.agent_permit(caller, Action::AgentKey, account)?;
        let lead = self.lead()?.board.lead_view.load_full();
        let named = agent_plan::living(&lead.articles, agent)?;
        let given = self.may_give(&who, named);
        given.inspect_err(|_| account.decided(Ruling::Deny, ESCALATION_RULE)).map_err(VaultError::from)
    }
}
