//! The sources that need no shares: a passphrase that is brought later, and a credential of systemd.

use rustix::process::Signal;
use serde_json::json;

use super::{journal, post, unseal};
use crate::support::process::{Node, aurora, directory, run};

#[tokio::test]
async fn a_node_whose_passphrase_nobody_gave_waits_for_it() {
    let dir = directory();
    let mut node = Node::new(dir.path(), "aurora", "info");
    node.init_with(&["--passphrase"], b"correct horse\n").await;
    node.start().await;
    let health = node.health().await;
    assert_eq!((&health["status"], &health["shares"]), (&json!("sealed"), &json!(null)));
    let status = node.run(&["status"], b"").await;
    assert!(status.code == Some(2) && status.err.contains("it waits for its passphrase"), "{status:?}");
    for wrong in ["Correct horse", ""] {
        let refused = post(&node, &json!({ "passphrase": wrong })).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "wrong_passphrase"));
    }
    let share = post(&node, &json!({"share": "x"})).await;
    assert!(share.status == 400 && share.message().contains("a passphrase"), "{}", share.body);
    assert_eq!(unseal(&node, "correct horse\n").await.text(), "unsealed\n");
    node.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    let lines = journal(&node);
    assert!(!lines.iter().any(|line| line.to_string().contains("orse")), "{lines:?}");
    assert_eq!(lines.last().expect("a line")["reason"], "unseal: the node is unsealed");
}

/// A wrong one that was given at the start is told at once, as before: nobody is left to guess why the node waits.
#[tokio::test]
async fn a_passphrase_that_was_given_at_the_start_is_not_asked_for_later() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    node.init_with(&["--passphrase"], b"correct horse\n").await;
    for (given, told) in [(&b"wrong\n"[..], "does not open with this key"), (b"\n", "the passphrase is empty")] {
        let ended = run(aurora(dir.path(), ["up", "--config"]).arg(node.config_file()), given).await;
        assert!(ended.code == Some(1) && ended.err.contains(told), "{ended:?}");
        assert!(!node.agent().exists());
    }
}

#[tokio::test]
async fn a_node_opens_with_the_credential_that_systemd_hands_over() {
    let dir = directory();
    let mut node = Node::new(dir.path(), "aurora", "info");
    let missing = run(&mut node.prepare(&["init", "--systemd-credential"]), b"").await;
    for told in ["CREDENTIALS_DIRECTORY", "LoadCredentialEncrypted=aurora-unseal:", "systemd-creds encrypt"] {
        assert!(missing.code == Some(1) && missing.err.contains(told), "{missing:?}");
    }
    let credentials = dir.path().join("credentials");
    std::fs::create_dir(&credentials).expect("made");
    node.credentials = Some(credentials.clone());
    let named = run(&mut node.prepare(&["init", "--systemd-credential=another"]), b"").await;
    assert!(named.code == Some(1) && named.err.contains("no credential named another"), "{named:?}");
    std::fs::write(credentials.join("aurora-unseal"), format!("{}\n", "5a".repeat(32))).expect("written");
    node.init_with(&["--systemd-credential"], b"").await;
    let names: Vec<_> =
        std::fs::read_dir(node.state_dir()).expect("made").map(|it| it.expect("listed").file_name()).collect();
    assert_eq!(names, ["store.redb"], "no key is written");
    node.start().await;
    node.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    node.end(Signal::TERM).await;
    node.start().await;
    assert_eq!(node.run(&["get", "hubspot/api_key"], b"").await.text(), "pat-na1-abc123");
    node.end(Signal::TERM).await;
    std::fs::write(credentials.join("aurora-unseal"), "5b".repeat(32)).expect("written");
    let mut up = aurora(dir.path(), ["up", "--config"]);
    let wrong = run(up.arg(node.config_file()).env("CREDENTIALS_DIRECTORY", &credentials), b"").await;
    assert!(wrong.code == Some(1) && wrong.err.contains("does not open with this key"), "{wrong:?}");
    let without = run(aurora(dir.path(), ["up", "--config"]).arg(node.config_file()), b"").await;
    assert!(without.code == Some(1) && without.err.contains("LoadCredentialEncrypted="), "{without:?}");
}
