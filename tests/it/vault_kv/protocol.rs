//! Each endpoint with each verb: status, shape, and the words of a refusal.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::stage::{ask, errors, mesh};
use crate::support::http::{self, send};
use crate::support::mesh::TestMesh;

const NOTHING: Value = Value::Null;

/// Method, path, body, and the status that answers it.
type Knock<'a> = (&'a str, &'a str, &'a Value, u16);

async fn stored(mesh: &TestMesh, token: &str) {
    let body = json!({"data": {"key": "not-a-real-key"}});
    let stored = ask(&mesh.lead.agent_socket(), token, "POST", "/v1/secret/data/crm", &body).await;
    assert_eq!(stored.status, 200, "{}", stored.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_takes_its_verbs_and_no_others() {
    let (mesh, token) = mesh().await;
    stored(&mesh, &token).await;
    let versions = json!({"versions": [1]});
    let write = json!({"options": {}, "data": {"key": "not-a-real-key"}});
    let table: [Knock<'_>; 46] = [
        ("GET", "/v1/sys/health", &NOTHING, 200),
        ("GET", "/v1/sys/health?standbyok=true&sealedcode=299", &NOTHING, 200),
        ("POST", "/v1/sys/health", &NOTHING, 405),
        ("GET", "/v1/sys/init", &NOTHING, 200),
        ("PUT", "/v1/sys/init", &NOTHING, 405),
        ("GET", "/v1/sys/seal-status", &NOTHING, 200),
        ("PUT", "/v1/sys/seal-status", &NOTHING, 405),
        ("GET", "/v1/sys/internal/ui/mounts/secret/crm", &NOTHING, 200),
        ("GET", "/v1/sys/internal/ui/mounts/kv", &NOTHING, 403),
        ("GET", "/v1/sys/mounts", &NOTHING, 404),
        ("GET", "/v1/auth/token/lookup-self", &NOTHING, 200),
        ("POST", "/v1/auth/token/renew-self", &json!({}), 200),
        ("PUT", "/v1/auth/token/renew-self", &json!({}), 200),
        ("POST", "/v1/auth/token/revoke-self", &NOTHING, 400),
        ("POST", "/v1/auth/token/create", &json!({}), 400),
        ("GET", "/v1/secret/data/crm", &NOTHING, 200),
        ("GET", "/v1//secret//data/crm/", &NOTHING, 200),
        ("GET", "//v1/secret/data/crm", &NOTHING, 200),
        ("GET", "//v1//sys//health", &NOTHING, 200),
        ("GET", "/v1/secret/data/crm?version=0", &NOTHING, 200),
        ("GET", "/v1/secret/data/crm?version=7", &NOTHING, 404),
        ("GET", "/v1/secret/data/crm?verison=1", &NOTHING, 400),
        ("GET", "/v1/secret/data/absent", &NOTHING, 404),
        ("GET", "/v1/secret/data/crm/deeper", &NOTHING, 404),
        ("POST", "/v1/secret/data/crm/deeper", &write, 400),
        ("GET", "/v1/secret/data/CRM", &NOTHING, 400),
        ("GET", "/v1/kv/data/crm", &NOTHING, 404),
        ("POST", "/v1/secret/data/crm", &write, 200),
        ("PUT", "/v1/secret/data/crm", &write, 200),
        ("PATCH", "/v1/secret/data/crm", &write, 200),
        ("PATCH", "/v1/secret/data/absent", &write, 404),
        ("LIST", "/v1/secret/metadata", &NOTHING, 200),
        ("LIST", "/v1/secret/metadata/", &NOTHING, 200),
        ("GET", "/v1/secret/metadata?list=true", &NOTHING, 200),
        ("GET", "/v1/secret/metadata?list=True", &NOTHING, 200),
        ("GET", "/v1/secret/metadata?list=maybe", &NOTHING, 400),
        ("GET", "/v1/secret/metadata?list=False", &NOTHING, 405),
        ("GET", "/v1/secret/metadata", &NOTHING, 405),
        ("LIST", "/v1/secret/metadata/crm", &NOTHING, 404),
        ("GET", "/v1/secret/metadata/crm", &NOTHING, 200),
        ("PUT", "/v1/secret/metadata/crm", &json!({"custom_metadata": {"owner": "ops"}}), 204),
        ("PUT", "/v1/secret/destroy/crm", &versions, 204),
        ("POST", "/v1/secret/destroy/crm", &json!({"versions": [77]}), 204),
        ("POST", "/v1/secret/undelete/crm", &versions, 204),
        ("POST", "/v1/secret/delete/crm", &json!({"versions": [77, 1]}), 204),
        ("BREW", "/v1/secret/data/crm", &NOTHING, 405),
    ];
    let socket = mesh.lead.agent_socket();
    let mut wrong = Vec::new();
    for (method, target, body, status) in table {
        let answer = ask(&socket, &token, method, target, body).await;
        if answer.status != status {
            wrong.push(format!("{method} {target}: {} instead of {status}: {}", answer.status, answer.body));
        }
        if status >= 400 {
            let told = errors(&answer);
            assert_eq!(told.is_empty(), status == 404, "{method} {target}: {told:?}");
        }
        if status == 405 {
            let allowed: Vec<&str> = answer.header("allow").expect("the header Allow").split(',').collect();
            assert!(!allowed.contains(&"") && !allowed.contains(&method), "{method} {target}: {allowed:?}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_has_every_field_its_clients_look_for() {
    let (mesh, token) = mesh().await;
    stored(&mesh, &token).await;
    let socket = mesh.lead.agent_socket();
    let read = ask(&socket, &token, "GET", "/v1/secret/data/crm", &NOTHING).await;
    let told = read.json();
    assert_eq!(read.header("x-request-id"), told["request_id"].as_str());
    assert_eq!((read.header("x-cache"), read.header("cache-control")), (Some("LEAD"), Some("no-store")));
    assert_eq!(told["data"]["data"], json!({"key": "not-a-real-key"}));
    assert_eq!(told["data"]["metadata"]["version"], 1);
    assert_eq!(told["data"]["metadata"]["deletion_time"], "");
    assert_eq!((&told["renewable"], &told["warnings"], &told["auth"]), (&json!(false), &NOTHING, &NOTHING));
    let lease = told["lease_duration"].as_u64().expect("a number");
    assert!((200..=300).contains(&lease), "what is left of the ttl: {lease}");

    let looked = ask(&socket, &token, "GET", "/v1/auth/token/lookup-self", &NOTHING).await;
    assert!(!looked.body.contains(&token));
    let data = &looked.json()["data"];
    assert_eq!((&data["id"], &data["type"]), (&json!("apikey:robot/ci"), &json!("service")), "{data}");
    assert!(data["ttl"].is_u64() && data["policies"] == json!(["agent:robot"]) && data.get("expire_time").is_some());

    let mount = ask(&socket, &token, "GET", "/v1/sys/internal/ui/mounts/secret/crm", &NOTHING).await.json();
    assert_eq!((&mount["data"]["path"], &mount["data"]["type"]), (&json!("secret/"), &json!("kv")));
    assert_eq!(mount["data"]["options"]["version"], "2");
    let seal = http::get(&socket, "/v1/sys/seal-status").await.json();
    assert_eq!((&seal["sealed"], &seal["initialized"]), (&json!(false), &json!(true)));
    assert!(seal["version"].as_str().is_some_and(|version| version.starts_with("1.")), "{seal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_of_what_a_node_is_has_no_body_so_the_connection_can_be_used_again() {
    let (mesh, _) = mesh().await;
    for path in ["health", "init", "seal-status"] {
        let twice = format!(
            "HEAD /v1/sys/{path} HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/sys/seal-status HTTP/1.1\r\nHost: a\r\n\
             Connection: close\r\n\r\n"
        );
        let came = send(&mesh.lead.agent_socket(), twice.as_bytes()).await.expect("answers");
        let text = String::from_utf8(came).expect("text");
        let (head, rest) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200") && rest.starts_with("HTTP/1.1 200"), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_none_is_refused_and_not_taken_for_the_process() {
    let (mesh, token) = mesh().await;
    stored(&mesh, &token).await;
    let socket = mesh.lead.agent_socket();
    for wrong in ["mj_agent_nobody", "root", &token[1..]] {
        let refused = ask(&socket, wrong, "GET", "/v1/secret/data/crm", &NOTHING).await;
        assert_eq!((refused.status, errors(&refused)[0].as_str()), (403, "permission denied"), "{}", refused.body);
    }
    let by_kernel = http::get(&socket, "/v1/secret/data/crm").await;
    assert_eq!(by_kernel.status, 200, "without a token it is the process that asks: {}", by_kernel.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_kept_as_a_text_is_refused_and_never_quoted() {
    let (mesh, token) = mesh().await;
    let socket = mesh.lead.agent_socket();
    for data in [
        json!({"a": 5432}),
        json!({"a": true}),
        json!({"a": null}),
        json!({"a": {"canary": "canary"}}),
        json!({"a": ["canary"]}),
        json!({"CANARY": "canary"}),
        json!({}),
        json!("canary"),
    ] {
        let refused = ask(&socket, &token, "POST", "/v1/secret/data/crm", &json!({ "data": data })).await;
        assert_eq!(refused.status, 400, "{data}: {}", refused.body);
        assert!(!refused.body.to_lowercase().contains("canary"), "{}", refused.body);
    }
    let many: serde_json::Map<String, Value> = (0..257).map(|number| (format!("k{number}"), json!("x"))).collect();
    let refused = ask(&socket, &token, "POST", "/v1/secret/data/crm", &json!({ "data": many })).await;
    assert!(refused.status == 400 && refused.body.contains("256"), "{}", refused.body);
    let large = json!({"data": {"a": "x".repeat(70_000)}});
    let refused = ask(&socket, &token, "POST", "/v1/secret/data/crm", &large).await;
    assert!(refused.status == 413 && refused.body.contains("value_too_large"), "{}", refused.body);
    assert_eq!(ask(&socket, &token, "GET", "/v1/secret/data/crm", &NOTHING).await.status, 404, "nothing was stored");
}

/// Nobody looked at them: whoever named one version to a `DELETE` lost them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_says_more_than_its_path_is_refused_and_deletes_nothing() {
    let (mesh, token) = mesh().await;
    stored(&mesh, &token).await;
    let socket = mesh.lead.agent_socket();
    for path in ["/v1/secret/data/crm", "/v1/secret/metadata/crm"] {
        let by_query = ask(&socket, &token, "DELETE", &format!("{path}?versions=1"), &NOTHING).await;
        let told = errors(&by_query);
        assert!(by_query.status == 400 && told[0].starts_with("unknown_field: "), "{path}: {told:?}");
        let by_body = ask(&socket, &token, "DELETE", path, &json!({"versions": [1]})).await;
        let told = errors(&by_body);
        assert!(by_body.status == 400 && told[0].contains("secret/destroy/SERVICE"), "{path}: {told:?}");
    }
    assert_eq!(ask(&socket, &token, "GET", "/v1/secret/data/crm", &NOTHING).await.status, 200, "it is all there");
    for path in ["/v1/secret/data/crm", "/v1/secret/metadata/crm"] {
        let deleted = ask(&socket, &token, "DELETE", path, &json!({})).await;
        assert_eq!(deleted.status, 204, "{path}: {}", deleted.body);
    }
}

/// The value came in clear to whoever had asked that it lie wrapped for somebody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_is_to_be_wrapped_is_not_given_in_clear() {
    let (mesh, token) = mesh().await;
    stored(&mesh, &token).await;
    let socket = mesh.lead.agent_socket();
    for (ttl, status) in [("60", 400), ("5m", 400), ("0", 200), ("", 200)] {
        let headers = [("X-Vault-Token", token.as_str()), ("X-Vault-Request", "true"), ("X-Vault-Wrap-TTL", ttl)];
        let answer = http::ask(&socket, "GET", "/v1/secret/data/crm", &headers, "").await;
        assert_eq!(answer.status, status, "{ttl}: {}", answer.body);
        assert_eq!(answer.body.contains("not-a-real-key"), status == 200, "{ttl}");
        if status == 400 {
            assert!(errors(&answer)[0].starts_with("not_offered: "), "{}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_no_number_is_named() {
    let (mesh, token) = mesh().await;
    stored(&mesh, &token).await;
    for query in ["version=-1", "version=latest"] {
        let target = format!("/v1/secret/data/crm?{query}");
        let refused = ask(&mesh.lead.agent_socket(), &token, "GET", &target, &NOTHING).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.body);
        assert!(errors(&refused)[0].starts_with("bad_value: version must be "), "{query}: {}", refused.body);
    }
}

/// hvac sends the header of `renew-self` and its body in two pieces. When the answer left before the second had come, the
/// connection was closed behind it, and what hvac asked next on it, as any client with a pool does, got no answer at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_says_nothing_may_come_late_and_the_connection_is_used_again() {
    let (mesh, _token) = mesh().await;
    for path in ["renew-self", "revoke-self"] {
        let mut stream = UnixStream::connect(mesh.lead.agent_socket()).await.expect("it connects");
        let header = format!("POST /v1/auth/token/{path} HTTP/1.1\r\nHost: node\r\nContent-Length: 2\r\n\r\n");
        stream.write_all(header.as_bytes()).await.expect("the header leaves");
        // Late, so that an answer that does not wait for the body has left; an answer that waits is right however late it is.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let rest = "{}GET /v1/sys/health HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
        stream.write_all(rest.as_bytes()).await.expect("the rest leaves");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.expect("answers");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 2, "{path}: {answers}");
    }
}
