//! A lead, agents with keys, and requests as clients of Vault make them.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::agents::stage::{agent, key};
use crate::support::http::{self, Answer};
use crate::support::mesh::TestMesh;

/// A lead with an agent that may do with secrets whatever there is to be done, and its key.
pub async fn mesh() -> (TestMesh, String) {
    let mesh = TestMesh::start().await;
    let token = writer(&mesh, "robot", "*").await;
    (mesh, token)
}

/// The key of a new agent that may read, list and write these secrets.
pub async fn writer(mesh: &TestMesh, name: &str, secrets: &str) -> String {
    let may =
        json!({"capabilities": ["data_read", "data_query", "data_write"], "secrets": [secrets], "companies": ["*"]});
    agent(mesh, name, &may).await;
    key(mesh, name, &json!({})).await
}

/// The same lead on a loopback port of its own.
pub async fn on_loopback(mesh: &mut TestMesh) -> SocketAddr {
    mesh.lead.stop().await;
    mesh.lead.config.api.listen = Some(([127, 0, 0, 1], 0).into());
    mesh.lead.start().await;
    mesh.lead.running().loopback().expect("it listens")
}

/// Asks with a token, as Vault's clients show one.
pub async fn ask(socket: &Path, token: &str, method: &str, target: &str, body: &Value) -> Answer {
    ask_for(socket, token, None, method, target, body).await
}

/// The same in a namespace.
pub async fn ask_for(
    socket: &Path,
    token: &str,
    namespace: Option<&str>,
    method: &str,
    target: &str,
    body: &Value,
) -> Answer {
    let mut headers = vec![("X-Vault-Token", token), ("X-Vault-Request", "true")];
    headers.extend(namespace.map(|namespace| ("X-Vault-Namespace", namespace)));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http::ask(socket, method, target, &headers, &body).await
}

/// The errors of a refusal, whose shape is checked with it.
pub fn errors(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let fields: Vec<&String> = json.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["errors"], "{json}");
    serde_json::from_value(json["errors"].clone()).expect("texts")
}
