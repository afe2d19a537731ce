//! A mesh with a snapshot of it, and the ways to begin a new reign.

use std::path::{Path, PathBuf};

use aurora_mesh::daemon::promote::{PromoteOptions, promote};
use aurora_mesh::daemon::reign_report::Report;
use aurora_mesh::daemon::restore::{Configured, Outcome, RestoreOptions, restore};
use aurora_mesh::daemon::taken::{Opener, Secret};
use aurora_mesh::model::number::Epoch;
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::replication::reign_members::Trust;
use serde_json::{Value, json};

use crate::support::http::{self, Answer};
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::ports;
use crate::support::wait::eventually;

/// Where the snapshot of a mesh is.
pub fn snapshot(mesh: &TestMesh) -> PathBuf {
    mesh.dir.path().join("mesh.aurora-snapshot")
}

/// Restores the lead, which is stopped, from a file.
pub async fn restored(lead: &TestNode, file: &Path, trust: Trust, epoch: Option<u64>) -> anyhow::Result<Outcome> {
    let configured = Configured::File(Box::new(lead.config.clone()));
    restored_as(lead, file, configured, trust, epoch).await
}

/// The same, whatever is left of its configuration.
pub async fn restored_as(
    lead: &TestNode,
    file: &Path,
    configured: Configured,
    trust: Trust,
    epoch: Option<u64>,
) -> anyhow::Result<Outcome> {
    let options = RestoreOptions {
        file: file.to_owned(),
        configured,
        opener: Opener::Source(&lead.config.unseal, Secret::None),
        brought: None,
        authority: None,
        epoch: epoch.map(Epoch),
        trust,
        by: "a test".to_owned(),
    };
    restore(&options, &|_| Ok(true), &lead.seams()).await
}

/// Makes a stopped follower the lead, by a snapshot that the key file of the lead that was opens.
pub async fn promoted(follower: &mut TestNode, lead: &TestNode, file: &Path, trust: Trust) -> anyhow::Result<Outcome> {
    let listen = ports::free();
    let options = PromoteOptions {
        file: file.to_owned(),
        config: follower.config.clone(),
        config_file: follower.config_file(),
        opener: Opener::Source(&lead.config.unseal, Secret::None),
        own: Secret::None,
        listen: Some(listen),
        advertise: Vec::new(),
        epoch: None,
        trust,
        by: "a test".to_owned(),
    };
    let outcome = promote(&options, &|_| Ok(true), &follower.seams()).await?;
    follower.config.node.role = aurora_mesh::model::identity::Role::Lead;
    follower.config.mesh.listen = listen;
    follower.config.mesh.leads = Vec::new();
    Ok(outcome)
}

/// What was done, and where the old store is.
pub fn done(outcome: Outcome) -> (Report, Option<PathBuf>) {
    match outcome {
        Outcome::Done(report, kept) => (report, kept),
        Outcome::Left(_) | Outcome::Complete => panic!("it was not done"),
    }
}

pub fn names(secrets: &[ScopedSecret]) -> Vec<String> {
    secrets.iter().map(|at| at.secret.name.to_string()).collect()
}

/// Returns once a node follows, or leads in, this epoch.
pub async fn is_in_epoch(node: &TestNode, epoch: u64) {
    eventually(&format!("{} is in epoch {epoch}", node.config.node.name), || async {
        (node.vault().health().epoch == Epoch(epoch)).then_some(())
    })
    .await;
}

/// Asks the lead as its owner, which must succeed.
pub async fn owner(lead: &TestNode, method: &str, target: &str, body: &Value) -> Value {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let answer = http::ask(&lead.config.api.socket_dir.join("admin.sock"), method, target, &[], &text).await;
    assert_eq!(answer.status, 200, "{method} {target}: {}", answer.body);
    answer.json()
}

/// A key of the agent `robot`, which is made if it is not there.
pub async fn key_of_robot(lead: &TestNode, name: &str, first: bool) -> String {
    if first {
        let agent = json!({"name": "robot", "capabilities": ["data_read"], "secrets": ["*"], "environments": ["prod"]});
        owner(lead, "POST", "/api/agents", &agent).await;
    }
    let minted = owner(lead, "POST", "/api/agents/robot/keys", &json!({"name": name})).await;
    minted["key"].as_str().expect("a key").to_owned()
}

/// Reads `hubspot/api_key` with a key.
pub async fn read_with(node: &TestNode, key: &str) -> Answer {
    let headers = [("X-API-Key", key)];
    http::ask(&node.agent_socket(), "GET", "/api/secrets/hubspot/api_key", &headers, "").await
}
