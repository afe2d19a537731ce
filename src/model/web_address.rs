//! Where on the web something is sent: a host, a port and a path, read from an `https` URL.

use std::fmt;

/// Longest URL: what any receiver takes in a request line.
const URL_BYTES_MAX: usize = 2048;

/// Longest name of a host (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// An `https` URL (RFC 3986) without user, password and fragment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebAddress {
    /// The host, in lower case: a name, or an address without brackets.
    pub host: String,
    /// The port: 443 if the URL has none.
    pub port: u16,
    /// The path and the query, from the first slash on.
    pub path: String,
}

/// A text that is no such URL. Holds nothing of it: a URL may hold a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an https URL of a host, without a user, a password or a fragment")]
pub struct NoWebAddress;

impl WebAddress {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`NoWebAddress`].
    pub fn parse(text: &str) -> Result<Self, NoWebAddress> {
        let is_plain = text.len() <= URL_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        let rest = text.strip_prefix("https://").filter(|_| is_plain).ok_or(NoWebAddress)?;
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if path.contains('#') || authority.contains('@') || path.contains('\\') {
            return Err(NoWebAddress);
        }
        let (host, port) = split(authority).ok_or(NoWebAddress)?;
        let path = match path.chars().next() {
            None => "/".to_owned(),
            Some('/') => path.to_owned(),
            Some(_) => format!("/{path}"),
        };
        Ok(Self { host: host.to_ascii_lowercase(), port, path })
    }

    /// `host:port`: what a list of hosts that may be inside names.
    #[must_use]
    pub fn place(&self) -> String {
        place(&self.host, self.port)
    }
}

/// `host:port`, an IPv6 address in brackets.
#[must_use]
pub fn place(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn split(authority: &str) -> Option<(&str, u16)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return Some((host, if port.is_empty() { 443 } else { number(port.strip_prefix(':')?)? }));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, number(port)?),
        None => (authority, 443),
    };
    is_host(host).then_some((host, port))
}

/// Whether a text is written as the name of a host, or as an IPv4 address.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=HOST_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with(['.', '-'])
}

fn number(text: &str) -> Option<u16> {
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port != 0)
}

impl fmt::Display for WebAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        let place = if self.port == 443 { place.strip_suffix(":443").unwrap_or(&place) } else { &place };
        write!(formatter, "https://{place}{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_written_alike() {
        for text in [
            "https://example.com/",
            "https://a.example.com:8443/x/y?z=1%20",
            "https://[2001:db8::1]:1/",
            "https://10.0.0.1/h",
        ] {
            assert_eq!(WebAddress::parse(text).expect(text).to_string(), text);
        }
        let read = WebAddress::parse("https://Example.com?a=b").expect("a query alone");
        assert_eq!((read.host.as_str(), read.port, read.path.as_str()), ("example.com", 443, "/?a=b"));
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for text in [
            "",
            "http://example.com/",
            "HTTPS://example.com/",
            "https://",
            "https:///x",
            "https://user@example.com/",
            "https://a:b@example.com/",
            "https://example.com/#x",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example.com:/",
            "https://exa mple.com/",
            "https://example.com/\n",
            "https://example.com\\@evil.example/",
            "https://[::1/",
            "https://[example.com]/",
            "https://-a.example/",
        ] {
            assert_eq!(WebAddress::parse(text), Err(NoWebAddress), "{text:?}");
        }
    }
}
