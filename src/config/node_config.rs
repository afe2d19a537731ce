//! The options of a node, validated: a value of [`NodeConfig`] is proof that a node can be built from it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::model::channel::Notify;
use crate::model::freshness::FreshnessPolicy;
use crate::model::identity::Role;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::reference::Reference;

use super::error::Problem;
use super::paths::Paths;

/// The UDP port of a mesh.
pub const PORT: u16 = 7700;

/// Everything `node.toml` says, with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Who the node is and where it keeps its state.
    pub node: NodeSection,
    /// How it meets the others.
    pub mesh: MeshSection,
    /// How long it serves from its cache.
    pub cache: FreshnessPolicy,
    /// What opens its keys at start.
    pub unseal: UnsealSource,
    /// How safely the journal is written.
    pub audit: AuditSection,
    /// Where local programs find it.
    pub api: ApiSection,
    /// What bounds it.
    pub limits: LimitsSection,
    /// How it finds out which APIs work.
    pub connectivity: ConnectivitySection,
    /// Who may look at its numbers.
    pub metrics: MetricsSection,
    /// How it logs.
    pub log: LogSection,
    /// Whom it tells of events.
    pub notify: Notify,
    /// How it saves itself; of a lead alone.
    pub snapshot: SnapshotSection,
    /// `[credentials]`: which secret systemd gets by which name.
    pub credentials: BTreeMap<CredentialName, Reference>,
}

/// `[node]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSection {
    /// Its name.
    pub name: NodeName,
    /// What it is.
    pub role: Role,
    /// The one environment it is in.
    pub environment: EnvironmentName,
    /// Its state directory: absolute.
    pub state_dir: PathBuf,
}

/// `[mesh]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshSection {
    /// The UDP address the lead listens on.
    pub listen: SocketAddr,
    /// Where a follower finds the lead: `host:port`, tried in this order.
    pub leads: Vec<String>,
    /// Whether the lead is announced, and looked for, over mDNS.
    pub discovery: bool,
}

impl Default for MeshSection {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)), leads: Vec::new(), discovery: true }
    }
}

/// `[unseal]`: what opens the node's keys at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnsealSource {
    /// A key file, mode 0600.
    File {
        /// Where it lies: absolute.
        path: PathBuf,
    },
    /// A passphrase, asked for at start.
    Passphrase,
    /// A key file that systemd hands to the service: encrypted on the disk, and bound to the TPM if there is one.
    SystemdCredential {
        /// Its name, as in `LoadCredentialEncrypted=`.
        credential: CredentialName,
    },
    /// Shares of a key, brought by several people after the start.
    Shamir,
}

/// The name of a systemd credential: also the name of a file, so it can lead nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialName(String);

impl CredentialName {
    /// Longest name: a file name of Linux holds 255 bytes, and systemd takes no more.
    const BYTES_MAX: usize = 255;

    /// Reads a name.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.');
        if fits { Ok(Self(text.to_owned())) } else { Err("is not the name of a credential".to_owned()) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `aurora-unseal`.
impl Default for CredentialName {
    fn default() -> Self {
        Self("aurora-unseal".to_owned())
    }
}

impl UnsealSource {
    /// The word for it, as `node.toml` has it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Passphrase => "passphrase",
            Self::SystemdCredential { .. } => "systemd-credential",
            Self::Shamir => "shamir",
        }
    }
}

/// `[audit]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditSection {
    /// When a line is on disk.
    pub durability: Durability,
    /// A file of the journal that has grown to so many bytes is closed, and the next one begun.
    pub file_bytes_max: u64,
    /// How many months a closed file is kept, the month it was begun in not counted.
    pub keep_months: u32,
    /// On a follower: how many bytes of lines may wait for the lead. Beyond it nothing is answered.
    pub spool_bytes_max: u64,
    /// On the lead: how much of the disk is left to its own journal. With less, it takes no lines of others.
    pub reserve_bytes: u64,
}

impl Default for AuditSection {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            file_bytes_max: 128 << 20,
            keep_months: 13,
            spool_bytes_max: 1 << 30,
            reserve_bytes: 1 << 30,
        }
    }
}

/// When an audit line is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Written before the answer, on disk within 50 ms: a power cut can lose the last lines.
    #[default]
    Batched,
    /// On disk before the answer.
    Strict,
}

