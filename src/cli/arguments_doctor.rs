//! The arguments of `doctor` and `leave`, which are the daemon's work.

use std::path::PathBuf;

use clap::Args;

/// What the help of `doctor` ends with.
pub(super) const DOCTOR_HELP: &str = "Examples:
  sudo aurora doctor
  sudo aurora doctor -o json --strict

Exit codes: 0 if nothing is broken; 1 if something is, with --strict also if something will be.";

/// What the help of `leave` ends with.
pub(super) const LEAVE_HELP: &str = "Examples:
  sudo aurora leave
  sudo aurora leave --yes --reason 'the machine is given back'
  sudo aurora leave --without-lead --yes      the node does not run, or its lead is gone for good

The journal stays, and so does node.toml, under another name.";

/// `aurora doctor`
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// The configuration of the node [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// End with exit code 1 on a warning too
    #[arg(long)]
    pub strict: bool,
}

/// `aurora leave`
#[derive(Debug, Args)]
pub struct LeaveArguments {
    /// The configuration of the node [env: AURORA_CONFIG]
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Leave although the lead cannot be told: for a node that does not run
    #[arg(long)]
    pub without_lead: bool,
}
