//! No parameter is passed over: what a route does not know it refuses, before anything is done. The routes are taken from the
//! source, so that a new one is asked too.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::callers::put;
use crate::support::contract;
use crate::support::http::{ask, send};
use crate::support::mesh::TestMesh;

/// How a method is written where a route is built.
const METHODS: [(&str, &str); 5] =
    [("GET", "get("), ("POST", "post("), ("PUT", "put("), ("PATCH", "patch("), ("DELETE", "delete(")];

/// The health of the node, and what other systems have rules for.
const OF_OTHERS: [&str; 4] = ["/health", "/ping", "/secretsmanager/", "/v1/"];

/// What stands for the names in a path.
const NAMES: [(&str, &str); 5] = [
    ("{service}", "hubspot"),
    ("{key}", "api_key"),
    ("{name}", "robot"),
    ("{id}", "0123456789ab"),
    ("{target}", "mesh"),
];

/// Far longer than a refusal takes; a stream that began instead would go on for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// Method and path of every route of ours.
fn routes() -> BTreeSet<(&'static str, String)> {
    let top = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let files = std::fs::read_dir(top.join("src/api")).expect("a readable directory");
    let paths = files.map(|file| file.expect("an entry").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let texts = sources.map(|path| std::fs::read_to_string(path).expect("a source file"));
    texts.flat_map(|text| routes_of(&text)).collect()
}

/// The routes that a source file builds.
fn routes_of(text: &str) -> Vec<(&'static str, String)> {
    let production = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = Vec::new();
    for arguments in production.split(".route(").skip(1).map(until_closed) {
        let path = arguments.split('"').nth(1).expect("a path");
        if OF_OTHERS.iter().any(|other| path.starts_with(other)) {
            continue;
        }
        let takes = |call: &str| arguments.contains(&format!(" {call}")) || arguments.contains(&format!(".{call}"));
        let methods: Vec<&str> = METHODS.iter().filter(|(_, call)| takes(call)).map(|(method, _)| *method).collect();
        assert!(!methods.is_empty(), "no method is known of {path}: {arguments}");
        found.extend(methods.into_iter().map(|method| (method, path.to_owned())));
    }
    found
}

/// The arguments of a call, from behind its opening parenthesis.
fn until_closed(text: &str) -> &str {
    let mut depth = 1_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    text
}

#[test]
fn the_routes_are_found_in_the_source_however_they_are_laid_out() {
    let text = "Router::new()\n    .route(\n        \"/a/{key}\",\n        get(x::get).patch(x::patch),\n    )\n    .route(\"/b\", \
                post(put))\n    .route(\"/v1/x\", any(y));\nget(z)\n#[cfg(test)]\nmod tests { .route(\"/c\", get(x)) }";
    let found = [("GET", "/a/{key}"), ("PATCH", "/a/{key}"), ("POST", "/b")];
    assert_eq!(routes_of(text), found.map(|(method, path)| (method, path.to_owned())));
    let routes = routes();
    for (method, path) in [("POST", "/api/rollback"), ("GET", "/api/audit/nodes"), ("DELETE", "/api/freezes")] {
        assert!(routes.contains(&(method, path.to_owned())), "{method} {path}");
    }
}

#[test]
fn the_document_describes_every_route_and_no_other() {
    let of_others = |path: &str| OF_OTHERS.iter().any(|other| path.starts_with(other));
    let described = contract::routes().into_iter().filter(|(_, path)| !of_others(path));
    let described: BTreeSet<String> = described.map(|(method, path)| format!("{method} {path}")).collect();
    let routed: BTreeSet<String> = routes().iter().map(|(method, path)| format!("{method} {path}")).collect();
    let undescribed: Vec<_> = routed.difference(&described).collect();
    let unrouted: Vec<_> = described.difference(&routed).collect();
    assert!(undescribed.is_empty() && unrouted.is_empty(), "undescribed {undescribed:?}, of no route {unrouted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_of_all_routes_is_given_to_whoever_asks() {
    let mesh = TestMesh::start().await;
    let answer = ask(&mesh.lead.agent_socket(), "GET", "/openapi.json", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json()["openapi"], "3.1.0");
    assert_eq!(answer.json()["paths"]["/openapi.json"]["get"]["operationId"], "readOpenApi");
}

/// A parameter that is empty is one that was left out, also where it would be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_parameter_is_none() {
    let mesh = TestMesh::start().await;
    let admin = mesh.lead.config.api.socket_dir.join("admin.sock");
    let empty = ask(&admin, "GET", "/api/audit?order=&limit=&cursor=&node=", &[], "").await;
    assert_eq!(empty.status, 200, "{}", empty.body);
    let export =
        format!("{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /api/audit/export?order=&limit=&cursor=");
    let exported = send(&admin, export.as_bytes()).await.expect("listens");
    assert!(exported.starts_with(b"HTTP/1.1 200 "), "{:?}", String::from_utf8_lossy(&exported));
    let refused = ask(&admin, "GET", "/api/audit/export?limit=1", &[], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "bad_value"));
}

/// Most routes did not look at the query: `POST /api/keys/rotate-root?dry_run=true` replaced the root key, and
/// `GET /api/nodes?environment=dev` told of all nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_refuses_a_parameter_that_it_does_not_know_and_does_nothing() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let admin = mesh.lead.config.api.socket_dir.join("admin.sock");
    let before = mesh.lead.vault().health().revision;
    let mut wrong = Vec::new();
    for (method, path) in routes() {
        let path = NAMES.iter().fold(path, |path, (place, name)| path.replace(place, name));
        for (query, code, says) in [("zz=1", "unknown_field", "zz"), ("zz=%ff", "bad_value", "the query string")] {
            let target = format!("{path}?{query}");
            let Ok(answer) = tokio::time::timeout(PATIENCE, ask(&admin, method, &target, &[], "")).await else {
                wrong.push(format!("{method} {target}: no answer"));
                continue;
            };
            let is_refused = answer.status == 400 && answer.code() == code && answer.message().contains(says);
            if !is_refused {
                wrong.push(format!("{method} {target}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(mesh.lead.vault().health().revision, before, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_health_may_say_what_he_likes() {
    let mesh = TestMesh::start().await;
    for target in ["/health?zz=1", "/ping?zz=1", "/v1/sys/health?zz=1"] {
        let answer = ask(&mesh.lead.agent_socket(), "GET", target, &[], "").await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
    }
}
