//! What only somebody who means harm shows.

use serde_json::{Value, json};

use super::stage::{SECRET, agent, assert_refused, done, key, mesh, owner, read};
use crate::support::http;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_of_any_bytes_is_refused_and_the_next_caller_is_served() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let (socket, good) = (mesh.lead.agent_socket(), key(&mesh, "robot", &json!({})).await);
    let long = "mj_agent_".repeat(1_200);
    let seven = "0".repeat(7_000);
    let cases: [(&[u8], u16); 6] = [
        (long.as_bytes(), 431),
        (seven.as_bytes(), 401),
        (b"mj_agent_\0", 400),
        (b"mj_agent_\xff\xfe", 401),
        ("mj_agent_\u{430}".as_bytes(), 401),
        (b"mj_agent_\r\nX-Forged: 1", 401),
    ];
    for (value, status) in cases {
        let head = format!("GET {SECRET} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\nX-API-Key: ");
        let bytes = [head.as_bytes(), value, b"\r\n\r\n"].concat();
        let received = http::send(&socket, &bytes).await.expect("listens");
        let line = String::from_utf8_lossy(&received).into_owned();
        assert!(line.starts_with(&format!("HTTP/1.1 {status}")), "{value:?}: {line}");
        assert_eq!(read(&socket, &good).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_none_is_refused_wherever_one_is_taken() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    for name in ["Robot", "%d0%b0gent", "..", "a%00b", "robot.", "a%2fb", "*", "root", &"a".repeat(65)] {
        for (method, target) in [
            ("GET", format!("/api/agents/{name}")),
            ("POST", format!("/api/agents/{name}/suspend")),
            ("DELETE", format!("/api/agents/robot/keys/{name}")),
            ("DELETE", format!("/api/agents/{name}/keys/ci")),
        ] {
            let answer = owner(&mesh, method, &target, &Value::Null).await;
            assert_refused(&answer, 400, "bad_name");
        }
    }
    for name in ["Robot", "аgent", "", "a\u{0}b", "robot.", "a/b", "*", "lead", &"a".repeat(10_240)] {
        let body = json!({"name": name, "secrets": ["*"], "environments": ["*"]});
        assert_refused(&owner(&mesh, "POST", "/api/agents", &body).await, 400, "bad_name");
        assert_refused(&owner(&mesh, "POST", "/api/agents/robot/keys", &json!({"name": name})).await, 400, "bad_name");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages_and_an_agent_has_a_bounded_number_of_keys() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    for number in 0..100 {
        key(&mesh, "robot", &json!({"name": format!("k{number:03}")})).await;
    }
    let one_more = owner(&mesh, "POST", "/api/agents/robot/keys", &json!({"name": "one-more"})).await;
    assert_refused(&one_more, 409, "too_many");
    let (mut names, mut target) = (Vec::new(), "/api/apikeys?limit=40".to_owned());
    loop {
        let page = done(&mesh, "GET", &target, &Value::Null).await;
        let keys = page["keys"].as_array().expect("keys");
        assert!(keys.len() <= 40);
        names.extend(keys.iter().map(|key| key["name"].as_str().expect("a name").to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/api/apikeys?limit=40&cursor={}", cursor.replace('/', "%2F"));
    }
    assert_eq!(names, (0..100).map(|number| format!("k{number:03}")).collect::<Vec<_>>());
    for target in ["/api/apikeys?limit=1001", "/api/apikeys?cursor=robot", "/api/agents?cursor=Robot"] {
        assert_refused(&owner(&mesh, "GET", target, &Value::Null).await, 400, "bad_value");
    }
}
