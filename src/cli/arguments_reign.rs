//! The arguments of the verbs by which a node begins a new reign. They are parsed here and run by `main`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// What both are told of the reign they begin.
#[derive(Debug, Args)]
pub struct ReignArguments {
    /// The highest epoch that any node has seen (aurora status), if it is above those that this command finds
    #[arg(long, value_name = "N")]
    pub epoch: Option<u64>,
    /// Trust the nodes and API keys of the snapshot, though some may have been thrown out since it was taken
    #[arg(long)]
    pub trust_members: bool,
    /// Say what it would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    pub yes: bool,
}

/// `aurora snapshot restore FILE`
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The snapshot
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The configuration of the node; if it is lost it is written anew [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Where the node keeps its state, if its configuration is lost
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The directory of the sockets, if its configuration is lost
    #[arg(long, value_name = "DIR")]
    pub socket_dir: Option<PathBuf>,
    /// The UDP address to listen on, if its configuration is lost
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Open the snapshot with this recovery key instead of what opens the node
    #[arg(long, value_name = "FILE")]
    pub recovery_key: Option<PathBuf>,
    /// The mesh CA that aurora init printed, or its whole pin; needed with --recovery-key and --yes if no store is left
    #[arg(long, value_name = "PIN")]
    pub authority: Option<String>,
    /// How it is begun
    #[command(flatten)]
    pub reign: ReignArguments,
}

/// `aurora promote`
#[derive(Debug, Args)]
pub struct PromoteArguments {
    /// A snapshot of the lead that was
    #[arg(long, value_name = "FILE")]
    pub snapshot: PathBuf,
    /// The configuration of this node [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Open the snapshot with the key file of the lead that was
    #[arg(long, value_name = "FILE", group = "opener")]
    pub key_file: Option<PathBuf>,
    /// Open the snapshot with the passphrase of the lead that was, asked for without echo
    #[arg(long, group = "opener")]
    pub passphrase: bool,
    /// Open the snapshot with shares of the lead that was, asked for one after the other
    #[arg(long, group = "opener")]
    pub shares: bool,
    /// Open the snapshot with this recovery key
    #[arg(long, value_name = "FILE", group = "opener")]
    pub recovery_key: Option<PathBuf>,
    /// The UDP address to listen on, such as 0.0.0.0:7700
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// HOST:PORT where other nodes reach this one (repeat for several)
    #[arg(long, value_name = "ADDRESS")]
    pub advertise: Vec<String>,
    /// How it is begun
    #[command(flatten)]
    pub reign: ReignArguments,
}
