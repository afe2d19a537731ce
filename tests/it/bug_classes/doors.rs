//! The sockets of a machine and what goes out of it: who asks there, and where credentials are sent.

use std::net::IpAddr;
use std::os::unix::net::UnixStream as StdStream;

use aurora_mesh::catalogue::answer::{Answer, judge};
use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::egress::call::{Call, Method, Target};
use aurora_mesh::egress::client::Egress;
use aurora_mesh::egress::error::EgressError;
use aurora_mesh::interchange::entry::{Content, Format};
use aurora_mesh::interchange::read::read as read_file;
use aurora_mesh::model::reference::Reference;
use aurora_mesh::model::web_address::WebAddress;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, socket};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use crate::agents::stage::{SECRET, agent, journal, key, mesh as with_secrets};
use crate::support::authority::{Shown, TestAuthority};
use crate::support::http;
use crate::support::loopback::{MARK, request, send};
use crate::support::stage::{Act, Stage};

/// A client that is gone at each byte of its request was never answered, and nothing was read for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_83_a_client_that_is_gone_counts_as_somebody() {
    let mesh = with_secrets().await;
    let socket = mesh.lead.agent_socket();
    let whole = format!("GET {SECRET} HTTP/1.1\r\nHost: aurora\r\n\r\n");
    for end in 0..whole.len() {
        let mut stream = UnixStream::connect(&socket).await.expect("listens");
        let _cut = stream.write_all(&whole.as_bytes()[..end]).await;
    }
    let answered = http::get(&socket, SECRET).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let lines = journal(&mesh).await;
    let reads: Vec<&Value> = lines.iter().filter(|line| line["action"] == "secret.read").collect();
    assert_eq!(reads.len(), 1, "{reads:?}");
    let uid = rustix::process::geteuid().as_raw();
    let principal = reads[0]["principal"].as_str().expect("a text");
    assert!(principal.starts_with(&format!("user:{uid} ")), "{}", reads[0]);
}

/// What a client calls its own end of a connection is nobody's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_84_the_address_of_a_client_says_who_it_is() {
    let mesh = with_secrets().await;
    let path = mesh.lead.agent_socket();
    let usual = whoami(&http::get(&path, "/api/whoami").await);
    let directory = tempfile::Builder::new().prefix("aurora-").tempdir().expect("a directory");
    let names = ["x;uid=0;", "uid=0,gid=0", "admin.sock", "user:0"];
    let mut addresses: Vec<SocketAddrUnix> =
        names.iter().map(|name| SocketAddrUnix::new(directory.path().join(name)).expect("short")).collect();
    for name in [&b"uid=0;"[..], b"admin", &[b'a'; 90]] {
        let unique = [name, directory.path().to_string_lossy().as_bytes().split_at(8).1].concat();
        addresses.push(SocketAddrUnix::new_abstract_name(&unique[..unique.len().min(100)]).expect("short"));
    }
    for address in addresses {
        let client = socket(AddressFamily::UNIX, SocketType::STREAM, None).expect("a socket");
        bind(&client, &address).expect("bound");
        connect(&client, &SocketAddrUnix::new(&path).expect("short")).expect("listens");
        let stream = StdStream::from(client);
        stream.set_nonblocking(true).expect("set");
        let mut stream = UnixStream::from_std(stream).expect("a stream");
        let asking = b"GET /api/whoami HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n\r\n";
        stream.write_all(asking).await.expect("written");
        let mut came = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut came).await.expect("answered");
        assert_eq!(whoami(&http::Answer::parse(&came).expect("an answer")), usual, "{address:?}");
    }
}

/// What is told of a caller, but for what belongs to one request.
fn whoami(answer: &http::Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut told = answer.json();
    let fields = told.as_object_mut().expect("an object");
    for of_one_request in ["request_id", "timestamp", "connected_at", "pid"] {
        fields.remove(of_one_request);
    }
    let text = told.to_string();
    assert!(text.contains("principals"), "{text}");
    told["principals"].clone()
}

