//! The arguments of `aurora audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::model::identity::KeyPin;
use crate::model::name::NodeName;

/// `aurora audit …`
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Show the last lines
    #[command(after_help = "Example: aurora audit tail --lines 20")]
    Tail {
        /// How many, at most 1000
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        lines: u16,
    },
    /// Check that no line was changed or removed: here, of another node, or in a file
    #[command(after_help = "Examples:
  aurora audit verify                      this node's own journal, against what was sealed of it
  aurora audit verify --node runpod-tx     what the lead has of another node's
  aurora audit verify --file proof.jsonl --authority sha256:…   a file of aurora audit proof, without any mesh")]
    Verify(VerifyArguments),
    /// List the seals this node keeps: of its own journal, and of the lead's; with -o json to be compared elsewhere
    #[command(after_help = "Example: aurora audit heads -o json > heads.jsonl")]
    Heads {
        /// On the lead: of this node
        #[arg(long, value_name = "NODE", value_parser = NodeName::parse)]
        node: Option<NodeName>,
    },
    /// Show what the lead has of each node's journal, and what is wrong
    #[command(after_help = "Example: aurora audit nodes")]
    Nodes,
    /// Print a whole journal up to its newest seal, with everything that proves it, to be checked elsewhere
    #[command(after_help = "Example: aurora audit proof --node runpod-tx > proof.jsonl")]
    Proof {
        /// On the lead: of this node
        #[arg(long, value_name = "NODE", value_parser = NodeName::parse)]
        node: Option<NodeName>,
    },
}

/// What is checked, and against what.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// On the lead: the journal of this node, every chain of it
    #[arg(long, value_name = "NODE", value_parser = NodeName::parse, conflicts_with = "file")]
    pub node: Option<NodeName>,
    /// A file, as aurora audit proof writes it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The pin of the mesh's authority, whose seals are believed; asked of a node that answers if absent
    #[arg(long, value_name = "PIN", value_parser = pin, requires = "file")]
    pub authority: Option<KeyPin>,
    /// Seals that were kept elsewhere, as aurora audit heads -o json prints them
    #[arg(long, value_name = "FILE", requires = "file")]
    pub heads: Option<PathBuf>,
    /// Accept a file that does not begin where its journals do
    #[arg(long, requires = "file")]
    pub partial: bool,
    /// Accept lines behind the last seal, which nothing proves
    #[arg(long, requires = "file")]
    pub unsealed: bool,
}

/// Reads `sha256:` and 64 hexadecimal digits.
fn pin(text: &str) -> Result<KeyPin, String> {
    KeyPin::parse(text).ok_or_else(|| "write it as sha256: and 64 hexadecimal digits".to_owned())
}
