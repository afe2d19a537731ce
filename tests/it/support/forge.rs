//! Papers of every kind, real and false: what an attacker could show who has stolen a key, or all of them.

use std::time::Duration;

use aurora_mesh::config::node_config::UnsealSource;
use aurora_mesh::crypto::digest::sha256;
use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::unseal::UnsealKey;
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::identity::{KeyPin, MeshId, Role};
use aurora_mesh::model::time::{Clock, Timestamp};
use aurora_mesh::store::blob::BlobName;
use aurora_mesh::store::handle::Store;
use aurora_mesh::transport::authority::{Authority, NODE_LIFETIME};
use aurora_mesh::transport::credentials::Credentials;
use aurora_mesh::transport::endpoint::Endpoint;
use aurora_mesh::transport::node_key::NodeKey;
use aurora_mesh::transport::spiffe::PeerIdentity;
use aurora_mesh::transport::tls::{JoinTls, Trust};
use aurora_mesh::wire::join::{Join, JoinAnswer, JoinAsk, Refused, RefusedReason};

use super::callers::node;
use super::clock::MovableClock;
use super::mesh::{TestMesh, TestNode};
use super::wait::eventually;

/// A certificate and its key.
pub struct Papers {
    pub chain: Vec<Vec<u8>>,
    pub key: NodeKey,
}

impl Papers {
    pub fn credentials(&self) -> Credentials {
        Credentials::new(&self.chain, &self.key).expect("belong together")
    }
}

/// The authority of a mesh, in the wrong hands.
pub struct Forge {
    pub mesh: MeshId,
    pub authority: Authority,
}

impl Forge {
    /// Copies the keys out of the store of a lead, which is down meanwhile.
    pub async fn of(lead: &mut TestNode) -> Self {
        lead.stop().await;
        let (store, contents) = Store::open(&lead.store_file()).await.expect("opens");
        store.close().await.expect("closes");
        let UnsealSource::File { path } = &lead.config.unseal else { panic!("a key file") };
        let unseal = UnsealKey::from_key_file(&Plaintext::new(std::fs::read(path).expect("a key"))).expect("a key");
        let mesh = contents.facts.mesh;
        let blob = |name| contents.blobs.get(&name).expect("kept");
        let root = unseal.unwrap_root(&mesh, blob(BlobName::RootKey)).expect("opens");
        let open = |name: BlobName| root.unwrap(&mesh, name.as_str(), blob(name)).expect("opens");
        let certificate = open(BlobName::AuthorityCertificate).expose().to_vec();
        let authority = Authority::from_parts(&open(BlobName::AuthorityKey), certificate).expect("an authority");
        lead.start().await;
        Self { mesh, authority }
    }

    /// Another authority that calls its mesh the same.
    pub fn impostor(mesh: MeshId) -> Self {
        Self { mesh, authority: Authority::generate(&mesh, now()).expect("an authority") }
    }

    /// A certificate valid now, for a new key.
    pub fn papers(&self, role: Role, name: &str) -> Papers {
        self.issue(NodeKey::generate().expect("a key"), role, name, now(), NODE_LIFETIME)
    }

    /// A certificate for this key and time.
    pub fn issue(&self, key: NodeKey, role: Role, name: &str, from: Timestamp, lifetime: Duration) -> Papers {
        let identity = PeerIdentity { mesh: self.mesh, role, node: node(name) };
        let leaf = self.authority.issue(&key.csr().expect("csr"), &identity, from, lifetime).expect("issued");
        Papers { chain: vec![leaf, self.authority.certificate_der().to_vec()], key }
    }

    pub fn trust(&self) -> Trust {
        Trust { mesh: self.mesh, authority: self.authority.certificate_der().to_vec() }
    }
}

/// A real member of the mesh whose key the test holds. A lead hears so many strangers a second and no more: the rest of a
/// herd asks again.
pub async fn join_by_hand(mesh: &TestMesh, name: &str, entitlement: Entitlement) -> Papers {
    let token = mesh.token(name, entitlement).await;
    let key = NodeKey::generate().expect("a key");
    let chain = eventually(&format!("{name} is heard"), || async {
        match ask_by_hand(mesh, &token, key.csr().expect("csr")).await {
            JoinAnswer::Admitted(admitted) => Some(admitted.chain),
            JoinAnswer::Refused(Refused { reason: RefusedReason::Busy }) => None,
            JoinAnswer::Refused(refused) => panic!("refused: {refused:?}"),
        }
    })
    .await;
    Papers { chain, key }
}

/// Asks the lead to be let in with any request.
pub async fn ask_by_hand(mesh: &TestMesh, token: &JoinSecret, csr: Vec<u8>) -> JoinAnswer {
    let token_secret = token.secret().expose().try_into().expect("32 bytes");
    let sealing_key = sha256(&csr);
    ask_as_stranger(mesh, token.ca_pin(), Join { token_secret, csr, sealing_key }).await
}

/// Asks the lead what only strangers ask.
pub async fn ask_as_stranger(mesh: &TestMesh, authority: KeyPin, ask: impl Into<JoinAsk>) -> JoinAnswer {
    let address = mesh.lead.running().address().expect("the lead listens");
    let tls = JoinTls::new(authority, mesh.lead.clock.clone()).expect("settings");
    let endpoint = Endpoint::dialling(([127, 0, 0, 1], 0).into()).expect("binds");
    let (_, answer) = endpoint.join(address, &tls, &ask.into()).await.expect("answered");
    answer
}

/// Real time: the clocks of a mesh run with it until they are moved.
pub fn now() -> Timestamp {
    MovableClock::new().now().wall
}
