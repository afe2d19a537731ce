//! Which APIs work, asked and reported over the sockets: the published shapes, what is refused, and who hears of what.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::callers::{admin, put};
use crate::support::http::{Answer, ask, get, post};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::wait::eventually;

mod command;
mod expiry;

/// Reports on an API through the agent socket of a node.
async fn report(node: &TestNode, body: Value) -> Answer {
    post(&node.agent_socket(), "/api/connectivity/status", &body).await
}

async fn status(node: &TestNode, query: &str) -> Value {
    let answer = get(&node.agent_socket(), &format!("/api/connectivity/status{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn healthy(service: &str) -> Value {
    json!({"service": service, "status": "healthy", "response_time_ms": 145, "last_error": null})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_monitor_reports_is_told_in_the_published_shape_on_a_lead_and_on_a_follower() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    for node in [&mesh.lead, &follower] {
        let taken = report(node, healthy("hubspot")).await;
        assert_eq!((taken.status, taken.json()), (200, json!({"success": true, "message": "Status updated"})));
        let told = status(node, "?service=hubspot").await;
        assert_eq!(fields(&told), ["rule", "services", "total_services"]);
        assert!(told["rule"].as_str().is_some_and(|rule| rule.contains("three intervals")), "{told}");
        assert_eq!(told["total_services"], 1);
        let service = &told["services"][0];
        assert_eq!(fields(service), ["diagnosis", "nodes", "overall_status", "service"]);
        assert_eq!((&service["service"], &service["overall_status"]), (&json!("hubspot"), &json!("healthy")));
        let name = node.config.node.name.as_str();
        let lines = service["nodes"].as_array().expect("a list");
        let line = lines.iter().find(|line| line["node"] == name).expect("its own");
        let wanted = [
            "age_seconds",
            "cause",
            "keys",
            "last_check",
            "last_error",
            "node",
            "path_fault",
            "reported_by",
            "response_time_ms",
            "source",
            "stale",
            "status",
        ];
        assert_eq!(fields(line), wanted);
        let told = [&line["status"], &line["response_time_ms"], &line["last_error"], &line["source"], &line["stale"]];
        assert_eq!(told, [&json!("healthy"), &json!(145), &Value::Null, &json!("monitor"), &json!(false)]);
        let by = line["reported_by"].as_str().expect("a principal");
        assert!(by.starts_with("user:"), "{by}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counts_and_the_order_of_nodes_have_their_published_shapes() {
    let mesh = TestMesh::start().await;
    let socket = mesh.lead.agent_socket();
    let health = || async { get(&socket, "/api/connectivity/health").await.json() };
    let nothing = health().await;
    assert_eq!(fields(&nothing), ["degraded", "down", "healthy", "overall_status", "timestamp", "total_services"]);
    assert_eq!((&nothing["overall_status"], &nothing["total_services"]), (&json!("healthy"), &json!(0)));
    for (service, state) in [("a", "healthy"), ("b", "healthy"), ("c", "degraded"), ("d", "down")] {
        report(&mesh.lead, json!({"service": service, "status": state})).await;
    }
    let told = health().await;
    let counts = ["total_services", "healthy", "degraded", "down"].map(|field| told[field].as_u64());
    assert_eq!((told["overall_status"].as_str(), counts), (Some("degraded"), [Some(4), Some(2), Some(1), Some(1)]));
    let best = get(&socket, "/api/connectivity/best?service=a").await.json();
    assert_eq!(fields(&best), ["nodes", "rule", "service"]);
    assert_eq!((&best["service"], &best["nodes"]), (&json!("a"), &json!([])), "a monitor is no place to call from");
    let unnamed = get(&socket, "/api/connectivity/best").await;
    assert_eq!((unnamed.status, unnamed.code().as_str()), (400, "bad_value"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_takes_the_place_of_the_last_one_and_counts_for_three_of_its_intervals() {
    let mesh = TestMesh::start().await;
    report(&mesh.lead, healthy("openai")).await;
    let down = json!({"service": "openai", "status": "down", "last_error": "x".repeat(300), "interval_seconds": 30});
    assert_eq!(report(&mesh.lead, down).await.status, 200);
    let told = status(&mesh.lead, "").await;
    let lines = told["services"][0]["nodes"].as_array().expect("a list").clone();
    assert_eq!((lines.len(), &lines[0]["status"]), (1, &json!("down")), "{told}");
    assert_eq!(lines[0]["last_error"].as_str().map(str::len), Some(256), "it is cut");
    mesh.lead.clock.advance(Duration::from_secs(91));
    assert_eq!(status(&mesh.lead, "").await["total_services"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_is_none_is_refused() {
    let mesh = TestMesh::start().await;
    let table = [
        (json!({"service": "openai", "status": "fine"}), "bad_value"),
        (json!({"service": "openai", "status": "down", "interval_seconds": 29}), "bad_value"),
        (json!({"service": "openai", "status": "down", "response_time_ms": 3_600_001}), "bad_value"),
        (json!({"service": "openai", "status": "down", "response_time_ms": -1}), "bad_json"),
        (json!({"service": "openai", "status": "down", "node": "aurora"}), "unknown_field"),
        (json!({"service": "Open AI", "status": "down"}), "bad_name"),
        (json!({"service": "openai"}), "bad_json"),
    ];
    for (body, code) in table {
        let refused = report(&mesh.lead, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.body);
        assert_eq!(refused.code(), code, "{body}");
    }
    let elsewhere = [("X-Node-Name", "vengeance")];
    let body = healthy("openai").to_string();
    let refused = ask(&mesh.lead.agent_socket(), "POST", "/api/connectivity/status", &elsewhere, &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "node_mismatch"));
    assert_eq!(status(&mesh.lead, "").await["total_services"], 0);
    let odd = get(&mesh.lead.agent_socket(), "/api/connectivity/status?services=openai").await;
    assert_eq!((odd.status, odd.code().as_str()), (400, "unknown_field"));
}

/// A policy under which the owner may ask about and report on one service only.
const OF_ONE: &str = "[[grant]]\nname = \"one\"\nprincipal = \"owner\"\n\
                      capabilities = [\"integration_read\", \"event_publish\"]\nsecrets = [\"openai/*\"]\n\
                      environments = [\"prod\"]\nexpires_at = \"never\"\nreason = \"test\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_hears_of_and_reports_on_what_it_may_know_of() {
    let mesh = TestMesh::start().await;
    for service in ["openai", "hubspot", "nobody-knows"] {
        mesh.put(put(&format!("{service}/api_key"), "global", "not-a-real-key")).await;
        assert_eq!(report(&mesh.lead, healthy(service)).await.status, 200);
    }
    let vault = mesh.lead.vault();
    let seen = vault.plan_policy(&admin(), OF_ONE).await.expect("a plan").revision;
    vault.apply_policy(&admin(), OF_ONE, seen, None).await.expect("applied");
    let told = status(&mesh.lead, "").await;
    assert_eq!((&told["total_services"], &told["services"][0]["service"]), (&json!(1), &json!("openai")), "{told}");
    assert_eq!(status(&mesh.lead, "?service=hubspot").await["total_services"], 0);
    let health = get(&mesh.lead.agent_socket(), "/api/connectivity/health").await.json();
    assert_eq!(health["total_services"], 1);
    assert_eq!(report(&mesh.lead, healthy("openai")).await.status, 200);
    for service in ["hubspot", "nobody-knows", "new"] {
        let refused = report(&mesh.lead, healthy(service)).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "denied"), "{service}");
    }
    let lines = vault.audit_tail(&admin(), 20).await.expect("the journal");
    let written = |outcome: &str, secret: &str| {
        let told = [r#""action":"event.publish""#.to_owned(), outcome.to_owned(), format!(r#""secret":"{secret}""#)];
        lines.iter().any(|line| told.iter().all(|part| line.contains(part.as_str())))
    };
    assert!(written(r#""outcome":"ok""#, "openai/api_key"), "{lines:?}");
    assert!(written(r#""decision":"deny""#, "hubspot/api_key"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_of_the_lead_hears_of_each_line_in_which_environment_it_is() {
    let mesh = TestMesh::start().await;
    report(&mesh.lead, healthy("openai")).await;
    let socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    let told = get(&socket, "/api/connectivity/status").await.json();
    assert_eq!(told["services"][0]["nodes"][0]["environment"], "prod", "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_does_worse_is_told_once_and_again_when_it_does_better() {
    let mesh = TestMesh::start().await;
    mesh.lead.clock.advance(Duration::from_secs(61));
    let told = |words: &'static str| {
        let vault = mesh.lead.vault();
        async move {
            eventually(words, || async {
                let lines = vault.audit_tail(&admin(), 1000).await.expect("the journal");
                let lines: Vec<String> = lines.into_iter().filter(|line| line.contains("\"api.status\"")).collect();
                lines.iter().any(|line| line.contains(words)).then_some(lines.len())
            })
            .await
        }
    };
    report(&mesh.lead, json!({"service": "openai", "status": "down"})).await;
    assert_eq!(told("openai is down, and was not known").await, 1);
    mesh.lead.clock.advance(Duration::from_secs(61));
    report(&mesh.lead, healthy("openai")).await;
    assert_eq!(told("openai is healthy, and was down").await, 2);
}
