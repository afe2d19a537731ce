//! What is to be checked: the credentials a node would really use, now.

use std::time::Duration;

use crate::model::api_check::KeyMark;
use crate::model::name::{CompanyId, KeyName, ServiceName};

/// One credential, as it resolves on this node. With a key and a credential it is asked about; without a key there is no
/// credential to call with; with a key and no credential nothing is known that could check it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Whose API.
    pub service: ServiceName,
    /// Which credential of it; none when the service has none that could be checked.
    pub credential: Option<KeyName>,
    /// On behalf of which company, if its own value wins; none for the node itself.
    pub company: Option<CompanyId>,
    /// What it resolves to; none if to nothing.
    pub key: Option<KeyMark>,
}

/// What a node watches of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Whose API.
    pub service: ServiceName,
    /// Whether there is a host to reach.
    pub has_host: bool,
    /// How often a credential is checked.
    pub check_every: Duration,
    /// How many checks a day the whole mesh may make.
    pub calls_per_day: Option<u32>,
    /// The credentials: the node's own first, then those of companies by name.
    pub subjects: Vec<Subject>,
}
