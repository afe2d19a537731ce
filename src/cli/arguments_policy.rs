//! The arguments of the verbs about the policy.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::model::name::GrantName;
use crate::vault::policy::REPLAY_DAYS_MAX;

/// `aurora policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// List the grants of this node; on the lead, of the whole mesh
    #[command(visible_alias = "ls", after_help = "Example: aurora policy list")]
    List,
    /// Show one grant: whom it is about, what it allows, who wrote it and why
    #[command(after_help = "Example: aurora policy show socket-group")]
    Show {
        /// Its name, as the audit and `aurora explain` show it
        #[arg(value_name = "NAME", value_parser = GrantName::parse)]
        name: GrantName,
    },
    /// Make a file the policy of the mesh: shows what would change, and asks
    #[command(after_help = "Examples:
  aurora policy apply policy.toml --dry-run
  aurora policy apply policy.toml --reason 'TICKET-1234'
  git show main:policy.toml | aurora policy apply - --yes

All of it is applied, or nothing. Grants that are not in the file are taken away. mesh-config/policy.toml is a
sample with comments.")]
    Apply(ApplyArguments),
    /// Decide what was asked in the last days again, by a file, and print what would come out otherwise
    #[command(after_help = "Example: aurora policy test policy.toml --days 7

Exit codes: 0 nothing would; 1 something would; 2 it could not be tested.")]
    Test(TestArguments),
}

/// `aurora policy apply FILE`
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// The policy, in TOML; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Apply it without being asked
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// `aurora policy test FILE`
#[derive(Debug, Args)]
pub struct TestArguments {
    /// The policy, in TOML; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many days of this node's audit journal to look at
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=i64::from(REPLAY_DAYS_MAX)))]
    pub days: u32,
}
