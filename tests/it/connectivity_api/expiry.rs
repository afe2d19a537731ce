//! Credentials that come to their end, and those nobody uses: who hears of them, and that it is told once.

use std::time::Duration;

use aurora_mesh::model::patch::{Patch, Wish};
use aurora_mesh::model::time::Clock;
use aurora_mesh::vault::request::PutRequest;
use serde_json::{Value, json};

use crate::support::callers::{admin, put, read};
use crate::support::http::get;
use crate::support::mesh::{TestMesh, TestNode};
use crate::support::wait::eventually;

const DAY: Duration = Duration::from_secs(86_400);

/// A secret that ends after so many days.
fn ending(mesh: &TestMesh, name: &str, days: u32) -> PutRequest {
    let at = mesh.lead.clock.now().wall.plus(DAY * days);
    let request = put(name, "global", "not-a-real-key");
    PutRequest { patch: Patch { expires_at: Wish::Set(at), ..Patch::default() }, ..request }
}

/// `service: days left, whether it expired, whether a rotation is due`.
async fn expiring(node: &TestNode, query: &str) -> Vec<String> {
    let answer = get(&node.agent_socket(), &format!("/api/expiring{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let line = |secret: &Value| {
        let (left, source) = (&secret["days_left"], &secret["source"]);
        format!("{}: {left} {source} {} {}", secret["service"], secret["expired"], secret["rotation_due"])
    };
    answer.json()["secrets"].as_array().expect("a list").iter().map(line).collect()
}

/// The lines of the journal about this event, as `secret: reason`, of secrets that are named after ` of `.
async fn told(mesh: &TestMesh, event: &str) -> Vec<String> {
    let (event, service) = event.split_once(" of ").expect("an event of a service");
    let lines = mesh.lead.vault().audit_tail(&admin(), 1000).await.expect("the journal");
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_event = lines.filter(|line| line["action"] == event && text(&line["secret"]).starts_with(service));
    of_event.map(|line| format!("{} v{}: {}", text(&line["secret"]), line["version"], text(&line["reason"]))).collect()
}

async fn tells(mesh: &TestMesh, event: &str, count: usize) -> Vec<String> {
    eventually(&format!("{count} of {event}"), || async {
        let lines = told(mesh, event).await;
        (lines.len() >= count).then_some(lines)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_listed_the_soonest_first_with_who_says_so_and_what_is_to_be_rotated_after_it() {
    let mesh = TestMesh::start().await;
    mesh.put(ending(&mesh, "late/key", 60)).await;
    mesh.put(ending(&mesh, "soon/key", 10)).await;
    mesh.put(ending(&mesh, "past/key", 1)).await;
    mesh.put(put("old/key", "global", "not-a-real-key")).await;
    mesh.put(put("deleted/key", "global", "not-a-real-key")).await;
    mesh.delete(crate::support::callers::place("deleted/key", "global")).await;
    assert_eq!(
        expiring(&mesh.lead, "?within=30d").await,
        ["\"past\": 1 \"user\" false false", "\"soon\": 10 \"user\" false false"]
    );
    mesh.lead.clock.advance(DAY * 2);
    assert_eq!(expiring(&mesh.lead, "?within=0s").await, ["\"past\": -1 \"user\" true false"]);
    assert_eq!(expiring(&mesh.lead, "").await.len(), 2, "30 days unless it says otherwise");
    mesh.lead.clock.advance(DAY * 89);
    let lines = expiring(&mesh.lead, "?within=1d").await;
    assert_eq!(lines.last().map(String::as_str), Some("\"old\": null null false true"), "{lines:?}");
    assert_eq!(lines.len(), 4, "{lines:?}");
    let refused = get(&mesh.lead.agent_socket(), "/api/expiring?within=soon").await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "bad_value"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_threshold_is_told_once_also_over_a_restart() {
    let mut mesh = TestMesh::start().await;
    mesh.put(ending(&mesh, "openai/key", 20)).await;
    mesh.lead.clock.advance(Duration::from_secs(3600));
    let first = tells(&mesh, "credential.expiring of openai", 1).await;
    assert!(first[0].starts_with("openai/key v1: 20 days left, until "), "{first:?}");
    // That it was told is noted behind the telling. A second look begins when the note of the first is kept.
    mesh.put(ending(&mesh, "stripe/key", 20)).await;
    mesh.lead.clock.advance(Duration::from_secs(3600));
    tells(&mesh, "credential.expiring of stripe", 1).await;
    mesh.lead.stop().await;
    mesh.lead.start().await;
    mesh.lead.clock.advance(DAY * 7);
    let second = tells(&mesh, "credential.expiring of openai", 2).await;
    assert_eq!(second.len(), 2, "{second:?}");
    assert!(second.iter().any(|line| line.contains("13 days left")), "{second:?}");
    mesh.lead.clock.advance(DAY * 90);
    let last = tells(&mesh, "credential.expiring of openai", 3).await;
    assert_eq!((last.len(), last.iter().filter(|line| line.contains("expired at")).count()), (3, 1), "{last:?}");
    assert_eq!(tells(&mesh, "credential.rotation_due of openai", 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_was_given_for_long_is_listed_with_the_journal_it_was_drawn_from() {
    let mesh = TestMesh::start().await;
    for name in ["used/key", "unused/key"] {
        mesh.put(put(name, "global", "not-a-real-key")).await;
    }
    mesh.lead.clock.advance(DAY * 100);
    mesh.put(put("young/key", "global", "not-a-real-key")).await;
    mesh.lead.value(read("used/key", None)).await.expect("a value");
    let admin = mesh.lead.agent_socket().with_file_name("admin.sock");
    let unused = |query: &'static str| {
        let admin = admin.clone();
        async move {
            let told = get(&admin, &format!("/api/unused{query}")).await.json();
            let names = told["secrets"].as_array().expect("a list").iter().map(|it| it["service"].clone());
            (names.collect::<Vec<_>>(), told)
        }
    };
    let (names, told) = unused("?for=90d").await;
    assert_eq!(names, ["unused"], "{told}");
    assert_eq!((&told["covers"], &told["complete"]), (&json!(["aurora"]), &json!(true)));
    assert!(told["journal_since"].is_string() && told["secrets"][0]["last_read"].is_null(), "{told}");
    mesh.lead.clock.advance(DAY * 91);
    let (names, told) = unused("").await;
    assert_eq!(names, ["unused", "young", "used"], "{told}");
    let refused = get(&mesh.lead.agent_socket(), "/api/unused").await;
    assert_eq!(refused.status, 403, "{}", refused.body);
}
