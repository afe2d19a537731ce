//! A node whose key people bring: it answers that it is sealed, opens for enough of them, and gives nothing out before. Its
//! followers go on meanwhile.

mod making;
mod offers;
mod opening;
mod sources;

use serde_json::Value;

use crate::support::http::{self, Answer};
use crate::support::journal::text;
use crate::support::process::{Ended, Node};

/// The shares that `init` or `join` printed.
fn shares(printed: &str) -> Vec<String> {
    let words = printed.split_whitespace().filter(|word| word.starts_with("aurora-share-"));
    words.map(str::to_owned).collect()
}

/// A lead made with these shares, which runs and is sealed.
async fn sealed_lead(dir: &std::path::Path, quorum: &str) -> (Node, Vec<String>) {
    let mut lead = Node::new(dir, "aurora", "info");
    let shares = shares(&lead.init_with(&["--shamir", quorum], b"").await);
    lead.start().await;
    (lead, shares)
}

/// `aurora unseal -`, with this on its standard input.
async fn unseal(node: &Node, input: &str) -> Ended {
    node.run(&["unseal", "-"], input.as_bytes()).await
}

/// What the owner posts to be unsealed with.
async fn post(node: &Node, body: &Value) -> Answer {
    http::post(&node.admin(), "/api/unseal", body).await
}

/// The lines of the journal that tell of the unsealing.
fn journal(node: &Node) -> Vec<Value> {
    let text = text(&node.state_dir().join("audit"));
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["reason"].as_str().is_some_and(|reason| reason.starts_with("unseal"))).collect()
}
