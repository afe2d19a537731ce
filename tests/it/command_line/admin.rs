//! The verbs of the node's owner: tokens, nodes, the journal.

use std::os::unix::fs::FileExt;

use crate::support::journal::newest;
use crate::support::process::{Node, aurora, directory, run};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_token_comes_with_the_line_to_copy_and_admits_whoever_types_it() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let shown = lead.run(&["token", "create", "vengeance", "--company", "acme"], b"").await;
    let text = shown.text();
    let token = text.lines().next().expect("the token");
    assert!(token.starts_with("aurora-join-") && text.ends_with(&format!("\n  aurora join {token}\n")), "{text}");
    assert!(text.contains("It admits vengeance once"), "{text}");
    let bare = lead.run(&["token", "create", "runpod-tx", "-q"], b"").await;
    assert!(bare.text().starts_with("aurora-join-") && bare.text().lines().count() == 1, "{}", bare.text());

    let mut follower = Node::new(dir.path(), "vengeance", "info");
    let mut join = aurora(dir.path(), ["join", token, "--no-discovery", "--listen", "127.0.0.1:0"]);
    join.arg("--config").arg(follower.config_file()).arg("--state-dir").arg(follower.state_dir());
    let joined = run(join.arg("--socket-dir").arg(follower.socket_dir()), b"").await;
    assert!(joined.text().contains("the node vengeance of environment prod"), "{}", joined.text());
    follower.start().await;
    eventually("both nodes are heard of", || async {
        let list = lead.run(&["nodes", "list"], b"").await;
        let alive = list.text().lines().any(|line| line.starts_with("vengeance") && line.contains(" alive "));
        (alive && list.text().contains("this node")).then_some(())
    })
    .await;

    let again = Node::new(dir.path(), "again", "info");
    let mut join = aurora(dir.path(), ["join", "-", "--no-discovery"]);
    join.arg("--config").arg(again.config_file()).arg("--state-dir").arg(again.state_dir());
    let refused = run(&mut join, token.as_bytes()).await;
    assert!(refused.code == Some(1) && refused.err.contains("used before"), "{refused:?}");
    assert!(!refused.err.contains(token) && !again.config_file().exists(), "{refused:?}");
}

#[tokio::test]
async fn a_token_that_was_cut_short_is_refused_without_repeating_it() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let token = lead.token("vengeance", &[]).await;
    for damaged in [&token[..token.len() - 1], &token[..40], "aurora-join-", "pat-na1-abc123", ""] {
        let mut join = aurora(dir.path(), ["join", "-", "--no-discovery", "--config"]);
        join.arg(dir.path().join("x.toml")).arg("--state-dir").arg(dir.path().join("x"));
        let ended = run(&mut join, damaged.as_bytes()).await;
        assert!(ended.code == Some(1) && ended.err.contains("token"), "{ended:?}");
        assert!(damaged.len() < 13 || !ended.err.contains(damaged), "{ended:?}");
    }
}

#[tokio::test]
async fn the_journal_shows_who_did_what_and_tells_when_a_line_was_changed() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.run(&["put", "hubspot/api_key", "-", "--reason", "first key"], b"pat-na1-abc123").await.text();
    lead.run(&["get", "hubspot/api_key"], b"").await.text();
    assert_eq!(lead.run(&["get", "hubspot/absent"], b"").await.code, Some(3));
    let table = lead.run(&["audit", "tail"], b"").await;
    for told in ["PRINCIPAL", "secret.write", "secret.read", "hubspot/api_key", "hubspot/absent"] {
        assert!(table.text().contains(told), "{told} is not in:\n{}", table.text());
    }
    let lines = lead.run(&["audit", "tail", "-n", "1000", "-o", "json"], b"").await;
    let outcomes: Vec<String> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"))
        .filter(|line| line["secret"].is_string())
        .map(|line| format!("{} {}", line["action"].as_str().unwrap_or("?"), line["outcome"].as_str().unwrap_or("?")))
        .collect();
    assert_eq!(outcomes, ["secret.write intent", "secret.write ok", "secret.read ok", "secret.read not_found"]);
    assert!(lines.text().contains("first key"), "{}", lines.text());
    let whole = lead.run(&["audit", "verify"], b"").await;
    assert!(whole.text().contains("the journal is whole"), "{}", whole.text());

    let audit = lead.state_dir().join("audit");
    let file = newest(&audit);
    let text = std::fs::read_to_string(&file).expect("text");
    let at = text.find("first key").expect("the line");
    let journal = std::fs::File::options().write(true).open(&file).expect("ours");
    journal.write_all_at(b"f1rst key", at.try_into().expect("small")).expect("written");
    let broken = lead.run(&["audit", "verify"], b"").await;
    assert_eq!(broken.code, Some(2), "{broken:?}");
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(broken.err.contains("the audit journal is broken") && broken.err.contains(name), "{broken:?}");
}
