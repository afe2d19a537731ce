//! Why something about the nodes of the mesh, or the tokens that lead into it, was not done.

use crate::model::name::NodeName;

/// A refusal, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// A node of that name has joined already.
    #[error("a node named {0} has joined already")]
    Exists(NodeName),
    /// The node of that name was banned.
    #[error("the node {0} is banned")]
    Banned(NodeName),
    /// The node does not wait for approval.
    #[error("the node {0} does not wait for approval")]
    NotPending(NodeName),
    /// The node waits with another key than the one that was compared.
    #[error("the node {0} waits with a key of another fingerprint: it may not be the machine that you mean")]
    OtherFingerprint(NodeName),
    /// The lead cannot be thrown out of its own mesh.
    #[error("the lead cannot be banned or removed")]
    LeadStays,
    /// The lead cannot leave its own mesh.
    #[error("this node is the lead of its mesh, and a mesh without its lead is none")]
    LeadLeaves,
    /// The lead speaks a version of the protocol in which no node leaves by itself.
    #[error("the lead runs an older version, which lets no node leave by itself")]
    OlderLead(NodeName),
    /// No join token is called that.
    #[error("no join token is called {0}")]
    NoSuchToken(String),
    /// A join token that would admit for too long, or not at all.
    #[error("valid_for must be between 1 s and 24 h")]
    TokenLifetime,
}

impl RosterError {
    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "node_exists",
            Self::Banned(_) => "node_banned",
            Self::NotPending(_) => "not_pending",
            Self::OtherFingerprint(_) => "fingerprint_mismatch",
            Self::LeadStays | Self::LeadLeaves => "lead_stays",
            Self::OlderLead(_) => "no_lead",
            Self::NoSuchToken(_) => "not_found",
            Self::TokenLifetime => "bad_value",
        }
    }
}
