//! Each refusal a program can meet: its status, its code, and what it says.

use serde_json::{Value, json};

use super::{COMPANY, Example, HUBSPOT};
use crate::support::http::{self, Answer};

fn body(name: (&str, &str), changed: &[(&str, Value)]) -> Value {
    let mut body = json!({"service": name.0, "key_name": name.1, "key_value": "x"});
    for (field, value) in changed {
        body[field] = value.clone();
    }
    body
}

fn assert_refused(answer: &Answer, status: u16, code: &str, says: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.body);
    assert!(answer.message().contains(says), "{says:?} is not in: {}", answer.body);
    assert!(!answer.json()["error"]["hint"].as_str().expect("a hint").is_empty(), "{}", answer.body);
}

#[tokio::test]
async fn a_body_that_is_not_right_is_refused_by_its_cause_and_never_quoted() {
    let example = Example::start().await;
    let admin = example.lead.admin();
    let table = [
        (body(("HubSpot", "api_key"), &[]).to_string(), 400, "bad_name", "HubSpot"),
        (body(("hubspot", "../x"), &[]).to_string(), 400, "bad_name", "key name"),
        (body(("hubspot", "k"), &[("colour", json!("red"))]).to_string(), 400, "unknown_field", "colour"),
        (body(("hubspot", "k"), &[("metadata", json!({"colour": 1}))]).to_string(), 400, "unknown_field", "colour"),
        (body(("hubspot", "k"), &[("scope", json!("team"))]).to_string(), 400, "bad_scope", ""),
        (body(("hubspot", "k"), &[("scope", json!("company"))]).to_string(), 400, "bad_scope", ""),
        (body(("hubspot", "k"), &[("key_value", json!(7))]).to_string(), 400, "bad_json", ""),
        (r#"{"service":"hubspot","key_name":"k","key_value":"pat-na1-half"#.to_owned(), 400, "bad_json", ""),
        (r#"{"service":"hubspot","key_name":"k"}"#.to_owned(), 400, "bad_json", "key_value"),
        (
            body(("hubspot", "k"), &[("key_value", json!("v".repeat(65_537)))]).to_string(),
            413,
            "value_too_large",
            "65536",
        ),
        (body(("hubspot", "k"), &[("environment", json!("pröd"))]).to_string(), 400, "bad_name", ""),
    ];
    for (body, status, code, says) in table {
        let answer = http::ask(&admin, "POST", "/api/secrets", &[], &body).await;
        assert_refused(&answer, status, code, says);
        assert!(!answer.body.contains("pat-na1"), "{}", answer.body);
    }
    let kept = http::get(&admin, "/api/secrets").await.json();
    assert_eq!(kept["secrets"].as_array().map(Vec::len), Some(2), "nothing of it was stored");
    let largest = body(("hubspot", "largest"), &[("key_value", json!("v".repeat(65_536)))]);
    assert_eq!(http::post(&admin, "/api/secrets", &largest).await.status, 200);
}

#[tokio::test]
async fn a_read_is_refused_by_its_cause() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let absent = "/api/secrets/hubspot/absent";
    let refused = http::ask(&agent, "GET", absent, &[COMPANY], "").await;
    assert_refused(&refused, 404, "not_found", "tried node:aurora, company:company-town-foods, global");
    assert_refused(&http::get(&agent, absent).await, 404, "not_found", "tried node:aurora, global");
    let old = format!("{HUBSPOT}?version=7");
    assert_refused(&http::get(&agent, &old).await, 404, "not_found", "");
    assert_refused(&example.read(&[("X-Node-Name", "vengeance")]).await, 403, "node_mismatch", "aurora, not vengeance");
    assert_refused(&example.read(&[("X-Company-Id", "Company")]).await, 400, "bad_name", "");
    assert_refused(&http::get(&agent, &format!("{HUBSPOT}?verison=1")).await, 400, "unknown_field", "verison");
    assert_refused(&http::get(&agent, &format!("{HUBSPOT}?scope=company")).await, 400, "bad_scope", "");
    assert_refused(&http::get(&agent, &format!("{HUBSPOT}?environment=dev")).await, 400, "bad_scope", "dev");
    assert_refused(&http::get(&agent, "/api/secret/hubspot/api_key").await, 404, "unknown_route", "");
    let wrong_method = http::ask(&agent, "PUT", HUBSPOT, &[], "").await;
    assert_refused(&wrong_method, 405, "wrong_method", "");
    let allowed = wrong_method.header("allow").expect("the header Allow");
    assert!(allowed.contains("GET") && allowed.contains("DELETE"), "{allowed}");
}

/// Only reads looked at the header: a change meant for another node was made on this one.
#[tokio::test]
async fn what_is_meant_for_another_node_is_refused_whatever_it_is_and_written_down() {
    let example = Example::start().await;
    let admin = example.lead.admin();
    let put = body(("hubspot", "api_key"), &[]).to_string();
    let versions = format!("{HUBSPOT}/versions");
    let table = [
        ("POST", "/api/secrets", put.as_str(), "secret.write"),
        ("DELETE", HUBSPOT, "", "secret.delete"),
        ("GET", "/api/secrets", "", "secret.list"),
        ("GET", versions.as_str(), "", "secret.info"),
    ];
    for (method, target, body, action) in table {
        let refused = http::ask(&admin, method, target, &[("X-Node-Name", "vengeance")], body).await;
        assert_refused(&refused, 403, "node_mismatch", "aurora, not vengeance");
        let last = http::get(&admin, "/api/audit?limit=2").await.body;
        assert!(last.contains(action) && last.contains("node_mismatch"), "{action}: {last}");
        let twice = [("X-Node-Name", "aurora"), ("X-Node-Name", "vengeance")];
        assert_refused(&http::ask(&admin, method, target, &twice, body).await, 400, "bad_value", "x-node-name");
    }
    assert_eq!(example.read(&[]).await.json()["version"], 1, "nothing was changed");
    let own = http::ask(&admin, "POST", "/api/secrets", &[("X-Node-Name", "aurora")], &put).await;
    assert_eq!(own.json()["version"], 2);
}

#[tokio::test]
async fn a_change_is_refused_when_the_version_is_not_the_expected_one() {
    let example = Example::start().await;
    let admin = example.lead.admin();
    let put = async |cas: u64| {
        http::post(&admin, "/api/secrets", &body(("hubspot", "api_key"), &[("cas", json!(cas))])).await
    };
    assert_refused(&put(0).await, 409, "version_conflict", "the current version is 1");
    assert_refused(&put(2).await, 409, "version_conflict", "the current version is 1");
    assert_eq!(put(1).await.json()["version"], 2);
}

#[tokio::test]
async fn the_agent_socket_reads_and_never_writes() {
    let example = Example::start().await;
    let agent = example.lead.agent();
    let put = http::post(&agent, "/api/secrets", &body(("hubspot", "api_key"), &[])).await;
    assert_refused(&put, 403, "denied", "");
    assert_refused(&http::ask(&agent, "DELETE", HUBSPOT, &[], "").await, 403, "denied", "");
    assert_refused(&http::post(&agent, "/api/tokens", &json!({"node": "other"})).await, 403, "denied", "");
    for target in ["/api/nodes", "/api/audit", "/api/audit/verify"] {
        assert_refused(&http::get(&agent, target).await, 403, "denied", "");
    }
    assert_eq!(example.read(&[]).await.json()["version"], 1);
}

#[tokio::test]
async fn a_follower_says_where_changes_are_made_and_speaks_for_no_company_it_was_not_given() {
    let example = Example::start().await;
    let follower = example.lead.follower("runpod-tx", &[]).await;
    follower.reaches(2).await;
    let config = std::fs::read_to_string(example.lead.config_file()).expect("a configuration");
    let listen = config.lines().find_map(|line| line.strip_prefix("listen = ")).expect("an address").trim_matches('"');
    let put = http::post(&follower.admin(), "/api/secrets", &body(("hubspot", "api_key"), &[])).await;
    assert_refused(&put, 409, "not_lead", &format!("aurora at {listen}"));
    let delete = http::ask(&follower.admin(), "DELETE", HUBSPOT, &[], "").await;
    assert_refused(&delete, 409, "not_lead", &format!("aurora at {listen}"));
    let token = http::post(&follower.admin(), "/api/tokens", &json!({"node": "other"})).await;
    assert_refused(&token, 409, "not_lead", "aurora");
    let read = http::ask(&follower.agent(), "GET", HUBSPOT, &[COMPANY], "").await;
    assert_refused(&read, 403, "denied", "");
    let absent = http::ask(&follower.agent(), "GET", "/api/secrets/hubspot/absent", &[COMPANY], "").await;
    assert_refused(&absent, 403, "denied", "");
    assert_eq!(read.message(), absent.message(), "what is there is not told by how it is refused");
    let hit = http::get(&follower.agent(), HUBSPOT).await;
    assert_eq!((hit.header("x-cache"), hit.json()["key_value"].as_str()), (Some("HIT"), Some("pat-na1-abc123")));
}
