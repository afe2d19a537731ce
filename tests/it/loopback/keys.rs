//! On loopback only a key says who asks: not the user that runs the program, be it the owner of the node.

use serde_json::json;

use super::Stage;
use crate::agents::stage::{SECRET, agent, assert_refused, done, journal, key};
use crate::support::callers::put;
use crate::support::loopback::{MARK, ask, get, request};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_reads_and_the_journal_says_that_nothing_but_the_key_said_who() {
    let Stage { mesh, at, key } = Stage::set().await;
    for header in [("X-API-Key", key.clone()), ("Authorization", format!("Bearer {key}"))] {
        let answer = ask(at, "GET", SECRET, &[(header.0, &header.1)], "").await;
        assert_eq!(answer.json()["key_value"], "not-a-real-global-key", "{}", answer.body);
        assert_eq!(answer.header("x-cache"), Some("LEAD"));
    }
    let lines = journal(&mesh).await;
    let line = lines.iter().rfind(|line| line["action"] == "secret.read").expect("a line");
    assert_eq!(line["established"], "API key, loopback listener", "{line}");
    assert_eq!((&line["principal"], &line["attest"]), (&json!("agent:robot"), &json!(null)), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_that_works_nobody_asks_and_it_is_written_down() {
    let Stage { mesh, at, key } = Stage::set().await;
    let unknown = "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP";
    let table: [&[(&str, &str)]; 5] = [
        &[],
        &[("X-API-Key", unknown)],
        &[("X-API-Key", "")],
        &[("X-Vault-Token", &key)],
        &[("X-Aws-Parameters-Secrets-Token", &key)],
    ];
    for headers in table {
        for (method, target) in
            [("GET", SECRET), ("GET", "/api/secrets"), ("GET", "/api/whoami"), ("GET", "/api/status")]
        {
            let refused = ask(at, method, target, headers, "").await;
            assert_refused(&refused, 401, "no_identity");
            assert!(refused.body.contains("aurora apikey create"), "{}", refused.body);
        }
    }
    let lines = journal(&mesh).await;
    let line = lines.iter().find(|line| line["rule"] == "no API key").expect("a line");
    assert_eq!((&line["principal"], &line["decision"]), (&json!("unknown"), &json!("deny")), "{line}");
    assert_eq!(line["established"], "nothing, loopback listener", "{line}");
    done(&mesh, "POST", "/api/agents/robot/suspend", &json!({})).await;
    eventually("the suspension counts", || async { (get(at, &key, SECRET).await.status == 403).then_some(()) }).await;
    assert_refused(&get(at, &key, SECRET).await, 403, "denied");
    assert_eq!(ask(at, "GET", "/health", &[], "").await.json()["node"], "aurora", "how the node is, anybody may ask");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_s_power_does_not_reach_here_and_a_key_s_bounds_and_limits_do() {
    let Stage { mesh, at, key: robots } = Stage::set().await;
    let bounded = json!({"name": "small", "secrets": ["hubspot/*"], "limit_rpm": 2});
    let small = key(&mesh, "robot", &bounded).await;
    assert_eq!(get(at, &robots, "/api/policy").await.code(), "denied");
    assert_eq!(ask(at, "POST", "/api/keys/rotate-root", &[("X-API-Key", &robots)], "").await.code(), "denied");
    assert_eq!(get(at, &small, SECRET).await.code(), "denied");
    let second = get(at, &small, "/api/secrets/hubspot/api_key").await;
    assert_eq!((second.status, second.header("x-ratelimit-remaining")), (200, Some("0")), "{}", second.body);
    let third = get(at, &small, "/api/secrets/hubspot/api_key").await;
    assert_eq!((third.status, third.code().as_str()), (429, "rate_limited"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_may_act_as_another_does_so_here_too_and_no_other_does() {
    let Stage { mesh, at, key: robots } = Stage::set().await;
    agent(&mesh, "boss", &json!({"capabilities": ["agent_impersonate"]})).await;
    let boss = key(&mesh, "boss", &json!({})).await;
    let act_as = |key: &str, name: &str| {
        let headers = [("X-API-Key".to_owned(), key.to_owned()), ("X-Aurora-Act-As".to_owned(), name.to_owned())];
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            ask(at, "GET", SECRET, &headers, "").await
        }
    };
    assert_eq!(act_as(&boss, "robot").await.status, 200);
    assert_eq!(act_as(&robots, "boss").await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_values_are_written_and_read_and_a_watch_tells_of_them() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let Stage { mesh, at, .. } = Stage::set().await;
    agent(&mesh, "writer", &json!({"capabilities": ["data_read", "data_query", "data_write"]})).await;
    let key = key(&mesh, "writer", &json!({})).await;
    let host = at.to_string();
    let mut watch = tokio::net::TcpStream::connect(at).await.expect("listens");
    let headers = [("Host", host.as_str()), MARK, ("X-API-Key", &key)];
    watch.write_all(request("GET", &format!("{SECRET}/watch"), &headers, "").as_bytes()).await.expect("open");
    let mut told = String::new();
    let mut heard = async |wanted: &str| {
        let mut some = [0; 4096];
        while !told.contains(wanted) {
            let read = watch.read(&mut some).await.expect("open");
            assert!(read > 0, "ended: {told}");
            told.push_str(&String::from_utf8_lossy(&some[..read]));
        }
    };
    heard("text/event-stream").await;
    let value = "v".repeat(60 << 10);
    let body = json!({"service": "openai", "key_name": "api_key", "key_value": value}).to_string();
    let stored = ask(at, "POST", "/api/secrets", &[("X-API-Key", &key)], &body).await;
    assert_eq!(stored.status, 200, "{}", stored.body);
    heard("stored").await;
    assert_eq!(get(at, &key, SECRET).await.json()["key_value"], value.as_str());
    mesh.put(put("openai/other", "global", "not-a-real-key")).await;
    assert_eq!(get(at, &key, "/api/secrets/openai/other").await.status, 200);
}
