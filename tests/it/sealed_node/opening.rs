//! From sealed to serving: for whoever asks, for the followers, for systemd.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixDatagram, UnixStream};

use super::{sealed_lead, shares, unseal};
use crate::support::http::{self, Answer};
use crate::support::process::{Node, aurora, directory, run};
use crate::support::wait::eventually;

async fn read(node: &Node) -> Answer {
    http::get(&node.agent(), "/api/secrets/hubspot/api_key").await
}

/// The whole promise: the lead comes back sealed, its follower serves from its cache, people bring their shares one by one,
/// and everything goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_that_comes_back_sealed_is_opened_share_by_share_while_its_follower_serves() {
    let dir = directory();
    let (mut lead, shares) = sealed_lead(dir.path(), "3/5").await;
    unseal(&lead, &shares.join("\n")).await.text();
    let revision = lead.put("hubspot/api_key", "global", "pat-na1-abc123").await;
    let mut follower = Node::new(dir.path(), "vengeance", "info");
    follower.join(&lead.token("vengeance", &[]).await).await;
    follower.configure("ttl = \"5m\"", "ttl = \"2s\"");
    follower.start().await;
    follower.reaches(revision).await;

    lead.end(Signal::KILL).await;
    lead.start().await;
    let sealed = read(&lead).await;
    assert_eq!((sealed.status, sealed.code().as_str()), (503, "sealed"));
    assert!(sealed.message().contains("0 of 3 shares"), "{}", sealed.message());
    eventually("the follower's copy is stale, and is given out", || async {
        let answer = read(&follower).await;
        if answer.status == 503 && answer.code() == "audit_unavailable" {
            // A disk that is busy for a second gives nothing out.
            return None;
        }
        assert_eq!((answer.status, &answer.json()["key_value"]), (200, &json!("pat-na1-abc123")));
        (answer.header("x-cache") == Some("STALE")).then_some(())
    })
    .await;

    for (at, told) in [(4, "1 of 3 shares; sealed\n"), (0, "2 of 3 shares; sealed\n")] {
        assert_eq!(unseal(&lead, &shares[at]).await.text(), told);
    }
    assert!(read(&lead).await.message().contains("2 of 3 shares"));
    assert_eq!(lead.health().await["shares"], json!({"provided": 2, "threshold": 3}));
    assert_eq!(unseal(&lead, &shares[2]).await.text(), "unsealed\n");
    assert_eq!(read(&lead).await.json()["key_value"], "pat-na1-abc123", "it serves when the last share is answered");
    let revision = lead.put("hubspot/api_key", "global", "pat-na1-def456").await;
    follower.reaches(revision).await;
    eventually("the follower is fresh again", || async {
        let answer = read(&follower).await;
        (answer.header("x-cache") == Some("HIT") && answer.json()["key_value"] == "pat-na1-def456").then_some(())
    })
    .await;
}

#[tokio::test]
async fn everything_but_its_health_and_its_unsealing_is_sealed() {
    let dir = directory();
    let (node, shares) = sealed_lead(dir.path(), "2/3").await;
    assert_eq!(unseal(&node, &shares[1]).await.text(), "1 of 2 shares; sealed\n");
    for (method, target) in [
        ("GET", "/api/status"),
        ("GET", "/api/secrets"),
        ("POST", "/api/secrets"),
        ("DELETE", "/api/secrets/hubspot/api_key"),
        ("GET", "/api/nodes"),
        ("POST", "/api/tokens"),
        ("GET", "/api/audit"),
        ("PUT", "/api/unseal"),
        ("GET", "/api/nothing"),
    ] {
        for socket in [node.agent(), node.admin()] {
            let answer = http::ask(&socket, method, target, &[], "").await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "sealed"), "{method} {target}");
            assert!(answer.message().contains("1 of 2 shares"), "{method} {target}");
        }
    }
    let health = http::get(&node.agent(), "/health").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!((&health["status"], &health["sealed"]), (&json!("sealed"), &json!(true)));
    assert_eq!(health["shares"], json!({"provided": 1, "threshold": 2}));
    let status = node.run(&["status"], b"").await;
    assert_eq!(status.code, Some(2), "{status:?}");
    let lines: Vec<&str> = status.err.lines().collect();
    assert_eq!(lines[0], "error: the node is sealed: it has 1 of 2 shares", "{status:?}");
    assert!(lines[1].contains("aurora unseal"), "{status:?}");
}

