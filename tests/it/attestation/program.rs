//! A program is its path and, where a rule is about its bytes, the digest of its file.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::io::ErrorKind;
use std::path::Path;

use aurora_mesh::model::actions::Capability;
use aurora_mesh::model::article::{Article, ArticleId, Edit};
use aurora_mesh::model::grant::{Effect, Expiry, Grant};
use aurora_mesh::model::name::GrantName;
use aurora_mesh::model::principal::{Executable, Principal};
use aurora_mesh::model::reach::Reach;
use aurora_mesh::model::time::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::last_line;
use crate::support::callers::{admin, put};
use crate::support::mesh::TestMesh;
use crate::support::process::{AURORA, Ended, aurora, directory, run};

/// The binary under test, and the digest of its file.
fn binary() -> (String, [u8; 32]) {
    let path = std::fs::canonicalize(AURORA).expect("a path");
    let digest = Sha256::digest(std::fs::read(&path).expect("readable")).into();
    (path.to_str().expect("text").to_owned(), digest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_told_by_its_path_and_by_the_digest_of_its_file() {
    let (mesh, home) = (TestMesh::start().await, directory());
    let (path, digest) = binary();
    // A program as large as this one is only read where a rule is about its bytes.
    mesh.lead.vault().edit_rules(&admin(), vec![shut(&path, Some([7; 32]))]).await.expect("edited");
    let mut command = aurora(home.path(), ["whoami", "-o", "json"]);
    let told = run(command.env("AURORA_SOCKET", mesh.lead.agent_socket()), b"").await.json();
    assert_eq!(told["executable"].as_str(), Some(path.as_str()));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(told["sha256"].as_str(), Some(digest.as_str()));
    assert_eq!(told["door"], "agent");
    let has = |text: String| told["principals"].as_array().expect("a list").contains(&Value::String(text));
    assert!(has(format!("exe:{}", path)), "{told}");
    assert!(has(format!("exe:{}@sha256:{digest}", path)), "{told}");
}

/// So that a rule about it can be written; a large one is read where there is such a rule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_program_is_told_its_digest_though_no_rule_is_about_it() {
    let mesh = TestMesh::start().await;
    let mut curl = tokio::process::Command::new("curl");
    curl.args(["--silent", "--unix-socket"]).arg(mesh.lead.agent_socket()).arg("http://localhost/api/whoami");
    let answered = match curl.output().await {
        Ok(ended) => ended.stdout,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no curl here");
            return;
        }
        Err(error) => panic!("curl is there and cannot be run: {error}"),
    };
    let told: Value = serde_json::from_slice(&answered).expect("json");
    let path = told["executable"].as_str().expect("a program");
    let digest = Sha256::digest(std::fs::read(path).expect("readable"));
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(told["sha256"], digest.as_str(), "{told}");
}

/// Nobody of this path and these bytes may read.
fn shut(path: &str, digest: Option<[u8; 32]>) -> Edit {
    Edit::Put(Article::Grant(Grant {
        name: GrantName::parse("shut").expect("name"),
        principal: Principal::Executable(Executable::new(path, digest).expect("a path")),
        capabilities: [Capability::DataRead].into(),
        reach: Reach::everything(),
        expires_at: Expiry::Never,
        effect: Effect::Deny,
        granted_by: "admin".to_owned(),
        granted_at: Timestamp(0),
        reason: "test".to_owned(),
    }))
}

async fn get(mesh: &TestMesh, home: &Path) -> Ended {
    let mut command = aurora(home, ["get", "hubspot/api_key"]);
    run(command.env("AURORA_SOCKET", mesh.lead.agent_socket()), b"").await
}

/// The digest is not taken for a caller of whose bytes no rule speaks, and is from the moment that one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_about_the_bytes_of_a_program_is_about_no_others() {
    let mesh = TestMesh::start().await;
    let home = directory();
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let (path, digest) = binary();
    let exactly = format!("exe:{}", Executable::new(&path, Some(digest)).expect("a path"));
    let vault = mesh.lead.vault();

    assert_eq!(get(&mesh, home.path()).await.text(), "not-a-real-key");
    let line = last_line(&mesh.lead).await;
    assert!(line.contains(&format!("exe:{path}")) && !line.contains("@sha256:"), "{line}");
    assert!(line.contains(r#""established":"peer-credentials+pidfd, agent socket""#), "{line}");
    assert!(!line.contains(r#""attest""#), "{line}");

    vault.edit_rules(&admin(), vec![shut(&path, Some([7; 32]))]).await.expect("edited");
    assert_eq!(get(&mesh, home.path()).await.text(), "not-a-real-key", "another file was meant");
    assert!(last_line(&mesh.lead).await.contains(&exactly), "{}", last_line(&mesh.lead).await);

    vault.edit_rules(&admin(), vec![shut(&path, Some(digest))]).await.expect("edited");
    let refused = get(&mesh, home.path()).await;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let line = last_line(&mesh.lead).await;
    assert!(line.contains(r#""rule":"shut""#) && line.contains(&exactly), "{line}");

    vault
        .edit_rules(&admin(), vec![Edit::Drop(ArticleId::Grant(GrantName::parse("shut").expect("name")))])
        .await
        .expect("edited");
    assert_eq!(get(&mesh, home.path()).await.text(), "not-a-real-key");
}
