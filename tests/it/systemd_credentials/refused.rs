//! What nobody is given, and how that looks to systemd.

use super::client::{Unit, ask};
use super::{SYSTEMD_BYTES_MAX, VALUE, allow, mesh, reads};
use crate::support::journal;
use crate::support::process::{Node, directory};

/// A refusal: longer than any credential, and without a value.
fn refused(answer: &[u8]) {
    assert!(answer.len() > SYSTEMD_BYTES_MAX + 1, "{} bytes: {:?}", answer.len(), answer.get(..80));
    assert!(!answer.windows(VALUE.len()).any(|window| window == VALUE.as_bytes()));
    assert!(answer.starts_with(b"aurora refuses this credential"));
}

/// Also what root, or the owner of the node, may read: the process here is both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_is_refused_what_it_is_not_granted_whatever_root_may_do() {
    let Some(unit) = Unit::make("refused") else { return };
    let mesh = mesh().await;
    allow(&mesh, &format!("unit:{}", unit.name), &["openai/*"]).await;
    let socket = mesh.lead.config.api.socket_dir.join("credentials.sock");
    refused(&unit.asks_for(&socket, "hubspot.api_key").await);
    let line = reads(&mesh).await.remove(0);
    assert_eq!((&line["decision"], &line["secret"]), (&"deny".into(), &"hubspot/api_key".into()));
    assert_eq!(line["principal"], format!("unit:{}", unit.name));
    refused(&unit.asks_for(&socket, "smtp").await);

    for unknown in ["openai", "OpenAI.api_key", "%n"] {
        refused(&unit.asks_for(&socket, unknown).await);
        let line = reads(&mesh).await.remove(0);
        assert_eq!((&line["decision"], &line["rule"]), (&"deny".into(), &"no such credential".into()), "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_one_unit_that_claims_to_be_another_is_refused() {
    let Some(unit) = Unit::make("forger") else { return };
    let mesh = mesh().await;
    allow(&mesh, "unit:backup.service", &["*"]).await;
    let socket = mesh.lead.config.api.socket_dir.join("credentials.sock");
    refused(&unit.asks(&socket, "backup.service", "openai.api_key").await);
    let line = reads(&mesh).await.remove(0);
    assert_eq!((&line["decision"], &line["rule"]), (&"deny".into(), &"another unit".into()));
    let reason = format!("a process of {} asks for backup.service", unit.name);
    assert_eq!((&line["principal"], &line["reason"]), (&format!("unit:{}", unit.name).into(), &reason.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_systemd_is_refused_and_leaves_no_line_of_its_own_in_the_journal() {
    let mesh = mesh().await;
    allow(&mesh, "unit:backup.service", &["*"]).await;
    let socket = mesh.lead.config.api.socket_dir.join("credentials.sock");
    refused(&ask(&socket, Some(b"adf9d86b6eda275e/unit/backup.service/openai.api_key"), None).await);
    let rule = reads(&mesh).await[0]["rule"].as_str().expect("a rule").to_owned();
    let expected = if rustix::process::geteuid().is_root() { "another unit" } else { "not systemd" };
    assert_eq!(rule, expected);

    let forged: [Option<&[u8]>; 3] =
        [None, Some(b"x"), Some(b"x/unit/a.service/b\n{\"seq\":1,\"decision\":\"allow\"}")];
    for address in forged {
        refused(&ask(&socket, address, None).await);
        let line = reads(&mesh).await.remove(0);
        assert_eq!((&line["decision"], &line["rule"]), (&"deny".into(), &"no unit is named".into()));
    }
    let reason = reads(&mesh).await[0]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("b\\n{\\\"seq\\\":1"), "{reason}");
    assert!(mesh.lead.vault().audit_verify(&crate::support::callers::admin()).await.expect("read").broken.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_node_refuses_and_writes_it_down() {
    let dir = directory();
    let mut node = Node::new(dir.path(), "aurora", "info");
    node.init_with(&["--passphrase"], b"correct horse\n").await;
    node.start().await;
    let socket = node.socket_dir().join("credentials.sock");
    refused(&ask(&socket, Some(b"adf9d86b6eda275e/unit/backup.service/openai.api_key"), None).await);
    let text = journal::text(&node.state_dir().join("audit"));
    let line = text.lines().rfind(|line| line.contains("secret.read")).expect("a line");
    assert!(line.contains(r#""rule":"the node is sealed""#) && line.contains("backup.service"), "{line}");
}
