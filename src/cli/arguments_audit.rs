//! The arguments of `aurora audit`.

use clap::Subcommand;

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
    /// Check that no line was changed or removed
    #[command(after_help = "Example: aurora audit verify")]
    Verify,
}
