//! Where a call goes is decided once, before the first byte.

use aurora_mesh::egress::call::Target;
use aurora_mesh::egress::client::{CALL_TIMEOUT, Egress};
use aurora_mesh::egress::error::EgressError;
use aurora_mesh::model::connectivity::PathFault;

use super::{CREDENTIAL, Changing, FINE, call, call_to, egress, resolving, server, target};
use crate::support::authority::TestAuthority;
use crate::support::theatre::Theatre;

#[tokio::test]
async fn a_call_reaches_its_host_with_what_it_brings_and_nothing_else() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let egress = egress(&authority);

    let reply = egress.send(call(server.port)).await.expect("answered");

    assert_eq!((reply.status, reply.header("x-note"), reply.body.expose()), (200, Some("here"), &b"fine"[..]));
    let heard = server.heard.text();
    assert!(heard.starts_with(&format!("POST /bot{CREDENTIAL}/getMe?limit=1 HTTP/1.1\r\n")), "{heard}");
    assert!(heard.contains(&format!("authorization: Bearer {CREDENTIAL}\r\n")), "{heard}");
    assert!(heard.contains("content-type: application/json\r\n"), "{heard}");
    let mut names: Vec<&str> = heard.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-length", "content-type", "host", "user-agent"], "{heard}");
    assert!(heard.contains(concat!("user-agent: aurora/", env!("CARGO_PKG_VERSION"))), "{heard}");
}

#[tokio::test]
async fn every_call_looks_its_host_up_once_and_connects_anew() {
    // This server would keep its connections open.
    let theatre = Theatre::start().await;
    let resolver = Changing::new(&[&["127.0.0.1"]]);
    let client = Egress::with_resolver(Some(theatre.ca()), resolver.clone(), CALL_TIMEOUT).expect("a client");

    for times in 1..=3 {
        client.send(call(theatre.port("github"))).await.expect("answered");
        assert_eq!((resolver.asked(), theatre.connections("github")), (times, times));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_is_called_there() {
    let authority = TestAuthority::new();
    let elsewhere = server(&authority, FINE).await;
    for code in [301, 302, 303, 307, 308] {
        let location = format!("https://localhost:{}/stolen", elsewhere.port);
        let answer = format!("HTTP/1.1 {code} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let server = server(&authority, &answer).await;

        let reply = egress(&authority).send(call(server.port)).await.expect("an answer");

        assert_eq!((reply.status, reply.header("location")), (code, Some(location.as_str())));
        assert_eq!(server.heard.connections(), 1);
        assert!(egress(&authority).reach(&target("localhost", server.port)).await.is_ok());
    }
    assert_eq!((elsewhere.heard.connections(), elsewhere.heard.text()), (0, String::new()));
}

#[tokio::test]
async fn an_answer_of_the_dns_that_changes_after_the_check_changes_nothing() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let resolver = Changing::new(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let egress = resolving(&authority, &resolver);

    let reply = egress.send(call(server.port)).await.expect("the address that was checked is the one that is dialled");
    assert_eq!((reply.status, resolver.asked(), server.heard.connections()), (200, 1, 1));

    let refused = egress.send(call(server.port)).await.expect_err("the next call is checked again");
    let metadata = "169.254.169.254".parse().expect("an address");
    let kind = "a link-local address";
    assert_eq!(refused, EgressError::Forbidden { host: "localhost".to_owned(), address: metadata, kind });
    assert_eq!((resolver.asked(), server.heard.connections()), (2, 1));
}

#[tokio::test]
async fn a_name_that_leads_inside_gets_nothing() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let answers: [&[&str]; 8] = [
        &["127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["169.254.169.254"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["fd00:ec2::254"],
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "1.1.1.1"],
    ];
    for answer in answers {
        let resolver = Changing::new(&[answer, &["127.0.0.1"]]);
        let egress = resolving(&authority, &resolver);
        let open = Target { allow_private: false, ..target("localhost", server.port) };

        let refused = egress.send(call_to(open.clone())).await.expect_err("refused");
        assert!(matches!(refused, EgressError::Forbidden { .. }), "{answer:?}: {refused}");
        assert_eq!((refused.fault(), resolver.asked()), (Some(PathFault::Forbidden), 1));
        let refused = egress.reach(&open).await.expect_err("refused");
        assert_eq!(refused.fault(), Some(PathFault::Forbidden));
    }
    assert_eq!((server.heard.connections(), server.heard.text()), (0, String::new()));
}

#[tokio::test]
async fn an_address_instead_of_a_name_is_checked_in_every_form_it_has() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let resolver = Changing::new(&[&["127.0.0.1"]]);
    let egress = resolving(&authority, &resolver);
    let never =
        ["169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]", "0.0.0.0"];
    let inside =
        ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "::1", "[::1]", "::ffff:10.0.0.1", "[::ffff:7f00:1]"];
    for host in never.iter().chain(&inside) {
        let open = Target { allow_private: false, ..target(host, server.port) };
        let refused = egress.send(call_to(open)).await.expect_err(host);
        assert!(matches!(refused, EgressError::Forbidden { .. }), "{host}: {refused}");
    }
    for host in never {
        let refused = egress.send(call_to(target(host, server.port))).await.expect_err(host);
        assert!(matches!(refused, EgressError::Forbidden { .. }), "{host}: {refused}");
    }
    assert_eq!((server.heard.connections(), resolver.asked()), (0, 0));

    let reply =
        egress.send(call_to(target("127.0.0.1", server.port))).await.expect("allowed by the file of a provider");
    assert_eq!((reply.status, server.heard.connections(), resolver.asked()), (200, 1, 0));
}

#[tokio::test]
async fn what_is_more_or_less_than_a_host_is_no_target() {
    let authority = TestAuthority::new();
    let server = server(&authority, FINE).await;
    let resolver = Changing::new(&[&["127.0.0.1"]]);
    let egress = resolving(&authority, &resolver);
    let hosts = [
        "",
        " ",
        "localhost#",
        "localhost/",
        "localhost?",
        "localhost\\",
        "user@localhost",
        "localhost:1",
        "local host",
        "localhost\n",
        "localhost\r\nx: y",
        "%6cocalhost",
        "ⓛocalhost",
        "[localhost]",
        "1.2.3.4.5",
        "[::1",
        "::1%lo",
    ];
    for host in hosts {
        let refused = egress.send(call_to(target(host, server.port))).await.expect_err(host);
        assert_eq!(refused.fault(), Some(PathFault::Dns), "{host:?}: {refused}");
    }
    assert_eq!((server.heard.connections(), resolver.asked()), (0, 0));
}

#[tokio::test]
async fn a_name_without_an_address_is_a_fault_of_the_dns() {
    let authority = TestAuthority::new();
    for answers in [&[][..], &[&[][..]]] {
        let resolver = Changing::new(answers);
        let refused = resolving(&authority, &resolver).send(call(443)).await.expect_err("nowhere");
        assert_eq!((refused.fault(), resolver.asked()), (Some(PathFault::Dns), 1), "{refused}");
    }
}
