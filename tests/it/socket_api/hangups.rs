//! Who asks and hangs up at once: what was asked happens, and the journal has all of it.

use std::path::Path;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use super::{Example, HUBSPOT};
use crate::support::journal;
use crate::support::wait::eventually;

/// So often, because what used to be lost was lost in a race.
const TIMES: usize = 20;

/// Sends a whole request and closes the connection without reading a byte.
async fn ask_and_hang_up(socket: &Path, request: &str) {
    let mut stream = UnixStream::connect(socket).await.expect("listens");
    stream.write_all(request.as_bytes()).await.expect("open");
}

/// Lines of the node's journal that hold all of these.
fn lines(example: &Example, parts: &[&str]) -> usize {
    let text = journal::text(&example.lead.state_dir().join("audit"));
    text.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
}

/// The handler of a request went with its connection: a change was committed whose outcome no line told.
#[tokio::test]
async fn a_change_whose_caller_hangs_up_is_announced_made_and_accounted_for() {
    let example = Example::start().await;
    for time in 0..TIMES {
        let body = format!(r#"{{"service":"hung","key_name":"up.{time}","key_value":"x"}}"#);
        let head = format!("POST /api/secrets HTTP/1.1\r\nHost: aurora\r\nContent-Length: {}\r\n\r\n", body.len());
        ask_and_hang_up(&example.lead.admin(), &(head + &body)).await;
    }
    for outcome in [r#""outcome":"intent""#, r#""outcome":"ok""#] {
        eventually(&format!("{TIMES} puts with {outcome}"), || async {
            (lines(&example, &["secret.write", r#""secret":"hung/"#, outcome]) == TIMES).then_some(())
        })
        .await;
    }
}

/// One could try doors all day: the line of a caller who did not stay for its refusal was not written.
#[tokio::test]
async fn a_refused_caller_who_hangs_up_is_in_the_journal() {
    let example = Example::start().await;
    let read = format!("GET {HUBSPOT} HTTP/1.1\r\nHost: aurora\r\nX-Node-Name: vengeance\r\n\r\n");
    let audit = "GET /api/audit HTTP/1.1\r\nHost: aurora\r\n\r\n".to_owned();
    let delete = format!("DELETE {HUBSPOT} HTTP/1.1\r\nHost: aurora\r\n\r\n");
    let table = [("secret.read", read), ("audit.read", audit), ("secret.delete", delete)];
    for (_, request) in &table {
        for _ in 0..TIMES {
            ask_and_hang_up(&example.lead.agent(), request).await;
        }
    }
    for (action, _) in &table {
        eventually(&format!("{TIMES} refusals of {action}"), || async {
            (lines(&example, &[action, r#""decision":"deny""#]) == TIMES).then_some(())
        })
        .await;
    }
}
