//! `aurora leave`: the lead forgets a node that wants to go, its copies and keys leave its machine, and both sides write it
//! down. Nothing is removed before the lead knows, unless that is given up.

use serde_json::Value;

use crate::support::http;
use crate::support::journal;
use crate::support::process::{Ended, Node, directory};
use crate::support::wait::eventually;

const VALUE: &str = "example-value-that-leaves";

async fn leave(node: &Node, more: &[&str]) -> Ended {
    let config = node.config_file().display().to_string();
    node.run(&[&["leave", "--config", &config][..], more].concat(), b"").await
}

async fn members(lead: &Node) -> Vec<String> {
    let nodes = http::get(&lead.admin(), "/api/nodes").await.json();
    let name = |node: &Value| node["name"].as_str().expect("a name").to_owned();
    nodes["nodes"].as_array().expect("nodes").iter().map(name).collect()
}

/// The lines of an action in the journal of a node.
fn lines(node: &Node, action: &str) -> Vec<Value> {
    let text = journal::text(&node.state_dir().join("audit"));
    let parsed = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    parsed.filter(|line| line["action"] == action).collect()
}

fn text(line: &Value, field: &str) -> String {
    line[field].as_str().expect("text").to_owned()
}

async fn pair(dir: &std::path::Path) -> (Node, Node) {
    let lead = Node::lead(dir).await;
    let follower = lead.follower("vengeance", &[]).await;
    let revision = lead.put("openai/api_key", "global", VALUE).await;
    follower.reaches(revision).await;
    (lead, follower)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_leaves_is_forgotten_by_its_lead_and_keeps_nothing_but_its_journal() {
    let dir = directory();
    let (lead, mut follower) = pair(dir.path()).await;
    let left = leave(&follower, &["--yes", "--reason", "the machine is given back"]).await;
    assert_eq!(left.code, Some(0), "{left:?}");
    assert!(follower.ended().await.success());
    assert_eq!(members(&lead).await, ["aurora"]);
    let state = follower.state_dir();
    for gone in ["store.redb", "unseal.key", "events.redb"] {
        assert!(!state.join(gone).exists(), "{gone}");
    }
    assert!(!follower.admin().exists() && !follower.agent().exists());
    let aside = follower.config_file().with_extension("toml.left");
    assert!(!follower.config_file().exists() && aside.exists());
    // The lead's goodbye may overtake its answer, and with it the line that says what came of it.
    let of_lead = eventually("the lead has written down what came of it", || async {
        Some(lines(&lead, "node.leave")).filter(|lines| lines.len() > 1)
    });
    let told: Vec<(String, String)> =
        of_lead.await.iter().map(|line| (text(line, "principal"), text(line, "outcome"))).collect();
    assert_eq!(
        told,
        [("node:vengeance", "intent"), ("node:vengeance", "ok")].map(|(who, what)| (who.into(), what.into()))
    );
    let own = lines(&follower, "node.manage");
    assert!(own.iter().any(|line| line.to_string().contains("the machine is given back")), "{own:?}");
    // Its name is free, and the machine can be a node again.
    follower.join(&lead.token("vengeance", &[]).await).await;
    follower.start().await;
    eventually("the lead has it again", || async { (members(&lead).await.len() == 2).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_cannot_tell_its_lead_stays_as_it_is_unless_that_is_given_up() {
    let dir = directory();
    let (mut lead, mut follower) = pair(dir.path()).await;
    let refused = leave(&follower, &["--yes", "--without-lead"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("runs"), "{refused:?}");
    lead.end(rustix::process::Signal::KILL).await;
    let refused = leave(&follower, &["--yes"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    follower.end(rustix::process::Signal::TERM).await;
    let refused = leave(&follower, &["--yes"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("does not run"), "{refused:?}");
    assert!(follower.state_dir().join("store.redb").exists() && follower.config_file().exists());
    let left = leave(&follower, &["--yes", "--without-lead"]).await;
    assert!(left.text().contains("aurora nodes remove vengeance"), "{left:?}");
    assert!(!follower.state_dir().join("store.redb").exists() && !follower.state_dir().join("unseal.key").exists());
    let own = lines(&follower, "node.leave");
    assert!(own.len() == 1 && own[0].to_string().contains("the lead was not told"), "{own:?}");
    // The lead knows nothing of it, and has it still.
    lead.start().await;
    assert_eq!(members(&lead).await, ["aurora", "vengeance"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_does_not_leave_its_own_mesh_and_nobody_leaves_unasked() {
    let dir = directory();
    let (lead, follower) = pair(dir.path()).await;
    let refused = leave(&lead, &["--yes"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("is the lead"), "{refused:?}");
    let refused = http::ask(&lead.admin(), "POST", "/api/leave", &[], "").await;
    assert_eq!((refused.status, refused.code().to_owned()), (409, "lead_stays".to_owned()), "{}", refused.body);
    let refused = leave(&follower, &[]).await;
    assert!(refused.code == Some(1) && refused.err.contains("--yes"), "{refused:?}");
    let refused = http::ask(&follower.agent(), "POST", "/api/leave", &[], "").await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(members(&lead).await, ["aurora", "vengeance"]);
}