/// A browser is no program of this machine, whatever page made it ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_86_a_page_in_a_browser_is_answered() {
    let mut mesh = with_secrets().await;
    assert_eq!(mesh.lead.running().loopback(), None, "nobody listens unless the owner says so");
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let at = mesh.lead.on_loopback().await;
    let (here, shown) = (at.to_string(), ("X-API-Key", key.as_str()));
    let evil = format!("evil.example:{}", at.port());
    let of_a_page: [&[(&str, &str)]; 7] = [
        &[("Host", &here), MARK, shown, ("Origin", "https://evil.example")],
        &[("Host", &here), MARK, shown, ("Origin", "null")],
        &[("Host", &here), MARK, shown, ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "cross-site")],
        &[("Host", &evil), MARK, shown],
        &[("Host", "localhost.evil.example"), MARK, shown],
        &[("Host", &here), shown],
        &[MARK, shown],
    ];
    for headers in of_a_page {
        for (method, body) in [("GET", ""), ("POST", "{}"), ("OPTIONS", "")] {
            let came = send(at, request(method, SECRET, headers, body).as_bytes()).await;
            let text = String::from_utf8(came).expect("text");
            assert!(!text.starts_with("HTTP/1.1 2") && !text.contains("not-a-real"), "{headers:?}: {text}");
            assert!(!text.to_lowercase().contains("access-control-allow"), "{text}");
        }
    }
    let came = send(at, request("GET", SECRET, &[("Host", &here), MARK, shown], "").as_bytes()).await;
    assert!(String::from_utf8(came).expect("text").starts_with("HTTP/1.1 200"), "the positive control");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_87_a_forwarder_asks_for_somebody_else() {
    let mut mesh = with_secrets().await;
    agent(&mesh, "robot", &json!({})).await;
    let key = key(&mesh, "robot", &json!({})).await;
    let at = mesh.lead.on_loopback().await;
    let here = at.to_string();
    let of_a_proxy = [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Proto", "http"),
        ("Forwarded", "for=127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("X-Real-Ip", "127.0.0.1"),
    ];
    let mut refused = 0;
    for header in of_a_proxy {
        let headers = [("Host", here.as_str()), MARK, ("X-API-Key", key.as_str()), header];
        let text = String::from_utf8(send(at, request("GET", SECRET, &headers, "").as_bytes()).await).expect("text");
        refused += usize::from(text.starts_with("HTTP/1.1 403") && !text.contains("not-a-real"));
    }
    assert_eq!(refused, of_a_proxy.len());
}

fn plain(text: &str) -> Plaintext {
    Plaintext::new(text.as_bytes().to_vec())
}

/// What no key of a provider looks like.
const CREDENTIAL: &str = "not-a-key-0123456789";

fn call(host: &str, port: u16, allow_private: bool) -> Call {
    Call {
        target: Target { host: host.to_owned(), port, allow_private },
        method: Method::Get,
        path: plain("/v1/models"),
        headers: vec![("authorization".to_owned(), plain(&format!("Bearer {CREDENTIAL}")))],
        body: None,
    }
}

/// To another port, another host, a plain connection: where a redirect leads, nothing is sent.
#[tokio::test]
async fn bug_89_a_credential_follows_a_redirect() {
    let authority = TestAuthority::new();
    let first = Stage::open("first", authority.server(Shown::Good, &["http/1.1"])).await;
    let second = Stage::open("second", authority.server(Shown::Good, &["http/1.1"])).await;
    let egress = Egress::new(Some(authority.pem())).expect("a client");
    let places = [
        format!("https://localhost:{}/stolen", second.port),
        format!("https://127.0.0.1:{}/stolen", second.port),
        format!("http://localhost:{}/stolen", second.port),
        format!("//localhost:{}/stolen", second.port),
        format!("https://user@localhost:{}/stolen", second.port),
    ];
    for place in places {
        for status in [301, 302, 303, 307, 308] {
            first.play(Act::answer(status, &[("location", &place)], ""));
            let reply = egress.send(call("localhost", first.port, true)).await.expect("an answer");
            assert_eq!((reply.status, reply.header("location")), (status, Some(place.as_str())));
        }
    }
    assert_eq!((first.seen().len(), second.connections()), (25, 0));
    assert!(first.seen().iter().all(|seen| seen.holds(CREDENTIAL)), "the positive control");
}

/// What looks like a reference to something of this machine is a text, or nothing.
#[test]
fn bug_92_what_stands_in_a_value_is_looked_up() {
    for text in
        ["${HOME}", "$HOME", "${AURORA_SOCKET:-x}", "`id`", "$(id)", "file:///etc/passwd", "unix:/run/x", "%HOME%"]
    {
        let files = [
            (Format::Dotenv, format!("HUBSPOT_API_KEY={text}\n")),
            (Format::Dotenv, format!("HUBSPOT_API_KEY=\"{text}\"\n")),
            (Format::Json, json!({"hubspot/api_key": text}).to_string()),
            (Format::Yaml, format!("hubspot/api_key: '{text}'\n")),
        ];
        for (format, file) in files {
            let Ok(entries) = read_file(format, "file", &plain(&file)) else { continue };
            let Content::Value(value) = &entries[0].content else { panic!("{entries:?}") };
            assert_eq!(value.expose(), text.as_bytes(), "{file}");
        }
        assert!(Reference::parse(text).is_err() && Reference::parse_short(text).is_err(), "{text}");
        assert!(WebAddress::parse(text).is_err(), "{text}");
    }
    for url in [
        "http://example.com/",
        "https://user:x@example.com/",
        "https://example.com#x",
        "ftp://example.com/",
        "https://exa mple.com/",
        "https://a\\@b/",
    ] {
        assert!(WebAddress::parse(url).is_err(), "{url}");
    }
}

/// Addresses that lead inside are refused in every spelling, before anything is sent.
#[tokio::test]
async fn bug_93_a_name_leads_inside() {
    let authority = TestAuthority::new();
    let inside = Stage::open("inside", authority.server(Shown::Good, &["http/1.1"])).await;
    let egress = Egress::new(Some(authority.pem())).expect("a client");
    let hosts = [
        "localhost",
        "127.0.0.1",
        "127.1.2.3",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
    ];
    for host in hosts {
        let refused = egress.send(call(host, inside.port, false)).await.expect_err(host);
        let bare: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        let is_forbidden = matches!(refused, EgressError::Forbidden { .. });
        assert!(is_forbidden || bare.is_err() && matches!(refused, EgressError::Dns { .. }), "{host}: {refused}");
    }
    for host in ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"] {
        assert!(egress.send(call(host, inside.port, false)).await.is_err(), "{host}");
    }
    assert_eq!(inside.connections(), 0);
}

/// A provider that sends back what it was sent: what is told of its answer are words of the catalogue.
#[test]
fn bug_94_an_answer_brings_the_credential_back() {
    let catalogue = Catalogue::embedded().expect("right");
    let mut judged = 0;
    for provider in catalogue.providers() {
        for field in &provider.fields {
            let Some(probe) = provider.probe(&field.name) else { continue };
            for status in [200, 201, 204, 301, 400, 401, 402, 403, 404, 418, 429, 500, 503] {
                let echo =
                    json!({"error": {"code": CREDENTIAL, "message": CREDENTIAL}, "ok": false, "name": CREDENTIAL})
                        .to_string();
                let headers =
                    [("x-echo".to_owned(), CREDENTIAL.to_owned()), ("location".to_owned(), CREDENTIAL.to_owned())];
                for body in [echo.as_bytes(), CREDENTIAL.as_bytes()] {
                    let told = judge(&probe.answers, &Answer { status, headers: &headers, body });
                    assert!(!format!("{told:?}").contains(CREDENTIAL), "{}: {told:?}", provider.name);
                    judged += 1;
                }
            }
        }
    }
    assert!(judged > 500, "{judged}");
}