impl Durability {
    /// `batched` or `strict`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Batched => "batched",
            Self::Strict => "strict",
        }
    }

    /// Reads `batched` or `strict`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Batched, Self::Strict].into_iter().find(|durability| durability.as_str() == text)
    }
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiSection {
    /// The directory of the sockets: absolute.
    pub socket_dir: PathBuf,
    /// The group whose members may open the agent socket; the node's own group if absent.
    pub socket_group: Option<String>,
    /// A loopback address to listen on for programs that cannot speak to a Unix socket; none if absent.
    pub listen: Option<SocketAddr>,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsSection {
    /// Largest value, in bytes.
    pub value_bytes_max: usize,
    /// Changes the lead remembers, for followers that were away; one that missed more gets a snapshot.
    pub log_revisions: usize,
    /// Versions of each secret that the lead keeps, the current one included.
    pub versions_kept: usize,
    /// Local connections in all.
    pub connections: usize,
    /// Local connections of one user.
    pub connections_per_uid: usize,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            value_bytes_max: 64 << 10,
            log_revisions: 100_000,
            versions_kept: 10,
            connections: 1024,
            connections_per_uid: 256,
        }
    }
}

/// `[connectivity]`: whom the node calls, and whom it trusts there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectivitySection {
    /// Whether the node checks by itself which APIs work. Checks that people ask for are made in any case.
    pub probe: bool,
    /// A directory of provider files that add to those of the build, or stand in for them: absolute.
    pub providers_dir: Option<PathBuf>,
    /// A PEM file of certificates to trust besides the roots of the build: absolute.
    pub ca_file: Option<PathBuf>,
}

impl Default for ConnectivitySection {
    fn default() -> Self {
        Self { probe: true, providers_dir: None, ca_file: None }
    }
}

/// `[snapshot]`: how often a lead saves itself, where to, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSection {
    /// From one to the next.
    pub every: Duration,
    /// Where they are kept: absolute; none if they are only handed to the command, or not made at all.
    pub directory: Option<PathBuf>,
    /// How many stay there.
    pub keep: usize,
    /// A program that is given each one on its standard input: its words, or none.
    pub command: Vec<String>,
    /// Who may open them with a recovery key, as they were written down.
    pub recipients: Vec<String>,
}

impl SnapshotSection {
    /// Whether the lead saves itself without being asked.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        self.directory.is_some() || !self.command.is_empty()
    }
}

impl Default for SnapshotSection {
    fn default() -> Self {
        let every = Duration::from_secs(24 * 3600);
        Self { every, directory: None, keep: 14, command: Vec::new(), recipients: Vec::new() }
    }
}

/// `[metrics]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MetricsSection {
    /// Whether everybody who reaches the loopback listener may look at the numbers, without an API key.
    pub loopback: bool,
}

/// `[log]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSection {
    /// In which form.
    pub format: LogFormat,
    /// An OpenTelemetry collector on this machine that is sent traces of requests; none if absent.
    pub otlp: Option<SocketAddr>,
}

/// In which form a node logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people on standard error.
    #[default]
    Text,
    /// One JSON object a line on standard error.
    Json,
    /// To the journal of systemd, each field on its own; as JSON on standard error where there is none.
    Journald,
}

impl LogFormat {
    /// `text`, `json` or `journald`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Journald => "journald",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Text, Self::Json, Self::Journald].into_iter().find(|format| format.as_str() == text)
    }
}

/// What stands in for what the file does not say, and what the environment says instead of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// The default places.
    pub paths: Paths,
    /// `NODE_NAME`: wins over the file.
    pub name: Option<String>,
    /// `NODE_ROLE`: wins over the file.
    pub role: Option<String>,
}

impl Defaults {
    /// These places, and nothing from the environment.
    #[must_use]
    pub fn of_paths(paths: Paths) -> Self {
        Self { paths, name: None, role: None }
    }

    /// The places of a user, `NODE_NAME` and `NODE_ROLE`, all through `lookup`.
    ///
    /// # Errors
    /// [`Problem`] when the default places cannot be known.
    pub fn from_environment(superuser: bool, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        Ok(Self { paths: Paths::of(superuser, &lookup)?, name: set("NODE_NAME"), role: set("NODE_ROLE") })
    }
}
