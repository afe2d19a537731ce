//! Where calls may go, read from the text of a file: HTTPS, a host, and nothing that could hide another.

use std::net::IpAddr;

use super::error::Reason;
use super::probe::Origin;
use super::template::in_path;

/// Longest name of a host (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Longest label of a name.
const LABEL_BYTES_MAX: usize = 63;

/// The port of HTTPS.
const HTTPS: u16 = 443;

/// Reads `https://host`, a port and a path if there are any, and nothing else: what stands before an `@` would look like the
/// host to a person, and a query or a fragment has no place before the path of a call.
pub(super) fn origin(text: &str) -> Result<Origin, Reason> {
    let rest = text.strip_prefix("https://").ok_or_else(|| refused(text, "a URL that begins with https://"))?;
    if text.contains('@') {
        return Err(refused(text, "a URL without a user or a password"));
    }
    if text.contains(['?', '#']) {
        return Err(refused(text, "a URL without a query or a fragment"));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = host_and_port(text, authority)?;
    let prefix = path.strip_suffix('/').unwrap_or(path);
    let is_plain = |segment: &str| !segment.is_empty() && segment != "." && segment != "..";
    let segments = prefix.split('/').skip(1);
    if !prefix.chars().all(in_path) || !segments.into_iter().all(is_plain) {
        return Err(refused(text, "a URL whose path is one or more plain names"));
    }
    Ok(Origin { host, port, prefix: prefix.to_owned() })
}

/// Reads any URL of a page, by the same rules.
pub(super) fn page(text: &str) -> Result<String, Reason> {
    origin(text).map(|_| text.to_owned())
}

/// Reads what follows the one label of a customer: `.supabase.co`, and a port if there is one.
pub(super) fn suffix(text: &str) -> Result<(String, u16), Reason> {
    const WANTED: &str = "a dot and a name of two or more labels, such as .example.com";
    let name = text.strip_prefix('.').ok_or_else(|| refused(text, WANTED))?;
    let (host, port) = host_and_port(text, name)?;
    if host.parse::<IpAddr>().is_ok() || host.starts_with('[') || !host.contains('.') {
        return Err(refused(text, WANTED));
    }
    Ok((format!(".{host}"), port))
}

fn host_and_port(text: &str, authority: &str) -> Result<(String, u16), Reason> {
    let after_address = authority.rfind(']').map_or(0, |at| at.saturating_add(1));
    let colon = authority.get(after_address..).and_then(|rest| rest.find(':'));
    let (host, port) = match colon {
        Some(at) => authority.split_at(after_address.saturating_add(at)),
        None => (authority, ""),
    };
    if !is_host(host) {
        return Err(refused(text, "a URL with the name of a host in lower case, or its address"));
    }
    let port = match port.strip_prefix(':') {
        None => HTTPS,
        Some(digits) => {
            let number = digits.parse().ok().filter(|port| *port != 0 && digits.bytes().all(|it| it.is_ascii_digit()));
            number.ok_or_else(|| refused(text, "a URL with a port from 1 to 65535"))?
        }
    };
    Ok((host.to_owned(), port))
}

/// An address, one of IPv6 in brackets, or a name. What ends in a number and is no address is neither: some would read
/// `127.1` or `0x7f.1` as one (WHATWG URL, host parsing).
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        let length = (1..=LABEL_BYTES_MAX).contains(&label.len());
        length && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= HOST_BYTES_MAX && host.split('.').all(is_label) && !last.starts_with(|it: char| it.is_ascii_digit())
}

fn refused(found: &str, wanted: &'static str) -> Reason {
    Reason::Value { found: found.to_owned(), wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(String, u16, String)> {
        origin(text).ok().map(|origin| (origin.host, origin.port, origin.prefix))
    }

    fn some(host: &str, port: u16, prefix: &str) -> Option<(String, u16, String)> {
        Some((host.to_owned(), port, prefix.to_owned()))
    }

    #[test]
    fn a_host_a_port_and_a_prefix_are_read() {
        assert_eq!(told("https://api.openai.com"), some("api.openai.com", 443, ""));
        assert_eq!(told("https://localhost:8443/openai"), some("localhost", 8443, "/openai"));
        assert_eq!(told("https://10.0.0.1/a/b/"), some("10.0.0.1", 443, "/a/b"));
        assert_eq!(told("https://[::1]:9"), some("[::1]", 9, ""));
        assert_eq!(told("https://example.com/"), some("example.com", 443, ""));
    }

    #[test]
    fn whatever_could_lead_elsewhere_is_refused() {
        for text in [
            "http://example.com",
            "HTTPS://example.com",
            "//example.com",
            "https://",
            "https://example.com@evil.example",
            "https://user:word@example.com",
            "https://example.com?x=1",
            "https://example.com/#x",
            "https://Example.com",
            "https://example.com.",
            "https://exa mple.com",
            "https://-a.example",
            "https://a..example",
            "https://127.1",
            "https://0x7f.0.0.1",
            "https://a.1e3",
            "https://[::1",
            "https://[nonsense]",
            "https://example.com:0",
            "https://example.com:",
            "https://example.com:+1",
            "https://example.com:65536",
            "https://example.com:1:2",
            "https://example.com/../x",
            "https://example.com//x",
            "https://example.com/%2e",
            "https://example.com\\x",
            "https://ex\u{e4}mple.com",
        ] {
            assert!(matches!(origin(text), Err(Reason::Value { .. })), "{text:?}");
        }
    }

    #[test]
    fn a_suffix_is_a_dot_and_a_name_of_two_labels() {
        assert_eq!(suffix(".supabase.co"), Ok((".supabase.co".to_owned(), 443)));
        assert_eq!(suffix(".db.example.com:8443"), Ok((".db.example.com".to_owned(), 8443)));
        for text in ["supabase.co", ".co", ".", "..co", ".Supabase.co", ".1.2.3.4", ".[::1]", ".a.b/c", ".a.b:x"] {
            assert!(suffix(text).is_err(), "{text:?}");
        }
    }
}
