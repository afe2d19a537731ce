//! The client that agents of others are built with, from PyPI: a story of one credential, from refused to granted.

use serde_json::{Value, json};

use super::stage::{TOOLS, canaries};
use crate::agents::stage::{agent, key};
use crate::support::callers::admin;
use crate::support::clients;
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{AURORA, run};
use crate::support::wait::eventually;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/mcp_tools.py");

/// The answers of a list of calls, each over a session of its own kind.
async fn story(mesh: &TestMesh, socket: &std::path::Path, key: &str, mode: &str, calls: &Value) -> Option<Value> {
    let mut command = tokio::process::Command::new(clients::python()?);
    command.arg(SCRIPT).arg(AURORA).arg(socket).arg(mode).env("AURORA_TOKEN", key).env("HOME", mesh.dir.path());
    let ended = run(command.kill_on_drop(true), calls.to_string().as_bytes()).await;
    assert!(!ended.text().contains("CANARY"), "a value reached a client");
    Some(ended.json())
}

async fn grant(mesh: &TestMesh, lines: &str) {
    let vault = mesh.lead.vault();
    let seen = vault.plan_policy(&admin(), lines).await.expect("a plan").revision;
    vault.apply_policy(&admin(), lines, seen, None).await.expect("applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_of_others_lists_is_told_why_it_may_not_asks_and_sees_that_it_was_granted() {
    let mut mesh = canaries().await;
    agent(&mesh, "robot", &json!({"capabilities": ["event_publish", "data_query"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let lead = mesh.lead.agent_socket();
    let explain = json!({"tool": "explain_credential", "arguments": {"name": "openai/api_key"}});
    let ask = json!({"tool": "request_access", "arguments": {"name": "openai/api_key", "reason": "nightly report"}});
    let list = json!({"tool": "list_credentials", "arguments": {}});
    let Some(told) = story(&mesh, &lead, &key, "auto", &json!([list, explain, ask])).await else { return };
    let mut names: Vec<&str> = told["tools"].as_array().expect("tools").iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    assert_eq!((names.as_slice(), &told["server"]), (&TOOLS[..], &json!("aurora")));
    let results = &told["results"];
    assert_eq!(results[0]["answer"]["credentials"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(results[1]["answer"]["allowed"], false, "{told}");
    assert_eq!(results[2]["answer"]["status"], "pending", "{told}");
    grant(&mesh, results[2]["answer"]["grant"].as_str().expect("lines")).await;
    let told = story(&mesh, &lead, &key, "legacy", &json!([explain, ask])).await.expect("it is there");
    assert_eq!(told["results"][0]["answer"]["usable"], true, "{told}");
    assert_eq!(told["results"][1]["answer"]["status"], "already_allowed", "{told}");

    let follower = mesh.follower("vengeance", prod(&[])).await;
    let socket = follower.agent_socket();
    eventually("the follower knows the agent", || async {
        let told = story(&mesh, &socket, &key, "auto", &json!([explain])).await.expect("it is there");
        (told["results"][0]["answer"]["usable"] == true).then_some(())
    })
    .await;
    mesh.lead.stop().await;
    let other = json!({"tool": "request_access", "arguments": {"name": "hubspot/api_key", "reason": "x"}});
    let told = eventually("the follower has lost its lead", || async {
        let told = story(&mesh, &socket, &key, "auto", &json!([explain, other])).await.expect("it is there");
        (told["results"][1]["error"] == true).then_some(told)
    })
    .await;
    assert_eq!(told["results"][1]["answer"]["error"]["code"], "no_lead", "{told}");
    assert_eq!(told["results"][0]["answer"]["usable"], true, "its own copy is still good: {told}");
}
