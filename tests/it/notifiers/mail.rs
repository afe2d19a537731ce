//! Mail goes out only to a server that proved who it is, and nothing of a credential is said before.

use std::process::Stdio;

use aurora_mesh::actors::delivery_sorting::Sent;
use aurora_mesh::model::channel::{Channel, MailRoute, Means, Priority};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::mail_server::{MailServer, Manner};
use super::{channel, key, waiting, with_channels};
use crate::support::authority::{Shown, TestAuthority};
use crate::support::callers::{agent, put};
use crate::support::clients::{python, script};
use crate::support::mesh::TestMesh;
use crate::support::process::directory;
use crate::support::wait::eventually;

const PASSWORD: &str = "canary-password";

fn email(port: u16) -> Channel {
    let route = MailRoute {
        host: "localhost".to_owned(),
        port,
        user: Some("aurora".to_owned()),
        from: "Aurora <aurora@example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned(), "b@example.com".to_owned()],
    };
    channel(Means::Email(Box::new(route)), "aurora://smtp/password")
}

async fn scene(manner: Manner, shown: Shown) -> (MailServer, TestMesh) {
    let authority = TestAuthority::new();
    let server = MailServer::start(authority.server(shown, &[]), manner).await;
    let channels = [(key("mail"), email(server.port))].into();
    let mesh = with_channels(&authority, server.port, channels, Vec::new()).await;
    mesh.put(put("smtp/password", "global", PASSWORD)).await;
    (server, mesh)
}

async fn tell(mesh: &TestMesh, text: &str) -> Sent {
    mesh.lead.vault().notify(&agent(), key("mail"), text, Priority::Normal).await.expect("taken in")
}

/// The same, and waits until it is delivered: what takes longer than the patience of the caller goes on.
async fn tell_surely(mesh: &TestMesh, text: &str) {
    if tell(mesh, text).await != Sent::Delivered {
        eventually("it is delivered", || async { (waiting(mesh).await == 0).then_some(()) }).await;
    }
}

#[tokio::test]
async fn a_mail_is_sent_after_the_connection_is_secured() {
    let (server, mesh) = scene(Manner::StartTls, Shown::Good).await;
    tell_surely(&mesh, "line one\n.\nline two").await;
    assert_eq!(server.clear(), "EHLO localhost\r\nSTARTTLS\r\n");
    let said = server.secured();
    let login = format!("AUTH PLAIN {}", STANDARD.encode(format!("\0aurora\0{PASSWORD}")));
    assert!(said.contains(&login), "{said}");
    assert!(said.contains("RCPT TO:<ops@example.com>") && said.contains("RCPT TO:<b@example.com>"), "{said}");
    assert!(said.contains("Subject: [aurora] aurora aurora: a message"), "{said}");
    assert!(said.contains("line one") && said.contains("\n..\r\n"), "{said}");
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_is_not_secured_or_not_proved() {
    for (manner, shown, why) in [
        (Manner::Clear, Shown::Good, "STARTTLS"),
        (Manner::StartTls, Shown::OtherName, "for another name"),
        (Manner::StartTls, Shown::UnknownAuthority, "not trusted here"),
        (Manner::Injected, Shown::Good, "did not prove"),
    ] {
        let (server, mesh) = scene(manner, shown).await;
        let Sent::Queued { last } = tell(&mesh, "x").await else { panic!("{manner:?} {shown:?}: it was sent") };
        let last = last.expect("tried");
        assert!(last.contains(why), "{manner:?} {shown:?}: {last}");
        assert!(server.secured().is_empty() && !server.clear().contains("AUTH"), "{manner:?}");
    }
}

#[tokio::test]
async fn a_refusal_and_an_endless_line_are_told_without_the_words_of_the_server() {
    for (manner, why) in
        [(Manner::Refusing, "535"), (Manner::Endless, "the connection ended, or what came is not SMTP")]
    {
        let (_server, mesh) = scene(manner, Shown::Good).await;
        let Sent::Queued { last } = tell(&mesh, "x").await else { panic!("{manner:?}: it was sent") };
        let last = last.expect("tried");
        assert!(last.contains(why) && !last.contains("s3cret") && !last.contains("canary"), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_of_others_takes_a_mail_after_starttls_and_a_login() {
    let Some(python) = python() else { return };
    let (authority, dir) = (TestAuthority::new(), directory());
    let (certificate, its_key) = (dir.path().join("certificate.pem"), dir.path().join("key.pem"));
    let pair = authority.pem_pair();
    std::fs::write(&certificate, pair.0).expect("writable");
    std::fs::write(&its_key, pair.1).expect("writable");
    let mut command = tokio::process::Command::new(python);
    command.arg(script("mail_receiver.py")).args([&certificate, &its_key]);
    let mut server = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it runs");
    let mut told = BufReader::new(server.stdout.take().expect("piped")).lines();
    let port = told.next_line().await.expect("text").expect("a port").parse::<u16>().expect("a number");
    let mesh = with_channels(&authority, port, [(key("mail"), email(port))].into(), Vec::new()).await;
    mesh.put(put("smtp/password", "global", PASSWORD)).await;

    tell_surely(&mesh, "line one\n.\nline tw\u{f6}").await;
    let mail: Value = serde_json::from_str(&told.next_line().await.expect("text").expect("a mail")).expect("JSON");
    assert_eq!((&mail["secured"], &mail["login"]), (&json!(true), &json!(format!("aurora {PASSWORD}"))));
    assert_eq!(
        (&mail["from"], &mail["to"]),
        (&json!("aurora@example.com"), &json!(["ops@example.com", "b@example.com"]))
    );
    assert_eq!(mail["text"], "line one\r\n.\r\nline tw\u{f6}\r\n");
    assert_eq!((&mail["defects"], &mail["lacks"]), (&json!([]), &json!([])), "{mail}");
}
