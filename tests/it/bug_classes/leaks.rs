//! Where a value could come out that nobody asked for.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use aurora_mesh::crypto::api_key::ApiKeyText;
use aurora_mesh::crypto::digest::equal;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::shares::{Quorum, ShareParameters, split};
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::crypto::unseal::UnsealKey;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::audit::{files, found_in};
use super::may_look_into_a_node;
use crate::agents::stage::{SECRET, agent, done, key, mesh as with_secrets, owner};
use crate::support::callers::{put, read};
use crate::support::http;
use crate::support::journal;
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{Node, directory};

/// A value that is nowhere else.
const CANARY: &str = "not-a-real-canary-4141";

/// In a field of the wrong type, in a field that is not there, in JSON that is none: no refusal repeats it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_57_a_refusal_repeats_what_it_refuses() {
    let mesh = TestMesh::start().await;
    let routes = [
        ("POST", "/api/secrets"),
        ("POST", "/api/import"),
        ("PATCH", "/api/secrets/a/b"),
        ("POST", "/api/agents"),
        ("POST", "/api/tokens"),
        ("POST", "/api/unseal"),
        ("POST", "/api/events"),
        ("POST", "/api/access-requests"),
        ("POST", "/api/environments/mirror"),
        ("POST", "/v1/secret/data/a"),
    ];
    for (method, target) in routes {
        let bodies = [
            json!(CANARY).to_string(),
            json!([CANARY]).to_string(),
            json!({"service": "a", "key_name": "b", "key_value": [CANARY]}).to_string(),
            json!({"service": {"x": CANARY}, "name": [CANARY], "node": {"y": CANARY}}).to_string(),
            json!({"data": CANARY, "share": [CANARY], "from": [CANARY]}).to_string(),
            format!("{{\"key_value\": \"{CANARY}"),
            format!("{{\"key_value\": {CANARY}}}"),
            format!("{CANARY}=1"),
            format!("{{\"service\":\"a\",\"key_name\":\"b\",\"key_value\":\"{CANARY}\",\"cas\":\"{CANARY}\"}}"),
        ];
        for body in bodies {
            let refused =
                http::ask(&mesh.lead.agent_socket().with_file_name("admin.sock"), method, target, &[], &body).await;
            assert!(refused.status >= 400, "{method} {target} {body}: {}", refused.body);
            assert!(!refused.body.contains("canary") && !refused.head.contains("canary"), "{target}: {}", refused.body);
        }
    }
}

#[tokio::test]
async fn bug_58_what_is_printed_for_debugging_holds_a_value() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", CANARY)).await;
    let answer = mesh.lead.read(read("hubspot/api_key", None)).await.expect("readable");
    assert_eq!(answer.value.expose(), CANARY.as_bytes());
    let key = ApiKeyText::generate(&SystemEntropy).expect("a key");
    let key_text = std::str::from_utf8(key.plaintext().expose()).expect("text").to_owned();
    let token = mesh.token("alpha", prod(&[])).await;
    let token_text = std::str::from_utf8(token.text().expose()).expect("text").to_owned();
    let printed = [
        format!("{:?}", Plaintext::new(CANARY.as_bytes().to_vec())),
        format!("{:?}", put("hubspot/api_key", "global", CANARY)),
        format!("{answer:?}"),
        format!("{key:?}"),
        format!("{token:?}"),
    ];
    for text in printed {
        assert!(!text.is_empty() && !text.contains(CANARY), "{text}");
        assert!(!text.contains(&key_text) && !text.contains(&token_text), "{text}");
    }
}

