//! What is answered about tokens, and about nodes that were thrown out.

use crate::crypto::plaintext::Plaintext;
use crate::model::entitlement::Entitlement;
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::model::roster::JoinToken;
use crate::model::time::Timestamp;

/// A new join token, shown once.
#[derive(Debug)]
pub struct IssuedToken {
    /// The text to hand to the new node.
    pub text: Plaintext,
    /// What it is called in lists.
    pub id: String,
    /// The node it admits.
    pub node: NodeName,
    /// Whether that node stays pending until somebody has compared its key.
    pub approve: bool,
    /// When it stops admitting.
    pub expires_at: Timestamp,
}

/// One join token, without its secret.
#[derive(Debug, Clone)]
pub struct TokenLine {
    /// What it is called.
    pub id: String,
    /// The node it admits.
    pub node: NodeName,
    /// What that node will be entitled to.
    pub entitlement: Entitlement,
    /// Whether that node stays pending until somebody has compared its key.
    pub approve: bool,
    /// Whether it still admits.
    pub state: TokenState,
    /// When it was made, where that is known.
    pub issued_at: Option<Timestamp>,
    /// When it stops admitting.
    pub expires_at: Timestamp,
}

/// Whether a token still admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It does.
    Open,
    /// It has admitted its node.
    Consumed,
    /// Nobody came.
    Expired,
}

impl TokenLine {
    pub(super) fn of(token: &JoinToken, now: Timestamp) -> Self {
        let state = match token.consumed_by {
            Some(_) => TokenState::Consumed,
            None if token.expires_at < now => TokenState::Expired,
            None => TokenState::Open,
        };
        Self {
            id: token.hash.id(),
            node: token.node.clone(),
            entitlement: token.entitlement.clone(),
            approve: token.approve,
            state,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
        }
    }
}

/// A token that admits nobody any more.
#[derive(Debug, Clone)]
pub struct RevokedToken {
    /// What it was called.
    pub id: String,
    /// The node it admitted, or would have.
    pub node: NodeName,
    /// What had become of it before.
    pub state: TokenState,
}

/// A node that was banned or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrownOut {
    /// The change.
    pub revision: Revision,
    /// So many scopes have a new key, which the node never sees.
    pub scopes: usize,
}
