//! After an incident: which values could a node, a company or a caller have read, and which are still in use?

use serde_json::{Value, json};

use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

/// Each value of the list as `state secret scope vN`, with `+` where it can still be read there.
async fn listed(lead: &Node, of: &str) -> Vec<String> {
    let exposure = http::get(&lead.admin(), &format!("/api/exposure?of={of}")).await;
    assert_eq!(exposure.status, 200, "{}", exposure.body);
    let exposure = exposure.json();
    assert_eq!((&exposure["complete"], &exposure["unreadable_lines"]), (&json!(true), &json!(0)));
    let line = |value: &Value| {
        let text = |field: &str| value[field].as_str().unwrap_or("-").to_owned();
        let still = if value["until"].is_null() { "+" } else { "" };
        let scope = [text("scope"), text("scope_id")].join(":");
        format!("{} {}/{} {scope} v{}{still}", text("state"), text("service"), text("key_name"), value["version"])
    };
    exposure["values"].as_array().expect("a list").iter().map(line).collect()
}

#[tokio::test]
async fn a_node_could_have_read_what_it_was_entitled_to_while_it_was() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", "one").await;
    lead.put("hubspot/api_key", "company:acme", "one").await;
    lead.put("hubspot/api_key", "company:other", "never its").await;
    lead.put("openai/api_key", "global", "one").await;
    lead.put("hubspot/api_key", "node:runpod-tx", "never its").await;
    let _follower = lead.follower("vengeance", &["acme"]).await;
    lead.run(&["nodes", "entitle", "vengeance", "--no-company", "--allow", "hubspot/*"], b"").await.text();
    // The key of the company changes with it, and its values are sealed anew: that is no new value.
    eventually("the values of the company are sealed anew", || async {
        let keys = http::get(&lead.admin(), "/api/keys").await.json();
        let keys = keys["keys"].as_array()?.clone();
        keys.iter()
            .any(|key| key["scope_id"] == "acme" && key["generation"] == 2 && key["unfinished"] == false)
            .then_some(())
    })
    .await;
    assert_eq!(
        listed(&lead, "node:vengeance").await,
        [
            "current hubspot/api_key global:- v1+",
            "current hubspot/api_key company:acme v1",
            "current openai/api_key global:- v1",
        ]
    );
    // What is put from now on it sees only where it is still entitled.
    for (name, scope) in [("hubspot/api_key", "global"), ("hubspot/api_key", "company:acme"), ("openai/new", "global")]
    {
        lead.put(name, scope, "two").await;
    }
    http::ask(&lead.admin(), "DELETE", "/api/secrets/openai/api_key", &[], "").await;
    assert_eq!(
        listed(&lead, "node:vengeance").await,
        [
            "current hubspot/api_key global:- v2+",
            "deleted openai/api_key global:- v1",
            "replaced hubspot/api_key global:- v1",
            "replaced hubspot/api_key company:acme v1",
        ]
    );
    assert_eq!(http::get(&lead.admin(), "/api/exposure?of=node:nobody").await.status, 404);
}

#[tokio::test]
async fn a_company_is_exposed_where_nodes_spoke_for_it_and_the_answer_says_to_whom() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let _follower = lead.follower("vengeance", &["acme"]).await;
    let _stranger = lead.follower("runpod-tx", &[]).await;
    lead.put("hubspot/api_key", "company:acme", "one").await;
    lead.put("openai/api_key", "global", "one").await;
    lead.put("openai/api_key", "node:vengeance", "one").await;
    lead.run(&["get", "hubspot/api_key", "--company", "acme"], b"").await.text();
    let exposure = http::get(&lead.admin(), "/api/exposure?of=company:acme").await.json();
    let listed = listed(&lead, "company:acme").await;
    assert_eq!(listed, ["current hubspot/api_key company:acme v1+", "current openai/api_key global:- v1+"]);
    assert_eq!(exposure["nodes"], json!(["aurora", "vengeance"]));
    assert_eq!(exposure["values"][0]["nodes"], json!(["aurora", "vengeance"]));
    assert!(exposure["values"][0]["last_read"].is_string() && exposure["values"][1]["last_read"].is_null());
    let principals = exposure["principals"].as_array().expect("a list");
    assert!(principals.contains(&json!("admin")), "{exposure}");
}

#[tokio::test]
async fn a_caller_is_exposed_to_what_it_read_by_the_journal() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let uid = format!("user:{}", rustix::process::geteuid().as_raw());
    lead.put("hubspot/api_key", "global", "one").await;
    lead.put("hubspot/never_read", "global", "one").await;
    http::get(&lead.agent(), "/api/secrets/hubspot/api_key").await;
    http::get(&lead.agent(), "/api/secrets/hubspot/absent").await;
    lead.put("hubspot/api_key", "global", "two").await;
    assert_eq!(listed(&lead, &uid).await, ["replaced hubspot/api_key global:- v1"]);
    http::get(&lead.agent(), "/api/secrets/hubspot/api_key").await;
    let both = listed(&lead, &uid).await;
    assert_eq!(both, ["current hubspot/api_key global:- v2", "replaced hubspot/api_key global:- v1"]);
    assert_eq!(listed(&lead, "agent:robot").await, [""; 0]);
    let table = lead.run(&["exposure", &uid], b"").await;
    assert!(table.text().contains("revoke if valid  hubspot/api_key"), "{table:?}");
    assert_eq!(lead.run(&["exposure", "robot"], b"").await.code, Some(1));
    let refused = http::get(&lead.agent(), "/api/exposure?of=admin").await;
    assert_eq!((refused.status, refused.code()), (403, "denied".to_owned()));
}
