//! Whoever may not read a field does not learn of it, and takes nothing away that it cannot see.

use serde_json::{Value, json};

use super::stage::{ask, mesh, writer};
use crate::agents::stage::{agent, key};
use crate::denied_caller::by_route::under;
use crate::support::callers::read;
use crate::support::http;

const PATH: &str = "/v1/secret/data/crm";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_may_not_be_read_is_left_out_and_outlives_a_write() {
    let (mesh, owner) = mesh().await;
    let socket = mesh.lead.agent_socket();
    let body = json!({"data": {"shared": "1", "hidden": "1"}});
    assert_eq!(ask(&socket, &owner, "POST", PATH, &body).await.status, 200);
    let guest = writer(&mesh, "guest", "crm/shared").await;
    let seen = ask(&socket, &guest, "GET", PATH, &Value::Null).await;
    assert_eq!(seen.json()["data"]["data"], json!({"shared": "1"}), "{}", seen.body);
    assert!(!seen.body.contains("hidden"));
    let written = ask(&socket, &guest, "POST", PATH, &json!({"options": {"cas": 1}, "data": {"shared": "2"}})).await;
    assert_eq!(written.status, 200, "{}", written.body);
    assert_eq!(mesh.lead.value(read("crm/hidden", None)).await.expect("untouched"), "1");
    let beyond = ask(&socket, &guest, "POST", PATH, &json!({"data": {"shared": "3", "hidden": "3"}})).await;
    assert_eq!(beyond.status, 403, "all or nothing: {}", beyond.body);
    assert_eq!(mesh.lead.value(read("crm/shared", None)).await.expect("untouched"), "2");
    assert_eq!(ask(&socket, &guest, "DELETE", PATH, &Value::Null).await.status, 204);
    assert_eq!(mesh.lead.value(read("crm/hidden", None)).await.expect("untouched"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_only_read_changes_nothing() {
    let (mesh, owner) = mesh().await;
    let socket = mesh.lead.agent_socket();
    ask(&socket, &owner, "POST", PATH, &json!({"data": {"a": "1"}})).await;
    agent(&mesh, "reader", &json!({})).await;
    let reader = key(&mesh, "reader", &json!({})).await;
    assert_eq!(ask(&socket, &reader, "GET", PATH, &Value::Null).await.json()["data"]["data"], json!({"a": "1"}));
    let versions = json!({"versions": [1]});
    for (method, target, body) in [
        ("POST", PATH, &json!({"data": {"a": "2"}})),
        ("PATCH", PATH, &json!({"data": {"a": "2"}})),
        ("DELETE", PATH, &Value::Null),
        ("POST", "/v1/secret/delete/crm", &versions),
        ("POST", "/v1/secret/undelete/crm", &versions),
        ("POST", "/v1/secret/destroy/crm", &versions),
        ("POST", "/v1/secret/metadata/crm", &json!({"custom_metadata": {"owner": "me"}})),
        ("POST", "/v1/secret/metadata/crm", &json!({"max_versions": 0})),
        ("POST", "/v1/secret/metadata/absent", &json!({})),
        ("DELETE", "/v1/secret/metadata/crm", &Value::Null),
        ("GET", "/v1/secret/metadata/crm", &Value::Null),
        ("LIST", "/v1/secret/metadata", &Value::Null),
    ] {
        let refused = ask(&socket, &reader, method, target, body).await;
        assert_eq!(refused.status, 403, "{method} {target}: {}", refused.body);
    }
    assert_eq!(mesh.lead.value(read("crm/a", None)).await.expect("untouched"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_whoever_may_do_nothing_absent_and_denied_are_the_same_and_it_is_written_down() {
    let mesh = under("").await;
    let socket = mesh.lead.agent_socket();
    let (write, versions) = (json!({"data": {"a": "2"}}).to_string(), json!({"versions": [1]}).to_string());
    for (method, target, body, action) in [
        ("GET", "/v1/secret/data/SERVICE", "", "secret.read"),
        ("POST", "/v1/secret/data/SERVICE", write.as_str(), "secret.write"),
        ("PATCH", "/v1/secret/data/SERVICE", write.as_str(), "secret.write"),
        ("DELETE", "/v1/secret/data/SERVICE", "", "secret.delete"),
        ("GET", "/v1/secret/metadata/SERVICE", "", "secret.info"),
        ("PUT", "/v1/secret/metadata/SERVICE", r#"{"custom_metadata":{"owner":"me"}}"#, "secret.info"),
        ("DELETE", "/v1/secret/metadata/SERVICE", "", "secret.delete"),
        ("LIST", "/v1/secret/metadata", "", "secret.list"),
        ("POST", "/v1/secret/delete/SERVICE", versions.as_str(), "secret.delete"),
        ("POST", "/v1/secret/undelete/SERVICE", versions.as_str(), "secret.restore"),
        ("POST", "/v1/secret/destroy/SERVICE", versions.as_str(), "secret.delete"),
    ] {
        let knock =
            async |service: &str| http::ask(&socket, method, &target.replace("SERVICE", service), &[], body).await;
        let (present, absent) = (knock("hubspot").await, knock("nothing").await);
        assert_eq!(present.status, 403, "{method} {target}: {}", present.body);
        assert_eq!((absent.status, &absent.body), (present.status, &present.body), "{method} {target}");
        let id = present.header("x-request-id").expect("an id").to_owned();
        let lines = mesh.lead.vault().audit_tail(&crate::support::callers::admin(), 10).await.expect("the journal");
        let line = lines.iter().find(|line| line.contains(&id)).expect("a line");
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((&line["action"], &line["decision"]), (&json!(action), &json!("deny")), "{method} {target}: {line}");
    }
}
