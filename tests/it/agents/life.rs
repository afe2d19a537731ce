//! From the first key to the last: made, shown once, used, rotated, revoked.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{SECRET, agent, assert_refused, done, journal, key, mesh, owner, read, text, with_key};
use crate::support::callers::put;
use crate::support::http;
use crate::support::watcher::Watcher;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_reads_through_either_header_and_is_nobody_when_it_is_not_known() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let bearer = format!("Bearer {key}");
    for header in [("X-API-Key", key.as_str()), ("Authorization", &bearer)] {
        let answer = http::ask(&socket, "GET", SECRET, &[header], "").await;
        assert_eq!(answer.json()["key_value"], "not-a-real-global-key", "{}", answer.body);
    }
    let lines = journal(&mesh).await;
    let read = lines.iter().rfind(|line| line["action"] == "secret.read").expect("a line");
    let principal = read["principal"].as_str().expect("a text");
    let uid = rustix::process::geteuid().as_raw();
    assert!(principal.starts_with("agent:robot ") && principal.contains(&format!("user:{uid}")), "{principal}");
    assert_eq!((read["rule"].as_str(), read["decision"].as_str()), (Some("agent:robot"), Some("allow")));
    assert!(read["established"].as_str().expect("a text").contains("API key"), "{read}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_key_is_nobody_even_for_the_owner_of_the_node() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let good = key(&mesh, "robot", &json!({})).await;
    let mistyped = format!("{}x", &good[..good.len() - 1]);
    let mistyped = if mistyped == good { format!("{}y", &good[..good.len() - 1]) } else { mistyped };
    let (bearer, other) = (format!("Bearer {good}"), format!("Bearer {mistyped}"));
    let unknown = "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP";
    let shown: [&[(&str, &str)]; 8] = [
        &[("X-API-Key", &mistyped)],
        &[("X-API-Key", unknown)],
        &[("X-API-Key", "")],
        &[("Authorization", &other)],
        &[("Authorization", "Basic cm9vdDo=")],
        &[("X-API-Key", unknown), ("Authorization", &bearer)],
        &[("X-API-Key", &good), ("X-API-Key", &good)],
        &[("X-API-Key", &good), ("Authorization", "Basic cm9vdDo=")],
    ];
    let admin = super::stage::admin_socket(&mesh);
    for headers in shown {
        for socket in [&mesh.lead.agent_socket(), &admin] {
            assert_refused(&http::ask(socket, "GET", SECRET, headers, "").await, 401, "no_identity");
            assert_refused(&http::ask(socket, "GET", "/api/agents", headers, "").await, 401, "no_identity");
        }
    }
    let lines = journal(&mesh).await;
    let refused = lines.iter().filter(|line| line["outcome"] == "no_identity" && line["decision"] == "deny").count();
    assert_eq!(refused, 32, "each is written down");
    assert!(!lines.iter().any(|line| line.to_string().contains("mj_agent_")), "and none with its key");
    assert_eq!(http::get(&admin, SECRET).await.status, 200, "without a key the owner is the owner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_of_a_key_is_nowhere_but_in_the_answer() {
    let mut mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let made = done(&mesh, "POST", "/api/agents/robot/keys", &json!({"name": "ci"})).await;
    let first = text(&made);
    assert_eq!((first.len(), &first[..9]), (58, "mj_agent_"));
    assert_eq!(made["api_key"]["hint"], first[..13], "{made}");
    // All that a body could say may be left out, and so may the body.
    let second = text(&done(&mesh, "POST", "/api/agents/robot/keys/ci/rotate", &Value::Null).await);
    assert_eq!(read(&mesh.lead.agent_socket(), &second).await.status, 200);
    for target in ["/api/agents", "/api/agents/robot", "/api/apikeys", "/api/apikeys?agent=robot", "/api/audit"] {
        let answer = owner(&mesh, "GET", target, &Value::Null).await;
        assert!(!answer.body.contains(&first[13..]) && !answer.body.contains(&second[13..]), "{target}");
    }
    mesh.lead.stop().await;
    let mut searched = 0;
    for text in [&first, &second] {
        for part in [text.as_bytes(), &text.as_bytes()[13..52]] {
            for file in files(&mesh.lead.config.node.state_dir) {
                let bytes = std::fs::read(&file).expect("readable");
                assert!(!bytes.windows(part.len()).any(|window| window == part), "in {}", file.display());
                searched += 1;
            }
        }
    }
    assert!(searched >= 8, "the store and the journal at least");
}

fn files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_texts_of_a_rotated_key_work_until_the_grace_is_over() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let (socket, old) = (mesh.lead.agent_socket(), key(&mesh, "robot", &json!({})).await);
    let rotated = done(&mesh, "POST", "/api/agents/robot/keys/ci/rotate", &json!({"grace": "1h"})).await;
    let new = text(&rotated);
    assert!(rotated["api_key"]["previous_until"].is_string(), "{rotated}");
    for text in [&old, &new] {
        assert_eq!(read(&socket, text).await.status, 200);
    }
    mesh.lead.clock.advance(Duration::from_secs(3_601));
    assert_refused(&read(&socket, &old).await, 401, "no_identity");
    assert_eq!(read(&socket, &new).await.status, 200);
    let keys = done(&mesh, "GET", "/api/apikeys", &Value::Null).await;
    assert!(keys["keys"][0]["previous_until"].is_null(), "{keys}");

    let newest = text(&done(&mesh, "POST", "/api/agents/robot/keys/ci/rotate", &json!({"grace": "0s"})).await);
    assert_refused(&read(&socket, &new).await, 401, "no_identity");
    assert_eq!(read(&socket, &newest).await.status, 200);
    let too_long = owner(&mesh, "POST", "/api/agents/robot/keys/ci/rotate", &json!({"grace": "31d"})).await;
    assert_refused(&too_long, 400, "bad_value");
    assert_eq!(read(&socket, &newest).await.status, 200, "nothing was rotated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_refused_at_once_and_an_expired_one_from_its_end_on() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let short = key(&mesh, "robot", &json!({"name": "short", "expires_in": "1h"})).await;
    let usual = key(&mesh, "robot", &json!({})).await;
    let endless = key(&mesh, "robot", &json!({"name": "endless", "expires_at": "never"})).await;
    mesh.lead.clock.advance(Duration::from_secs(3_601));
    assert_refused(&read(&socket, &short).await, 401, "no_identity");
    assert_eq!(read(&socket, &usual).await.status, 200);
    mesh.lead.clock.advance(Duration::from_secs(90 * 86_400));
    assert_refused(&read(&socket, &usual).await, 401, "no_identity");
    assert_eq!(read(&socket, &endless).await.status, 200);

    done(&mesh, "DELETE", "/api/agents/robot/keys/endless", &Value::Null).await;
    assert_refused(&read(&socket, &endless).await, 401, "no_identity");
    assert_refused(&owner(&mesh, "DELETE", "/api/agents/robot/keys/endless", &Value::Null).await, 404, "not_found");
    for life in
        [json!({"expires_in": "400d"}), json!({"expires_in": "0s"}), json!({"expires_at": "2001-01-01T00:00:00Z"})]
    {
        let mut body = json!({"name": "x"});
        body.as_object_mut().expect("an object").extend(life.as_object().expect("an object").clone());
        assert_refused(&owner(&mesh, "POST", "/api/agents/robot/keys", &body).await, 400, "bad_value");
    }
}

/// A watch is identified when it begins. It once went on under a key that was revoked for as long as its connection stood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_the_key_or_the_agent_it_was_begun_with() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({"capabilities": ["data_query"]})).await;
    let socket = mesh.lead.agent_socket();
    for (name, method, target) in [
        ("revoked", "DELETE", "/api/agents/robot/keys/revoked"),
        ("rotated", "POST", "/api/agents/robot/keys/rotated/rotate"),
        ("suspended", "POST", "/api/agents/robot/suspend"),
    ] {
        let text = key(&mesh, "robot", &json!({"name": name})).await;
        let mut watch = Watcher::open(&socket, "/api/watch", &[("X-API-Key", &text)]).await;
        assert_eq!(watch.next().await.name, "ready");
        mesh.put(put("openai/api_key", "global", "not-a-real-newer-key")).await;
        assert_eq!(watch.next().await.name, "changed", "{name}");
        let body = if name == "rotated" { json!({"grace": "0s"}) } else { Value::Null };
        done(&mesh, method, target, &body).await;
        mesh.put(put("openai/api_key", "global", "not-a-real-newest-key")).await;
        assert!(watch.try_next().await.is_none(), "{name}: nothing more is told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_agent_is_refused_with_its_rule_until_it_is_activated_and_an_archived_one_for_ever() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let (socket, key_text) = (mesh.lead.agent_socket(), key(&mesh, "robot", &json!({})).await);
    done(&mesh, "POST", "/api/agents/robot/suspend", &Value::Null).await;
    assert_refused(&read(&socket, &key_text).await, 403, "denied");
    let line = journal(&mesh).await.into_iter().rfind(|line| line["action"] == "secret.read").expect("a line");
    assert_eq!(line["rule"], "agent-suspended", "{line}");
    done(&mesh, "POST", "/api/agents/robot/activate", &Value::Null).await;
    assert_eq!(read(&socket, &key_text).await.status, 200);

    done(&mesh, "POST", "/api/agents/robot/archive", &Value::Null).await;
    assert_refused(&read(&socket, &key_text).await, 401, "no_identity");
    assert_eq!(done(&mesh, "GET", "/api/apikeys", &Value::Null).await["keys"], json!([]), "its keys are gone");
    for (method, target, body) in [
        ("POST", "/api/agents/robot/activate", Value::Null),
        ("POST", "/api/agents/robot/keys", json!({"name": "ci"})),
        ("PATCH", "/api/agents/robot", json!({"title": "x"})),
    ] {
        assert_refused(&owner(&mesh, method, target, &body).await, 409, "agent_archived");
    }
    let again = json!({"name": "robot", "secrets": ["*"], "environments": ["*"]});
    assert_refused(&owner(&mesh, "POST", "/api/agents", &again).await, 409, "agent_exists");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_of_a_key_is_told_also_after_a_restart() {
    let mut mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    let key_text = key(&mesh, "robot", &json!({})).await;
    let unused = done(&mesh, "GET", "/api/apikeys?agent=robot", &Value::Null).await;
    assert!(unused["keys"][0]["last_used_at"].is_null(), "{unused}");
    for _ in 0..2 {
        read(&mesh.lead.agent_socket(), &key_text).await;
    }
    let used = done(&mesh, "GET", "/api/apikeys?agent=robot", &Value::Null).await;
    let last = used["keys"][0]["last_used_at"].as_str().expect("a time").to_owned();
    mesh.lead.stop().await;
    mesh.lead.start().await;
    let again = done(&mesh, "GET", "/api/apikeys?agent=robot", &Value::Null).await;
    assert_eq!(again["keys"][0]["last_used_at"], json!(last), "{again}");
    assert_eq!(with_key(&mesh.lead.agent_socket(), &key_text, "GET", SECRET, &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_names_of_keys_are_unique_within_an_agent_and_only_there() {
    let mesh = mesh().await;
    agent(&mesh, "robot", &json!({})).await;
    agent(&mesh, "other", &json!({})).await;
    key(&mesh, "robot", &json!({})).await;
    key(&mesh, "other", &json!({})).await;
    let twice = owner(&mesh, "POST", "/api/agents/robot/keys", &json!({"name": "ci"})).await;
    assert_refused(&twice, 409, "api_key_exists");
    let nobody = owner(&mesh, "POST", "/api/agents/nobody/keys", &json!({"name": "ci"})).await;
    assert_refused(&nobody, 404, "not_found");
    assert_refused(&owner(&mesh, "GET", "/api/agents/nobody", &Value::Null).await, 404, "not_found");
    let all = done(&mesh, "GET", "/api/apikeys", &Value::Null).await;
    let names: Vec<&str> =
        all["keys"].as_array().expect("keys").iter().filter_map(|key| key["agent"].as_str()).collect();
    assert_eq!(names, ["other", "robot"]);
}
