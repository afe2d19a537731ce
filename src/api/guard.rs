//! Whether a request on the loopback listener was meant by a program of this machine. Whatever else can open a connection
//! there is turned away before anything is routed, whatever it asks and whichever key it shows.
//!
//! Three others could otherwise make requests there. A **page in a browser** of this machine may send some to any address:
//! it says so (`Origin`, `Sec-Fetch-Site`), and it can add a header of its own only if we agree beforehand, to a preflight,
//! which is refused like any other request of a page. Hence the header that every request must have. A page that made the
//! name of its own server point here (**DNS rebinding**) may add what it likes, and then gives its own name as `Host`. A
//! **proxy** or a function that fetches what others name (SSRF) passes on requests of whoever reaches it: it says so
//! (`Forwarded` and its kin), writes the whole URL where the path belongs, or speaks HTTP/1.0, as nginx does unless it is
//! told otherwise.
//!
//! What it deliberately does not do: tell one local user from another. Only the API key does that.

use std::net::SocketAddr;

use axum::http::header::{FORWARDED, HOST, ORIGIN, VIA};
use axum::http::{HeaderMap, HeaderName, Method, Request, Version};

use super::dialect::Dialect;
use super::shown::{X_AWS_TOKEN, X_VAULT_TOKEN};

/// What every request says, so that no page can make it without asking first.
const X_AURORA_REQUEST: HeaderName = HeaderName::from_static("x-aurora-request");

/// What clients of HashiCorp Vault say for the same reason.
const X_VAULT_REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// What a browser says about where the page is that asks.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a proxy says on whose behalf it asks, and what is meant for one alone: nginx, Cloudflare, Akamai, Envoy, Azure and
/// clients that were told to use a proxy.
const OF_PROXY: [&str; 14] = [
    "cdn-loop",
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "proxy-authorization",
    "proxy-connection",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
];

/// The same, in several headers that begin alike, `X-Forwarded` itself among them.
const X_FORWARDED: &str = "x-forwarded";

/// The port that is left out of `Host`.
const HTTP_PORT: u16 = 80;

/// What unmodified clients ask before they have anything to show, and what tells nothing that is worth a preflight. The
/// numbers of the node are told to somebody without a key only where its configuration says so.
const TELLS_NOTHING: [(&Method, &str); 7] = [
    (&Method::GET, "/v1/sys/health"),
    (&Method::HEAD, "/v1/sys/health"),
    (&Method::GET, "/v1/sys/init"),
    (&Method::GET, "/v1/sys/seal-status"),
    (&Method::GET, "/ping"),
    (&Method::HEAD, "/ping"),
    (&Method::GET, "/metrics"),
];

/// Why a request is turned away. Holds nothing of it but names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    /// The whole URL, an authority or `*` where the path belongs; or an older HTTP. So speaks a proxy.
    #[error("the request is written for a proxy: it is no path alone, or it is not HTTP/1.1")]
    ForProxy,
    /// No `Host`, several, or one that is no name of this listener.
    #[error("the header Host is not the address of this listener")]
    OtherHost,
    /// A page in a browser asks.
    #[error("the request comes from a page in a browser")]
    FromPage,
    /// Somebody else asks through a proxy.
    #[error("the request was forwarded: it has the header {header:?}")]
    Forwarded {
        /// Which says so.
        header: String,
    },
    /// The header that no page can add is not there.
    #[error("the header X-Aurora-Request: true is missing")]
    Unmarked,
}

/// Passes a request that a program of this machine meant for the listener at this address.
///
/// # Errors
/// [`Foreign`], for every other.
pub(super) fn pass<B>(request: &Request<B>, bound: SocketAddr) -> Result<(), Foreign> {
    let (uri, headers) = (request.uri(), request.headers());
    let is_path = uri.scheme().is_none() && uri.authority().is_none() && uri.path().starts_with('/');
    if !is_path || request.version() != Version::HTTP_11 {
        return Err(Foreign::ForProxy);
    }
    if !once(headers, &HOST).is_some_and(|host| names(host, bound)) {
        return Err(Foreign::OtherHost);
    }
    if headers.contains_key(ORIGIN) || is_of_other_site(headers) {
        return Err(Foreign::FromPage);
    }
    if let Some(header) = headers.keys().find(|name| is_of_proxy(name)) {
        return Err(Foreign::Forwarded { header: header.to_string() });
    }
    if is_marked(headers, Dialect::of(uri.path())) || TELLS_NOTHING.contains(&(request.method(), uri.path())) {
        return Ok(());
    }
    Err(Foreign::Unmarked)
}

