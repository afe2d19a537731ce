//! Whoever could open a connection on loopback without being a program of this machine: 403, and no byte of a secret, with
//! whichever key it shows.

use super::Stage;
use crate::agents::stage::{SECRET, journal};
use crate::support::loopback::{MARK, ask, get, request, send};

/// The value that must not leave.
const VALUE: &str = "not-a-real-global-key";

/// The status of an answer, and its whole text.
fn told(received: &[u8]) -> (u16, String) {
    let text = String::from_utf8(received.to_vec()).expect("text");
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text:?}")), text)
}

/// Who asks, and its method, target and headers.
type Asker<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_a_rebound_name_a_proxy_and_an_unmarked_request_get_no_byte_of_a_secret() {
    let Stage { mesh, at, key } = Stage::set().await;
    let (here, key) = (at.to_string(), ("X-API-Key", key.as_str()));
    let host = ("Host", here.as_str());
    let rebound = format!("evil.example:{}", at.port());
    let absolute = format!("http://{here}{SECRET}");
    let origin = ("Origin", "http://evil.example");
    let preflight = [host, origin, ("Access-Control-Request-Method", "GET")];
    let table: [Asker<'_>; 17] = [
        ("a page", "GET", SECRET, vec![host, MARK, key, origin]),
        ("a page without an origin of its own", "GET", SECRET, vec![host, MARK, key, ("Origin", "null")]),
        ("a browser for another site", "GET", SECRET, vec![host, MARK, key, ("Sec-Fetch-Site", "cross-site")]),
        ("a preflight", "OPTIONS", SECRET, preflight.to_vec()),
        ("a form", "POST", "/api/secrets", vec![host, key, origin, ("Content-Type", "text/plain")]),
        ("a rebound name", "GET", SECRET, vec![("Host", &rebound), MARK, key]),
        ("no host", "GET", SECRET, vec![MARK, key]),
        ("two hosts", "GET", SECRET, vec![host, ("Host", &rebound), MARK, key]),
        ("a whole URL", "GET", &absolute, vec![host, MARK, key]),
        ("a tunnel", "CONNECT", &here, vec![host, MARK, key]),
        ("a forwarded one", "GET", SECRET, vec![host, MARK, key, ("X-Forwarded-For", "192.0.2.1")]),
        ("a forwarded one", "GET", SECRET, vec![host, MARK, key, ("Forwarded", "for=192.0.2.1")]),
        ("a proxy", "GET", SECRET, vec![host, MARK, key, ("Via", "1.1 proxy")]),
        ("an unmarked one", "GET", SECRET, vec![host, key]),
        ("one with another mark", "GET", SECRET, vec![host, key, ("X-Vault-Request", "true")]),
        ("an unmarked one for AWS", "GET", "/secretsmanager/get?secretId=openai/api_key", vec![host, key]),
        ("an unmarked one for Vault", "GET", "/v1/secret/data/openai", vec![host, key]),
    ];
    let before = journal(&mesh).await.len();
    for (who, method, target, headers) in table {
        let (status, text) = told(&send(at, request(method, target, &headers, "").as_bytes()).await);
        assert_eq!(status, 403, "{who}: {text}");
        assert!(!text.contains(VALUE) && !text.to_lowercase().contains("access-control"), "{who}: {text}");
        let aurora = !target.starts_with("/secretsmanager") && !target.starts_with("/v1/");
        assert!(!aurora || text.contains(r#""code":"foreign_request""#), "{who}: {text}");
    }
    let older =
        format!("GET {SECRET} HTTP/1.0\r\nHost: {here}\r\nX-Aurora-Request: true\r\nX-API-Key: {}\r\n\r\n", key.1);
    let (status, text) = told(&send(at, older.as_bytes()).await);
    assert!(status == 403 && !text.contains(VALUE), "{text}");
    assert_eq!(journal(&mesh).await.len(), before + 1, "nobody asked but the journal's reader");
    assert_eq!(get(at, key.1, SECRET).await.json()["key_value"], VALUE, "a program that does as it is told");
}

/// What the guard let through does not speak for what follows it on the same connection, nor for what hides in a body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_a_connection_is_looked_at_and_none_is_smuggled_in_another() {
    let Stage { at, key, mesh: _kept } = Stage::set().await;
    let bare = format!("GET {SECRET} HTTP/1.1\r\nHost: {at}\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n");
    let ping = format!("GET /ping HTTP/1.1\r\nHost: {at}\r\n");
    let marked = format!("GET /health HTTP/1.1\r\nHost: {at}\r\nX-Aurora-Request: true\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let table = [
        ("after a ping", format!("{ping}\r\n{bare}")),
        ("after one that is marked", format!("{marked}\r\n{bare}")),
        ("in a body of two lengths", format!("{marked}Content-Length: 4\r\n{chunked}\r\n0\r\n\r\n{bare}")),
        ("after an upgrade", format!("{ping}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n{bare}")),
        ("after an upgrade to HTTP/2", format!("{ping}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n{bare}")),
        ("behind a folded header", format!("{ping}X: a\r\n X-Aurora-Request: true\r\n\r\n{bare}")),
    ];
    for (how, requests) in table {
        let received = send(at, requests.as_bytes()).await;
        let text = String::from_utf8_lossy(&received).into_owned();
        assert!(!text.contains(VALUE) && !text.contains("HTTP/1.1 101"), "{how}: {text}");
    }
    assert_eq!(get(at, &key, SECRET).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_that_mean_nothing_here_and_headers_without_end_are_refused_and_the_next_request_is_answered() {
    let Stage { at, key, mesh: _kept } = Stage::set().await;
    let host = at.to_string();
    let headers = [("Host", host.as_str()), MARK, ("X-API-Key", key.as_str())];
    for (method, target, expected) in
        [("TRACE", SECRET, 405), ("OPTIONS", SECRET, 405), ("OPTIONS", "*", 403), ("PROPFIND", SECRET, 405)]
    {
        let (status, text) = told(&send(at, request(method, target, &headers, "").as_bytes()).await);
        assert!(status == expected && !text.contains(VALUE) && !text.contains(&key), "{method} {target}: {text}");
    }
    let long = "a".repeat(10 << 10);
    let (status, _) =
        told(&send(at, request("GET", SECRET, &[&headers[..], &[("X-Long", &long)]].concat(), "").as_bytes()).await);
    assert_eq!(status, 431);
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0; 9000]] {
        let received = send(at, bytes).await;
        assert!(received.is_empty() || (400..500).contains(&told(&received).0));
    }
    assert_eq!(get(at, &key, SECRET).await.status, 200);
}

/// The paths that unmodified clients ask before they have anything to show pass the guard; they are no way around it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_tells_nothing_needs_no_mark_but_the_right_host() {
    let Stage { at, mesh: _kept, .. } = Stage::set().await;
    let host = at.to_string();
    let (status, text) = told(&send(at, request("GET", "/ping", &[("Host", &host)], "").as_bytes()).await);
    assert!(status == 200 && text.ends_with("\r\n\r\nhealthy"), "{text}");
    let (status, _) = told(&send(at, request("GET", "/ping", &[("Host", "evil.example")], "").as_bytes()).await);
    assert_eq!(status, 403);
    let (status, _) = told(&send(at, request("GET", "/health", &[("Host", &host)], "").as_bytes()).await);
    assert_eq!(status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_of_the_routes_is_for_everybody_who_marks_the_request() {
    let Stage { at, mesh: _kept, .. } = Stage::set().await;
    let document = ask(at, "GET", "/openapi.json", &[], "").await;
    assert_eq!((document.status, &document.json()["openapi"]), (200, &serde_json::json!("3.1.0")));
    let unmarked = request("GET", "/openapi.json", &[("Host", &at.to_string())], "");
    assert_eq!(told(&send(at, unmarked.as_bytes()).await).0, 403);
}
