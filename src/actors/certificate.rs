//! This node's own certificate: kept, shown, and renewed at half its life.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;

use super::error::SessionError;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::root::RootKey;
use crate::model::identity::MeshId;
use crate::model::time::{Clock, Entropy, Timestamp};
use crate::store::blob::BlobName;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;
use crate::transport::authority::{Authority, NODE_LIFETIME};
use crate::transport::credentials::Credentials;
use crate::transport::error::TransportError;
use crate::transport::node_key::NodeKey;
use crate::transport::spiffe::PeerIdentity;

/// How often the age is looked at: a small part of the half life of twelve hours.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(60);

/// A follower's certificate, issued by the lead.
pub struct FollowerCertificate {
    /// The key it is for; never changes.
    pub key: NodeKey,
    /// What TLS shows.
    pub credentials: Credentials,
    /// Where it is kept, wrapped by `root`.
    pub store: Store,
    /// Wraps it.
    pub root: Arc<RootKey>,
    /// Bound into the wrapping.
    pub mesh: MeshId,
    /// The random source.
    pub entropy: Arc<dyn Entropy>,
}

impl FollowerCertificate {
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        is_due(&self.credentials, now)
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.credentials.validity().is_none_or(|validity| now >= validity.until)
    }

    pub(super) fn csr(&self) -> Result<Vec<u8>, TransportError> {
        self.key.csr()
    }

    /// Shows the new certificate, if it is for this node's key, and keeps it.
    pub(super) async fn install(&self, chain: Vec<Vec<u8>>) -> Result<(), SessionError> {
        let leaf = chain.first().cloned().ok_or(SessionError::Unexpected("an empty chain"))?;
        let wrapped =
            self.root.wrap(&self.mesh, BlobName::Certificate.as_str(), &Plaintext::new(leaf), &*self.entropy)?;
        self.credentials.replace(&chain, &self.key)?;
        let kept = self.store.commit(vec![Mutation::PutBlob(BlobName::Certificate, wrapped)]).await;
        kept.map_err(SessionError::Certificate)?;
        tracing::info!("this node's certificate was renewed");
        Ok(())
    }
}

/// The lead's certificate, which it issues to itself at every start and at half life.
pub struct LeadCertificate {
    /// The key it is for.
    pub key: NodeKey,
    /// Whom it names.
    pub identity: PeerIdentity,
    /// Who issues it.
    pub authority: Arc<Authority>,
    /// What TLS shows.
    pub credentials: Credentials,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl LeadCertificate {
    /// A chain for the lead: its leaf and the authority, whose pin is all that joiners know.
    ///
    /// # Errors
    /// [`TransportError`] when the keys are unfit.
    pub fn issue(
        authority: &Authority,
        key: &NodeKey,
        identity: &PeerIdentity,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, TransportError> {
        let leaf = authority.issue(&key.csr()?, identity, now, NODE_LIFETIME)?;
        Ok(vec![leaf, authority.certificate_der().to_vec()])
    }

    /// Renews for ever.
    pub(super) async fn keep_fresh(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        loop {
            let now = self.clock.now().wall;
            if is_due(&self.credentials, now) {
                let chain = Self::issue(&self.authority, &self.key, &self.identity, now)?;
                self.credentials.replace(&chain, &self.key)?;
                tracing::info!("the lead's certificate was renewed");
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }
}

/// Past half its life, or of unknown life.
fn is_due(credentials: &Credentials, now: Timestamp) -> bool {
    credentials.validity().is_none_or(|validity| now >= validity.half_life())
}
