//! One call to one host, and what came back.

use std::fmt;
use std::time::Duration;

use crate::crypto::plaintext::Plaintext;

/// Longest answer that is read.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// The host a call may go to, and no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its name, in lower case, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether it may have a private address.
    pub allow_private: bool,
}

/// The method of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
}

/// A call. What may hold a part of a credential is a [`Plaintext`], and is shown nowhere.
pub struct Call {
    /// Where it goes.
    pub target: Target,
    /// The method.
    pub method: Method,
    /// The path and the query, percent-encoded: from the first slash.
    pub path: Plaintext,
    /// Headers, by name in lower case.
    pub headers: Vec<(String, Plaintext)>,
    /// The body, and its media type.
    pub body: Option<(&'static str, Plaintext)>,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut shown = formatter.debug_struct("Call");
        shown
            .field("target", &self.target)
            .field("method", &self.method)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// An answer. Its body may hold an access token, and its headers whatever the other end likes: neither is shown.
pub struct Reply {
    /// The code.
    pub status: u16,
    /// The headers that are text, by name in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`BODY_BYTES_MAX`] bytes.
    pub body: Plaintext,
    /// From the call to the end of the answer.
    pub time: Duration,
}

impl fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut shown = formatter.debug_struct("Reply");
        shown
            .field("status", &self.status)
            .field("headers", &names)
            .field("body", &self.body)
            .field("time", &self.time)
            .finish()
    }
}

impl Reply {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
