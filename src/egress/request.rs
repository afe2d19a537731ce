//! A call becomes a request: the one place where a credential is put into what the HTTP library sends.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Url};
use std::net::IpAddr;

use super::call::{Call, Method, Target};
use super::error::EgressError;
use super::resolver::Bounds;

/// Headers that say where a call goes or where it ends: a call that brings its own could go elsewhere.
const OWN_HEADERS: [&str; 9] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-authorization",
];

/// Longest name of a host (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// The request of a call, whose host is the target's and whose path is the call's to the byte.
///
/// # Errors
/// [`EgressError::Forbidden`] for a target that is itself an address no call may go to, [`EgressError::Dns`] for one that is
/// no host, [`EgressError::Unsendable`] for what cannot stand in a request.
pub(super) fn request(call: &Call) -> Result<Request, EgressError> {
    let unsendable = |part| EgressError::Unsendable { host: call.target.host.clone(), part };
    let origin = origin(&call.target)?;
    let path = std::str::from_utf8(call.path.expose()).map_err(|_| unsendable("path"))?;
    let url = url(&origin, path).ok_or_else(|| unsendable("path"))?;
    let mut request = Request::new(method(call.method), url);
    for (name, value) in &call.headers {
        let (name, value) = header(name, value.expose()).ok_or_else(|| unsendable("header"))?;
        request.headers_mut().append(name, value);
    }
    if let Some((media_type, body)) = &call.body {
        set(request.headers_mut(), CONTENT_TYPE, media_type);
        *request.body_mut() = Some(body.expose().to_vec().into());
    }
    Ok(request)
}

/// `HEAD /`, with nothing of a credential.
pub(super) fn bare(target: &Target) -> Result<Request, EgressError> {
    Ok(Request::new(method(Method::Head), origin(target)?))
}

/// Which addresses this target may have.
pub(super) fn bounds(target: &Target) -> Bounds {
    if target.allow_private { Bounds::Private } else { Bounds::Open }
}

/// `https://host:port/`. An address is checked here, in whatever form it is written: no resolver is asked for it.
fn origin(target: &Target) -> Result<Url, EgressError> {
    let none = |host: &str| EgressError::Dns { host: host.to_owned(), reason: "it is not a name of a host".to_owned() };
    let is_six = target.host.contains(':') && !target.host.starts_with('[');
    let host = if is_six { format!("[{}]", target.host) } else { target.host.clone() };
    if !is_written_as_a_host(&host) {
        return Err(none("of this target"));
    }
    let url = Url::parse(&format!("https://{host}:{}/", target.port)).map_err(|_| none(&target.host))?;
    let read = url.host_str().ok_or_else(|| none(&target.host))?;
    match read.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => match bounds(target).refuse(address) {
            Some(kind) => Err(EgressError::Forbidden { host: target.host.clone(), address, kind }),
            None => Ok(url),
        },
        Err(_) if read == host.to_ascii_lowercase() => Ok(url),
        Err(_) => Err(none(&target.host)),
    }
}

/// Only what names and addresses are written with: nothing that could begin a user, a port, a path or another line.
fn is_written_as_a_host(host: &str) -> bool {
    let (name, allowed) = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => (address, ":."),
        None => (host, "-._"),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || allowed.as_bytes().contains(&byte);
    !name.is_empty() && host.len() <= HOST_BYTES_MAX && name.bytes().all(fits)
}

/// The origin with this path; none if it would be sent otherwise than it is written, or leads out of the path.
fn url(origin: &Url, path: &str) -> Option<Url> {
    let is_plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    let whole = format!("{}{}", origin.as_str().trim_end_matches('/'), path);
    let url = is_plain.then(|| Url::parse(&whole).ok()).flatten()?;
    let is_same = url.as_str() == whole && url.fragment().is_none() && url.origin() == origin.origin();
    is_same.then_some(url)
}

fn header(name: &str, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    if OWN_HEADERS.contains(&name) {
        return None;
    }
    let name = HeaderName::from_lowercase(name.as_bytes()).ok()?;
    let mut value = HeaderValue::from_bytes(value).ok()?;
    // Kept out of the index of HTTP/2 (RFC 7541, 7.1.3), and out of whatever the libraries show.
    value.set_sensitive(true);
    Some((name, value))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::plaintext::Plaintext;

    fn call(host: &str, path: &str) -> Call {
        let plain = |text: &str| Plaintext::new(text.as_bytes().to_vec());
        Call {
            target: Target { host: host.to_owned(), port: 443, allow_private: false },
            method: Method::Get,
            path: plain(path),
            headers: vec![("x-key".to_owned(), plain("sk-test"))],
            body: None,
        }
    }

    #[test]
    fn a_header_of_a_call_is_marked_as_one_to_hide() {
        let request = request(&call("api.example.com", "/v1/models?limit=1")).expect("a request");
        assert_eq!(request.url().as_str(), "https://api.example.com/v1/models?limit=1");
        assert!(request.headers().get("x-key").is_some_and(HeaderValue::is_sensitive));
        assert!(!format!("{request:?}").contains("sk-test"));
    }

    #[test]
    fn a_path_keeps_what_is_encoded_in_it() {
        for path in ["/", "/bot123%3Aabc/getMe", "/a//b", "/a?x=%2F%0A&y=~", "/%2F..%2F", "/a/..b", "/@b", "/a:1"] {
            let request = request(&call("api.example.com", path)).expect(path);
            assert_eq!(request.url().as_str(), format!("https://api.example.com{path}"));
        }
    }
}
