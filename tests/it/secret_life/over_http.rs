//! Over HTTP.

use serde_json::{Value, json};

use super::{SECRET, assert_refused, change, put, read};
use crate::support::http;
use crate::support::process::{Node, directory};

fn numbers(answer: &Value) -> (u64, u64, bool) {
    let number = |field: &str| answer[field].as_u64().expect("a number");
    (number("version"), number("revision"), answer["unchanged"].as_bool().unwrap_or(false))
}

#[tokio::test]
async fn the_same_value_again_is_told_to_be_no_change() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let first = put(&lead, "one", &json!({"metadata": {"tags": ["eu"]}})).await;
    assert!(!first.body.contains("unchanged"), "{}", first.body);
    let again = put(&lead, "one", &json!({})).await.json();
    assert_eq!(numbers(&again), (1, 1, true), "{again}");
    let described = put(&lead, "one", &json!({"metadata": {"description": "CRM"}})).await.json();
    assert_eq!(numbers(&described), (1, 2, false), "new words are a change, the version stays: {described}");
    assert_eq!(read(&lead, "").await.json()["metadata"], json!({"description": "CRM", "tags": ["eu"]}));
}

#[tokio::test]
async fn check_and_set_tells_the_current_version() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    assert_refused(&put(&lead, "x", &json!({"cas": 1})).await, 409, "version_conflict", "current version is 0");
    put(&lead, "one", &json!({"cas": 0})).await.json();
    assert_refused(&put(&lead, "x", &json!({"cas": 0})).await, 409, "version_conflict", "current version is 1");
    assert_eq!(numbers(&put(&lead, "two", &json!({"cas": 1})).await.json()), (2, 2, false));
}

#[tokio::test]
async fn what_is_deleted_comes_back_and_what_is_destroyed_does_not() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for value in ["one", "two", "three"] {
        put(&lead, value, &json!({})).await.json();
    }
    assert_eq!(numbers(&change(&lead, "DELETE", SECRET, "").await.json()), (3, 4, false));
    assert_refused(&read(&lead, "").await, 404, "not_found", "no value here");
    assert_refused(&change(&lead, "DELETE", SECRET, "").await, 404, "not_found", "hubspot/api_key");
    let undelete = format!("{SECRET}/undelete");
    assert_eq!(numbers(&change(&lead, "POST", &undelete, "").await.json()), (3, 5, false));
    assert_eq!(read(&lead, "").await.json()["key_value"], "three");
    assert_refused(&change(&lead, "POST", &undelete, "").await, 409, "not_deleted", "is not deleted");

    let rollback = |to: &str| format!("{SECRET}/rollback?to={to}");
    assert_eq!(numbers(&change(&lead, "POST", &rollback("1"), "").await.json()), (4, 6, false));
    assert_eq!(read(&lead, "").await.json()["key_value"], "one");
    assert_eq!(numbers(&change(&lead, "POST", &rollback("1"), "").await.json()), (4, 6, true), "it is so already");
    assert_refused(&change(&lead, "POST", &rollback("9"), "").await, 404, "not_found", "version 9");
    for bad in ["", "0", "last"] {
        assert_refused(&change(&lead, "POST", &rollback(bad), "").await, 400, "bad_value", "to must be");
    }

    let destroy = |versions: &str| format!("{SECRET}/destroy?versions={versions}");
    assert_refused(&change(&lead, "POST", &destroy("1,9"), "").await, 404, "not_found", "version 9");
    assert_eq!(read(&lead, "?version=1").await.json()["key_value"], "one", "all or nothing");
    assert_eq!(numbers(&change(&lead, "POST", &destroy("1,2"), "").await.json()), (4, 7, false));
    assert_refused(&read(&lead, "?version=1").await, 410, "destroyed", "version 1");
    assert_refused(&change(&lead, "POST", &rollback("2"), "").await, 410, "destroyed", "version 2");
    assert_eq!(read(&lead, "").await.json()["key_value"], "one", "the current version holds its own copy");
    assert_refused(&change(&lead, "POST", &destroy(""), "").await, 400, "bad_value", "versions");
    assert_eq!(
        change(&lead, "POST", &format!("{SECRET}/destroy"), "").await.status,
        200,
        "without a list: all of them"
    );
    assert_refused(&read(&lead, "").await, 410, "destroyed", "version 4");
    assert_refused(&change(&lead, "POST", &undelete, "").await, 410, "destroyed", "version 4");
    let versions = http::get(&lead.agent(), &format!("{SECRET}/versions")).await.json();
    let states: Vec<&str> =
        versions["versions"].as_array().expect("a list").iter().filter_map(|line| line["state"].as_str()).collect();
    assert_eq!(states, ["destroyed"; 4]);
    assert_eq!(numbers(&put(&lead, "five", &json!({})).await.json()).0, 5, "no number is given twice");
}

