//! Whoever asks locally, in the kernel's words, and what it shows besides.

use std::sync::{Arc, OnceLock};

use super::api_key::ApiKeyHash;
use super::attested::Attested;
use super::name::{AgentName, CompanyId, NodeName};

/// The uid that stands for "nobody we know": never authorised.
pub const UID_NOBODY: u32 = 65_534;

/// The superuser, as whom systemd asks.
pub const UID_ROOT: u32 = 0;

/// Through which door a caller came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `agent.sock`: programs that read.
    Agent,
    /// `admin.sock`: the owner of the node.
    Admin,
    /// The loopback listener: programs that cannot speak to a Unix socket. The kernel says nothing of who connected, so an
    /// API key is all that counts.
    Loopback,
    /// `credentials.sock`: systemd, which fetches a credential for a unit. Only the unit counts.
    Credentials,
    /// `workload.sock`: Envoy, and programs that fetch an identity.
    Workload,
}

impl Door {
    /// `agent`, `admin`, `loopback`, `credentials` or `workload`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Loopback => "loopback",
            Self::Credentials => "credentials",
            Self::Workload => "workload",
        }
    }
}

/// A local process, as the kernel describes the other end of a socket.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The door it came through.
    pub door: Door,
    /// Effective user id at connect.
    pub uid: u32,
    /// Effective group id at connect.
    pub gid: u32,
    /// Supplementary groups, each once; empty when the kernel would not say, which never grants.
    pub groups: Arc<[u32]>,
    /// Process id at connect; a hint for people, never an authority.
    pub pid: Option<i32>,
    /// What else the system says about the process.
    pub attested: Arc<Attested>,
    /// What it showed besides.
    pub shown: Shown,
    /// Random, one per request: ties the answer, the log and the audit line together.
    pub request_id: Arc<str>,
}

/// What a request carries to say on whose behalf it is made. Every part is checked, none is believed.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// An API key.
    pub key: ShownKey,
    /// The agent it wants to act as, instead of itself.
    pub acts_as: Option<AgentName>,
    /// The company it is made for; whoever reads it checks whether this node may speak for that company.
    pub company: Option<CompanyId>,
    /// The signature of a command.
    pub signing: Signing,
    /// Whether the request is a command: it may change something.
    pub command: bool,
    /// What its limits said, once they were asked.
    pub counted: Counted,
}

/// How much of a limit is left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The limit, in requests per minute.
    pub limit: u32,
    /// How many more requests have room now.
    pub remaining: u32,
    /// What was counted.
    pub scope: LimitScope,
}

/// Where the requests were made that a limit counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitScope {
    /// On this node: the others were not heard of.
    Node,
    /// On all nodes.
    Mesh,
}

impl LimitScope {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Mesh => "mesh",
        }
    }
}

/// Whether the limits of a request were asked: a request counts once, however often it is looked at.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<OnceLock<Option<Allowance>>>);

impl Counted {
    /// The request was counted, and this is left; `None` when it has no limit.
    pub fn done(&self, left: Option<Allowance>) {
        // Two looks at one request are not made at once.
        let _ = self.0.set(left);
    }

    /// Whether it was counted.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.get().is_some()
    }

    /// What is left, if it was counted and has a limit.
    #[must_use]
    pub fn left(&self) -> Option<Allowance> {
        self.0.get().copied().flatten()
    }
}

/// What a request shows to prove that its agent made it.
#[derive(Debug, Clone, Default)]
pub enum Signing {
    /// Nothing.
    #[default]
    None,
    /// Something that no signature looks like, or a part of one.
    Malformed,
    /// A signature.
    Signed(Arc<ShownSignature>),
}

/// The API key of a request. A request that shows one is made by its agent or by nobody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShownKey {
    /// None.
    #[default]
    None,
    /// Something that no API key looks like, or two different ones.
    Malformed,
    /// The digest of one.
    Key(ApiKeyHash),
}

/// The signature of a command, with everything that it is over but what the node knows itself.
#[derive(Debug)]
pub struct ShownSignature {
    /// `POST`.
    pub method: String,
    /// The path and the query, as they were sent.
    pub target: String,
    /// When it was signed, in seconds since 1970.
    pub timestamp: i64,
    /// Used once.
    pub nonce: String,
    /// HMAC-SHA256.
    pub mac: [u8; 32],
    /// SHA-256 of the body; known once all of it was read.
    pub body: BodyDigest,
    /// Whether it was found good.
    pub accepted: Accepted,
}

/// Whether a signature was found good: it is used up then, and another look at the same request must not call it used.
#[derive(Debug, Default)]
pub struct Accepted(OnceLock<()>);

impl Accepted {
    /// It was.
    pub fn done(&self) {
        let _ = self.0.set(());
    }

    /// Whether it was.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.get().is_some()
    }
}

/// The SHA-256 of a body that is read while it is taken in.
#[derive(Debug, Clone, Default)]
pub struct BodyDigest(Arc<OnceLock<[u8; 32]>>);

impl BodyDigest {
    /// The whole body was read.
    pub fn done(&self, digest: [u8; 32]) {
        // A body ends once.
        let _ = self.0.set(digest);
    }

    /// The digest, or `None` while there may be more to come.
    #[must_use]
    pub fn get(&self) -> Option<[u8; 32]> {
        self.0.get().copied()
    }
}

/// Where the lead is, for a caller who must go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadAddress {
    /// Its name, once a certificate has shown it.
    pub name: Option<NodeName>,
    /// Where it was last reached, or is configured.
    pub address: Option<String>,
}
