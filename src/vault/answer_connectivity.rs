//! What the door answers about APIs, and about credentials that should be looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::connectivity::summary::ServiceReport;
use crate::model::api_check::KeyExpiry;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::record::Record;
use crate::model::time::Timestamp;

/// What is known about APIs, as far as the caller may hear of it.
#[derive(Debug, Clone)]
pub struct Connectivity {
    /// By service.
    pub services: Vec<ServiceReport>,
    /// The environment of each node, for an answer that is about more than one.
    pub environments: Option<BTreeMap<NodeName, EnvironmentName>>,
    /// What the ages in it are relative to.
    pub now: Timestamp,
}

/// Credentials that stop working by themselves, or are due to be rotated.
#[derive(Debug, Clone)]
pub struct ExpiringList {
    /// The first to expire first; then those that only are due to be rotated.
    pub secrets: Vec<ExpiringSecret>,
    /// Whether that is all of them.
    pub complete: bool,
    /// As of when.
    pub now: Timestamp,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct ExpiringSecret {
    /// The current version.
    pub record: Arc<Record>,
    /// When it stops working, and who says so; of several the soonest.
    pub expires: Option<KeyExpiry>,
    /// Since when its rotation is due, if it is.
    pub rotation_due: Option<Timestamp>,
}

/// Secrets that nobody has read for long.
#[derive(Debug, Clone)]
pub struct Unused {
    /// The ones that were not read for longest first.
    pub secrets: Vec<UnusedSecret>,
    /// The nodes whose journals were read: on others they may have been read since.
    pub covers: Vec<NodeName>,
    /// When the oldest line of those journals was written: nothing is known of before.
    pub journal_since: Option<Timestamp>,
    /// Whether that is all of them.
    pub complete: bool,
    /// Lines of the journals that could not be understood.
    pub unreadable_lines: u64,
    /// As of when.
    pub now: Timestamp,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct UnusedSecret {
    /// The current version.
    pub record: Arc<Record>,
    /// When any version of it was last given out, if ever.
    pub last_read: Option<Timestamp>,
}
