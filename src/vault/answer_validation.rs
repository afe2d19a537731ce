//! What the door tells of credentials that were checked.

use std::sync::Arc;
use std::time::Duration;

use crate::model::api_check::{KeyCheck, KeyExpiry, KeyMark};
use crate::model::connectivity::{Validation, Verdict};
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::record::Record;
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

use super::answer::Stored;
use super::asking::Finding;
use super::request::Context;

/// Check credentials now.
#[derive(Debug, Clone)]
pub struct ValidateRequest {
    /// The service, which most often is the provider's name.
    pub service: ServiceName,
    /// Only this credential of it; all of them if absent.
    pub key: Option<KeyName>,
    /// On whose behalf: with a company, the values it would use; without one, the node's own and those of every company
    /// whose own value wins.
    pub context: Context,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// Which credential of the service; none if it has none that could be checked.
    pub credential: Option<SecretName>,
    /// On behalf of which company it was resolved.
    pub company: Option<CompanyId>,
    /// Which value it was; none if there was none.
    pub key: Option<KeyMark>,
    /// What it came to; none if nothing could be asked.
    pub verdict: Option<Verdict>,
    /// What was asked, and what came back: never a part of the credential, and nothing the provider wrote.
    pub reason: String,
    /// What was asked, with the names of fields in the places of their values; empty if nothing was.
    pub asked: String,
    /// From the call to its answer, if one came.
    pub response_time: Option<Duration>,
    /// When the credential stops working by itself, if that is known.
    pub expires: Option<KeyExpiry>,
    /// When it was checked.
    pub checked_at: Timestamp,
}

impl Validated {
    /// Whether the credential is good.
    #[must_use]
    pub fn status(&self) -> Validation {
        self.verdict.map_or(Validation::Unreachable, Verdict::validation)
    }

    /// The same as what is known of a value.
    pub(super) fn check(&self) -> KeyCheck {
        KeyCheck {
            company: self.company.clone(),
            key: self.key.clone(),
            verdict: self.verdict,
            detail: self.reason.clone(),
            response_time: self.response_time,
            checked_at: Some(self.checked_at),
            expires: self.expires,
        }
    }

    pub(super) fn unasked(verdict: Option<Verdict>, reason: String, now: Timestamp) -> Self {
        Self {
            credential: None,
            company: None,
            key: None,
            verdict,
            reason,
            asked: String::new(),
            response_time: None,
            expires: None,
            checked_at: now,
        }
    }

    pub(super) fn found(finding: Finding) -> Self {
        let Finding { verdict, asked, detail, response_time, checked_at, expires } = finding;
        let known = Self::unasked(Some(verdict), detail, checked_at);
        Self { asked, response_time, expires, ..known }
    }
}

/// What is to become of a value that its provider refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not stored.
    Stays,
    /// It is stored all the same.
    GoesIn,
}

/// A change, and what the provider said of the value before.
#[derive(Debug, Clone)]
pub struct StoredAndChecked {
    /// The change.
    pub stored: Stored,
    /// What was found.
    pub validated: Validated,
}

/// What is known of one credential that the node holds.
#[derive(Debug, Clone)]
pub struct CredentialLine {
    /// The current record; its body is never shown.
    pub record: Arc<Record>,
    /// Whose credential it is, if it is one of a provider.
    pub provider: Option<ServiceName>,
    /// The last check of exactly this value; none if there was none.
    pub check: Option<KeyCheck>,
    /// When it stops working by itself, by the provider or by whoever stored it: the sooner of the two.
    pub expires: Option<KeyExpiry>,
}

/// One page of them.
#[derive(Debug, Clone)]
pub struct CredentialPage {
    /// The lines.
    pub items: Vec<CredentialLine>,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
}
