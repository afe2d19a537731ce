//! The arguments of `aurora audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::model::identity::KeyPin;
use crate::model::name::NodeName;

/// `aurora audit …`
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// Find lines, the newest first
    #[command(after_help = "Examples:
  aurora audit list --since 2h --principal agent:robot
  aurora audit list --secret 'openai/*' --decision deny --node vengeance
  aurora audit list --since 2026-11-01T00:00:00Z --action 'policy.*' -o json")]
    List {
        /// Which lines
        #[command(flatten)]
        filter: AuditFilter,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = count)]
        limit: usize,
    },
    /// Show the last lines, the newest last
    #[command(after_help = "Examples:
  aurora audit tail --lines 20
  aurora audit tail -f --decision deny")]
    Tail {
        /// How many, at most 1000
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        lines: u16,
        /// Go on with each line as it is written
        #[arg(short, long)]
        follow: bool,
        /// Which lines
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Write lines for another program, the oldest first
    #[command(after_help = "Examples:
  aurora audit export --since 30d --output-file november.jsonl
  aurora audit export --format csv --principal agent:robot > robot.csv
  aurora audit export --format ocsf --node vengeance --since 1d | your-siem")]
    Export {
        /// Which lines
        #[command(flatten)]
        filter: AuditFilter,
        /// jsonl is the journal byte for byte; csv for spreadsheets; ocsf for security tools
        #[arg(long, value_enum, default_value_t = AuditFormat::Jsonl)]
        format: AuditFormat,
        /// The file to write; standard output if absent
        #[arg(long, value_name = "FILE")]
        output_file: Option<PathBuf>,
    },
    /// Check that no line was changed or removed: here, of another node, or in a file
    #[command(after_help = "Examples:
  aurora audit verify                      this node's own journal, against what was sealed of it
  aurora audit verify --node runpod-tx     what the lead has of another node's
  aurora audit verify --file proof.jsonl --authority sha256:…

The last one checks a file of aurora audit proof, without any mesh.")]
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

fn count(text: &str) -> Result<usize, String> {
    let count: Option<usize> = text.parse().ok();
    count.filter(|count| *count > 0).ok_or_else(|| "write a whole number, at least 1".to_owned())
}

/// Reads `sha256:` and 64 hexadecimal digits.
fn pin(text: &str) -> Result<KeyPin, String> {
    KeyPin::parse(text).ok_or_else(|| "write it as sha256: and 64 hexadecimal digits".to_owned())
}

/// Which lines; --company and --environment count too.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// Written since a time in RFC 3339, or within a duration such as 2h or 30d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Written before a time, or longer ago than a duration
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// By a caller that was this principal, among others, such as agent:robot or user:1000
    #[arg(long, value_name = "PRINCIPAL")]
    pub principal: Option<String>,
    /// About a secret: SERVICE/KEY_NAME, or a pattern such as openai/*
    #[arg(long, value_name = "SECRET")]
    pub secret: Option<String>,
    /// Of an action such as secret.read, or secret.*
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// allow or deny
    #[arg(long, value_name = "DECISION")]
    pub decision: Option<String>,
    /// Written by this node; on the lead, one of those whose journals it keeps copies of
    #[arg(long, value_name = "NODE")]
    pub node: Option<String>,
    /// With this outcome, such as ok or stale_cache
    #[arg(long, value_name = "CODE")]
    pub outcome: Option<String>,
    /// Of the request with this id, as every answer and error shows it
    #[arg(long, value_name = "ID")]
    pub request_id: Option<String>,
}

/// How lines are written for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// The lines of the journal, byte for byte.
    Jsonl,
    /// RFC 4180, with a header; nothing in it is a formula.
    Csv,
    /// Open Cybersecurity Schema Framework 1.3, an event a line.
    Ocsf,
}
