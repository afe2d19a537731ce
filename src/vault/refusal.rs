//! From "not committed" to what the caller is told: one table.

use crate::actors::committed::Misfit;
use crate::actors::error::CommitError;
use crate::model::caller::LeadAddress;
use crate::model::name::NodeName;
use crate::model::secret::ScopedSecret;

use super::error::VaultError;
use super::roster_error::RosterError;

/// What the change was about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'ask> {
    /// A secret in one scope.
    Secret(&'ask ScopedSecret),
    /// A node.
    Node(&'ask NodeName),
    /// Many secrets.
    Many,
}

/// Why a change of many secrets was not made.
pub(super) fn refusal_of_many(error: &CommitError) -> VaultError {
    refusal(error, Subject::Many)
}

/// Why the change was not made.
pub(super) fn refusal(error: &CommitError, subject: Subject<'_>) -> VaultError {
    match (error, subject) {
        (CommitError::Conflict { current }, _) => VaultError::VersionConflict { current: *current },
        (CommitError::Overloaded, _) => VaultError::Overloaded,
        (CommitError::NotLead(lead), _) => {
            VaultError::NotLead { lead: LeadAddress { name: Some(lead.clone()), address: None } }
        }
        (CommitError::NoSuchSecret, Subject::Secret(at)) => {
            VaultError::NotFound { name: at.secret.name.clone(), tried: vec![at.scope.clone()] }
        }
        (CommitError::NotDeleted, Subject::Secret(at)) => VaultError::NotDeleted { name: at.secret.name.clone() },
        (CommitError::Destroyed(version), Subject::Secret(at)) => {
            VaultError::Destroyed { name: at.secret.name.clone(), version: *version }
        }
        (CommitError::OfSecret { at, cause }, _) => VaultError::OfSecret {
            name: at.secret.name.clone(),
            scope: at.scope.clone(),
            cause: Box::new(refusal(cause, Subject::Secret(at))),
        },
        (CommitError::Moved, _) => VaultError::Moved,
        (CommitError::Metadata(error), _) => VaultError::Metadata(error.clone()),
        (CommitError::Fields(error), _) => VaultError::Fields(error.clone()),
        (CommitError::NoSuchNode, Subject::Node(node)) => VaultError::NoSuchNode(node.clone()),
        (CommitError::Unchangeable, _) => VaultError::BadScope(error.to_string()),
        (CommitError::Article { .. } | CommitError::TooManyArticles, _) => VaultError::BadRule(error.to_string()),
        (CommitError::NodeExists, Subject::Node(node)) => RosterError::Exists(node.clone()).into(),
        (CommitError::Banned, Subject::Node(node)) => RosterError::Banned(node.clone()).into(),
        (CommitError::NotPending, Subject::Node(node)) => RosterError::NotPending(node.clone()).into(),
        (CommitError::OtherKey, Subject::Node(node)) => RosterError::OtherFingerprint(node.clone()).into(),
        (CommitError::LeadStays, _) => RosterError::LeadStays.into(),
        (
            CommitError::NoSuchSecret | CommitError::NotDeleted | CommitError::Destroyed(_),
            Subject::Node(_) | Subject::Many,
        )
        | (
            CommitError::NoSuchNode
            | CommitError::NodeExists
            | CommitError::Banned
            | CommitError::NotPending
            | CommitError::OtherKey,
            Subject::Secret(_) | Subject::Many,
        )
        | (
            CommitError::TokenUnknown
            | CommitError::TokenExpired
            | CommitError::TokenReused
            | CommitError::TooManySigners
            | CommitError::KeyInUse
            | CommitError::NoKey
            | CommitError::GenerationInUse(_)
            | CommitError::Wrapped(_)
            | CommitError::Seal(_)
            | CommitError::Store(_)
            | CommitError::TimedOut
            | CommitError::Stopped,
            _,
        ) => VaultError::Internal(error.to_string()),
    }
}

impl From<Misfit> for VaultError {
    fn from(misfit: Misfit) -> Self {
        Self::Internal(misfit.to_string())
    }
}
