//! A signing agent, and a client that signs as the documentation says, with nothing of the node's own code but HMAC's.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use aurora_mesh::crypto::digest::sha256;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::signing::SigningKey;
use aurora_mesh::model::time::Clock;
use serde_json::{Value, json};

use crate::agents::stage::{agent, done, key, mesh, with_key};
use crate::support::http::Answer;
use crate::support::mesh::{TestMesh, TestNode};

/// What a stored value is called here.
pub const TARGET: &str = "/api/secrets";

/// An agent that signs, and its API key.
pub struct Robot {
    pub mesh: TestMesh,
    pub key: String,
}

impl Robot {
    /// A mesh with an agent `robot` that may read and write, and must sign.
    pub async fn new() -> Self {
        let mesh = mesh().await;
        agent(&mesh, "robot", &json!({"capabilities": ["data_read", "data_write"], "signs": true})).await;
        let key = key(&mesh, "robot", &json!({})).await;
        Self { mesh, key }
    }

    /// A new signing key for the agent.
    pub async fn signing_key(&self, query: &str) -> String {
        let shown = done(&self.mesh, "POST", &format!("/api/agents/robot/signing-key{query}"), &Value::Null).await;
        shown["signing_key"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
    }

    /// Sends a command with these headers.
    pub async fn send(&self, node: &TestNode, method: &str, target: &str, signed: &Signed, body: &str) -> Answer {
        send(&node.agent_socket(), &self.key, method, target, signed, body).await
    }

    /// Stores a value, signed with this key.
    pub async fn put(&self, secret: &str, number: u64) -> Answer {
        let body = value(number);
        let signed = Signed::new(&self.mesh.lead, secret, "POST", TARGET, &body);
        self.send(&self.mesh.lead, "POST", TARGET, &signed, &body).await
    }
}

pub async fn send(
    socket: &Path,
    key: &str,
    method: &str,
    target: &str,
    Signed { timestamp, nonce, signature }: &Signed,
    body: &str,
) -> Answer {
    let headers =
        [("X-Aurora-Timestamp", timestamp.as_str()), ("X-Aurora-Nonce", nonce), ("X-Aurora-Signature", signature)];
    with_key(socket, key, method, target, &headers, body).await
}

/// The body of a command that stores something.
pub fn value(number: u64) -> String {
    json!({"service": "signed", "key_name": "value", "key_value": format!("not-a-real-{number}")}).to_string()
}

/// The three headers.
#[derive(Debug, Clone)]
pub struct Signed {
    pub timestamp: String,
    pub nonce: String,
    pub signature: String,
}

static NONCES: AtomicU64 = AtomicU64::new(0);

impl Signed {
    /// Signed now by `robot`.
    pub fn new(node: &TestNode, secret: &str, method: &str, target: &str, body: &str) -> Self {
        Self::at(seconds(node), "robot", secret, method, target, body)
    }

    /// Signed at this second by an agent.
    pub fn at(timestamp: i64, agent: &str, secret: &str, method: &str, target: &str, body: &str) -> Self {
        let nonce = format!("nonce-{:016}", NONCES.fetch_add(1, Ordering::Relaxed));
        let body: String = sha256(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("{method}\n{target}\n{body}\n{timestamp}\n{nonce}\n{agent}");
        let key = SigningKey::parse(&Plaintext::new(secret.as_bytes().to_vec())).expect("a signing key");
        let code = key.sign(text.as_bytes()).expect("signed");
        let code: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { timestamp: timestamp.to_string(), nonce, signature: format!("v1={code}") }
    }
}

/// The node's time, in seconds since 1970.
pub fn seconds(node: &TestNode) -> i64 {
    node.clock.now().wall.0.div_euclid(1000)
}

/// Lets the second in which the node was started pass: what is signed in it counts as signed before.
pub fn later(node: &TestNode) {
    node.clock.advance(std::time::Duration::from_secs(2));
}
