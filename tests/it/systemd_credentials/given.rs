//! What a unit is given.

use super::client::Unit;
use super::{VALUE, allow, mesh, reads};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_is_given_the_bytes_of_what_it_is_granted_and_the_journal_has_its_name() {
    let Some(unit) = Unit::make("given") else { return };
    let mesh = mesh().await;
    allow(&mesh, &format!("unit:{}", unit.name), &["openai/*", "binary/*"]).await;
    let socket = mesh.lead.config.api.socket_dir.join("credentials.sock");
    assert_eq!(unit.asks_for(&socket, "openai.api_key").await, VALUE.as_bytes());
    let line = reads(&mesh).await.remove(0);
    assert_eq!(line["secret"], "openai/api_key");
    assert_eq!((&line["decision"], &line["outcome"]), (&"allow".into(), &"ok".into()));
    assert_eq!((&line["principal"], &line["rule"]), (&format!("unit:{}", unit.name).into(), &"of-the-unit".into()));
    assert_eq!(line["established"], "peer-credentials+pidfd, credentials socket");
    assert_eq!(line["reason"], "systemd credential openai.api_key");

    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(unit.asks_for(&socket, "binary.blob").await, bytes, "no byte is changed");
}

/// A name that is mapped means what it is mapped to, also if it could mean a secret by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapped_name_wins_over_what_it_spells() {
    let Some(unit) = Unit::make("mapped") else { return };
    let mesh = mesh().await;
    allow(&mesh, &format!("unit:{}", unit.name), &["openai/*"]).await;
    let socket = mesh.lead.config.api.socket_dir.join("credentials.sock");
    assert_eq!(unit.asks_for(&socket, "shadow.key").await, VALUE.as_bytes());
    assert_eq!(reads(&mesh).await[0]["secret"], "openai/api_key");
}
