//! Whether a command was signed by the agent that is said to give it.
//!
//! The keys never leave the lead, so it alone can tell: on a follower a signature is no proof, and whoever must sign is sent
//! to the lead.

use std::sync::PoisonError;

use crate::actors::change::Change;
use crate::audit::entry::Ruling;
use crate::model::agent::Agent;
use crate::model::caller::{Caller, ShownSignature, Signing};
use crate::model::name::AgentName;
use crate::policy::signing::{Command, Unusable};

use super::account::Account;
use super::error::VaultError;
use super::parts::{LeadParts, Vault};
use super::refusal::{Subject, refusal};

/// The rule named when a signature is asked for, or refused.
const SIGNATURE_RULE: &str = "signature";

/// Why a command is not taken as its agent's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefused {
    /// The agent signs its commands, and this one is not signed.
    #[error("the commands of this agent must be signed, and this one is not")]
    Required,
    /// It does not fit the command under any key of the agent that works, or is no signature.
    #[error("the signature does not fit the request")]
    Invalid,
    /// Its nonce was used.
    #[error("the signature was used before")]
    Replayed,
    /// It was made too long ago, too far ahead, or before the node was started.
    #[error("the signature was not made within five minutes, or before the node was started")]
    Expired,
}

impl SignatureRefused {
    /// The stable word for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Required => "signature_required",
            Self::Invalid => "signature_invalid",
            Self::Replayed => "signature_replayed",
            Self::Expired => "signature_expired",
        }
    }
}

impl Vault {
    /// Checks what was signed by an agent, and that it signed what it must. Whoever is no agent has no key to sign with.
    pub(super) fn check_signature(
        &self,
        caller: &Caller,
        agent: Option<&Agent>,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let must = caller.shown.command && agent.is_some_and(|agent| agent.signs);
        if matches!(caller.shown.signing, Signing::None) && !must {
            return Ok(());
        }
        let checked = self.lead().and_then(|lead| match (&caller.shown.signing, agent) {
            (Signing::None, _) => Err(SignatureRefused::Required.into()),
            (Signing::Signed(_), None) | (Signing::Malformed, _) => Err(SignatureRefused::Invalid.into()),
            (Signing::Signed(signature), Some(agent)) => self.check(lead, signature, &agent.name, account),
        });
        if checked.is_err() {
            account.decided(Ruling::Deny, SIGNATURE_RULE);
        }
        checked
    }

    fn check(
        &self,
        lead: &LeadParts,
        signature: &ShownSignature,
        agent: &AgentName,
        account: &mut Account,
    ) -> Result<(), VaultError> {
        let now = self.parts.clock.now();
        let mut nonces = lead.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = nonces.to_keep(signature.timestamp, now) {
            account.signed_ahead(until);
        }
        if signature.accepted.is_done() {
            return Ok(());
        }
        // Who asks before all of the body was read asks about something that is not known yet.
        let body = signature.body.get().ok_or(SignatureRefused::Invalid)?;
        let ShownSignature { method, target, timestamp, nonce, mac, .. } = signature;
        let command = Command { method, target, body: &body, timestamp: *timestamp, nonce, agent };
        if !lead.board.signing.load().fits(agent, command.text().as_bytes(), mac, now.wall) {
            return Err(SignatureRefused::Invalid.into());
        }
        nonces.take(agent, nonce, *timestamp, now).map_err(|unusable| match unusable {
            Unusable::Expired => SignatureRefused::Expired.into(),
            Unusable::Replayed => SignatureRefused::Replayed.into(),
            Unusable::Full => VaultError::Overloaded,
        })?;
        signature.accepted.done();
        Ok(())
    }

    /// Brings the second of a signature to the disk before anything is done because of it.
    pub(super) async fn keep_signed_ahead(&self, until: i64) -> Result<(), VaultError> {
        let lead = self.lead()?;
        let kept = lead.secrets.commit(Change::SignedAhead { until }, 0).await;
        kept.map_err(|error| refusal(&error, Subject::Many))?;
        lead.nonces.lock().unwrap_or_else(PoisonError::into_inner).kept(until);
        Ok(())
    }
}
