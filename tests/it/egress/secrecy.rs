//! No text about a call holds a part of its credential, wherever in the call that stood.

use aurora_mesh::egress::call::Call;
use aurora_mesh::egress::error::EgressError;

use super::{CREDENTIAL, Changing, call, call_to, egress, hasty, plain, resolving, server, target};
use crate::support::authority::{Shown, TestAuthority};
use crate::support::ports;
use crate::support::tls_server::TlsServer;

/// Everything that can be printed of an error.
fn texts(error: &EgressError) -> String {
    format!("{error} {error:?} {error:#?}")
}

#[tokio::test]
async fn no_error_holds_a_part_of_the_credential() {
    let authority = TestAuthority::new();
    let closed = ports::free().port();
    let untrusted = TlsServer::start(authority.server(Shown::OtherName, &[]), |_| async { Ok(()) }).await;
    let silent = TlsServer::start(authority.server(Shown::Good, &[]), |stream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    // A host that sends back what it was given.
    let reflected = format!("HTTP/1.1 {CREDENTIAL}\r\n{CREDENTIAL}\r\n\r\n");
    let broken = server(&authority, &reflected).await;
    let long = server(&authority, "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n").await;
    let nowhere = resolving(&authority, &Changing::new(&[]));
    let inside = resolving(&authority, &Changing::new(&[&["169.254.169.254"]]));

    let errors = [
        egress(&authority).send(call(closed)).await,
        egress(&authority).send(call(untrusted.port)).await,
        hasty(&authority).send(call(silent.port)).await,
        egress(&authority).send(call(broken.port)).await,
        egress(&authority).send(call(long.port)).await,
        nowhere.send(call(443)).await,
        inside.send(call(443)).await,
        egress(&authority).send(call_to(target("127.0.0.1.", closed))).await,
    ];

    for error in errors {
        let error = error.expect_err("every one fails");
        for part in [CREDENTIAL, &CREDENTIAL[..12], "getMe", "Bearer", "token", "limit=1"] {
            assert!(!texts(&error).contains(part), "{part} in {error:?}");
        }
    }
    assert!(silent.heard.text().contains(CREDENTIAL), "the control: it was sent");
}

#[tokio::test]
async fn a_call_and_its_answer_do_not_show_what_they_hold() {
    let authority = TestAuthority::new();
    let reflected = format!("HTTP/1.1 200 OK\r\nX-Yours: {CREDENTIAL}\r\nContent-Length: 36\r\n\r\n{CREDENTIAL}");
    let server = server(&authority, &reflected).await;
    let egress = egress(&authority);

    assert!(!format!("{:?} {:#?}", call(1), call(1)).contains(CREDENTIAL));
    let reply = egress.send(call(server.port)).await.expect("answered");
    assert!(!format!("{reply:?} {reply:#?}").contains(CREDENTIAL));
    assert!(!format!("{egress:?} {egress:#?}").contains(CREDENTIAL));
    assert_eq!(
        (reply.header("x-yours"), reply.body.expose()),
        (Some(CREDENTIAL), CREDENTIAL.as_bytes()),
        "the control"
    );
}

#[tokio::test]
async fn what_no_request_may_hold_is_not_sent() {
    let authority = TestAuthority::new();
    let server = server(&authority, super::FINE).await;
    let with = |path: String, name: &str, value: String| Call {
        path: plain(&path),
        headers: vec![(name.to_owned(), plain(&value))],
        ..call(server.port)
    };
    let fine = || ("/v1/me".to_owned(), "authorization", CREDENTIAL.to_owned());
    let beside = [
        ("", ""),
        ("v1", ""),
        ("@elsewhere.test/", ""),
        (":1/", ""),
        (".elsewhere.test/", ""),
        ("/a ", ""),
        ("/", "\n"),
        ("/", "\r\nx: y"),
        ("/", "#b"),
        ("/ä", ""),
        ("/", "/../b"),
        ("/./", ""),
        ("/%2e%2e/", ""),
        ("/a\\", ""),
        ("/", "\0"),
    ];
    for (before, after) in beside {
        let path = format!("{before}{CREDENTIAL}{after}");
        let refused = egress(&authority).send(with(path.clone(), "x-a", fine().2)).await.expect_err(&path);
        assert!(matches!(refused, EgressError::Unsendable { part: "path", .. }), "{path:?}: {refused}");
        assert!(refused.fault().is_none() && !texts(&refused).contains(CREDENTIAL), "{refused}");
    }
    for value in ["a\r\nx: y", "a\n", "\0", "a\u{7f}"] {
        let refused = egress(&authority).send(with(fine().0, fine().1, format!("{CREDENTIAL}{value}"))).await;
        let refused = refused.expect_err(value);
        assert!(matches!(refused, EgressError::Unsendable { part: "header", .. }), "{value:?}: {refused}");
        assert!(!texts(&refused).contains(CREDENTIAL), "{refused}");
    }
    for name in ["host", "connection", "content-length", "transfer-encoding", "", "a b", "Authorization", "a\r\nb"] {
        let refused = egress(&authority).send(with(fine().0, name, fine().2)).await.expect_err(name);
        assert!(matches!(refused, EgressError::Unsendable { part: "header", .. }), "{name:?}: {refused}");
    }
    assert_eq!(server.heard.connections(), 0);
    egress(&authority).send(with(fine().0, fine().1, fine().2)).await.expect("the control");
}
