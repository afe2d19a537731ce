//! What can be asked of a path, and what is answered: all secrets of one service, taken together as clients of HashiCorp
//! Vault see them. The keys of the service are the fields of the path.
//!
//! A path is written in one scope: that of the company on whose behalf it is asked for, else the global one. Its version is
//! the greatest that any of its keys has there, and a key has a value in every version of the path from its own on, until its
//! next. Values that are written together get one number (see `actors::draft_paths`), so for a path that is only written as
//! a whole these are the versions that its clients count.

use crate::crypto::plaintext::Plaintext;
use crate::model::metadata::Metadata;
use crate::model::name::{KeyName, ServiceName};
use crate::model::number::{Revision, Version};
use crate::model::secret::{Scope, SecretName};
use crate::model::time::Timestamp;

use super::answer::ReadAnswer;
use super::request::{Context, Place};

/// Most keys of a service that is taken as one path: each is a read of its own.
pub const PATH_KEYS_MAX: usize = 256;

/// A service, and on whose behalf it is asked about. The environment is the node's own.
#[derive(Debug, Clone)]
pub struct PathPlace {
    /// Which service.
    pub service: ServiceName,
    /// On whose behalf.
    pub context: Context,
}

impl PathPlace {
    /// The scope in which it is written, and whose versions count.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.context.company.clone().map_or(Scope::Global, Scope::Company)
    }

    /// One of its keys in that scope.
    pub(super) fn key(&self, key: &KeyName) -> Place {
        Place {
            name: self.name(key),
            scope: self.scope(),
            environment: None,
            node: self.context.node.clone(),
            reason: self.context.reason.clone(),
        }
    }

    /// The secret of one of its keys.
    pub(super) fn name(&self, key: &KeyName) -> SecretName {
        SecretName { service: self.service.clone(), key: key.clone() }
    }

    /// A name that stands for whatever the service might hold.
    pub(super) fn any(&self) -> SecretName {
        self.name(&KeyName::parse("0").expect("a digit is the name of a key"))
    }
}

/// Values for a path.
#[derive(Debug)]
pub struct PathWrite {
    /// Which.
    pub place: PathPlace,
    /// The values, each name once.
    pub values: Vec<(KeyName, Plaintext)>,
    /// What becomes of the other keys.
    pub others: Others,
    /// The version that must be current; 0 = nothing may have a value.
    pub cas: Option<u64>,
}

/// What becomes of the keys of a path for which there is no new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Others {
    /// They are deleted, as far as the caller may read them: it cannot have left out what it cannot see.
    Deleted,
    /// They stay, but for these; and there must be some.
    StayBut(Vec<KeyName>),
}

/// What a read of a path comes to.
#[derive(Debug)]
pub enum PathOutcome {
    /// Values.
    Values(PathAnswer),
    /// The version is there, without a value; for callers who may know.
    Gone(PathVersion),
}

/// The values of a path. Ask [`super::parts::Vault::confirm`] of each just before it is written out.
#[derive(Debug)]
pub struct PathAnswer {
    /// In the order of the names.
    pub answers: Vec<ReadAnswer>,
    /// Which version; none when every value is of another scope than the one in which the path is written.
    pub version: Option<Version>,
    /// Keys that belong to this version and were deleted since.
    pub lost: Vec<KeyName>,
}

/// One version of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathVersion {
    /// Which.
    pub version: Version,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
    /// Whether its values are gone for good.
    pub destroyed: bool,
}

/// The versions of a path that are kept, and what is said about it.
#[derive(Debug, Clone)]
pub struct PathHistory {
    /// Oldest first; at least one.
    pub versions: Vec<PathVersion>,
    /// When its first key was stored.
    pub created_at: Timestamp,
    /// When any of it changed last.
    pub updated_at: Timestamp,
    /// What is said about its first key, in the order of the names.
    pub said: Metadata,
}

/// A path that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathStored {
    /// Its version.
    pub version: Version,
    /// When.
    pub written_at: Timestamp,
    /// The last change.
    pub revision: Revision,
}
