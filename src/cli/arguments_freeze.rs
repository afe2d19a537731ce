//! The arguments of `freeze` and `unfreeze`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::duration;
use crate::model::freeze::{FreezeLevel, FreezeTarget};

/// How long `freeze` waits for the nodes unless told otherwise.
const WAIT: &str = "5s";

/// Examples of `aurora freeze`.
pub(super) const FREEZE_HELP: &str = "Examples:
  aurora freeze agent:openclaw --level read --reason 'its key was seen in a log'
  aurora freeze secret:openai/api_key --level write --reason 'being rotated at the provider'
  aurora freeze mesh --level all --reason 'incident 42' --wait 30s

Of a node that cannot be reached it prints the time at which it stops by itself, because its copies are too old.";

/// `aurora freeze TARGET --level LEVEL --reason TEXT`
#[derive(Debug, Args)]
pub struct FreezeArguments {
    /// agent:NAME, secret:SERVICE/KEY_NAME, node:NAME, company:ID or mesh
    #[arg(value_parser = FreezeTarget::parse)]
    pub target: FreezeTarget,
    /// read: no value is given out or used; write: nothing is changed; all: nothing is done at all
    #[arg(long, value_enum)]
    pub level: Level,
    /// How long to wait for the nodes that are connected, such as 30s; 0s does not wait
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = WAIT)]
    pub wait: Duration,
}

/// `aurora unfreeze TARGET`
#[derive(Debug, Args)]
pub struct UnfreezeArguments {
    /// agent:NAME, secret:SERVICE/KEY_NAME, node:NAME, company:ID or mesh
    #[arg(value_parser = FreezeTarget::parse)]
    pub target: FreezeTarget,
}

/// How much is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// No value is given out or used.
    Read,
    /// Nothing is changed.
    Write,
    /// Nothing is done at all.
    All,
}

impl Level {
    /// The word the API knows it by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => FreezeLevel::Read.as_str(),
            Self::Write => FreezeLevel::Write.as_str(),
            Self::All => FreezeLevel::All.as_str(),
        }
    }
}