/// Whether this is how a program of this machine calls the listener.
fn names(host: &str, bound: SocketAddr) -> bool {
    let port = bound.port();
    let is = |name: &str| {
        let with_port = host.len() > name.len() && host.is_char_boundary(name.len());
        let (given, rest) = if with_port { host.split_at(name.len()) } else { (host, "") };
        given.eq_ignore_ascii_case(name) && (rest == format!(":{port}") || (rest.is_empty() && port == HTTP_PORT))
    };
    let own = if bound.is_ipv6() { format!("[{}]", bound.ip()) } else { bound.ip().to_string() };
    is(&own) || ["127.0.0.1", "localhost", "[::1]"].into_iter().any(is)
}

/// A browser that says `none` was told the address by its user; one that says `same-origin` has its page from here.
fn is_of_other_site(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_SITE)
        && !once(headers, &SEC_FETCH_SITE).is_some_and(|site| matches!(site, "none" | "same-origin"))
}

fn is_of_proxy(name: &HeaderName) -> bool {
    name == FORWARDED || name == VIA || name.as_str().starts_with(X_FORWARDED) || OF_PROXY.contains(&name.as_str())
}

/// Whether it has a header that no page can add unasked. In the paths of another system, one that its clients send does as
/// well as ours: they cannot be told to send ours.
fn is_marked(headers: &HeaderMap, dialect: Dialect) -> bool {
    let says_true = |name: &HeaderName| once(headers, name) == Some("true");
    let of_dialect = match dialect {
        Dialect::Aurora => false,
        Dialect::Vault => headers.contains_key(X_VAULT_TOKEN) || says_true(&X_VAULT_REQUEST),
        Dialect::Aws => headers.contains_key(X_AWS_TOKEN) || headers.contains_key(X_VAULT_TOKEN),
    };
    of_dialect || says_true(&X_AURORA_REQUEST)
}

