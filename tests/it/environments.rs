//! Environments beside each other: what is known in one becomes known in another, values never cross, and a value that
//! is in both is found.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::http;
use crate::support::process::{Node, directory};

/// A value that must not be where it was not put.
const CANARY: &str = "canary-4f1d9c2e7a";

async fn put(lead: &Node, environment: &str, name: &str, scope: &str, more: &Value) {
    let (service, key) = name.split_once('/').expect("SERVICE/KEY");
    let (scope, id) = scope.split_once(':').map_or((scope, None), |(scope, id)| (scope, Some(id)));
    let mut body =
        json!({"service": service, "key_name": key, "scope": scope, "scope_id": id, "environment": environment});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = http::post(&lead.admin(), "/api/secrets", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// A lead with secrets of every kind in prod and some in dev.
async fn example(dir: &Path) -> Node {
    let lead = Node::lead(dir).await;
    let said = json!({"key_value": CANARY, "ttl": 60, "expires_at": "2099-01-01T00:00:00Z",
        "metadata": {"description": "CRM", "tags": ["eu"]}});
    put(&lead, "prod", "hubspot/api_key", "global", &said).await;
    put(&lead, "prod", "hubspot/api_key", "company:acme", &json!({"key_value": "of-acme"})).await;
    put(&lead, "prod", "hubspot/api_key", "node:aurora", &json!({"key_value": "of-aurora"})).await;
    let fields = json!({"key_value": {"id": "1", "secret": "canary-field"},
        "fields": [{"name": "id", "type": "string"}, {"name": "secret", "type": "secret"}]});
    put(&lead, "prod", "google/oauth", "global", &fields).await;
    put(&lead, "prod", "gone/key", "global", &json!({"key_value": "x"})).await;
    let gone = http::ask(&lead.admin(), "DELETE", "/api/secrets/gone/key", &[], "").await;
    assert_eq!(gone.status, 200, "{}", gone.body);
    put(&lead, "dev", "hubspot/api_key", "company:acme", &json!({"key_value": "of-acme-in-dev"})).await;
    lead
}

fn places(list: &Value) -> Vec<String> {
    let place = |line: &Value| {
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        format!("{}/{} {}", text("service"), text("key_name"), text("scope"))
    };
    list.as_array().expect("a list").iter().map(place).collect()
}

#[tokio::test]
async fn a_mirror_copies_what_is_said_and_never_a_value() {
    let dir = directory();
    let lead = example(dir.path()).await;
    let mirror = json!({"from": "prod", "to": "dev"});
    let answer = http::post(&lead.admin(), "/api/environments/mirror", &mirror).await;
    let told = answer.json();
    assert_eq!(places(&told["declared"]), ["google/oauth global", "hubspot/api_key global"]);
    assert_eq!((&told["declared_total"], &told["already_known"]), (&json!(2), &json!(1)), "{told}");
    assert_eq!((&told["skipped_node_scopes"], &told["without_value_total"]), (&json!(1), &json!(2)), "{told}");
    let list = http::get(&lead.admin(), "/api/secrets?environment=dev&state=unset").await;
    let lines = list.json()["secrets"].clone();
    assert_eq!(places(&lines), ["google/oauth global", "hubspot/api_key global"]);
    assert_eq!(lines[0]["fields"][1], json!({"name": "secret", "type": "secret"}));
    assert_eq!((&lines[1]["metadata"]["description"], &lines[1]["ttl"]), (&json!("CRM"), &json!(60)));
    assert_eq!(lines[1]["expires_at"], Value::Null, "an end belongs to a value");
    for target in ["/api/secrets/hubspot/api_key", "/api/secrets/google/oauth"] {
        let read = http::get(&lead.admin(), &format!("{target}?environment=dev&scope=global")).await;
        assert_eq!((read.status, read.code().as_str()), (404, "not_found"), "{}", read.body);
    }
    let whole = format!("{}{}", answer.body, list.body);
    assert!(!whole.contains("canary"), "{whole}");
    let acme =
        http::get(&lead.admin(), "/api/secrets/hubspot/api_key?environment=dev&scope=company&scope_id=acme").await;
    assert_eq!(acme.json()["key_value"], "of-acme-in-dev", "what was known stays as it was");

    let again = http::post(&lead.admin(), "/api/environments/mirror", &mirror).await.json();
    assert_eq!((&again["declared_total"], &again["already_known"]), (&json!(0), &json!(3)), "{again}");
    assert_eq!(again["revision"], told["revision"], "nothing was left to be changed");
    put(&lead, "dev", "hubspot/api_key", "global", &json!({"key_value": "of-dev"})).await;
    let line = http::get(&lead.admin(), "/api/secrets?environment=dev&prefix=hubspot/&scope=global").await.json();
    let line = &line["secrets"][0];
    assert_eq!((&line["version"], &line["state"]), (&json!(1), &json!("live")), "the first value is version 1: {line}");
    assert_eq!(line["metadata"]["description"], "CRM", "and has what was mirrored: {line}");
}

#[tokio::test]
async fn a_mirror_is_rehearsed_without_anything_becoming_known() {
    let dir = directory();
    let lead = example(dir.path()).await;
    let (mirror, before) = (json!({"from": "prod", "to": "dev"}), lead.health().await["revision"].clone());
    let rehearsed = http::post(&lead.admin(), "/api/environments/mirror?dry_run=true", &mirror).await.json();
    assert_eq!(rehearsed["dry_run"], true, "{rehearsed}");
    let text = lead.run(&["environment", "mirror", "prod", "dev", "--dry-run"], b"").await.text().to_owned();
    assert!(text.starts_with("dry run, would be declared in dev: 2"), "{text}");
    let unset = http::get(&lead.admin(), "/api/secrets?environment=dev&state=unset").await.json();
    assert_eq!((unset["secrets"].as_array().map(Vec::len), &lead.health().await["revision"]), (Some(0), &before));
    let made = http::post(&lead.admin(), "/api/environments/mirror", &mirror).await.json();
    assert_eq!((&made["declared"], &made["dry_run"]), (&rehearsed["declared"], &Value::Null), "as it was told: {made}");
    let journal = lead.run(&["audit", "tail", "--lines", "100", "-o", "json"], b"").await.text().to_owned();
    let told = |what: &str| journal.lines().filter(|line| line.contains(what)).count();
    assert_eq!((told("dry run: mirror of prod"), told("\"planned\"")), (2, 2), "a line for each: {journal}");
}

#[tokio::test]
async fn a_shared_value_is_found_by_place_by_name_and_by_field_and_is_not_told() {
    let dir = directory();
    let lead = example(dir.path()).await;
    put(&lead, "dev", "hubspot/api_key", "global", &json!({"key_value": CANARY})).await;
    put(&lead, "dev", "other/key", "company:acme", &json!({"key_value": CANARY})).await;
    let fields = json!({"key_value": {"secret": "canary-field", "id": "2"},
        "fields": [{"name": "id", "type": "string"}, {"name": "secret", "type": "secret"}]});
    put(&lead, "dev", "google/oauth", "global", &fields).await;
    put(&lead, "dev", "own/key", "global", &json!({"key_value": "of-dev-alone"})).await;
    let check = json!({"left": "prod", "right": "dev"});
    let answer = http::post(&lead.admin(), "/api/environments/check", &check).await;
    let told = answer.json();
    assert_eq!(places(&told["shared"]), ["google/oauth global", "hubspot/api_key global", "other/key company"]);
    let same: Vec<&Value> = told["shared"].as_array().expect("a list").iter().map(|line| &line["same_place"]).collect();
    assert_eq!(same, [true, true, false]);
    assert_eq!(places(&told["shared"][2]["left"]), ["hubspot/api_key global"]);
    assert_eq!((&told["compared_left"], &told["compared_right"]), (&json!(4), &json!(5)), "{told}");
    assert!(!answer.body.contains("canary"), "{}", answer.body);
    let journal = http::get(&lead.admin(), "/api/audit?limit=1000").await.body;
    assert!(journal.contains("comparison with prod") && !journal.contains("canary"), "{journal}");
}

#[tokio::test]
async fn only_the_owner_of_the_lead_sets_environments_beside_each_other() {
    let dir = directory();
    let lead = example(dir.path()).await;
    let follower = lead.follower("runpod-tx", &[]).await;
    let (mirror, check) = (json!({"from": "prod", "to": "dev"}), json!({"left": "prod", "right": "dev"}));
    for (target, body) in [("/api/environments/mirror", &mirror), ("/api/environments/check", &check)] {
        let refused = http::post(&lead.agent(), target, body).await;
        assert!(refused.status == 403 || refused.code() == "bad_scope", "{}", refused.body);
        assert_eq!(http::post(&follower.admin(), target, body).await.code(), "not_lead");
        let twice = body.to_string().replace("dev", "prod");
        let refused = http::ask(&lead.admin(), "POST", target, &[], &twice).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_scope"), "{}", refused.body);
        let misspelt = body.to_string().replace("prod", "prdo");
        let refused = http::ask(&lead.admin(), "POST", target, &[], &misspelt).await;
        assert!(refused.message().contains("no secret is known in environment prdo"), "{}", refused.body);
        let odd = body.to_string().replace("dev", "DEV");
        assert_eq!(http::ask(&lead.admin(), "POST", target, &[], &odd).await.code(), "bad_name");
        let extra = body.to_string().replace('}', r#","values":true}"#);
        assert_eq!(http::ask(&lead.admin(), "POST", target, &[], &extra).await.code(), "unknown_field");
    }
    let unset = http::get(&lead.admin(), "/api/secrets?environment=dev&state=unset").await.json();
    assert_eq!(places(&unset["secrets"]).len(), 0, "nothing became known");
    let of_all = http::get(&lead.admin(), "/api/environments").await.json();
    assert_eq!(of_all["environments"].as_array().map(Vec::len), Some(2), "{of_all}");
    let of_own = http::get(&follower.agent(), "/api/environments").await.json();
    assert_eq!(of_own["environments"].as_array().map(Vec::len), Some(1), "{of_own}");
    assert_eq!(http::get(&lead.agent(), "/api/environments").await.json()["environments"][0]["environment"], "prod");
}

#[tokio::test]
async fn a_person_is_told_what_became_known_and_what_is_shared() {
    let dir = directory();
    let lead = example(dir.path()).await;
    let mirrored = lead.run(&["environment", "mirror", "prod", "dev", "--prefix", "hubspot/"], b"").await;
    let text = mirrored.text();
    for part in ["declared in dev: 1", "known there already: 1", "values for one node, not mirrored: 1", "unset"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("google"), "{text}");
    let none = lead.run(&["environment", "check", "prod", "dev", "--fail"], b"").await;
    assert!(none.text().contains("that prod has too: 0"), "{}", none.text());
    put(&lead, "dev", "hubspot/api_key", "global", &json!({"key_value": CANARY})).await;
    let shared = lead.run(&["environment", "check"], b"").await;
    assert!(shared.text().contains("the same") && !shared.text().contains(CANARY), "{}", shared.text());
    let failed = lead.run(&["environment", "check", "prod", "dev", "--fail"], b"").await;
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("1 values are the same in two environments"), "{}", failed.err);
    let list = lead.run(&["environment", "list"], b"").await;
    assert!(list.text().lines().any(|line| line.starts_with("dev ")), "{}", list.text());
}
