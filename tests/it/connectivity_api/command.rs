//! The same on the command line: a table for people, the answer of the API for programs.

use std::process::Stdio;

use rustix::process::{Signal, kill_process};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::http::post;
use crate::support::process::{Node, directory};

async fn reported(lead: &Node) {
    let reports = [
        json!({"service": "hubspot", "status": "healthy", "response_time_ms": 145}),
        json!({"service": "openai", "status": "down", "last_error": "no answer"}),
    ];
    for report in reports {
        assert_eq!(post(&lead.agent(), "/api/connectivity/status", &report).await.status, 200);
    }
}

#[tokio::test]
async fn the_table_shows_what_was_reported_and_what_is_wrong() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let nothing = lead.run(&["connectivity"], b"").await;
    assert_eq!(nothing.text(), "no service is reported on here\n");
    assert!(nothing.err.contains("watches the services of which it holds credentials"), "{nothing:?}");
    reported(&lead).await;
    let table = lead.run(&["connectivity"], b"").await.text().to_owned();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("SERVICE  OVERALL  aurora"), "{table}");
    assert!(lines[1].starts_with("hubspot  healthy  ok* 145ms "), "{table}");
    assert!(lines[2].starts_with("openai   down     down* "), "{table}");
    assert!(table.contains("reports down, no answer (") && table.contains("\nrule: down if every"), "{table}");
    assert!(!table.contains('\u{1b}') && lines.iter().all(|line| line.chars().count() <= 80), "{table}");
    let one = lead.run(&["connectivity", "hubspot", "-o", "json"], b"").await.json();
    assert_eq!((&one["total_services"], &one["services"][0]["service"]), (&json!(1), &json!("hubspot")));
    assert!(lead.run(&["connectivity", "-o", "yaml"], b"").await.text().contains("overall_status: healthy"));
    let best = lead.run(&["connectivity", "--best", "openai"], b"").await;
    assert_eq!(best.text(), "no node reports on openai\n");
    assert_eq!(lead.run(&["connectivity", "github"], b"").await.text(), "no node reports on github\n");
    assert_eq!(lead.run(&["connectivity", "Open"], b"").await.code, Some(1));
}

#[tokio::test]
async fn whoever_validates_what_is_not_there_is_told_so_by_name_and_code() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let service = lead.run(&["validate", "stripe"], b"").await;
    assert_eq!((service.code, service.out.is_empty()), (Some(3), true));
    assert!(service.err.contains("there is no credential of stripe on this node"), "{service:?}");
    let secret = lead.run(&["validate", "stripe/secret_key"], b"").await;
    assert_eq!(secret.code, Some(3));
    assert!(secret.err.contains("error: stripe/secret_key has no value here\n"), "{secret:?}");
    let provider = lead.run(&["validate", "nobody"], b"").await;
    assert!(provider.code == Some(3) && provider.err.contains("no provider is named nobody"), "{provider:?}");
    assert_eq!(lead.run(&["validate", "--all"], b"").await.code, Some(0));
}

#[tokio::test]
async fn a_watch_goes_on_until_it_is_interrupted_and_then_ends_well() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    reported(&lead).await;
    let mut command = lead.aurora(&["connectivity", "--watch"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary is there");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut headers = 0;
    while headers < 2 {
        let line = lines.next_line().await.expect("text").expect("it goes on");
        headers += usize::from(line.starts_with("SERVICE"));
    }
    let pid = rustix::process::Pid::from_raw(child.id().expect("runs").cast_signed()).expect("a process");
    kill_process(pid, Signal::INT).expect("ours");
    assert_eq!(child.wait().await.expect("ended").code(), Some(0));
}

#[tokio::test]
async fn what_expires_and_what_is_unused_is_listed() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let nothing = lead.run(&["expiring"], b"").await;
    assert_eq!(nothing.text(), "nothing expires within 30d, and no rotation is due\n");
    let soon = aurora_mesh::daemon::system_clock::SystemClock::new().expect("a clock");
    let soon = aurora_mesh::model::time::Clock::now(&soon).wall.plus(std::time::Duration::from_secs(36 * 3600));
    let put = ["put", "github/token", "-", "--expires-at", &soon.to_string()];
    assert_eq!(lead.run(&put, b"not-a-real-key").await.code, Some(0));
    let table = lead.run(&["expiring", "--within", "7d"], b"").await.text().to_owned();
    let wanted = "SECRET        SCOPE   ENVIRONMENT  VERSION  EXPIRES  SAID BY  ROTATION\n\
                  github/token  global  prod         1        in 1 d   user     -\n";
    assert_eq!(table, wanted);
    let unused = lead.run(&["unused", "--for", "0s"], b"").await;
    assert!(unused.text().contains("github/token  global  prod         1        never"), "{unused:?}");
    assert!(unused.err.contains("by the journal of aurora alone"), "{unused:?}");
    let none = lead.run(&["unused"], b"").await;
    assert_eq!(none.text(), "no secret has gone unread here for 90d\n");
}
