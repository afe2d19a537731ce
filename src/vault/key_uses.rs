//! The last uses of API keys, brought to the lead's disk now and then.

use super::parts::Vault;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

impl Vault {
    /// Writes the last uses if it is time, without anybody waiting for it. On a follower they go to the lead instead.
    pub(super) fn keep_key_uses(&self) {
        if self.parts.lead.is_none() {
            return;
        }
        let Some(bytes) = self.parts.board.key_use.due(self.parts.clock.now().wall) else { return };
        let store = self.parts.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.commit(vec![Mutation::PutBlob(BlobName::KeyUse, bytes)]).await {
                tracing::debug!(%error, "the last uses of API keys were not written");
            }
        });
    }

    /// Writes what was noted since, before the node stops.
    pub async fn keep_last_key_uses(&self) {
        let rest = self.parts.lead.as_ref().and_then(|_| self.parts.board.key_use.rest());
        let Some(bytes) = rest else { return };
        if let Err(error) = self.parts.store.commit(vec![Mutation::PutBlob(BlobName::KeyUse, bytes)]).await {
            tracing::warn!(%error, "the last uses of API keys were not written");
        }
    }

    /// Forgets the uses of keys that are gone.
    pub(super) fn forget_key_uses(&self) {
        let rules = self.parts.board.rules.load();
        self.parts.board.key_use.retain(|(agent, name)| rules.key(agent, name).is_some());
    }
}
