//! Why a call got no answer. None of these texts holds any part of the call but its host.

use std::net::IpAddr;

use crate::model::connectivity::PathFault;

/// Why a call got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The name has no address.
    #[error("the name {host} has no address: {reason}")]
    Dns {
        /// Whose.
        host: String,
        /// The resolver's reason.
        reason: String,
    },
    /// An address of the name, or the target itself, is one that calls may not go to.
    #[error("{host} leads to {address}, which is {kind}: nothing was sent")]
    Forbidden {
        /// The name.
        host: String,
        /// Which address.
        address: IpAddr,
        /// What kind of address that is.
        kind: &'static str,
    },
    /// Nobody answers there.
    #[error("{host} cannot be connected to: {reason}")]
    Connect {
        /// Which host.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// The other end did not prove to be the host.
    #[error("{host} did not prove who it is: {reason}")]
    Tls {
        /// Which host.
        host: String,
        /// What was wrong with it.
        reason: String,
    },
    /// No answer in time.
    #[error("{host} did not answer within {} s", limit.as_secs())]
    Timeout {
        /// Which host.
        host: String,
        /// How long it was waited for.
        limit: std::time::Duration,
    },
    /// The answer is longer than any that is read.
    #[error("the answer of {host} is longer than 1 MiB")]
    TooLong {
        /// Which host.
        host: String,
    },
    /// The connection broke, or what came was no HTTP.
    #[error("the answer of {host} broke off: {reason}")]
    Broken {
        /// Which host.
        host: String,
        /// How.
        reason: String,
    },
    /// What was to be sent is no request: a header or a path that holds what none may.
    #[error("the call to {host} cannot be made of this credential: it holds what no {part} may")]
    Unsendable {
        /// Which host.
        host: String,
        /// `header` or `path`.
        part: &'static str,
    },
}

impl EgressError {
    /// What is wrong with the path; none if it is the credential that cannot be sent.
    #[must_use]
    pub fn fault(&self) -> Option<PathFault> {
        match self {
            Self::Dns { .. } => Some(PathFault::Dns),
            Self::Forbidden { .. } => Some(PathFault::Forbidden),
            Self::Connect { .. } => Some(PathFault::Connect),
            Self::Tls { .. } => Some(PathFault::Tls),
            Self::Timeout { .. } => Some(PathFault::Timeout),
            Self::TooLong { .. } | Self::Broken { .. } => Some(PathFault::Broken),
            Self::Unsendable { .. } => None,
        }
    }
}
