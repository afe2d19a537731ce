//! The arguments of `service`: units of systemd for the node, and for programs that get their credentials from it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::model::name::LocalName;

/// Where units of this machine's administrator are (systemd.unit(5)).
const UNIT_DIR: &str = "/etc/systemd/system";

/// `aurora service …`
#[derive(Debug, Subcommand)]
pub enum ServiceVerb {
    /// Write the unit of this node: hardened, watched, and with its directories
    #[command(after_help = "Examples:
  aurora service install --dry-run
  aurora service install --create-user --enable")]
    Install(InstallArguments),
    /// Write the unit of a program that gets its credentials from this node
    #[command(after_help = "Examples:
  aurora service create worker --exec '/usr/bin/python3 /opt/worker.py' --credential openai/api_key
  aurora service create mailer --exec '/opt/mailer --password-file ${CREDENTIALS_DIRECTORY}/smtp' \\
      --credential 'smtp=smtp/login?field=password' --user mail --dry-run

It prints what else is needed: the grant for the unit, and lines of node.toml for names like smtp,
which do not say themselves which secret they are.")]
    Create(CreateArguments),
}

/// `aurora service install`
#[derive(Debug, Args)]
pub struct InstallArguments {
    /// The user that owns the node, and its group
    #[arg(long, value_name = "NAME", value_parser = LocalName::parse, default_value = "aurora")]
    pub user: LocalName,
    /// The configuration of the node [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// The aurora program the unit starts; this one if absent
    #[arg(long, value_name = "PATH")]
    pub program: Option<PathBuf>,
    /// Make the user and its group if they are not there
    #[arg(long)]
    pub create_user: bool,
    /// Where the unit goes.
    #[command(flatten)]
    pub place: PlaceArguments,
}

/// `aurora service create NAME`
#[derive(Debug, Args)]
pub struct CreateArguments {
    /// What the service is called
    pub name: String,
    /// What it runs: an absolute path and arguments, quoted as for a shell
    #[arg(long, value_name = "COMMAND")]
    pub exec: String,
    /// A credential, [ID=]SERVICE/KEY_NAME[?field=…&company=…]: a file ID in $CREDENTIALS_DIRECTORY; repeat for several
    #[arg(long, value_name = "CREDENTIAL", required = true)]
    pub credential: Vec<String>,
    /// The user it runs as
    #[arg(long, value_name = "NAME", value_parser = LocalName::parse)]
    pub user: Option<LocalName>,
    /// Run as a user that systemd makes for it; so it is without --user
    #[arg(long, conflicts_with = "user")]
    pub dynamic_user: bool,
    /// Another unit to start after; repeat for several
    #[arg(long, value_name = "UNIT")]
    pub after: Vec<String>,
    /// The program makes code while it runs, as Node.js and Java do
    #[arg(long)]
    pub makes_code: bool,
    /// The configuration of the node, which says where its sockets are [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Where the unit goes.
    #[command(flatten)]
    pub place: PlaceArguments,
}

/// Where a unit goes, and what is done with it.
#[derive(Debug, Args)]
pub struct PlaceArguments {
    /// The directory of the unit; systemd is told only of its own
    #[arg(long, value_name = "DIR", default_value = UNIT_DIR)]
    pub unit_dir: PathBuf,
    /// Print everything, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Start the service, now and with the machine
    #[arg(long)]
    pub enable: bool,
    /// Replace a unit that is another
    #[arg(long)]
    pub force: bool,
}

impl PlaceArguments {
    /// Whether systemd looks into the directory.
    pub(super) fn is_of_system(&self) -> bool {
        self.unit_dir.as_path() == std::path::Path::new(UNIT_DIR)
    }
}
