//! The signing keys of agents within a draft: one blob, wrapped like the lead's other keys, written anew as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::crypto::signing::SigningKey;
use crate::crypto::signing_keys::SigningKeys;
use crate::model::name::AgentName;
use crate::model::time::Timestamp;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

use super::change::Committed;
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    /// Gives an agent a new key, beside which the one before works for a while; or takes all its keys.
    pub(super) fn set_signing_key(
        &mut self,
        agent: &AgentName,
        key: Option<(Arc<SigningKey>, Timestamp)>,
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        let mut keys = SigningKeys::clone(&self.state.signing);
        match key {
            Some(_) if !keys.has(agent) && !keys.has_room() => return Err(CommitError::TooManySigners),
            Some((key, until)) => keys.set(agent, key, until),
            None if !keys.remove(agent) => return Ok(Committed::Token),
            None => {}
        }
        self.keep_signing_keys(keys, context)?;
        Ok(Committed::Token)
    }

    /// Keeps these and no others.
    pub(super) fn keep_signing_keys(&mut self, keys: SigningKeys, context: Context<'_>) -> Result<(), CommitError> {
        let (name, sealer) = (BlobName::SigningKeys, context.sealer);
        let bytes = self.state.root.wrap(&sealer.mesh, name.as_str(), &keys.to_plaintext(), &*sealer.entropy)?;
        let mut wrapped = BTreeMap::clone(&self.state.wrapped);
        wrapped.insert(name, bytes.clone());
        self.mutations.push(Mutation::PutBlob(name, bytes));
        (self.state.signing, self.state.wrapped) = (Arc::new(keys), Arc::new(wrapped));
        Ok(())
    }
}
