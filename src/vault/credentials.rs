//! Which credentials a node holds, and how they were found when they were last checked. Nothing is asked for it.

use super::answer::Listed;
use super::answer_validation::{CredentialLine, CredentialPage};
use super::error::VaultError;
use super::parts::Vault;
use super::request::ListRequest;
use crate::connectivity::matrix::Row;
use crate::model::api_check::{ExpirySource, KeyCheck, KeyExpiry};
use crate::model::caller::Caller;
use crate::model::connectivity::Verdict;
use crate::model::record::Record;

impl Vault {
    /// One page of the credentials that this node holds and the caller may list, each with its last check here.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn credential_status(&self, caller: &Caller, ask: ListRequest) -> Result<CredentialPage, VaultError> {
        let page = self.list(caller, ask).await?;
        let held = self.parts.board.held.load_full();
        let holdings = self.holdings(&held);
        let line = |Listed { record, check }| {
            let provider = holdings.provider_of(&record);
            let unprobed = provider.and_then(|provider| provider.unprobed.as_deref());
            let check = check.or_else(|| unprobed.map(unsupported));
            let expires = sooner(&record, check.as_ref());
            CredentialLine { provider: provider.map(|provider| provider.name.clone()), check, expires, record }
        };
        Ok(CredentialPage { items: page.items.into_iter().map(line).collect(), next_cursor: page.next_cursor })
    }
}

impl Vault {
    /// The last check of a value on this node, whether the node made it by itself or somebody asked for it.
    pub(super) fn last_check(&self, own: Option<&Row>, record: &Record) -> Option<KeyCheck> {
        let by_itself = own.and_then(|row| check_of(row, record));
        let asked = self.parts.board.asked_checks.of(record.secret_id, record.version);
        [by_itself, asked].into_iter().flatten().max_by_key(|check| check.checked_at)
    }
}

/// The last check of exactly this value: what is known of an older one says nothing about it.
#[must_use]
pub fn check_of(row: &Row, record: &Record) -> Option<KeyCheck> {
    let at = &record.at;
    if row.environment != at.secret.environment {
        return None;
    }
    let mut checks = row.cells.get(&at.secret.name.service)?.keys.iter();
    let is_it = |check: &&KeyCheck| {
        check.key.as_ref().is_some_and(|key| {
            (key.secret_id, key.version) == (record.secret_id, record.version)
                && key.secret == at.secret.name
                && key.scope == at.scope
        })
    };
    checks.find(is_it).cloned()
}

/// When a credential stops working by itself: as the provider or the key says, or as whoever stored it says; the sooner.
#[must_use]
pub fn sooner(record: &Record, check: Option<&KeyCheck>) -> Option<KeyExpiry> {
    let said = record.options.expires_at.map(|at| KeyExpiry { at, source: ExpirySource::User });
    let found = check.and_then(|check| check.expires);
    [found, said].into_iter().flatten().min_by_key(|expiry| expiry.at)
}

fn unsupported(why: &str) -> KeyCheck {
    KeyCheck {
        company: None,
        key: None,
        verdict: Some(Verdict::Unsupported),
        detail: why.to_owned(),
        response_time: None,
        checked_at: None,
        expires: None,
    }
}
