//! The journal: what goes in, what never does, and that it cannot be made to lie.

use std::path::{Path, PathBuf};

use aurora_mesh::audit::head::Head;
use aurora_mesh::audit::verify::verify_to;
use aurora_mesh::crypto::digest::sha256;
use serde_json::{Value, json};

use crate::agents::stage::{SECRET, agent, done, journal, key, mesh as with_secrets, owner, with_key};
use crate::support::http;
use crate::support::journal::items;
use crate::support::mesh::{TestMesh, TestNode};

/// Everything below a directory.
pub fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for path in items(directory) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}

/// Where one of these texts stands in the files of a node.
pub fn found_in(node: &TestNode, texts: &[&str]) -> Vec<String> {
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    let all = files(&node.config.node.state_dir);
    assert!(!all.is_empty(), "a node has files");
    let hits = all.iter().flat_map(|(path, bytes)| texts.iter().filter(|text| holds(bytes, text)).map(move |_| path));
    hits.map(|path| path.display().to_string()).collect()
}

/// The lines of a node's own journal, from its files.
fn lines(node: &TestNode) -> Vec<String> {
    let mut parts: Vec<(PathBuf, Vec<u8>)> = files(&node.config.node.state_dir.join("audit"))
        .into_iter()
        .filter(|(path, _)| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("audit-")))
        .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect();
    parts.sort();
    let text: String = parts.into_iter().map(|(_, bytes)| String::from_utf8(bytes).expect("text")).collect();
    text.lines().map(str::to_owned).collect()
}

/// No request says where the journal is written, how, or that it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_47_the_journal_is_a_way_to_write_a_file() {
    let mesh = TestMesh::start().await;
    for target in [
        "/api/audit",
        "/api/audit/export",
        "/api/audit/follow",
        "/api/audit/verify",
        "/api/audit/file",
        "/v1/sys/audit/file",
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let body = json!({"path": "/tmp/x", "file_path": "/tmp/x", "mode": "0755", "prefix": "#!/bin/sh\n"});
            let refused = owner(&mesh, method, target, &body).await;
            assert!(refused.status >= 400, "{method} {target}: {}", refused.body);
        }
    }
    for query in ["path=/tmp/x", "file=/tmp/x", "output=/tmp/x"] {
        let refused = owner(&mesh, "GET", &format!("/api/audit?{query}"), &Value::Null).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "unknown_field"), "{query}: {}", refused.body);
    }
    let plan = json!({"policy": "[audit]\npath = \"/tmp/x\"\n"});
    let refused = owner(&mesh, "POST", "/api/policy/plan", &plan).await;
    assert!(refused.status >= 400, "{}", refused.body);
}

/// One thing that happened is one line, whatever it was called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_48_a_name_forges_a_line() {
    let mesh = with_secrets().await;
    let socket = mesh.lead.agent_socket();
    let forged = "x\",\"decision\":\"allow\",\"principal\":\"admin";
    let before = lines(&mesh.lead).len();
    let reasons =
        [forged, "\u{1b}[31mred", "{\"seq\":1}", "=cmd|' /C calc'!A0", "a\\nb", "☃ \u{202e}txt", &"r".repeat(256)];
    let mut asked = 0;
    for reason in reasons {
        let answer = http::ask(&socket, "GET", SECRET, &[("X-Aurora-Reason", reason)], "").await;
        assert!(answer.status == 200 || answer.status == 400, "{reason:?}: {}", answer.body);
        asked += usize::from(answer.status == 200);
    }
    for target in ["/api/secrets/hubspot/%22,%22x%22:%22", "/api/secrets/a%0ab/c", "/api/secrets/%1b[31m/c"] {
        let answer = http::get(&socket, target).await;
        assert_eq!(answer.status, 400, "{target}");
    }
    let after = lines(&mesh.lead);
    assert!(asked >= 3, "{asked}");
    let new: Vec<Value> = after[before..].iter().map(|line| serde_json::from_str(line).expect("one JSON")).collect();
    let reads = new.iter().filter(|line| line["action"] == "secret.read").count();
    assert_eq!(reads, asked, "one line each");
    for (line, text) in new.iter().zip(&after[before..]) {
        assert_ne!(line["principal"], "admin", "{line}");
        assert!(!text.contains(|character: char| character.is_control()), "{text:?}");
    }
    let csv = done(&mesh, "GET", "/api/audit?limit=1000", &Value::Null).await;
    assert!(csv["lines"].as_array().expect("lines").len() >= asked);
}

