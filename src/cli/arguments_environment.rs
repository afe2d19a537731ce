//! The arguments of the verbs about environments.

use clap::Subcommand;

use crate::model::name::EnvironmentName;

/// `aurora environment …`
#[derive(Debug, Subcommand)]
pub enum EnvironmentVerb {
    /// List the environments there are, and how many secrets each has
    #[command(visible_alias = "ls", after_help = "Example: aurora environment list")]
    List,
    /// Make the secrets of one environment known in another: names and what is said about them, never values
    #[command(after_help = "Examples:
  aurora environment mirror prod dev --dry-run
  aurora environment mirror prod dev --prefix hubspot/")]
    Mirror {
        /// Where they have values
        #[arg(value_parser = EnvironmentName::parse)]
        from: EnvironmentName,
        /// Where they will be known
        #[arg(value_parser = EnvironmentName::parse)]
        to: EnvironmentName,
        /// Only names that start so, such as hubspot/
        #[arg(long)]
        prefix: Option<String>,
        /// Say what would become known, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Find values that are the same in two environments; every two of them if none are named
    #[command(after_help = "Example: aurora environment check prod dev --fail")]
    Check {
        /// One environment
        #[arg(value_parser = EnvironmentName::parse, requires = "right")]
        left: Option<EnvironmentName>,
        /// The other
        #[arg(value_parser = EnvironmentName::parse)]
        right: Option<EnvironmentName>,
        /// End with exit code 1 if there are any
        #[arg(long)]
        fail: bool,
    },
}
