//! A value, a join token's secret and an unseal key are in memory only: not in a file, a log, an argument, an
//! environment or a core dump.

mod needles;
mod processes;

use std::collections::BTreeSet;
use std::path::Path;

use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::model::time::Entropy;
use needles::Needles;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::http;
use crate::support::journal;
use crate::support::process::{Node, directory};

/// The scopes a value can be stored in; the node's is that of the first follower.
const SCOPES: [&str; 3] = ["global", "company:acme", "node:vengeance"];

/// 32 characters nobody else writes.
fn canary() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes).expect("random bytes");
    bytes.map(|byte| char::from(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefgh"[usize::from(byte % 32)])).iter().collect()
}

/// Three nodes that log everything, and the secrets they were made with.
struct Mesh {
    nodes: [Node; 3],
    needles: Needles,
}

impl Mesh {
    async fn start(dir: &Path) -> Self {
        let mut lead = Node::new(dir, "aurora", "trace");
        lead.init().await;
        lead.start().await;
        let mut needles = Needles::default();
        let [mut vengeance, mut runpod] = ["vengeance", "runpod-tx"].map(|name| Node::new(dir, name, "trace"));
        for (follower, companies) in [(&mut vengeance, &["acme"][..]), (&mut runpod, &[])] {
            let text = lead.token(&follower.name, companies).await;
            let secret = JoinSecret::parse(&text).expect("a token");
            needles.add(&format!("the token of {}", follower.name), text.trim_start_matches("aurora-join-").as_bytes());
            needles.add(&format!("the secret in the token of {}", follower.name), secret.secret().expose());
            follower.join(&text).await;
            follower.start().await;
        }
        let nodes = [lead, vengeance, runpod];
        for node in &nodes {
            let text = std::fs::read_to_string(node.state_dir().join("unseal.key")).expect("a key file");
            let digits = text.trim().as_bytes();
            let key: Vec<u8> = digits
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16).expect("hexadecimal"))
                .collect();
            assert_eq!(key.len(), 32);
            needles.add(&format!("the unseal key of {}", node.name), &key);
        }
        Self { nodes, needles }
    }

    /// Stores through the command's standard input, which stays open while every process is looked at.
    async fn put(&self, name: &str, scope: &str, value: &str) -> Vec<String> {
        let [lead, ..] = &self.nodes;
        let mut command = lead.aurora(&["put", name, "-", "--scope", scope, "--reason", "a canary", "-q"]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("starts");
        let mut input = child.stdin.take().expect("piped");
        input.write_all(value.as_bytes()).await.expect("reads");
        processes::shows_arguments(&child, "put").await;
        let found = processes::search(&self.needles);
        drop(input);
        assert!(child.wait().await.expect("ends").success(), "{name} in {scope}");
        found
    }

    /// Reads over the command and over the socket; gives how often the value came.
    async fn reads(&self, name: &str, value: &str) -> usize {
        let mut times = 0;
        for node in &self.nodes {
            for company in [None, Some("acme")] {
                let mut arguments = vec!["get", name];
                arguments.extend(company.iter().flat_map(|company| ["--company", company]));
                times += usize::from(node.run(&arguments, b"").await.out == value.as_bytes());
                let headers: Vec<(&str, &str)> = company.map(|company| ("X-Company-Id", company)).into_iter().collect();
                let answer = http::ask(&node.agent(), "GET", &format!("/api/secrets/{name}"), &headers, "").await;
                times += usize::from(answer.body.contains(value));
            }
        }
        times
    }

    /// Requests that fail with the value in hand, at every stage.
    async fn mishaps(&self, value: &str) {
        let [lead, follower, _] = &self.nodes;
        let (admin, agent) = (lead.admin(), lead.agent());
        let body = json!({"service": "mishap", "key_name": "k", "key_value": value});
        let large = json!({"service": "mishap", "key_name": "k", "key_value": value.repeat(3000)});
        let conflict = json!({"service": "mishap", "key_name": "k", "key_value": value, "cas": 9});
        let unknown = json!({"service": "mishap", "key_name": "k", "key_value": value, "colour": value});
        for (socket, body, status) in [
            (&agent, &body, 403),
            (&follower.admin(), &body, 409),
            (&admin, &large, 413),
            (&admin, &conflict, 409),
            (&admin, &unknown, 400),
            (&admin, &json!({"service": value, "key_name": "k", "key_value": 7}), 400),
        ] {
            assert_eq!(http::post(socket, "/api/secrets", body).await.status, status);
        }
        let cut_off = format!(r#"{{"service":"mishap","key_name":"k","key_value":"{value}"#);
        let answer = http::ask(&admin, "POST", "/api/secrets", &[], &cut_off).await;
        assert!(answer.status == 400 && !answer.body.contains(value), "{}", answer.body);
    }

    /// The latest change, on every node.
    async fn converge(&self) {
        let [lead, followers @ ..] = &self.nodes;
        let revision = lead.health().await["revision"].as_u64().expect("a revision");
        for follower in followers {
            follower.reaches(revision).await;
        }
    }
}

/// Every needle in every file under a directory but the key files, which hold theirs.
fn search_files(dir: &Path, needles: &Needles, seen: &mut BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for path in journal::items(dir) {
        let Some(kind) = journal::metadata(&path).map(|found| found.file_type()) else { continue };
        let name = path.file_name().and_then(|name| name.to_str()).expect("text").to_owned();
        if kind.is_dir() {
            found.extend(search_files(&path, needles, seen));
        } else if kind.is_file() {
            let Some(bytes) = journal::bytes(&path) else { continue };
            let hits = needles.within(&bytes).into_iter();
            let own = format!("the unseal key of {}", dir.file_name().and_then(|name| name.to_str()).unwrap_or("?"));
            let hits = hits.filter(|hit| name != "unseal.key" || !hit.starts_with(&own));
            found.extend(hits.map(|hit| format!("{hit} in {}", path.display())));
            seen.insert(name);
        }
    }
    found
}

#[tokio::test]
async fn a_secret_that_went_everywhere_is_found_nowhere() {
    let dir = directory();
    let mut mesh = Mesh::start(dir.path()).await;
    let (first, second) = (canary(), canary());
    mesh.needles.add("the value", first.as_bytes());
    mesh.needles.add("the updated value", second.as_bytes());
    let mut found = Vec::new();
    for scope in SCOPES {
        let name = format!("canary/{}", scope.split(':').next().expect("a word"));
        for value in [&first, &second] {
            found.extend(mesh.put(&name, scope, value).await);
            mesh.converge().await;
            assert!(mesh.reads(&name, value).await >= 2, "{name} is read");
        }
        let [lead, ..] = &mesh.nodes;
        lead.run(&["delete", &name, "--scope", scope], b"").await.text();
        mesh.converge().await;
        assert_eq!(mesh.reads(&name, &second).await, 0, "{name} is deleted");
    }
    let kept = mesh.put("canary/kept", "global", &first).await;
    found.extend(kept);
    mesh.converge().await;
    mesh.mishaps(&first).await;
    found.extend(processes::search(&mesh.needles));
    let mut seen = BTreeSet::new();
    found.extend(search_files(dir.path(), &mesh.needles, &mut seen));
    for node in &mut mesh.nodes {
        node.end(Signal::TERM).await;
    }
    found.extend(search_files(dir.path(), &mesh.needles, &mut seen));
    assert_eq!(found, Vec::<String>::new());
    for looked_at in ["store.redb", "aurora.log", "vengeance.log", "runpod-tx.log", "aurora.toml", "unseal.key"] {
        assert!(seen.contains(looked_at), "{looked_at} is not among {seen:?}");
    }
    assert!(seen.iter().any(|name| name.ends_with(".jsonl")), "the journals are not among {seen:?}");
    let log = std::fs::read_to_string(dir.path().join("vengeance.log")).expect("a log");
    assert!(log.contains("TRACE"), "the logs say all they can");
}

/// What the search above would see: each form, at each alignment, in the middle of other bytes.
#[test]
fn every_form_of_a_secret_is_found_where_it_was_planted() {
    let dir = directory();
    let file = dir.path().join("planted");
    let mut key = [0; 32];
    SystemEntropy.fill(&mut key).expect("random bytes");
    for secret in [canary().as_bytes(), &key] {
        let mut needles = Needles::default();
        needles.add("the secret", secret);
        for (form, planted) in needles::planted(secret) {
            std::fs::write(&file, &planted).expect("writable");
            let found = search_files(dir.path(), &needles, &mut BTreeSet::new());
            assert!(!found.is_empty(), "{form} in {}", String::from_utf8_lossy(&planted));
            assert!(found.iter().all(|hit| hit.starts_with("the secret, ")), "{found:?}");
        }
        std::fs::write(&file, canary()).expect("writable");
        assert_eq!(search_files(dir.path(), &needles, &mut BTreeSet::new()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_argument_and_an_environment_with_a_secret_are_found() {
    let (argument, variable) = (canary(), canary());
    let mut needles = Needles::default();
    needles.add("the argument", argument.as_bytes());
    needles.add("the variable", variable.as_bytes());
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", "read line", &argument]).env("CANARY", &variable).stdin(std::process::Stdio::piped());
    let waits_for_a_line = command.kill_on_drop(true).spawn().expect("a shell");
    processes::shows_arguments(&waits_for_a_line, "read line").await;
    let found = processes::search(&needles);
    let seen = |what: &str| found.iter().any(|hit| hit.starts_with(what));
    assert!(seen("the argument") && seen("the variable"), "{found:?}");
}
