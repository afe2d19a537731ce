//! The arguments of the verbs about keys.

use clap::{Args, Subcommand};

use crate::model::secret::Scope;

/// `aurora key …`
#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// Give a scope a new key, and seal every value of it anew; waits until the old key is gone
    #[command(after_help = "Examples:
  aurora key rotate                        the global scope of the node's own environment
  aurora key rotate company:acme --environment dev
  aurora key rotate --all                  every scope of every environment
  aurora key rotate --all --dry-run        which those are

Programs go on reading and writing meanwhile. What a crash leaves unfinished, the lead finishes when it starts again.")]
    Rotate(RotateArguments),
    /// Replace the root key, which wraps all other keys of the lead; followers notice nothing
    #[command(after_help = "Example: aurora key rotate-root --reason 'a copy of the key file was lost'")]
    RotateRoot,
    /// Show the generation and the age of every key, and a rotation that is under way
    #[command(after_help = "Example: aurora key status -o json")]
    Status,
}

/// `aurora key rotate [SCOPE]`
#[derive(Debug, Args)]
pub struct RotateArguments {
    /// global, company:ID or node:NAME; global if absent
    #[arg(value_name = "SCOPE", value_parser = Scope::parse)]
    pub which: Option<Scope>,
    /// Every scope: of all environments, or of the one that is named
    #[arg(long, conflicts_with = "which")]
    pub all: bool,
    /// Say which scopes would get a new key, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