/// The text of a header that is there once.
fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let text = values.next()?.to_str().ok();
    text.filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: (&str, &str) = ("x-aurora-request", "true");
    const HERE: (&str, &str) = ("host", "127.0.0.1:8003");

    fn at(bound: &str, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), Foreign> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        pass(&request.body(()).expect("a request"), bound.parse().expect("an address"))
    }

    fn asked(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), Foreign> {
        at("127.0.0.1:8003", method, target, headers)
    }

    #[test]
    fn a_program_that_marks_its_request_passes_by_any_name_of_loopback() {
        for host in ["127.0.0.1:8003", "localhost:8003", "LocalHost:8003", "[::1]:8003"] {
            assert_eq!(asked("GET", "/api/secrets/a/b?x=1", &[("host", host), MARK]), Ok(()), "{host}");
        }
        assert_eq!(at("127.0.0.5:8003", "GET", "/health", &[("host", "127.0.0.5:8003"), MARK]), Ok(()));
        assert_eq!(at("[::1]:8003", "GET", "/health", &[("host", "[::1]:8003"), MARK]), Ok(()));
        assert_eq!(at("127.0.0.1:80", "GET", "/health", &[("host", "localhost"), MARK]), Ok(()));
        for site in ["none", "same-origin"] {
            assert_eq!(asked("GET", "/health", &[HERE, MARK, ("sec-fetch-site", site)]), Ok(()), "{site}");
        }
    }

    #[test]
    fn a_name_that_is_none_of_the_listener_is_refused() {
        let hosts = [
            "",
            "127.0.0.1",
            "localhost",
            "127.0.0.1:80",
            "127.0.0.1:8004",
            "127.0.0.1:08003",
            "127.0.0.1:8003 ",
            "127.0.0.2:8003",
            "evil.example:8003",
            "localhost.evil.example:8003",
            "127.0.0.1.nip.io:8003",
            "localhost.:8003",
            "localhost:8003:8003",
            "user@localhost:8003",
            "localhost:8003,evil.example",
            "[::1]",
            "::1:8003",
            "0.0.0.0:8003",
            "127.1:8003",
            "2130706433:8003",
        ];
        for host in hosts {
            assert_eq!(asked("GET", "/health", &[("host", host), MARK]), Err(Foreign::OtherHost), "{host:?}");
        }
        assert_eq!(asked("GET", "/health", &[MARK]), Err(Foreign::OtherHost), "none");
        assert_eq!(asked("GET", "/health", &[HERE, HERE, MARK]), Err(Foreign::OtherHost), "two");
        assert_eq!(asked("GET", "/ping", &[("host", "evil.example")]), Err(Foreign::OtherHost), "whatever it asks");
    }

    #[test]
    fn a_page_in_a_browser_is_refused_whatever_else_it_says() {
        let origins = ["http://evil.example", "null", "http://127.0.0.1:8003", "http://localhost:8003", ""];
        for origin in origins {
            assert_eq!(
                asked("GET", "/health", &[HERE, MARK, ("origin", origin)]),
                Err(Foreign::FromPage),
                "{origin:?}"
            );
        }
        for site in ["cross-site", "same-site", "", "None", "anything"] {
            assert_eq!(asked("GET", "/ping", &[HERE, ("sec-fetch-site", site)]), Err(Foreign::FromPage), "{site:?}");
        }
        let preflight =
            [HERE, ("origin", "http://evil.example"), ("access-control-request-headers", "x-aurora-request")];
        assert_eq!(asked("OPTIONS", "/api/secrets/a/b", &preflight), Err(Foreign::FromPage));
    }

    #[test]
    fn what_was_forwarded_is_refused() {
        let named = ["forwarded", "via", "x-forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-anything"];
        for name in named.into_iter().chain(OF_PROXY) {
            let refused = Err(Foreign::Forwarded { header: name.to_owned() });
            assert_eq!(asked("GET", "/health", &[HERE, MARK, (name, "")]), refused, "{name}");
        }
        for target in ["http://127.0.0.1:8003/health", "http://evil.example/health", "*"] {
            assert_eq!(asked("GET", target, &[HERE, MARK]), Err(Foreign::ForProxy), "{target}");
        }
        assert_eq!(asked("CONNECT", "127.0.0.1:8003", &[HERE, MARK]), Err(Foreign::ForProxy));
        let older = Request::builder().version(Version::HTTP_10).uri("/health").header(HERE.0, HERE.1);
        let older = older.header(MARK.0, MARK.1).body(()).expect("a request");
        assert_eq!(pass(&older, ([127, 0, 0, 1], 8003).into()), Err(Foreign::ForProxy));
    }

    /// A method, a target and headers.
    type Ask = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

    #[test]
    fn a_request_without_its_mark_is_refused_and_each_dialect_has_its_own() {
        let unmarked = Err(Foreign::Unmarked);
        const VAULT: (&str, &str) = ("x-vault-token", "x");
        const AWS: (&str, &str) = ("x-aws-parameters-secrets-token", "x");
        const ASKS: (&str, &str) = ("x-vault-request", "true");
        let refused: [Ask; 13] = [
            ("GET", "/health", &[]),
            ("GET", "/health", &[("x-aurora-request", "1")]),
            ("GET", "/health", &[MARK, MARK]),
            ("GET", "/health", &[("x-api-key", "x"), ("authorization", "Bearer x")]),
            ("GET", "/api/secrets/a/b", &[VAULT, AWS, ASKS]),
            ("GET", "/v1/secret/data/a", &[]),
            ("GET", "/v1/secret/data/a", &[AWS, ("x-vault-request", "1")]),
            ("GET", "/secretsmanager/get", &[ASKS]),
            ("POST", "/v1/sys/health", &[]),
            ("PUT", "/v1/sys/seal-status", &[]),
            ("POST", "/ping", &[]),
            ("GET", "/ping/", &[]),
            ("GET", "//v1/sys/health", &[]),
        ];
        for (method, target, headers) in refused {
            let headers = [&[HERE], headers].concat();
            assert_eq!(asked(method, target, &headers), unmarked, "{method} {target} {headers:?}");
        }
        let passed: [Ask; 10] = [
            ("GET", "/v1/secret/data/a", &[VAULT]),
            ("LIST", "/v1/secret/metadata", &[ASKS]),
            ("GET", "/v1/secret/data/a", &[MARK]),
            ("GET", "/secretsmanager/get?secretId=a/b", &[AWS]),
            ("GET", "/secretsmanager/get?secretId=a/b", &[VAULT]),
            ("GET", "/v1/sys/health?standbyok=true", &[]),
            ("HEAD", "/v1/sys/health", &[]),
            ("GET", "/v1/sys/init", &[]),
            ("GET", "/v1/sys/seal-status", &[]),
            ("GET", "/ping", &[]),
        ];
        for (method, target, headers) in passed {
            let headers = [&[HERE], headers].concat();
            assert_eq!(asked(method, target, &headers), Ok(()), "{method} {target} {headers:?}");
        }
    }
}
