//! What can be asked of the door, already parsed: a value of these types holds canonical names only.

use std::fmt;
use std::time::Duration;

use crate::crypto::plaintext::Plaintext;
use crate::model::entitlement::Entitlement;
use crate::model::name::{CompanyId, EnvironmentName, FieldName, NodeName};
use crate::model::number::{Position, Version};
use crate::model::patch::Patch;
use crate::model::secret::{Scope, SecretName};

use super::filter::Filter;

/// What a caller claims about the context of a read; every claim is checked, none is believed.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// `X-Company-Id`: honoured if the roster gives it to the node and a grant to the principal.
    pub company: Option<CompanyId>,
    /// `X-Node-Name`: must be this node.
    pub node: Option<NodeName>,
    /// Must be the node's own, except for an admin on the lead.
    pub environment: Option<EnvironmentName>,
    /// Kept in the audit.
    pub reason: Option<String>,
}

impl Context {
    /// A context that says no more than which node the caller believes it is on.
    pub(super) fn on(node: Option<&NodeName>) -> Self {
        Self { node: node.cloned(), ..Self::default() }
    }
}

/// One value, please.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// Which secret.
    pub name: SecretName,
    /// On whose behalf.
    pub context: Context,
    /// A scope to read instead of resolving.
    pub scope: Option<Scope>,
    /// An older version than the current one.
    pub version: Option<Version>,
    /// One field of a value that has several.
    pub field: Option<FieldName>,
    /// Confirm with the lead first.
    pub refresh: bool,
    /// What the caller has already.
    pub known: Option<Known>,
}

/// What a caller says it has already. If that is what a read comes to, the answer leaves the value out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Whatever there is.
    Any,
    /// One of these values, by secret id and version. The id belongs to one secret in one scope, so no other value has
    /// the same pair.
    Values(Vec<(u64, Version)>),
    /// One of these versions, of whichever scope wins: for callers who know that it cannot have changed.
    Versions(Vec<Version>),
}

impl Known {
    /// Whether this version of this secret is among it.
    #[must_use]
    pub fn holds(&self, secret_id: u64, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Values(values) => values.contains(&(secret_id, version)),
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// Store a value.
#[derive(Debug)]
pub struct PutRequest {
    /// Where.
    pub place: Place,
    /// The value.
    pub value: Plaintext,
    /// What else is wished; what is not mentioned stays.
    pub patch: Patch,
    /// The version that must be current; 0 = there must be none.
    pub cas: Option<u64>,
}

/// One secret in one scope, to be looked at or changed.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which secret.
    pub name: SecretName,
    /// In which scope.
    pub scope: Scope,
    /// Where; the node's own if absent.
    pub environment: Option<EnvironmentName>,
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
    /// Kept in the audit.
    pub reason: Option<String>,
}

/// Names, scopes and versions; never values.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
    /// Only this environment; the node's own if absent.
    pub environment: Option<EnvironmentName>,
    /// Only these.
    pub filter: Filter,
    /// At most so many; 1 to 1000.
    pub limit: Option<usize>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// Make the secrets of one environment known in another.
#[derive(Debug, Clone)]
pub struct MirrorRequest {
    /// Where they have values.
    pub from: EnvironmentName,
    /// Where they will be known.
    pub to: EnvironmentName,
    /// Only names `service/key_name` that start so.
    pub prefix: Option<String>,
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
    /// Kept in the audit.
    pub reason: Option<String>,
}

/// Find values that two environments share.
#[derive(Debug, Clone)]
pub struct CheckRequest {
    /// One of them.
    pub left: EnvironmentName,
    /// The other.
    pub right: EnvironmentName,
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
    /// Kept in the audit.
    pub reason: Option<String>,
}

/// Tell of changes as they are made.
#[derive(Debug, Clone, Default)]
pub struct WatchRequest {
    /// `X-Node-Name`: must be this node, if it is claimed.
    pub node: Option<NodeName>,
    /// Only this environment; the node's own if absent.
    pub environment: Option<EnvironmentName>,
    /// Only this secret.
    pub name: Option<SecretName>,
    /// Only names `service/key_name` that start so.
    pub prefix: Option<String>,
    /// Only this scope.
    pub scope: Option<Scope>,
    /// What the caller knows already; from now on if absent.
    pub after: Option<Position>,
    /// Kept in the audit.
    pub reason: Option<String>,
}

/// Values, in pages.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// On whose behalf, where.
    pub context: Context,
    /// The values of this scope instead of those a read would give.
    pub scope: Option<Scope>,
    /// Only names `service/key_name` that start so.
    pub prefix: Option<String>,
    /// The last name of the page before.
    pub cursor: Option<SecretName>,
}

/// Give scopes new keys.
#[derive(Debug, Clone)]
pub struct RotationRequest {
    /// Which.
    pub wish: RotationWish,
    /// Kept in the audit.
    pub reason: Option<String>,
}

/// The scopes whose keys are to be rotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationWish {
    /// One.
    One {
        /// Which.
        scope: Scope,
        /// Where; the node's own if absent.
        environment: Option<EnvironmentName>,
    },
    /// All that have a key.
    All {
        /// Only of this environment; of all if absent.
        environment: Option<EnvironmentName>,
    },
}

/// Whose exposure is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExposureOf {
    /// A node: what it could have read.
    Node(NodeName),
    /// A company: what could have been read on its behalf.
    Company(CompanyId),
    /// A caller, as the journal names it, such as `agent:robot` or `user:1000`: what it did read.
    Principal(String),
}

impl fmt::Display for ExposureOf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => write!(formatter, "node:{name}"),
            Self::Company(company) => write!(formatter, "company:{company}"),
            Self::Principal(principal) => formatter.write_str(principal),
        }
    }
}

/// Make a member of a node that waits.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The fingerprint of its key, as it was compared.
    pub fingerprint: String,
}

/// Admit one node.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Its name.
    pub node: NodeName,
    /// What it will be entitled to.
    pub entitlement: Entitlement,
    /// Whether it stays pending until somebody has compared its key.
    pub approve: bool,
    /// How long the token admits, at most a day; 10 minutes if absent.
    pub valid_for: Option<Duration>,
}