#[tokio::test]
async fn a_description_changes_what_is_said_and_nothing_else() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    assert_refused(&change(&lead, "PATCH", SECRET, "{}").await, 404, "not_found", "hubspot/api_key");
    put(&lead, "one", &json!({"metadata": {"description": "CRM", "tags": ["eu", "crm"]}, "ttl": 60})).await.json();
    let body = r#"{"metadata":{"description":null,"owner":"ops"},"ttl":null,"expires_at":"2099-01-01T00:00:00Z"}"#;
    assert_eq!(numbers(&change(&lead, "PATCH", SECRET, body).await.json()), (1, 2, false));
    let line = http::get(&lead.agent(), "/api/secrets").await.json()["secrets"][0].clone();
    assert_eq!(line["metadata"], json!({"owner": "ops", "tags": ["eu", "crm"]}));
    assert_eq!((&line["ttl"], &line["expires_at"]), (&Value::Null, &json!("2099-01-01T00:00:00.000Z")));
    assert_eq!(numbers(&change(&lead, "PATCH", SECRET, body).await.json()), (1, 2, true));
    for (body, code, says) in [
        (r#"{"key_value":"canary"}"#, "unknown_field", "key_value"),
        (r#"{"expires_at":"2020-01-01T00:00:00Z"}"#, "bad_value", "expires_at"),
        (r#"{"expires_at":"soon"}"#, "bad_value", "expires_at"),
        (r#"{"ttl":0}"#, "bad_value", "ttl"),
        (r#"{"ttl":2592001}"#, "bad_value", "ttl"),
        (r#"{"max_stale":2592001}"#, "bad_value", "max_stale"),
        (r#"{"ttl":-1}"#, "bad_json", "line 1"),
        ("", "bad_json", "line 1"),
    ] {
        assert_refused(&change(&lead, "PATCH", SECRET, body).await, 400, code, says);
    }
    let absurd = put(&lead, "canary-value", &json!({"expires_at": "1999-12-31T23:59:59Z"})).await;
    assert_refused(&absurd, 400, "bad_value", "expires_at must be a time to come");
    change(&lead, "DELETE", SECRET, "").await.json();
    assert_refused(&change(&lead, "PATCH", SECRET, body).await, 404, "not_found", "hubspot/api_key");
}

#[tokio::test]
async fn only_the_owner_changes_and_only_on_the_lead() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let follower = lead.follower("runpod-tx", &[]).await;
    put(&lead, "one", &json!({})).await.json();
    let two = put(&lead, "two", &json!({})).await.json()["revision"].as_u64().expect("a revision");
    follower.reaches(two).await;
    for (method, target, body) in [
        ("DELETE", SECRET.to_owned(), ""),
        ("PATCH", SECRET.to_owned(), "{}"),
        ("POST", format!("{SECRET}/undelete"), ""),
        ("POST", format!("{SECRET}/destroy"), ""),
        ("POST", format!("{SECRET}/rollback?to=1"), ""),
    ] {
        let refused = http::ask(&lead.agent(), method, &target, &[], body).await;
        assert_refused(&refused, 403, "denied", "refused by policy");
        let elsewhere = http::ask(&follower.admin(), method, &target, &[], body).await;
        assert_refused(&elsewhere, 409, "not_lead", "aurora");
    }
    assert_eq!(read(&lead, "").await.json()["version"], 2, "nothing was changed");
    assert_refused(&read(&follower, "?version=1").await, 404, "not_found", "other versions are on the lead");
}

#[tokio::test]
async fn a_token_for_longer_than_a_day_or_for_no_time_is_refused() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    for seconds in [0, 86_401] {
        let body = json!({"node": "runpod-tx", "valid_for": seconds});
        let refused = http::post(&lead.admin(), "/api/tokens", &body).await;
        assert_refused(&refused, 400, "bad_value", "valid_for must be between 1 s and 24 h");
    }
    let longest = http::post(&lead.admin(), "/api/tokens", &json!({"node": "runpod-tx", "valid_for": 86_400})).await;
    assert_eq!(longest.status, 200, "{}", longest.body);
}

#[tokio::test]
async fn a_rehearsal_tells_what_a_change_would_come_to_and_changes_nothing() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    put(&lead, "one", &json!({})).await.json();
    put(&lead, "two", &json!({})).await.json();
    let body = json!({"service": "hubspot", "key_name": "api_key", "key_value": "canary-rehearsed"});
    let rehearsed = http::post(&lead.admin(), "/api/secrets?dry_run=true", &body).await.json();
    assert_eq!((numbers(&rehearsed), &rehearsed["dry_run"]), ((3, 3, false), &json!(true)), "{rehearsed}");
    let conflict = json!({"service": "hubspot", "key_name": "api_key", "key_value": "x", "cas": 7});
    let refused = http::post(&lead.admin(), "/api/secrets?dry_run=true", &conflict).await;
    assert_refused(&refused, 409, "version_conflict", "current version is 2");
    for (method, target, body) in [
        ("DELETE", format!("{SECRET}?dry_run=true"), ""),
        ("PATCH", format!("{SECRET}?dry_run=true"), r#"{"ttl":60}"#),
        ("POST", format!("{SECRET}/destroy?dry_run=true"), ""),
        ("POST", format!("{SECRET}/rollback?to=1&dry_run=true"), ""),
    ] {
        let told = change(&lead, method, &target, body).await.json();
        assert_eq!((&told["dry_run"], &told["revision"]), (&json!(true), &json!(3)), "{method} {target}: {told}");
    }
    let refused = change(&lead, "POST", &format!("{SECRET}/undelete?dry_run=true"), "").await;
    assert_refused(&refused, 409, "not_deleted", "is not deleted");
    let denied = http::ask(&lead.agent(), "DELETE", &format!("{SECRET}?dry_run=true"), &[], "").await;
    assert_refused(&denied, 403, "denied", "refused by policy");
    for target in ["/api/secrets?dry_run=maybe", "/api/secrets?dryrun=true"] {
        assert_eq!(http::post(&lead.admin(), target, &body).await.status, 400, "{target}");
    }
    let current = read(&lead, "").await.json();
    assert_eq!((&current["key_value"], &current["version"]), (&json!("two"), &json!(2)));
    assert_eq!(lead.health().await["revision"], 2);
    assert_eq!(read(&lead, "?version=1").await.json()["key_value"], "one");
    let journal = http::get(&lead.admin(), "/api/audit?limit=1000").await.body;
    assert!(journal.contains("dry run") && journal.matches("intent").count() == 2, "{journal}");
}
