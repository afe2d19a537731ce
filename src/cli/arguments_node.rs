//! The arguments of the verbs that make or start a node. They are parsed here and run by `main`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::config::node_config::CredentialName;
use crate::crypto::shares::Quorum;
use crate::model::name::{EnvironmentName, NodeName};

/// `aurora dev`
#[derive(Debug, Args)]
pub struct DevArguments {
    /// Show what the three nodes do, then stop them
    #[arg(long)]
    pub once: bool,
    /// Keep the nodes' state in this directory
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// `aurora init`
#[derive(Debug, Args)]
pub struct InitArguments {
    /// Where the node keeps its state (made with mode 0700)
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where to write the configuration [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The directory of the sockets; the system's if absent
    #[arg(long, value_name = "DIR")]
    pub socket_dir: Option<PathBuf>,
    /// The name of this node; aurora if absent
    #[arg(long, value_name = "NAME", value_parser = NodeName::parse)]
    pub name: Option<NodeName>,
    /// The environment of this node: `--environment` or `AURORA_ENVIRONMENT`; filled in by [`super::parse`].
    #[arg(skip)]
    pub environment: Option<EnvironmentName>,
    /// The UDP address to listen on, such as 0.0.0.0:7700
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// HOST:PORT where other nodes reach this one (repeat for several)
    #[arg(long, value_name = "ADDRESS")]
    pub advertise: Vec<String>,
    /// Neither announce nor look for a lead on the local network
    #[arg(long)]
    pub no_discovery: bool,
    /// Do not check by itself which APIs work: no credential is sent to its provider unless somebody asks for it
    #[arg(long)]
    pub no_probe: bool,
    /// What opens the node at start.
    #[command(flatten)]
    pub source: SourceArguments,
}

/// What opens a new node at start; a key file if nothing is said.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct SourceArguments {
    /// Seal the node with a passphrase, asked for without echo, instead of a key file
    #[arg(long)]
    pub passphrase: bool,
    /// Split the key of the node into N shares for N people, any K of whom open it, such as 3/5; they are shown once
    #[arg(long, value_name = "K/N", value_parser = Quorum::from_str)]
    pub shamir: Option<Quorum>,
    /// Seal the node with a key that systemd hands to the service (LoadCredentialEncrypted=) [default name: aurora-unseal]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "aurora-unseal")]
    #[arg(value_parser = CredentialName::parse)]
    pub systemd_credential: Option<CredentialName>,
}

/// `aurora join TOKEN`. No `Debug`: the token admits.
#[derive(Args)]
pub struct JoinArguments {
    /// What `aurora token create` printed on the lead; - reads it from standard input
    pub token: String,
    /// HOST:PORT of the lead, instead of the addresses in the token
    #[arg(long, value_name = "HOST:PORT")]
    pub lead: Option<String>,
    /// Where the node keeps its state (made with mode 0700)
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where to write the configuration [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The directory of the sockets; the system's if absent
    #[arg(long, value_name = "DIR")]
    pub socket_dir: Option<PathBuf>,
    /// The UDP address to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Do not wait for the approval of somebody on the lead, if it asks for one: end with exit code 6
    #[arg(long)]
    pub no_wait: bool,
    /// Neither announce nor look for a lead on the local network
    #[arg(long)]
    pub no_discovery: bool,
    /// Do not check by itself which APIs work: no credential is sent to its provider unless somebody asks for it
    #[arg(long)]
    pub no_probe: bool,
    /// What opens the node at start.
    #[command(flatten)]
    pub source: SourceArguments,
}

/// `aurora up`
#[derive(Debug, Args)]
pub struct UpArguments {
    /// The configuration to start with [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Stop when the process that started this one ends
    #[arg(long, hide = true)]
    pub exit_with_parent: bool,
}

/// `aurora unseal`
#[derive(Debug, Args)]
pub struct UnsealArguments {
    /// - reads from standard input, one share on a line; without it a terminal is asked, without echo
    #[arg(value_name = "-")]
    pub source: Vec<String>,
    /// Only say how far it is
    #[arg(long, conflicts_with = "source")]
    pub status: bool,
    /// Forget the shares that were given, and begin again
    #[arg(long, conflicts_with_all = ["source", "status"])]
    pub reset: bool,
}
