//! Programs that cannot speak to a Unix socket ask on loopback: with an API key, and only as a program of this machine would.

mod aws;
mod connections;
mod guarding;
mod keys;
mod sealed;

use std::net::SocketAddr;

use serde_json::json;

use crate::agents::stage::{agent, key, mesh};
use crate::support::mesh::TestMesh;

/// A lead with secrets that listens on loopback too, and the key of an agent that may read them.
struct Stage {
    mesh: TestMesh,
    at: SocketAddr,
    key: String,
}

impl Stage {
    async fn set() -> Self {
        let mut mesh = mesh().await;
        agent(&mesh, "robot", &json!({})).await;
        let key = key(&mesh, "robot", &json!({})).await;
        let at = mesh.lead.on_loopback().await;
        Self { mesh, at, key }
    }
}
