//! Why the door stays shut. The API has one table from these to codes and statuses.

use std::time::Duration;

use super::access_error::AccessError;
use super::agent_error::AgentError;
use super::back_error::BackError;
use super::backup_error::BackupError;
use super::delivery_error::DeliveryError;
use super::event_error::EventError;
use super::roster_error::RosterError;
use super::sealed_parts::Awaits;
use super::signing::SignatureRefused;
use crate::crypto::fields::FieldError;
use crate::crypto::gathering::ShareError;
use crate::model::caller::{LeadAddress, LimitScope};
use crate::model::freeze::{Freeze, FreezeTarget, REASON_BYTES_MAX};
use crate::model::metadata::MetadataError;
use crate::model::name::{FieldName, GrantName, NodeName, ServiceName};
use crate::model::number::Version;
use crate::model::patch::WishError;
use crate::model::secret::{KeyScope, Scope, SecretName};
use crate::model::time::Timestamp;
use crate::policy::file_error::Problems;

/// A refusal or a failure, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The kernel did not say who asks, or named nobody.
    #[error("the caller could not be identified")]
    NoIdentity,
    /// The process that asked has ended. Whoever holds its socket by now is somebody else.
    #[error("the process that connected has ended, and nobody else is answered in its place")]
    CallerGone,
    /// Policy refuses. Also the answer for an absent secret when the caller may not know which it is.
    #[error("refused by policy")]
    Denied {
        /// The rule that decided; for the audit and the log, never for the caller.
        rule: String,
    },
    /// Policy would allow it, and a freeze holds it up. Told with its reason.
    #[error("{} is frozen ({}) since {}: {}", .0.target, .0.level.as_str(), .0.frozen_at, .0.reason)]
    Frozen(Box<Freeze>),
    /// There is no such freeze to be lifted.
    #[error("{0} is not frozen")]
    NotFrozen(FreezeTarget),
    /// A freeze must say why.
    #[error("a freeze needs a reason of 1 to {} bytes, on one line", REASON_BYTES_MAX)]
    FreezeReason,
    /// `X-Node-Name` is not this node.
    #[error("this node is {node}, not {claimed}")]
    NodeMismatch {
        /// What the caller claimed.
        claimed: NodeName,
        /// This node.
        node: NodeName,
    },
    /// No scope has a value.
    #[error("{name} has no value here{}", scopes_text(tried))]
    NotFound {
        /// The secret.
        name: SecretName,
        /// The scopes that were tried, narrowest first; none if each scope that could count was.
        tried: Vec<Scope>,
    },
    /// Check-and-set failed.
    #[error("the current version is {}, not the expected one", current.map_or(0, Version::get))]
    VersionConflict {
        /// The current version; none if there is no value.
        current: Option<Version>,
    },
    /// Only the lead changes the store.
    #[error("this node is not the lead; changes are made there")]
    NotLead {
        /// Where to go.
        lead: LeadAddress,
    },
    /// That version was destroyed for good.
    #[error("version {version} of {name} was destroyed")]
    Destroyed {
        /// The secret.
        name: SecretName,
        /// The version.
        version: Version,
    },
    /// There is nothing to undelete.
    #[error("{name} is not deleted")]
    NotDeleted {
        /// The secret.
        name: SecretName,
    },
    /// A policy file that is none.
    #[error(transparent)]
    BadPolicy(#[from] Problems),
    /// A policy that cannot be applied.
    #[error("the policy cannot be applied: {}", obstacles.join("; "))]
    PolicyRefused {
        /// Why, one by one.
        obstacles: Vec<String>,
    },
    /// Somebody else changed the rulebook since the change was planned.
    #[error("the policy, an agent or a key was changed since this was planned")]
    RulesMoved,
    /// No rule of the policy has that name.
    #[error("no grant is named {0}")]
    NoSuchGrant(GrantName),
    /// The catalogue has no provider of that name.
    #[error("no provider is named {0}")]
    NoSuchProvider(ServiceName),
    /// Others changed the secret again and again while this was tried.
    #[error("the secret changed meanwhile")]
    Moved,
    /// The value and the declared fields do not fit each other.
    #[error(transparent)]
    Fields(#[from] FieldError),
    /// A field was asked for that the secret does not have.
    #[error("{name} has no field {field}; {}", fields_text(there))]
    NoSuchField {
        /// The secret.
        name: SecretName,
        /// What was asked for.
        field: FieldName,
        /// What there is: whoever may read the value may know what it consists of.
        there: Vec<FieldName>,
    },
    /// Older versions are kept by the lead alone.
    #[error("this node holds version {held} of {name}; other versions are on the lead")]
    VersionOnLead {
        /// The secret.
        name: SecretName,
        /// The version that is here.
        held: Version,
    },
    /// The version was deleted before a newer one was stored.
    #[error("version {version} of {name} was deleted")]
    VersionDeleted {
        /// The secret.
        name: SecretName,
        /// The version.
        version: Version,
    },
    /// The version is not kept (any more), or never was.
    #[error("version {version} of {name} is not kept")]
    NoSuchVersion {
        /// The secret.
        name: SecretName,
        /// The version.
        version: Version,
    },
    /// What cannot be done to that version of a path, or not here.
    #[error("{0}")]
    NotOfPath(&'static str),
    /// It is done, but the store file could not be written anew.
    #[error("it is done, but its bytes are still in the lead's store file, which could not be written anew")]
    PurgeDue,
    /// The value is over the limit.
    #[error("the value is larger than {bytes_max} bytes")]
    ValueTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// Metadata is over its bounds.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// What is wished of a secret cannot be.
    #[error(transparent)]
    Wish(#[from] WishError),
    /// A scope or environment that cannot be used here.
    #[error("{0}")]
    BadScope(String),
    /// An article of the rulebook is over its bounds, or there are too many.
    #[error("{0}")]
    BadRule(String),
    /// A list cursor that this node did not issue.
    #[error("the cursor is not one this node issued")]
    BadCursor,
    /// One of several secrets cannot be stored, so none was.
    #[error("{name} ({scope}): {cause}; nothing was stored")]
    OfSecret {
        /// Which.
        name: SecretName,
        /// In which scope.
        scope: Scope,
        /// Why.
        cause: Box<VaultError>,
    },
    /// One secret is there twice among several.
    #[error("it is there twice")]
    Twice,
    /// More than one request may ask for.
    #[error("more than {max} secrets at once")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// The provider refuses the credential that was to be stored; it was asked twice.
    #[error("the provider refuses this value of {name} ({detail}); nothing was stored")]
    CredentialRejected {
        /// Which secret.
        name: SecretName,
        /// What was asked and what came back; never a part of the value.
        detail: String,
    },
    /// The node keeps reports on as many services as it can.
    #[error("this node keeps reports on {max} services, and takes none on another")]
    TooManyServices {
        /// The limit.
        max: usize,
    },
    /// The node named does not exist.
    #[error("no node is named {0}")]
    NoSuchNode(NodeName),
    /// No scope key: nothing was ever stored in the scope.
    #[error("there is no key of {0}: nothing was ever stored there")]
    NoSuchKey(KeyScope),
    /// Something about agents or API keys.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// Something about access requests.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Something about events.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Something about subscriptions, or messages to channels.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// It is about snapshots.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Something about the nodes of the mesh, or its join tokens.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The secrets did not go back to a revision.
    #[error(transparent)]
    Back(#[from] BackError),
    /// This node was banned, and holds nothing any more.
    #[error("the lead has banned this node; it was told so at {at}, and holds nothing any more")]
    Banned {
        /// When it was told.
        at: Timestamp,
    },
    /// The cache is too old to serve from.
    #[error("the copy of {name} is too old to be given out")]
    StaleCache {
        /// The secret.
        name: SecretName,
        /// How old the cache is; unknown when the clocks cannot be trusted.
        age: Option<Duration>,
        /// The last contact with the lead, if there ever was one.
        last_contact: Option<Timestamp>,
    },
    /// The scope key is not open, so nothing can be read.
    #[error("the store is sealed")]
    Sealed,
    /// The node itself is sealed: it has no key yet, and can only be unsealed.
    #[error("{awaits}")]
    NodeSealed {
        /// What it waits for.
        awaits: Awaits,
    },
    /// The node is not sealed, so there is nothing to unseal.
    #[error("the node is not sealed")]
    NotSealed,
    /// The node opens with something else than what was brought.
    #[error("this node is unsealed with {wanted}")]
    OtherLock {
        /// With what.
        wanted: &'static str,
    },
    /// A share that is not taken.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// Enough shares, and what they make opens nothing.
    #[error("these shares do not open the node: at least one of them is wrong; all were forgotten")]
    WrongShares,
    /// The passphrase opens nothing.
    #[error("this passphrase does not open the node")]
    WrongPassphrase,
    /// The journal cannot be written, so nothing may leave.
    #[error("the audit journal cannot be written")]
    AuditUnavailable,
    /// More lines of the journal wait for the lead than may, so nothing may leave until it takes some.
    #[error("the audit journal cannot be written: too much of it waits for the lead")]
    AuditSpoolFull,
    /// The lead could not be asked.
    #[error("the lead cannot be reached")]
    NoLead {
        /// Where it was last.
        lead: LeadAddress,
    },
    /// The node has never heard from its lead who may do what, so only its own admin may do anything.
    #[error("this node has not heard yet from its lead who may do what")]
    NoRules,
    /// The agent, or one of its keys, has asked as much as it may in a minute.
    #[error("more than {limit} requests in a minute; there is room again in {retry_after} s")]
    RateLimited {
        /// Seconds until there is room.
        retry_after: u32,
        /// The limit.
        limit: u32,
        /// Where requests were counted.
        scope: LimitScope,
    },
    /// It was refused so often of late that this refusal has no line of its own in the journal.
    #[error("too many refusals of late: what is refused is looked at again in {retry_after} s")]
    RefusedTooOften {
        /// Seconds until a refusal is written down again.
        retry_after: u32,
    },
    /// It is not shown that the agent gave this command.
    #[error(transparent)]
    Signature(#[from] SignatureRefused),
    /// Too much is in flight.
    #[error("the node is busy")]
    Overloaded,
    /// Our fault, or the disk's: the log has the details, the caller only the request id.
    #[error("internal error: {0}")]
    Internal(String),
}

impl VaultError {
    /// The stable word for this error: in answers, audit lines and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoIdentity | Self::CallerGone => "no_identity",
            Self::Denied { .. } => "denied",
            Self::Frozen(_) => "frozen",
            Self::NotFrozen(_) => "not_found",
            Self::FreezeReason => "bad_value",
            Self::NodeMismatch { .. } => "node_mismatch",
            Self::NotFound { .. } => "not_found",
            Self::VersionConflict { .. } => "version_conflict",
            Self::NotLead { .. } => "not_lead",
            Self::Destroyed { .. } => "destroyed",
            Self::NotDeleted { .. } => "not_deleted",
            Self::Moved | Self::RulesMoved => "version_conflict",
            Self::BadPolicy(_) => "bad_policy",
            Self::PolicyRefused { .. } => "policy_refused",
            Self::Fields(_) => "bad_fields",
            Self::OfSecret { cause, .. } => cause.code(),
            Self::Wish(_) | Self::Twice | Self::TooMany { .. } | Self::TooManyServices { .. } | Self::NotOfPath(_) => {
                "bad_value"
            }
            Self::NoSuchNode(_)
            | Self::NoSuchGrant(_)
            | Self::NoSuchProvider(_)
            | Self::NoSuchField { .. }
            | Self::VersionOnLead { .. }
            | Self::VersionDeleted { .. }
            | Self::NoSuchVersion { .. } => "not_found",
            Self::CredentialRejected { .. } => "credential_rejected",
            Self::PurgeDue => "purge_due",
            Self::ValueTooLarge { .. } => "value_too_large",
            Self::Metadata(_) | Self::BadCursor => "bad_value",
            Self::BadScope(_) => "bad_scope",
            Self::BadRule(_) => "bad_value",
            Self::NoSuchKey(_) => "not_found",
            Self::Roster(error) => error.code(),
            Self::Back(error) => error.code(),
            Self::Banned { .. } => "banned",
            Self::Agent(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Event(error) => error.code(),
            Self::Delivery(error) => error.code(),
            Self::Backup(error) => error.code(),
            Self::StaleCache { .. } => "stale_cache",
            Self::Sealed | Self::NodeSealed { .. } => "sealed",
            Self::NotSealed => "not_sealed",
            Self::OtherLock { .. } => "bad_value",
            Self::Share(ShareError::GivenTwice { .. }) => "duplicate_share",
            Self::Share(_) => "bad_share",
            Self::WrongShares => "wrong_shares",
            Self::WrongPassphrase => "wrong_passphrase",
            Self::AuditUnavailable | Self::AuditSpoolFull => "audit_unavailable",
            Self::NoLead { .. } | Self::NoRules => "no_lead",
            Self::RateLimited { .. } | Self::RefusedTooOften { .. } => "rate_limited",
            Self::Signature(cause) => cause.code(),
            Self::Overloaded => "overloaded",
            Self::Internal(_) => "internal",
        }
    }
}

fn fields_text(there: &[FieldName]) -> String {
    if there.is_empty() {
        return "its value is one text".to_owned();
    }
    format!("it has {}", there.iter().map(FieldName::as_str).collect::<Vec<_>>().join(", "))
}

fn scopes_text(scopes: &[Scope]) -> String {
    if scopes.is_empty() {
        return String::new();
    }
    format!(" (tried {})", scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(", "))
}
