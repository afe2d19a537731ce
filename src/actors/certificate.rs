//! This node's own certificate: kept, shown, and renewed at half its life.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;

use super::error::SessionError;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::root::RootKey;
use crate::model::identity::{MeshId, Role};
use crate::model::name::NodeName;
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
    /// The mesh it is in; bound into the wrapping.
    pub mesh: MeshId,
    /// Whom it names, as a follower; never changes.
    pub node: NodeName,
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

    /// Shows the new certificate, if it is for this node's key and names this node as a follower of its mesh, and keeps it.
    /// Any other would be shown at every handshake from then on, and taken by nobody. The signature is the lead's to answer
    /// for: its session has proved who it is.
    pub(super) async fn install(&self, chain: Vec<Vec<u8>>) -> Result<(), SessionError> {
        let leaf = chain.first().cloned().ok_or(SessionError::Unexpected("an empty chain"))?;
        let own = PeerIdentity { mesh: self.mesh, role: Role::Follower, node: self.node.clone() };
        if PeerIdentity::of_certificate(&leaf) != Some(own) {
            return Err(SessionError::Unexpected("a certificate that does not name this node"));
        }
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
    pub key: Arc<NodeKey>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::system_entropy::SystemEntropy;
    use crate::model::name::EnvironmentName;
    use crate::store::facts::Facts;

    const MESH: MeshId = MeshId([7; 16]);
    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const LATER: Timestamp = Timestamp(NOW.0 + 60_000);

    fn identity(mesh: MeshId, role: Role, node: &str) -> PeerIdentity {
        PeerIdentity { mesh, role, node: NodeName::parse(node).expect("a name") }
    }

    fn alpha() -> PeerIdentity {
        identity(MESH, Role::Follower, "alpha")
    }

    fn chain(authority: &Authority, key: &NodeKey, identity: &PeerIdentity, now: Timestamp) -> Vec<Vec<u8>> {
        LeadCertificate::issue(authority, key, identity, now).expect("issued")
    }

    async fn follower(directory: &tempfile::TempDir, authority: &Authority) -> FollowerCertificate {
        let alpha = alpha();
        let environment = EnvironmentName::parse("prod").expect("a name");
        let facts = Facts { mesh: MESH, node: alpha.node.clone(), role: alpha.role, environment };
        let (store, _) = Store::create(&directory.path().join("store.redb"), facts).await.expect("created");
        let key = NodeKey::generate().expect("a key");
        FollowerCertificate {
            credentials: Credentials::new(&chain(authority, &key, &alpha, NOW), &key).expect("they fit"),
            key,
            store,
            root: Arc::new(RootKey::generate(&SystemEntropy).expect("a key")),
            mesh: MESH,
            node: alpha.node,
            entropy: Arc::new(SystemEntropy),
        }
    }

    async fn is_kept(certificate: &FollowerCertificate) -> bool {
        certificate.store.snapshot().await.expect("readable").blobs.contains_key(&BlobName::Certificate)
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_shown_and_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::generate(&MESH, NOW).expect("an authority");
        let own = follower(&directory, &authority).await;
        let before = own.credentials.validity();
        own.install(chain(&authority, &own.key, &alpha(), LATER)).await.expect("it is this node's");
        assert_ne!(own.credentials.validity(), before);
        assert!(is_kept(&own).await);
    }

    /// The key alone was compared. A certificate for the right key and another name was shown and kept, and the node was
    /// refused everywhere until it was joined again.
    #[tokio::test]
    async fn a_certificate_that_names_anybody_else_is_refused_and_the_old_one_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::generate(&MESH, NOW).expect("an authority");
        let own = follower(&directory, &authority).await;
        let before = own.credentials.validity();
        let others = [
            identity(MeshId([8; 16]), Role::Follower, "alpha"),
            identity(MESH, Role::Lead, "alpha"),
            identity(MESH, Role::Follower, "beta"),
        ];
        let mut refused: Vec<Vec<Vec<u8>>> =
            others.iter().map(|other| chain(&authority, &own.key, other, LATER)).collect();
        refused.push(vec![authority.certificate_der().to_vec()]);
        refused.push(vec![b"no certificate".to_vec()]);
        for chain in refused {
            let error = own.install(chain).await.expect_err("not this node's");
            assert!(matches!(error, SessionError::Unexpected("a certificate that does not name this node")), "{error}");
        }
        let other_key = NodeKey::generate().expect("a key");
        let error = own.install(chain(&authority, &other_key, &alpha(), LATER)).await.expect_err("another key");
        assert!(matches!(error, SessionError::Transport(TransportError::Tls(_))), "{error}");
        assert_eq!(own.credentials.validity(), before);
        assert!(!is_kept(&own).await);
    }
}
