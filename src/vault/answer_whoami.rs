//! What the door tells a caller about itself.

use std::sync::Arc;

use crate::model::actions::Action;
use crate::model::attested::Attested;
use crate::model::caller::Door;
use crate::model::name::AgentName;
use crate::model::principal::Principal;
use crate::model::time::Timestamp;

/// Everything that is known of a caller, and what that makes of it.
#[derive(Debug, Clone)]
pub struct Whoami {
    /// The door it came through.
    pub door: Door,
    /// Its user id.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
    /// Its supplementary groups.
    pub groups: Vec<u32>,
    /// Its process id.
    pub pid: Option<i32>,
    /// What the system says of the process.
    pub attested: Arc<Attested>,
    /// What it acts as.
    pub principals: Vec<Principal>,
    /// What it is besides: an explicit deny of one of these counts, an allow does not.
    pub besides: Vec<Principal>,
    /// The agent it acts as.
    pub agent: Option<AgentName>,
    /// The API key it showed, as the audit calls it.
    pub key: Option<String>,
    /// Until when the key works, if nothing is done to it.
    pub key_until: Option<Timestamp>,
    /// What it asked whether it may, and why it may.
    pub allowed: Option<Allowed>,
}

/// An action that a caller may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The action.
    pub action: Action,
    /// The rule that allows it.
    pub rule: String,
}
