//! Why an actor could not do what it was asked.

use crate::audit::error::AuditError;
use crate::connectivity::inbox::InboxError;
use crate::connectivity::intake::IntakeError;
use crate::crypto::error::CryptoError;
use crate::crypto::fields::FieldError;
use crate::crypto::signing_keys::AGENTS_MAX;
use crate::model::article::ArticleId;
use crate::model::metadata::MetadataError;
use crate::model::name::NodeName;
use crate::model::number::Version;
use crate::model::secret::{KeyScope, ScopedSecret};
use crate::replication::acceptance::Refusal;
use crate::replication::rules_acceptance::RulesRefusal;
use crate::replication::rules_feed::ARTICLES_MAX;
use crate::replication::succession::Disowned;
use crate::store::error::StoreError;
use crate::transport::close::CloseCode;
use crate::transport::error::TransportError;
use crate::wire::control::GoodbyeReason;
use crate::wire::error::WireError;
use crate::wire::join::RefusedReason;
use ractor::ActorProcessingErr;

/// A part of the node could not be started.
#[derive(Debug, thiserror::Error)]
#[error("a part of the node did not start")]
pub struct StartError(#[source] pub(super) ActorProcessingErr);

impl StartError {
    pub(super) fn from_any(error: impl Into<ActorProcessingErr>) -> Self {
        Self(error.into())
    }
}

/// Why a change was not committed. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Check-and-set failed.
    #[error("the current version is not the expected one")]
    Conflict {
        /// The current version, if there is a live one.
        current: Option<Version>,
    },
    /// There is nothing to delete.
    #[error("no such secret")]
    NoSuchSecret,
    /// The secret is not deleted, so nothing can be undeleted.
    #[error("nothing is deleted there")]
    NotDeleted,
    /// The value is gone for good.
    #[error("version {0} was destroyed")]
    Destroyed(Version),
    /// The secret changed since it was read.
    #[error("the secret changed meanwhile")]
    Moved,
    /// What is said about it is over its bounds.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The value does not have the declared fields.
    #[error(transparent)]
    Fields(#[from] FieldError),
    /// One of several secrets could not be changed, so none was.
    #[error("{at}: {cause}")]
    OfSecret {
        /// Which.
        at: ScopedSecret,
        /// Why.
        #[source]
        cause: Box<CommitError>,
    },
    /// An article of the rulebook holds more than it may.
    #[error("{id} cannot be kept: {cause}")]
    Article {
        /// Which.
        id: ArticleId,
        /// Why.
        #[source]
        cause: WireError,
    },
    /// The rulebook is full.
    #[error("the rulebook holds {ARTICLES_MAX} articles, and no more fit")]
    TooManyArticles,
    /// No node has that name.
    #[error("no such node")]
    NoSuchNode,
    /// The lead's own entitlement, or the environment of a node.
    #[error("the entitlement of the lead and the environment of a node cannot be changed")]
    Unchangeable,
    /// The lead cannot be thrown out of its own mesh.
    #[error("the lead cannot be banned or removed")]
    LeadStays,
    /// The node was banned, or was known by this key when it was.
    #[error("the node is banned")]
    Banned,
    /// The node does not wait for approval.
    #[error("the node does not wait for approval")]
    NotPending,
    /// Its key is another than the one that was compared.
    #[error("the node waits with another key")]
    OtherKey,
    /// As many agents sign as can.
    #[error("there are {} agents with a signing key, and there can be no more", AGENTS_MAX)]
    TooManySigners,
    /// Another node is known by this key.
    #[error("another node is known by this key")]
    KeyInUse,
    /// A node has that name already.
    #[error("a node of that name has joined already")]
    NodeExists,
    /// No such join token, or it was forgotten long after its end.
    #[error("the join token is not known")]
    TokenUnknown,
    /// The join token came too late.
    #[error("the join token has expired")]
    TokenExpired,
    /// The join token was used before, with another key.
    #[error("the join token was used before, with another key")]
    TokenReused,
    /// No key opens or seals the value.
    #[error("a key of this scope is missing")]
    NoKey,
    /// A generation that shall go still seals a value.
    #[error("an older key of {0} is still in use")]
    GenerationInUse(KeyScope),
    /// The root key wraps something that does not open.
    #[error("something the root key wraps does not open")]
    Wrapped(#[source] CryptoError),
    /// Sealing failed.
    #[error("the value could not be sealed")]
    Seal(#[from] CryptoError),
    /// The store refused or failed.
    #[error("the store did not take the change")]
    Store(#[source] std::sync::Arc<StoreError>),
    /// Another node leads now.
    #[error("this node is not the lead any more; {0} is")]
    NotLead(NodeName),
    /// Too many changes wait.
    #[error("too many changes are waiting")]
    Overloaded,
    /// No answer in time: the change may or may not have been made.
    #[error("the store did not answer in time")]
    TimedOut,
    /// The actor is gone.
    #[error("the store actor has stopped")]
    Stopped,
}

/// Why a key rotation stands still. What is done stays done.
#[derive(Debug, thiserror::Error)]
pub(super) enum RotationError {
    /// A batch was not committed.
    #[error("a batch was not committed: {0}")]
    Commit(#[from] CommitError),
    /// The older versions could not be read.
    #[error("the older versions could not be read: {0}")]
    Store(#[from] StoreError),
    /// The work could not be announced, or not be accounted for.
    #[error("the audit journal cannot be written")]
    Journal(#[source] AuditError),
}

/// Why a follower did not apply a message. The session ends; the cache stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The message does not fit what this node has followed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules do not fit what this node has followed.
    #[error(transparent)]
    Rules(#[from] RulesRefusal),
    /// The lead sent what this node may not hold.
    #[error("the lead sent a record to which this node is not entitled")]
    NotEntitled {
        /// What it was.
        at: ScopedSecret,
    },
    /// The lead sent a key of a scope this node may not read.
    #[error("the lead sent the key of {at}, to which this node is not entitled")]
    KeyNotEntitled {
        /// What it covers.
        at: KeyScope,
    },
    /// Keys without the records they open.
    #[error("the lead sent too many scope keys and no records")]
    TooManyKeys,
    /// A scope key does not open.
    #[error("a scope key of the lead does not open")]
    Seal(#[from] CryptoError),
    /// The store refused (an older version than was served) or failed.
    #[error("the store did not take the change")]
    Store(#[from] StoreError),
    /// The actor is gone or did not answer.
    #[error("the store actor has stopped")]
    Stopped,
}

impl ApplyError {
    /// What makes the node unfit, as opposed to this session.
    pub(super) fn fatal(&self) -> Option<ActorProcessingErr> {
        match self {
            Self::Store(failure) if !failure.is_refusal() => Some(failure.to_string().into()),
            Self::Store(_)
            | Self::Refused(_)
            | Self::Rules(_)
            | Self::NotEntitled { .. }
            | Self::KeyNotEntitled { .. }
            | Self::TooManyKeys
            | Self::Seal(_)
            | Self::Stopped => None,
        }
    }
}

/// Why a session ended. It touches no other session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The connection or a frame on it.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A frame holds what no frame may hold.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The peer said nothing in time.
    #[error("the peer said nothing in time")]
    Silent,
    /// A frame that does not belong there.
    #[error("the peer sent {0}")]
    Unexpected(&'static str),
    /// No protocol version in common.
    #[error("the peer speaks none of our protocol versions")]
    NoCommonVersion,
    /// The node is no member, or no more.
    #[error("the node is not a member")]
    Expelled,
    /// The peer does not say that it holds the rules it was sent; without them it gets no records.
    #[error("the node did not take the rules it was sent")]
    WithoutRules,
    /// The peer does not read.
    #[error("the peer does not read what it is sent")]
    TooSlow,
    /// A newer connection of the same node took over.
    #[error("a newer connection of the same node took over")]
    Superseded,
    /// The lead said goodbye.
    #[error("the lead ended the session: {0:?}")]
    Dismissed(GoodbyeReason),
    /// The lead did not renew a certificate that had run out.
    #[error("the lead does not take this node back ({0:?}); join again with a new token")]
    NotReadmitted(RefusedReason),
    /// The lead is not followed.
    #[error(transparent)]
    Disowned(#[from] Disowned),
    /// The reign of this lead is over.
    #[error("this node is not the lead any more")]
    SteppedDown,
    /// The succession that a lead stated could not be kept.
    #[error("the succession of the lead could not be kept")]
    Succession(#[source] StoreError),
    /// What came was not applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The follower told more of APIs than a node can know.
    #[error("the node told {0} about APIs")]
    Intake(#[from] IntakeError),
    /// The lead told more of APIs than a mesh can know, or what is none of this node's business.
    #[error("the lead told {0} about APIs")]
    Inbox(#[from] InboxError),
    /// A scope key could not be sealed.
    #[error("a scope key could not be sealed")]
    Seal(#[from] CryptoError),
    /// A scope key is not open.
    #[error("a scope key is not open")]
    Sealed,
    /// A renewed certificate could not be kept.
    #[error("the renewed certificate could not be kept")]
    Certificate(#[source] StoreError),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// A bug: the task panicked.
    #[error("a task of the session panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

impl SessionError {
    /// The code the connection is closed with.
    pub(super) fn close_code(&self) -> CloseCode {
        match self {
            Self::Expelled | Self::NotReadmitted(_) => CloseCode::Banned,
            Self::SteppedDown | Self::Disowned(_) => CloseCode::NotLead,
            Self::TooSlow => CloseCode::TooSlow,
            Self::Superseded => CloseCode::Superseded,
            Self::NoCommonVersion => CloseCode::VersionUnsupported,
            Self::Stopping | Self::Dismissed(_) => CloseCode::ShuttingDown,
            Self::Transport(error) => error.close_code(),
            Self::Wire(_)
            | Self::Silent
            | Self::WithoutRules
            | Self::Unexpected(_)
            | Self::Apply(_)
            | Self::Intake(_)
            | Self::Inbox(_) => CloseCode::ProtocolViolation,
            Self::Seal(_) | Self::Sealed | Self::Certificate(_) | Self::Succession(_) | Self::Panicked(_) => {
                CloseCode::Internal
            }
        }
    }
}