/// The command line, in every way in which it can fail with a value in its hands.
#[tokio::test]
async fn bug_59_a_program_that_fails_prints_what_it_was_given() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let several_lines = format!("{CANARY}\n{CANARY}\n{}", "x".repeat(70_000));
    let failing: [&[&str]; 6] = [
        &["put", "No/Name", "-"],
        &["put", "hubspot/api_key", "-", "--scope", "company:*"],
        &["put", "hubspot/api_key", "-", "--cas", "77"],
        &["import", "-", "--format", "json", "--yes"],
        &["import", "-", "--format", "yaml", "--yes"],
        &["put", "hubspot/api_key", "-", "--no-such-option"],
    ];
    for arguments in failing {
        for input in [CANARY, &several_lines] {
            let ended = lead.run(arguments, input.as_bytes()).await;
            assert_ne!(ended.code, Some(0), "{arguments:?}: {ended:?}");
            let out = String::from_utf8_lossy(&ended.out);
            assert!(!out.contains("canary") && !ended.err.contains("canary"), "{arguments:?}: {ended:?}");
        }
    }
    let log = std::fs::read_to_string(lead.log_file()).expect("a log");
    assert!(!log.contains("canary"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_60_a_value_is_in_the_file_of_a_store() {
    let mut mesh = TestMesh::start().await;
    let mut follower = mesh.follower("vengeance", prod(&["acme"])).await;
    for (name, scope) in [("hubspot/api_key", "global"), ("hubspot/api_key", "company:acme"), ("a/b", "node:vengeance")]
    {
        let stored = mesh.put(put(name, scope, CANARY)).await;
        follower.reaches(stored.revision).await;
    }
    assert_eq!(follower.value(read("hubspot/api_key", Some("acme"))).await.expect("readable"), CANARY);
    mesh.delete(crate::support::callers::place("hubspot/api_key", "global")).await;
    follower.stop().await;
    mesh.lead.stop().await;
    for node in [&mesh.lead, &follower] {
        assert_eq!(found_in(node, &[CANARY, "bm90LWEtcmVhbC1jYW5hcnktNDE0M"]), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_61_others_may_read_what_is_kept() {
    let mesh = with_secrets().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    for node in [&mesh.lead, &follower] {
        let state = &node.config.node.state_dir;
        let mut looked_at = 0;
        let mut directories = vec![state.clone()];
        while let Some(directory) = directories.pop() {
            assert_eq!(mode(&directory), 0o700, "{}", directory.display());
            for path in journal::items(&directory) {
                let Some(found) = journal::metadata(&path) else { continue };
                if found.is_dir() {
                    directories.push(path);
                } else {
                    // A file that was replaced meanwhile has no name any more.
                    let (bits, names) = (found.permissions().mode() & 0o777, found.nlink());
                    assert!(bits == 0o600 && names <= 1, "{bits:o}, {names} names: {}", path.display());
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at >= 3, "{looked_at}");
        let sockets = &node.config.api.socket_dir;
        assert_eq!((mode(sockets), mode(&sockets.join("admin.sock"))), (0o700, 0o600));
    }
    let mut open = mesh.stranger("alpha");
    std::fs::create_dir(&open.config.node.state_dir).expect("made");
    for bits in [0o777, 0o750, 0o701] {
        std::fs::set_permissions(&open.config.node.state_dir, std::fs::Permissions::from_mode(bits)).expect("set");
        let token = mesh.token("alpha", prod(&[])).await;
        let refused = open.join(&token).await.expect_err("others could come in");
        assert!(format!("{refused:#}").contains("chmod 700"), "{bits:o}: {refused:#}");
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// What a node keeps it keeps in its own directory, and nothing there or in shared memory holds a value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_62_values_are_kept_in_another_system() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let canary = "not-a-real-canary-of-row-62";
    let stored = mesh.put(put("hubspot/api_key", "global", canary)).await;
    follower.reaches(stored.revision).await;
    follower.value(read("hubspot/api_key", None)).await.expect("readable");
    let holds = |bytes: &[u8]| bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
    let mut looked_at = 0;
    for directory in [mesh.dir.path(), Path::new("/dev/shm")] {
        let Ok(true) = directory.try_exists() else { continue };
        for (path, bytes) in files(directory) {
            assert!(!holds(&bytes), "{}", path.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 5, "{looked_at}");
}

#[tokio::test]
async fn bug_63_a_key_is_in_the_environment_or_the_arguments() {
    if !may_look_into_a_node() {
        return;
    }
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    lead.put("hubspot/api_key", "global", CANARY).await;
    let key = std::fs::read_to_string(lead.state_dir().join("unseal.key")).expect("a key file");
    let pid = lead.pid().as_raw_nonzero();
    for file in ["environ", "cmdline"] {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).expect("readable");
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("aurora"), "{file}: {text}");
        assert!(!text.contains(key.trim()) && !text.contains(CANARY), "{file}: {text}");
    }
    let ended = lead.run(&["put", "a/b", "not-a-real-argument"], b"").await;
    assert_ne!(ended.code, Some(0), "a value is never an argument: {ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_64_something_for_developers_was_left_open() {
    let mesh = with_secrets().await;
    let targets = [
        "/debug",
        "/debug/pprof",
        "/debug/vars",
        "/pprof",
        "/trace",
        "/env",
        "/.env",
        "/config",
        "/admin",
        "/console",
        "/actuator",
        "/api/debug",
        "/api/config",
        "/api/state",
        "/v1/sys/pprof",
        "/v1/sys/raw",
        "/server-status",
        "/index.html",
        "/",
        "/api",
    ];
    for target in targets {
        let answer = owner(&mesh, "GET", target, &Value::Null).await;
        assert!(answer.status >= 400, "{target}: {}", answer.body);
    }
}

/// Types that hold a secret have no `==`, and the one comparison looks at every byte.
#[test]
fn bug_65_secrets_are_compared_byte_by_byte() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/crypto");
    let mut seen = 0;
    for (path, bytes) in files(&root) {
        let text = String::from_utf8(bytes).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let holders = [
                "Plaintext",
                "LockedKey",
                "ScopeKey",
                "RootKey",
                "UnsealKey",
                "JoinSecret",
                "ApiKeyText",
                "SigningKey",
                "WebhookKey",
                "FernetKey",
                "SealingKey",
            ];
            let Some(name) = holders.iter().find(|name| is_definition(line, name)) else { continue };
            seen += 1;
            let derives = lines[..at].iter().rev().take_while(|line| line.starts_with('#') || line.starts_with("///"));
            let compares = derives.filter(|line| line.contains("derive")).any(|line| line.contains("PartialEq"));
            assert!(!compares && !text.contains(&format!("PartialEq for {name}")), "{name} in {}", path.display());
        }
    }
    assert!(seen >= 10, "only {seen} of them were found");
    let digest = std::fs::read_to_string(root.join("digest.rs")).expect("text");
    assert!(digest.contains("ct_eq"), "the comparison is not that of subtle");
    assert!(equal(b"abc", b"abc") && !equal(b"abc", b"abd") && !equal(b"abc", b"abcd") && !equal(b"", b"a"));
}

fn is_definition(line: &str, name: &str) -> bool {
    let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub(super) struct "));
    rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with(['(', ' ', '<', ';']))
}

/// Every byte of a share is as likely as any other, zero included: 48,000 of them, against 256 bins.
#[test]
fn bug_66_shares_are_not_drawn_from_all_there_is() {
    const SPLITS: usize = 1_500;
    const PREFIX: &str = "aurora-share-";
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let key = UnsealKey::generate(&SystemEntropy).expect("a key");
    let parameters =
        ShareParameters::generate(Quorum::new(2, 2).expect("a quorum"), &SystemEntropy).expect("parameters");
    let mut bins = [[0_u32; 256]; 2];
    for _ in 0..SPLITS {
        let shares = split(&key, &parameters, &SystemEntropy).expect("shares");
        for (share, bins) in shares.iter().zip(&mut bins) {
            let text = std::str::from_utf8(share.expose()).expect("text").strip_prefix(PREFIX).expect("a share");
            let bytes = base_x::decode(ALPHABET, text).expect("base62");
            // Format, set, threshold and index come before the share itself.
            bytes[11..43].iter().for_each(|byte| bins[usize::from(*byte)] += 1);
        }
    }
    for bins in bins {
        let expected = f64::from(u32::try_from(SPLITS * 32).expect("few")) / 256.0;
        let chi: f64 = bins.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: one fair drawing in some ten million comes to more than 400; a bin that is never met adds 187.
        assert!(chi < 400.0, "{chi}");
    }
}

/// What one request of a connection showed does not speak for the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_67_one_user_s_answer_is_given_to_another() {
    let mut mesh = with_secrets().await;
    agent(&mesh, "reader", &json!({})).await;
    agent(&mesh, "nobody", &json!({"secrets": ["nothing/*"]})).await;
    let (reader, nobody) = (key(&mesh, "reader", &json!({})).await, key(&mesh, "nobody", &json!({})).await);
    let at = mesh.lead.on_loopback().await;
    let mut stream = tokio::net::TcpStream::connect(at).await.expect("listens");
    for (shown, status) in [(Some(&reader), 200), (Some(&nobody), 403), (Some(&reader), 200), (None, 401)] {
        let header = shown.map(|key| format!("X-API-Key: {key}\r\n")).unwrap_or_default();
        let request = format!("GET {SECRET} HTTP/1.1\r\nHost: {at}\r\nX-Aurora-Request: true\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut came = Vec::new();
        let answer = loop {
            if let Some(answer) = http::Answer::parse_if_whole(&came) {
                break answer;
            }
            let mut some = [0; 4096];
            let count = stream.read(&mut some).await.expect("readable");
            assert!(count > 0, "closed after {}", String::from_utf8_lossy(&came));
            came.extend_from_slice(&some[..count]);
        };
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(status == 200 || !answer.body.contains("not-a-real"), "{}", answer.body);
    }
    assert!(done(&mesh, "GET", "/api/apikeys", &Value::Null).await["keys"].is_array());
}
