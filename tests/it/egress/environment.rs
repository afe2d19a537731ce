//! The environment of the process decides nothing about where a call goes, and its log says nothing of what it holds. Both
//! are of a whole process, so each test runs itself again as one.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aurora_mesh::egress::client::Egress;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{CREDENTIAL, FINE, call, server};
use crate::support::authority::TestAuthority;
use crate::support::theatre::Theatre;

/// Where the caller of a test's second process goes: `PORT PORT…`.
const PORTS: &str = "AURORA_TEST_EGRESS_PORTS";

/// Whom it trusts.
const CA: &str = "AURORA_TEST_EGRESS_CA";

/// The part that runs in a process of its own; alone it is nothing.
#[tokio::test]
async fn a_process_that_calls() {
    let (Ok(ports), Ok(ca)) = (std::env::var(PORTS), std::env::var(CA)) else { return };
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::stderr);
    subscriber.with_ansi(false).init();
    let egress = Egress::new(Some(&ca)).expect("a client");
    for port in ports.split(' ') {
        let reply = egress.send(call(port.parse().expect("a port"))).await.expect("answered");
        assert_eq!(reply.status, 200);
        tracing::info!(status = reply.status, "answered");
    }
}

/// What the other process logged.
async fn calling(ports: &[u16], authority: &str, more: &[(&str, String)]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let mut process = Command::new(std::env::current_exe().expect("this binary"));
    process.args(["--exact", "egress::environment::a_process_that_calls", "--nocapture", "--test-threads=1"]);
    process.env(PORTS, ports.join(" ")).env(CA, authority).envs(more.iter().map(|(name, value)| (name, value)));
    let ended = process.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("runs");
    let log = [ended.stdout, ended.stderr].concat();
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(ended.status.success(), "{log}");
    assert_eq!(log.matches(" answered status=200").count(), ports.len(), "the control: it called: {log}");
    log
}

#[tokio::test]
async fn no_proxy_of_the_environment_is_used() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let proxy = format!("http://{}", listener.local_addr().expect("bound"));
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let proxying = tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let environment: Vec<(&str, String)> = names.map(|name| (name, proxy.clone())).into();

    calling(&[server.port], authority.pem(), &environment).await;

    assert_eq!((server.heard.connections(), taken.load(Ordering::SeqCst)), (1, 0));
    proxying.abort();
}

#[tokio::test]
async fn a_log_of_everything_holds_no_part_of_the_credential() {
    let theatre = Theatre::start().await;
    theatre.answers("telegram", 200, &[], "fine");
    let old = TestAuthority::new();
    let server = server(&old, FINE).await;
    let both = format!("{}{}", theatre.ca(), old.pem());

    let log = calling(&[theatre.port("telegram"), server.port], &both, &[]).await;

    for wanted in ["h2::", "hyper_util::", "rustls::"] {
        assert!(log.contains(wanted), "the control: {wanted} logs");
    }
    let [seen] = &theatre.requests("telegram")[..] else { panic!("one request") };
    assert!(seen.path.contains(CREDENTIAL) && seen.body.contains(CREDENTIAL), "the control: it was sent");
    let found: Vec<&str> = log.lines().filter(|line| line.contains(CREDENTIAL)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
