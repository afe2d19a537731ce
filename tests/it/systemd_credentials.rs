//! Credentials of systemd units, byte for byte as systemd asks for them: only root within the unit it names is given a
//! value, only what the unit is granted, and a refusal is too long for any start to take it for a value.
//!
//! systemd itself is asked in `scripts/campaign-systemd.sh`.

mod client;
mod given;
mod refused;

use std::collections::BTreeSet;

use aurora_mesh::config::node_config::CredentialName;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::GrantName;
use aurora_mesh::model::principal::Principal;
use aurora_mesh::model::reach::Reach;
use aurora_mesh::model::reference::Reference;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::vault::request::PutRequest;
use serde_json::Value;

use crate::support::callers::{admin, put};
use crate::support::mesh::TestMesh;

/// The obviously false value.
const VALUE: &str = "not-a-real-key";

/// The longest credential that systemd takes.
const SYSTEMD_BYTES_MAX: usize = (1 << 20) - 1;

/// A lead with some values, and a name that is mapped.
async fn mesh() -> TestMesh {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    let mapped = [("smtp", "smtp/login?field=password"), ("shadow.key", "openai/api_key")];
    for (name, reference) in mapped {
        let name = CredentialName::parse(name).expect("a name");
        mesh.lead.config.credentials.insert(name, Reference::parse_short(reference).expect("a reference"));
    }
    mesh.lead.start().await;
    for name in ["openai/api_key", "hubspot/api_key", "shadow/key"] {
        mesh.put(put(name, "global", VALUE)).await;
    }
    let bytes: Vec<u8> = (0..=255).collect();
    mesh.put(PutRequest { value: Plaintext::new(bytes), ..put("binary/blob", "global", "x") }).await;
    mesh
}

/// Lets whoever this is read these secrets.
async fn allow(mesh: &TestMesh, principal: &str, secrets: &[&str]) {
    let glob = |name: &&str| SecretGlob::parse(name).expect(name);
    let grant = Grant {
        name: GrantName::parse("of-the-unit").expect("a name"),
        principal: Principal::parse(principal).expect(principal),
        capabilities: BTreeSet::from([Capability::DataRead]),
        reach: Reach { secrets: secrets.iter().map(glob).collect(), ..Reach::everything() },
        expires_at: Expiry::Never,
        effect: Effect::Allow,
        granted_by: "admin".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    };
    mesh.lead.vault().edit_rules(&admin(), vec![Edit::Put(Article::Grant(grant))]).await.expect("edited");
}

/// The last lines of the journal that tell of a read, newest first.
async fn reads(mesh: &TestMesh) -> Vec<Value> {
    let lines = mesh.lead.vault().audit_tail(&admin(), 20).await.expect("the owner may read the journal");
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut reads: Vec<Value> = lines.filter(|line| line["action"] == "secret.read").collect();
    reads.reverse();
    reads
}
