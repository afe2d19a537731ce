//! A credential of several fields.

use serde_json::{Value, json};

use super::assert_refused;
use crate::support::http;
use crate::support::process::{Node, directory};

const OAUTH: &str = "/api/secrets/google/oauth";

fn body(value: &Value) -> Value {
    json!({
        "service": "google", "key_name": "oauth", "key_value": value,
        "fields": [{"name": "client_id", "type": "string"}, {"name": "client_secret", "type": "secret"}]
    })
}

#[tokio::test]
async fn an_object_and_its_text_are_one_value_and_each_field_can_be_read() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let object = body(&json!({"client_secret": "line\n\"two\"", "client_id": "1"}));
    let stored = http::post(&lead.admin(), "/api/secrets", &object).await.json();
    assert_eq!(stored["version"], 1, "{stored}");
    let text = body(&json!(r#"{"client_id":"1","client_secret":"line\n\"two\""}"#));
    let again = http::post(&lead.admin(), "/api/secrets", &text).await.json();
    assert_eq!(again["unchanged"], true, "{again}");
    let whole = http::get(&lead.agent(), OAUTH).await.json();
    assert_eq!(whole["key_value"], r#"{"client_id":"1","client_secret":"line\n\"two\""}"#);
    assert_eq!(whole["fields"][1], json!({"name": "client_secret", "type": "secret"}));
    let one = http::get(&lead.agent(), &format!("{OAUTH}?field=client_secret")).await.json();
    assert_eq!((&one["key_value"], &one["field"]), (&json!("line\n\"two\""), &json!("client_secret")));
    let list = http::get(&lead.agent(), "/api/secrets").await;
    assert_eq!(list.json()["secrets"][0]["fields"].as_array().map(Vec::len), Some(2));
    assert!(!list.body.contains("two"), "{}", list.body);
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_fields_is_refused_and_not_quoted() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let nested = json!({"client_id": {"canary": "x"}, "client_secret": "canary"});
    for (value, code) in [
        (json!({"client_id": "canary"}), "bad_fields"),
        (json!({"client_id": "1", "client_secret": "canary", "canary": "x"}), "bad_fields"),
        (json!("canary"), "bad_fields"),
        (json!(r#"["canary"]"#), "bad_fields"),
        (json!({"client_id": 1, "client_secret": "canary"}), "bad_json"),
        (json!({"Canary Name": "x"}), "bad_json"),
        (nested, "bad_json"),
        (json!(["canary"]), "bad_json"),
        (json!(null), "bad_json"),
    ] {
        let refused = http::post(&lead.admin(), "/api/secrets", &body(&value)).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{value}: {}", refused.body);
        assert!(!refused.body.to_lowercase().contains("canary"), "{}", refused.body);
    }
    assert_eq!(http::get(&lead.agent(), OAUTH).await.status, 404, "nothing was stored");
    let twice = r#"{"service":"google","key_name":"oauth","key_value":{"a":"canary","a":"canary"}}"#;
    let refused = http::ask(&lead.admin(), "POST", "/api/secrets", &[], twice).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "bad_json"));
    assert!(!refused.body.contains("canary"), "{}", refused.body);
}

#[tokio::test]
async fn a_field_that_is_not_there_is_told_with_those_that_are() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    http::post(&lead.admin(), "/api/secrets", &body(&json!({"client_id": "1", "client_secret": "2"}))).await.json();
    lead.put("hubspot/api_key", "global", "plain").await;
    let wrong = http::get(&lead.agent(), &format!("{OAUTH}?field=nope")).await;
    assert_refused(&wrong, 404, "not_found", "no field nope; it has client_id, client_secret");
    let none = http::get(&lead.agent(), "/api/secrets/hubspot/api_key?field=client_id").await;
    assert_refused(&none, 404, "not_found", "its value is one text");
    let bad = http::get(&lead.agent(), &format!("{OAUTH}?field=A%20B")).await;
    assert_refused(&bad, 400, "bad_name", "field name");
    let undeclared = r#"{"fields":[{"name":"other","type":"secret"}]}"#;
    let refused = http::ask(&lead.admin(), "PATCH", OAUTH, &[], undeclared).await;
    assert_refused(&refused, 400, "bad_fields", "not declared");
}
