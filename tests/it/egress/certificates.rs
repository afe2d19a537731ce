//! Who does not prove to be the host is told nothing.

use std::sync::Arc;

use aurora_mesh::egress::client::Egress;
use aurora_mesh::egress::error::EgressError;
use aurora_mesh::model::connectivity::PathFault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FINE, call, egress, hasty, server, target};
use crate::support::authority::{Shown, TestAuthority};
use crate::support::theatre::Theatre;
use crate::support::tls_server::TlsServer;

#[tokio::test]
async fn who_shows_a_bad_certificate_hears_nothing() {
    let authority = TestAuthority::new();
    let reasons = [
        (Shown::OtherName, "its certificate is for another name"),
        (Shown::UnknownAuthority, "its certificate is of an authority that is not trusted here"),
        (Shown::Impostor, "its certificate is of an authority that is not trusted here"),
        (Shown::Expired, "its certificate has expired"),
        (Shown::NotYet, "its certificate is not valid yet"),
    ];
    for (shown, wanted) in reasons {
        let server = TlsServer::start(authority.server(shown, &[]), |_| async { Ok(()) }).await;

        let refused = egress(&authority).send(call(server.port)).await.expect_err("not the host");
        let EgressError::Tls { reason, .. } = &refused else { panic!("{shown:?}: {refused}") };
        assert_eq!(reason, wanted);
        let reached = egress(&authority).reach(&target("localhost", server.port)).await.expect_err("not the host");
        assert_eq!(reached.fault(), Some(PathFault::Tls));

        assert_eq!((server.heard.handshakes(), server.heard.text()), (0, String::new()), "{shown:?}");
        assert_eq!(server.heard.connections(), 2, "the control: it was there");
    }
}

#[tokio::test]
async fn only_authorities_that_were_named_are_trusted_besides_the_public_ones() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;

    let refused = Egress::new(None).expect("a client").send(call(server.port)).await.expect_err("unknown");
    assert_eq!(refused.fault(), Some(PathFault::Tls), "{refused}");
    assert_eq!(server.heard.text(), "");

    egress(&authority).send(call(server.port)).await.expect("the control");
    let both = format!("{}{}", TestAuthority::new().pem(), authority.pem());
    Egress::new(Some(&both)).expect("a client").send(call(server.port)).await.expect("one of two");
    assert!(Egress::new(Some("no certificate")).is_err());
}

#[tokio::test]
async fn a_server_of_tls_1_2_is_spoken_to() {
    let authority = TestAuthority::new();
    let server = TlsServer::start(authority.server_of_tls_1_2(), |mut stream| async move {
        stream.write_all(FINE.as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
    assert_eq!(egress(&authority).send(call(server.port)).await.expect("answered").status, 200);
}

#[tokio::test]
async fn http_2_is_spoken_where_the_host_speaks_it() {
    let theatre = Theatre::start().await;
    theatre.answers("openai", 200, &[("x-note", "here")], "fine");
    let egress = Egress::new(Some(theatre.ca())).expect("a client");

    let reply = egress.send(call(theatre.port("openai"))).await.expect("answered");

    assert_eq!((reply.status, reply.header("x-note"), reply.body.expose()), (200, Some("here"), &b"fine"[..]));
    let [seen] = &theatre.requests("openai")[..] else { panic!("one request") };
    assert!(seen.header("host").is_none(), "the name is in :authority, as in HTTP/2: {seen:?}");
}

#[tokio::test]
async fn what_does_not_speak_tls_gets_no_word() {
    let authority = TestAuthority::new();
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "\u{15}\u{3}\u{3}\0\u{2}\u{2}("] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let for_task = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut first = vec![0; 16 * 1024];
            let count = stream.read(&mut first).await.expect("a greeting");
            for_task.lock().expect("not poisoned").extend_from_slice(&first[..count]);
            stream.write_all(answer.as_bytes()).await.expect("written");
        });

        let refused = hasty(&authority).send(call(port)).await.expect_err("no proof");

        task.await.expect("played");
        assert_eq!(refused.fault(), Some(PathFault::Tls), "{refused}");
        let heard = heard.lock().expect("not poisoned");
        assert_eq!(heard.first(), Some(&0x16), "a greeting of TLS, and nothing before it");
        assert!(!String::from_utf8_lossy(&heard).contains(super::CREDENTIAL));
    }
}
