//! A host as credential helpers name it: where a password is about to be sent. Two spellings of one host compare alike;
//! two hosts never do.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest text that is read as a host with its port, in bytes: a name of DNS has 253.
const HOST_BYTES_MAX: usize = 260;

/// A name or address in lower case, and a port if one was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The name, or the address; of IPv6 with its brackets.
    pub name: String,
    /// The port.
    pub port: Option<u16>,
}

/// Why a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a host is a name or an address, with :PORT if it has one, and nothing else")]
pub struct HostError;

impl Host {
    /// Reads `github.com`, `127.0.0.1:8080` or `[::1]:443`.
    ///
    /// # Errors
    /// [`HostError`] for anything that has more in it: user names, paths, spaces, underscores.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() || text.len() > HOST_BYTES_MAX {
            return Err(HostError);
        }
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or(HostError)?;
                let address: Ipv6Addr = address.parse().map_err(|_| HostError)?;
                let port = if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(HostError)?) };
                (format!("[{address}]"), port)
            }
            None => {
                let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
                if name.is_empty() || !name.bytes().all(is_name) || name.starts_with(['-', '.']) {
                    return Err(HostError);
                }
                (name.trim_end_matches('.').to_ascii_lowercase(), port)
            }
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| text.parse().ok().filter(|port| *port > 0 && digits(text)).ok_or(HostError);
        Ok(Self { name, port: port.map(number).transpose()? })
    }

    /// The same without a port that goes without saying.
    #[must_use]
    pub fn without(mut self, default: u16) -> Self {
        self.port = self.port.filter(|port| *port != default);
        self
    }

    /// Whether nothing that is sent there leaves this machine: `localhost`, 127.0.0.0/8 or `[::1]`. No name is looked up.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address: Option<IpAddr> = self.name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        self.name == "localhost" || address.is_some_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_host_compare_alike() {
        let host = |text: &str| Host::parse(text).expect(text);
        assert_eq!(host("GitHub.com."), host("github.com"));
        assert_eq!(host("github.com:443").without(443), host("github.com"));
        assert_ne!(host("github.com:8443").without(443), host("github.com"));
        assert_eq!(host("[0:0::1]:8080").to_string(), "[::1]:8080");
        for text in ["127.0.0.1:80", "127.9.9.9", "localhost:1", "[::1]"] {
            assert!(host(text).is_loopback(), "{text}");
        }
        for text in ["localhost.example", "128.0.0.1", "[::2]", "127.0.0.1.example.com"] {
            assert!(!host(text).is_loopback(), "{text}");
        }
    }

    #[test]
    fn what_has_more_in_it_is_no_host() {
        for text in [
            "", ":80", "a b", "a/b", "user@a", "a:", "a:0", "a:+80", "a:70000", "a:1:2", "[::1", "[::1]80", "a_b",
            "-a", ".a", "a\n", "ü",
        ] {
            assert_eq!(Host::parse(text), Err(HostError), "{text:?}");
        }
        assert!(Host::parse(&"a".repeat(HOST_BYTES_MAX + 1)).is_err());
    }
}
