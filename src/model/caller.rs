//! Whoever asks locally, in the kernel's words.

use super::name::NodeName;

/// The uid that stands for "nobody we know": never authorised.
pub const UID_NOBODY: u32 = 65_534;

/// Through which door a caller came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `agent.sock`: programs that read.
    Agent,
    /// `admin.sock`: the owner of the node.
    Admin,
}

/// A local process, as the kernel describes the other end of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The door it came through.
    pub door: Door,
    /// Effective user id at connect.
    pub uid: u32,
    /// Effective group id at connect.
    pub gid: u32,
    /// Supplementary groups; empty when the kernel would not say, which never grants.
    pub groups: Vec<u32>,
    /// Process id at connect; a hint for people, never an authority.
    pub pid: Option<i32>,
    /// Random, one per request: ties the answer, the log and the audit line together.
    pub request_id: String,
}

/// Where the lead is, for a caller who must go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadAddress {
    /// Its name, once a certificate has shown it.
    pub name: Option<NodeName>,
    /// Where it was last reached, or is configured.
    pub address: Option<String>,
}
