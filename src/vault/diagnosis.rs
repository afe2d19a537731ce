//! What a node knows of its own health that nobody outside sees: for `aurora doctor`. Numbers, times and names; no value.

use std::sync::atomic::Ordering;

use super::account::Account;
use super::error::VaultError;
use super::parts::Vault;
use crate::crypto::locked;
use crate::crypto::passphrase::PassphraseParameters;
use crate::crypto::shares::{Quorum, ShareParameters};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::identity::{Role, StoreId};
use crate::model::name::NodeName;
use crate::model::record::SealedScopeKey;
use crate::model::time::Timestamp;
use crate::snapshot::mark::Mark;
use crate::store::applied::AppliedMigration;
use crate::store::blob::BlobName;
use crate::store::contents::Contents;
use crate::transport::certificate::Validity;
use crate::wire::version::{ProtocolVersion, SPOKEN};

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// From when until when the certificate it shows is valid.
    pub certificate: Option<Validity>,
    /// How far the lead's wall clock was ahead of its own when it last heard the lead, in milliseconds.
    pub lead_ahead_ms: Option<i64>,
    /// Whether its journal took the last line.
    pub journal_works: bool,
    /// Pages of keys that the kernel would not lock in memory.
    pub unlocked_key_pages: usize,
    /// The newest version of the protocol it speaks.
    pub protocol: ProtocolVersion,
    /// On the lead: the follower that speaks the oldest version, and which.
    pub oldest_follower: Option<(NodeName, ProtocolVersion)>,
    /// What its store says.
    pub store: StoreLook,
}

/// What a store says of the node it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLook {
    /// Whose it is.
    pub role: Role,
    /// Which life of it this is, on a lead.
    pub store_id: Option<StoreId>,
    /// What was done to bring it to its schema.
    pub migrations: Vec<AppliedMigration>,
    /// Current values.
    pub secrets: usize,
    /// When the newest snapshot was taken that is known to restore.
    pub snapshot_verified: Option<Timestamp>,
    /// The time of the scope key that was made longest ago and is still the newest of its scope.
    pub oldest_key: Option<Timestamp>,
    /// When the root key was last replaced; `None` while it is the first.
    pub root_rotated: Option<Timestamp>,
    /// When the lead was last heard, on a follower.
    pub last_contact: Option<Timestamp>,
    /// The last time that is written in it, whatever for.
    pub last_noted: Option<Timestamp>,
    /// How a passphrase becomes its key: memory in KiB, and passes.
    pub passphrase: Option<(u32, u32)>,
    /// How many shares open it.
    pub quorum: Option<Quorum>,
}

impl StoreLook {
    /// Reads it off.
    #[must_use]
    pub fn of(contents: &Contents) -> Self {
        let blob = |name| contents.blobs.get(&name).map(Vec::as_slice);
        let parameters =
            blob(BlobName::PassphraseParameters).and_then(|bytes| PassphraseParameters::decode(bytes).ok());
        let shares = blob(BlobName::ShareParameters).and_then(|bytes| ShareParameters::decode(bytes).ok());
        let last_contact = contents.contact.as_ref().map(|contact| contact.at.wall);
        Self {
            role: contents.facts.role,
            store_id: blob(BlobName::StoreId).and_then(|bytes| bytes.try_into().ok()).map(StoreId),
            migrations: contents.migrations.clone(),
            secrets: contents.records.iter().filter(|record| record.kept().is_some()).count(),
            snapshot_verified: blob(BlobName::SnapshotVerified)
                .and_then(|bytes| Mark::parse(bytes).verified)
                .map(|verified| verified.taken_at),
            oldest_key: oldest_key(&contents.scope_keys),
            root_rotated: blob(BlobName::RootRotated).and_then(time),
            last_contact,
            last_noted: contents.log.last().map(|entry| entry.at).max(last_contact),
            passphrase: parameters.map(|parameters| parameters.cost()),
            quorum: shares.map(|shares| shares.quorum()),
        }
    }
}

impl Vault {
    /// What this node says of itself.
    ///
    /// # Errors
    /// [`VaultError`]: it is for whoever runs the node.
    pub async fn diagnosis(&self, caller: &Caller) -> Result<Diagnosis, VaultError> {
        let mut account = Account::open(caller, Action::NodeManage, self.parts.clock.now());
        account.reason(Some("diagnosis"));
        let result = self.try_diagnosis(caller, &mut account).await;
        self.settle(&account, result).await
    }

    async fn try_diagnosis(&self, caller: &Caller, account: &mut Account) -> Result<Diagnosis, VaultError> {
        self.node_permit(caller, Action::NodeManage, account)?;
        let parts = &self.parts;
        let contents = parts.store.snapshot().await.map_err(|error| VaultError::Internal(error.to_string()))?;
        let oldest_follower = parts.lead.as_ref().and_then(|lead| {
            let (view, presences) = (lead.board.lead_view.load(), lead.board.presence.load());
            let known = presences.iter().filter(|(node, _)| view.node(node).is_some());
            known.map(|(node, presence)| (node.clone(), presence.protocol)).min_by_key(|(_, version)| *version)
        });
        Ok(Diagnosis {
            certificate: parts.board.credentials.get().and_then(|credentials| credentials.validity()),
            lead_ahead_ms: parts.board.lead_ahead_ms.load().as_deref().copied(),
            journal_works: parts.journal_works.load(Ordering::Relaxed),
            unlocked_key_pages: locked::unlocked_pages(),
            protocol: SPOKEN[0],
            oldest_follower,
            store: StoreLook::of(&contents),
        })
    }
}

/// A time as the store keeps it in front of whatever else belongs to it: milliseconds since 1970, big endian.
fn time(bytes: &[u8]) -> Option<Timestamp> {
    bytes.first_chunk::<8>().map(|bytes| Timestamp(i64::from_be_bytes(*bytes)))
}

/// Generations come in order, scope by scope: of each the last counts.
fn oldest_key(keys: &[SealedScopeKey]) -> Option<Timestamp> {
    let newest = |(number, key): (usize, &SealedScopeKey)| {
        let followed = keys.get(number + 1).is_some_and(|next| next.at == key.at);
        if followed { None } else { key.made_at }
    };
    keys.iter().enumerate().filter_map(newest).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::number::Generation;
    use crate::model::secret::{KeyScope, Scope};

    fn key(scope: &str, generation: u32, made_at: Option<i64>) -> SealedScopeKey {
        let environment = EnvironmentName::parse("prod").expect("a name");
        SealedScopeKey {
            at: KeyScope { environment, scope: Scope::parse(scope).expect("a scope") },
            generation: Generation::new(generation).expect("positive"),
            sealed: Vec::new(),
            made_at: made_at.map(Timestamp),
        }
    }

    #[test]
    fn only_the_newest_key_of_each_scope_counts() {
        let keys = [key("company:acme", 1, Some(5)), key("company:acme", 2, Some(70)), key("global", 1, Some(60))];
        assert_eq!(oldest_key(&keys), Some(Timestamp(60)));
        assert_eq!(oldest_key(&keys[..2]), Some(Timestamp(70)));
        assert_eq!(oldest_key(&[key("global", 1, None)]), None, "its time was not noted");
        assert_eq!(oldest_key(&[]), None);
    }
}
