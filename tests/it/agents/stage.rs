//! A lead with secrets, and what is asked of it in the name of agents.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::callers::put;
use crate::support::http::{self, Answer};
use crate::support::mesh::TestMesh;

pub const SECRET: &str = "/api/secrets/openai/api_key";

/// A mesh whose lead holds `openai/api_key` for everybody and for two companies, and `hubspot/api_key`.
pub async fn mesh() -> TestMesh {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "not-a-real-global-key")).await;
    mesh.put(put("openai/api_key", "company:acme", "not-a-real-acme-key")).await;
    mesh.put(put("openai/api_key", "company:globex", "not-a-real-globex-key")).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-hubspot-key")).await;
    mesh
}

pub fn admin_socket(mesh: &TestMesh) -> PathBuf {
    mesh.lead.config.api.socket_dir.join("admin.sock")
}

/// Asks as the owner of the lead.
pub async fn owner(mesh: &TestMesh, method: &str, target: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http::ask(&admin_socket(mesh), method, target, &[], &body).await
}

/// The same, where it must succeed.
pub async fn done(mesh: &TestMesh, method: &str, target: &str, body: &Value) -> Value {
    let answer = owner(mesh, method, target, body).await;
    assert_eq!(answer.status, 200, "{method} {target}: {}", answer.body);
    answer.json()
}

/// An agent that may read everything in `prod`, and whatever `more` says.
pub async fn agent(mesh: &TestMesh, name: &str, more: &Value) {
    let mut body = json!({"name": name, "capabilities": ["data_read"], "secrets": ["*"], "environments": ["prod"]});
    merge(&mut body, more);
    done(mesh, "POST", "/api/agents", &body).await;
}

/// A key of an agent, and whatever `more` says about it.
pub async fn key(mesh: &TestMesh, agent: &str, more: &Value) -> String {
    let mut body = json!({"name": "ci"});
    merge(&mut body, more);
    text(&done(mesh, "POST", &format!("/api/agents/{agent}/keys"), &body).await)
}

/// The key in an answer that shows one.
pub fn text(answer: &Value) -> String {
    answer["key"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn merge(body: &mut Value, more: &Value) {
    for (field, value) in more.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
}

/// Asks with a key, and more headers.
pub async fn with_key(
    socket: &Path,
    key: &str,
    method: &str,
    target: &str,
    more: &[(&str, &str)],
    body: &str,
) -> Answer {
    let headers = [&[("X-API-Key", key)][..], more].concat();
    http::ask(socket, method, target, &headers, body).await
}

/// Reads `openai/api_key` with a key.
pub async fn read(socket: &Path, key: &str) -> Answer {
    with_key(socket, key, "GET", SECRET, &[], "").await
}

/// A refusal with this status and code.
pub fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.body);
}

/// The lines of the lead's journal, oldest first.
pub async fn journal(mesh: &TestMesh) -> Vec<Value> {
    let lines = done(mesh, "GET", "/api/audit?limit=1000", &Value::Null).await;
    let lines = lines["lines"].as_array().expect("lines").clone();
    lines.iter().map(|line| serde_json::from_str(line.as_str().expect("a text")).expect("JSON")).collect()
}