/// A value in any field of any request is in no line, and in no other file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_49_a_type_that_is_not_redacted() {
    let mut mesh = TestMesh::start().await;
    let canary = "not-a-real-canary-49";
    let put = json!({"service": "a", "key_name": "b", "key_value": canary, "metadata": {"description": "x"}});
    done(&mesh, "POST", "/api/secrets", &put).await;
    let wrong = [
        ("POST", "/api/secrets", json!({"service": "a", "key_name": "b", "key_value": [canary]})),
        ("POST", "/api/secrets", json!({"service": canary.to_uppercase(), "key_name": "b", "key_value": "x"})),
        ("POST", "/api/secrets", json!({"service": "a", "key_name": "b", "key_value": canary, "vlaue": canary})),
        ("POST", "/api/secrets", json!({"service": "a", "key_name": "b", "key_value": canary, "cas": 77})),
        ("POST", "/api/import", json!({"service": "a", "key_name": "c", "key_value": canary, "x": 1})),
        ("PATCH", "/api/secrets/a/b", json!({"key_value": canary})),
        ("POST", "/api/unseal", json!({"share": canary})),
        ("POST", "/api/policy/plan", json!({"policy": format!("# {canary}")})),
    ];
    for (method, target, body) in wrong {
        let answer = owner(&mesh, method, target, &body).await;
        assert!(!answer.body.contains(canary), "{target}: {}", answer.body);
    }
    done(&mesh, "POST", "/api/import", &json!({"service": "a", "key_name": "c", "key_value": canary})).await;
    assert_eq!(done(&mesh, "GET", "/api/secrets/a/b", &Value::Null).await["key_value"], canary);
    done(&mesh, "POST", "/api/secrets/a/b/destroy?versions=1", &Value::Null).await;
    mesh.lead.stop().await;
    assert_eq!(found_in(&mesh.lead, &[canary]), Vec::<String>::new());
    assert!(!found_in(&mesh.lead, &["secret.read"]).is_empty(), "the search finds what is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_50_what_a_client_shows_is_written_down() {
    let mut mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let wrong = format!("{}x", &key[..key.len() - 1]);
    let token = done(&mesh, "POST", "/api/tokens", &json!({"node": "alpha"})).await;
    let token = token["token"].as_str().expect("a token").to_owned();
    let socket = mesh.lead.agent_socket();
    for shown in [&key, &wrong, &token] {
        for header in ["X-API-Key", "X-Vault-Token", "Authorization", "X-Aurora-Request", "User-Agent"] {
            let _answered = http::ask(&socket, "GET", SECRET, &[(header, shown)], "").await;
        }
    }
    assert_eq!(with_key(&socket, &key, "GET", SECRET, &[], "").await.status, 200);
    mesh.lead.stop().await;
    let shown = [key.as_str(), &wrong, &token, &key["mj_agent_".len()..], &token["aurora-join-".len()..]];
    assert_eq!(found_in(&mesh.lead, &shown), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_51_a_path_leaves_fields_out() {
    let mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    with_key(&socket, &key, "GET", SECRET, &[], "").await;
    http::get(&socket, "/secretsmanager/get?secretId=openai/api_key").await;
    with_key(&socket, &key, "GET", "/v1/secret/data/openai", &[("X-Vault-Token", &key)], "").await;
    http::get(&socket, "/api/export").await;
    done(&mesh, "PATCH", SECRET, &json!({"ttl": 60})).await;
    done(&mesh, "DELETE", SECRET, &Value::Null).await;
    let lines = journal(&mesh).await;
    let of_callers = |line: &&Value| line["action"].as_str().is_some_and(|action| action.starts_with("secret."));
    for line in lines.iter().filter(of_callers) {
        for field in [
            "v",
            "seq",
            "prev",
            "time",
            "node",
            "request_id",
            "principal",
            "established",
            "action",
            "decision",
            "rule",
            "outcome",
        ] {
            let is_said = line[field].as_str().is_some_and(|text| !text.is_empty()) || line[field].is_u64();
            assert!(is_said, "{field} is missing in {line}");
        }
    }
    let of_values = ["secret.read", "secret.write", "secret.delete"];
    for action in of_values {
        let line = lines.iter().find(|line| line["action"] == action).unwrap_or_else(|| panic!("no {action}"));
        assert!(line["secret"].is_string() && line["environment"] == "prod", "{line}");
    }
    let ids: std::collections::BTreeSet<&str> = lines.iter().filter_map(|line| line["request_id"].as_str()).collect();
    assert!(ids.len() > 5, "each request has its own: {ids:?}");
}

/// Bytes that are no text in every header that is written down: the request is refused or audited, and the node lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_52_what_cannot_be_written_down_panics() {
    let mesh = with_secrets().await;
    let socket = mesh.lead.agent_socket();
    for header in [
        "X-Aurora-Reason",
        "X-Company-Id",
        "X-Environment",
        "X-Request-Id",
        "Idempotency-Key",
        "X-API-Key",
        "User-Agent",
    ] {
        for value in [&b"\xff\xfe"[..], b"\xed\xa0\x80", b"\x80", &[0xc3; 300], b"\t", b"", &[b'a'; 4000]] {
            let mut request =
                format!("GET {SECRET} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n{header}: ").into_bytes();
            request.extend_from_slice(value);
            request.extend_from_slice(b"\r\n\r\n");
            let came = http::send(&socket, &request).await.expect("it listens");
            let answer = http::Answer::parse(&came).unwrap_or_else(|| panic!("{header}: no answer to {value:02x?}"));
            assert!(answer.status < 500, "{header}: {value:02x?}: {}", answer.body);
        }
    }
    for line in lines(&mesh.lead) {
        let _parsed: Value = serde_json::from_str(&line).expect("JSON");
    }
    assert_eq!(http::get(&socket, SECRET).await.status, 200);
}

/// There is no exception: looking does, and asking who one is, and what the other dialects answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_53_some_things_are_not_written_down() {
    let mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({"capabilities": ["data_read", "data_query"]})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let socket = mesh.lead.agent_socket();
    let asks = [
        ("GET", SECRET, 1),
        ("GET", "/api/secrets", 1),
        ("GET", "/api/explain/openai/api_key", 1),
        ("GET", "/api/secrets/openai/api_key/versions", 1),
        ("GET", "/v1/secret/data/openai", 1),
        ("GET", "/api/nodes", 1),
        ("POST", "/api/keys/rotate", 1),
        ("DELETE", SECRET, 1),
    ];
    for (method, target, wanted) in asks {
        let before = lines(&mesh.lead).len();
        let answer = with_key(&socket, &key, method, target, &[("X-Vault-Token", &key)], "").await;
        let new = lines(&mesh.lead)[before..].to_vec();
        let own = new.iter().filter(|line| line.contains("agent:robot")).count();
        assert!(own >= wanted, "{method} {target} ({}): {new:?}", answer.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_54_a_failure_is_written_down_twice_or_never() {
    let mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({"secrets": ["nothing/*"]})).await;
    let robot = key(&mesh, "robot", &json!({})).await;
    let unknown = "mj_agent_0Eoh211G4c8wtVWM00my5rsNSFlKgaWqQ4mb8gdEqno3qTWPP";
    let socket = mesh.lead.agent_socket();
    let mut ids = Vec::new();
    for _ in 0..5 {
        for key in [robot.as_str(), unknown] {
            for target in [SECRET, "/api/secrets/no/such", "/api/nodes"] {
                let refused = with_key(&socket, key, "GET", target, &[], "").await;
                assert!(matches!(refused.status, 401 | 403), "{target}: {}", refused.body);
                ids.push(refused.header("x-request-id").expect("an id").to_owned());
            }
        }
    }
    let all = lines(&mesh.lead);
    for id in ids {
        let of_it: Vec<&String> = all.iter().filter(|line| line.contains(&id)).collect();
        assert_eq!(of_it.len(), 1, "{id}: {of_it:?}");
        assert!(of_it[0].contains(r#""decision":"deny""#), "{of_it:?}");
    }
}

/// A chain that is relabelled, cut, shortened at its head, mixed up or rewritten is not the chain whose head was kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_55_a_chain_is_verified_by_its_own_word() {
    let mesh = with_secrets().await;
    for _ in 0..6 {
        http::get(&mesh.lead.agent_socket(), SECRET).await;
    }
    let whole = lines(&mesh.lead);
    assert!(whole.len() >= 8, "{}", whole.len());
    let head =
        Head { seq: u64::try_from(whole.len()).expect("short"), hash: sha256(whole[whole.len() - 1].as_bytes()) };
    let broken = |lines: &[String]| {
        let directory = tempfile::tempdir().expect("a directory");
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(directory.path().join("audit-2026-11.jsonl"), text).expect("written");
        verify_to(directory.path(), &head).expect("readable").broken.map(|broken| broken.to_string())
    };
    assert_eq!(broken(&whole), None, "the positive control");
    let chained = |lines: Vec<String>| {
        let mut previous = [0; 32];
        let mut all = Vec::new();
        for (line, seq) in lines.into_iter().zip(1_u64..) {
            let mut line: serde_json::Map<String, Value> = serde_json::from_str(&line).expect("a line");
            line.insert("seq".to_owned(), json!(seq));
            line.insert("prev".to_owned(), json!(Head { seq, hash: previous }.hex()));
            let fields =
                ["v", "seq", "prev"].iter().filter_map(|name| Some((*name, line.remove(*name)?))).collect::<Vec<_>>();
            let first: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let rest = serde_json::to_string(&line).expect("JSON");
            let text = format!("{{{},{}", first.join(","), &rest[1..]);
            previous = sha256(text.as_bytes());
            all.push(text);
        }
        all
    };
    let without = |at: usize| [&whole[..at], &whole[at + 1..]].concat();
    let mut swapped = whole.clone();
    swapped.swap(2, 3);
    let relabelled: Vec<String> = whole.iter().map(|line| line.replacen("\"v\":2,", "", 1)).collect();
    let edited: Vec<String> = whole.iter().map(|line| line.replace("secret.read", "secret.list")).collect();
    let ways = [
        ("relabelled", relabelled.clone()),
        ("relabelled and chained anew", chained(relabelled)),
        ("without its end", whole[..whole.len() - 1].to_vec()),
        ("without its beginning", whole[1..].to_vec()),
        ("without a line", without(3)),
        ("without a line and chained anew", chained(without(3))),
        ("mixed up", swapped),
        ("edited and chained anew", chained(edited)),
        ("empty", Vec::new()),
    ];
    for (what, lines) in ways {
        assert!(broken(&lines).is_some(), "{what} passes");
    }
}
