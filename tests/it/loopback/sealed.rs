//! A sealed node answers on loopback too: that it is sealed, in the words of whoever asks.

use aurora_mesh::config::node_config::UnsealSource;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::daemon::brought::Brought;
use aurora_mesh::daemon::init::init;
use aurora_mesh::daemon::sealed::SealedNode;

use super::Stage;
use crate::agents::stage::SECRET;
use crate::support::http;
use crate::support::loopback::{MARK, ask, get, request, send};
use crate::support::mesh::TestMesh;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_node_says_so_and_guards_itself_all_the_same() {
    let mesh = TestMesh::start().await;
    let mut node = mesh.stranger("sealed");
    node.config.node.role = aurora_mesh::model::identity::Role::Lead;
    node.config.unseal = UnsealSource::Passphrase;
    node.config.api.listen = Some(([127, 0, 0, 1], 0).into());
    let passphrase = Plaintext::new(b"correct horse battery staple".to_vec());
    init(&node.config, &node.config_file(), Some(Brought::Passphrase(&passphrase)), &node.seams())
        .await
        .expect("a new mesh");
    let sealed = SealedNode::start(&node.config, &node.seams()).await.expect("waits");
    let at = sealed.loopback().expect("listens");
    let refused = get(at, "mj_agent_x", SECRET).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "sealed"));
    let aws = ask(at, "GET", "/secretsmanager/get?secretId=openai/api_key", &[], "").await;
    assert!(
        aws.status == 503 && aws.json()["message"].as_str().expect("a text").starts_with("sealed: "),
        "{}",
        aws.body
    );
    assert_eq!(ask(at, "GET", "/ping", &[], "").await.status, 503, "it is not well: it serves nothing");
    assert_eq!(ask(at, "GET", "/health", &[], "").await.json()["status"], "sealed");
    let brought = r#"{"passphrase":"correct horse battery staple"}"#;
    let offer = ask(at, "POST", "/api/unseal", &[], brought).await;
    assert!(matches!(offer.status, 401 | 403), "only the owner brings a key, and nobody here is: {}", offer.body);
    let host = at.to_string();
    let unmarked = send(at, request("GET", SECRET, &[("Host", &host)], "").as_bytes()).await;
    assert!(unmarked.starts_with(b"HTTP/1.1 403"));
    let page = send(at, request("GET", SECRET, &[("Host", &host), MARK, ("Origin", "null")], "").as_bytes()).await;
    assert!(page.starts_with(b"HTTP/1.1 403"));
    sealed.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_unix_sockets_take_no_notice_of_what_loopback_refuses() {
    let Stage { mesh, .. } = Stage::set().await;
    let headers = [("Origin", "http://evil.example"), ("X-Forwarded-For", "192.0.2.1")];
    assert_eq!(http::ask(&mesh.lead.agent_socket(), "GET", SECRET, &headers, "").await.status, 200);
}
