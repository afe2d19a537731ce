//! The arguments of the verbs that make or start a node. They are parsed here and run by `main`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

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
    /// Where to write the configuration
    #[arg(long, value_name = "PATH", env = "AURORA_CONFIG", hide_env_values = true)]
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
    /// Seal the node with a passphrase, asked for without echo, instead of a key file
    #[arg(long)]
    pub passphrase: bool,
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
    /// Where to write the configuration
    #[arg(long, value_name = "PATH", env = "AURORA_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// The directory of the sockets; the system's if absent
    #[arg(long, value_name = "DIR")]
    pub socket_dir: Option<PathBuf>,
    /// The UDP address to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Neither announce nor look for a lead on the local network
    #[arg(long)]
    pub no_discovery: bool,
    /// Seal the node with a passphrase, asked for without echo, instead of a key file
    #[arg(long)]
    pub passphrase: bool,
}

/// `aurora up`
#[derive(Debug, Args)]
pub struct UpArguments {
    /// The configuration to start with
    #[arg(long, value_name = "PATH", env = "AURORA_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Stop when the process that started this one ends
    #[arg(long, hide = true)]
    pub exit_with_parent: bool,
}