/// The listeners are kept and so are connections: nobody finds a socket that does not answer, and what was sealed a moment
/// ago answers on the connection it was asked on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_fails_and_none_is_closed_while_the_node_opens() {
    let dir = directory();
    let (node, shares) = sealed_lead(dir.path(), "2/2").await;
    let mut kept = UnixStream::connect(node.agent()).await.expect("connects");
    let said = status_on(&mut kept).await;
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("\"sealed\""), "{said}");

    let socket = node.agent();
    let asking = tokio::spawn(async move {
        let (mut asked, mut open_for) = (0_u32, 0_u32);
        while open_for < 20 {
            let health = http::try_ask(&socket, "GET", "/health", &[], "").await.expect("somebody answers");
            assert_eq!(health.status, 200);
            open_for += u32::from(health.json()["status"] == "healthy");
            asked += 1;
        }
        asked
    });
    assert_eq!(unseal(&node, &shares.join("\n")).await.text(), "1 of 2 shares; sealed\nunsealed\n");
    assert!(asking.await.expect("no connection failed") > 20);
    let said = status_on(&mut kept).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("\"healthy\""), "{said}");
}

/// One request on a connection that stays open, and the beginning of its answer with all of its short body.
async fn status_on(stream: &mut UnixStream) -> String {
    stream.write_all(b"GET /api/status HTTP/1.1\r\nHost: aurora\r\n\r\n").await.expect("open");
    let mut said = Vec::new();
    while Answer::parse_if_whole(&said).is_none() {
        let mut some = [0; 1024];
        let read = stream.read(&mut some).await.expect("open");
        assert!(read > 0, "the connection was closed");
        said.extend_from_slice(&some[..read]);
    }
    String::from_utf8(said).expect("text")
}

/// A service of `Type=notify` that waits for people before it is ready would be killed.
#[tokio::test]
async fn systemd_is_told_that_a_sealed_node_is_ready_and_what_it_waits_for() {
    let dir = directory();
    let node = Node::new(dir.path(), "aurora", "info");
    let shares = shares(&node.init_with(&["--shamir", "2/2"], b"").await);
    let path = dir.path().join("notify.sock");
    let systemd = UnixDatagram::bind(&path).expect("a socket");
    let told = async || {
        let mut buffer = [0; 256];
        let read = tokio::time::timeout(Duration::from_secs(20), systemd.recv(&mut buffer)).await;
        String::from_utf8(buffer[..read.expect("told in time").expect("open")].to_vec()).expect("text")
    };
    let mut up = aurora(dir.path(), ["up", "--config"]);
    let up = up.arg(node.config_file()).env("NOTIFY_SOCKET", &path).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = up.spawn().expect("starts");
    let ready = told().await;
    assert!(ready.starts_with("READY=1\nSTATUS=sealed, waits for its shares"), "{ready}");
    assert_eq!(node.health().await["status"], "sealed", "it was ready when it said so");
    unseal(&node, &shares.join("\n")).await.text();
    assert_eq!(told().await.trim(), "STATUS=unsealed");
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("runs");
    kill_process(pid, Signal::TERM).expect("runs");
    assert_eq!(told().await.trim(), "STOPPING=1");
    assert!(child.wait().await.expect("our child").success());
}

#[tokio::test]
async fn a_sealed_node_stops_like_any_other_and_keeps_no_share() {
    let dir = directory();
    let (mut node, shares) = sealed_lead(dir.path(), "2/3").await;
    unseal(&node, &shares[0]).await.text();
    let second = run(aurora(dir.path(), ["up", "--config"]).arg(node.config_file()), b"").await;
    assert!(second.code == Some(1) && second.err.contains("is another aurora running?"), "{second:?}");
    assert!(node.end(Signal::TERM).await.success());
    assert!(!node.agent().exists() && !node.admin().exists());
    node.start().await;
    assert_eq!(node.health().await["shares"], json!({"provided": 0, "threshold": 2}));
}

/// The node opens and cannot serve: whoever brought the last share hears it, and the process ends with the reason.
#[tokio::test]
async fn a_node_that_opens_and_cannot_start_says_so_to_whoever_opened_it() {
    let dir = directory();
    let (mut node, shares) = sealed_lead(dir.path(), "2/2").await;
    // Somebody else has the port of the mesh.
    let text = std::fs::read_to_string(node.config_file()).expect("a configuration");
    let listen =
        text.lines().find_map(|line| line.strip_prefix("listen = ")).expect("set").trim_matches('"').to_owned();
    let _taken = std::net::UdpSocket::bind(listen).expect("free");
    assert_eq!(unseal(&node, &shares[0]).await.text(), "1 of 2 shares; sealed\n");
    let failed = unseal(&node, &shares[1]).await;
    assert!(failed.code == Some(2) && failed.err.contains("the node failed to answer"), "{failed:?}");
    assert_eq!(node.ends_by_itself().await.code(), Some(1));
    let log = std::fs::read_to_string(node.log_file()).expect("a log");
    assert!(log.contains("a request failed inside the node") && log.contains("aurora: "), "{log}");
    assert!(!node.agent().exists(), "no socket without a node");
}
