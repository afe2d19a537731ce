//! The arguments of the verbs about snapshots.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::arguments_reign::RestoreArguments;

/// `aurora snapshot …`
#[derive(Debug, Subcommand)]
pub enum SnapshotVerb {
    /// Save the lead: to FILE, to standard output (-), or, without either, into the directory of its configuration
    #[command(after_help = "Examples:
  aurora snapshot save                                  into [snapshot] directory, and examines it
  aurora snapshot save /mnt/backup/aurora.aurora-snapshot
  aurora snapshot save - | ssh elsewhere 'cat > aurora.aurora-snapshot'

What is saved is one moment of the store, however much is written meanwhile. It opens with the unseal source of the lead, \
or with a recovery key it was made for.")]
    Save(SaveArguments),
    /// List the snapshots in the directory of the lead, newest first
    #[command(visible_alias = "ls", after_help = "Example: aurora snapshot list")]
    List,
    /// Find out whether a snapshot could be restored: restore it into a directory that goes again, and open everything in it
    #[command(after_help = "Examples:
  aurora snapshot verify NAME                                   of the directory of the lead, as list has it
  aurora snapshot verify /mnt/backup/aurora.aurora-snapshot     a file, sent to the lead
  aurora snapshot verify FILE --config /etc/aurora/node.toml    without a node, with its unseal source
  aurora snapshot verify FILE --recovery-key recovery.key       without a node, with a recovery key

Exit code 2 if it could not be restored.")]
    Verify(VerifyArguments),
    /// Take the lead of this node, which is stopped, back to a snapshot: in a new epoch, so that no follower sees time run back
    #[command(after_help = "Examples:
  aurora snapshot restore a.aurora-snapshot --dry-run            says what it would change, by name
  aurora snapshot restore a.aurora-snapshot                      asks, and keeps the present store beside it
  aurora snapshot restore a.aurora-snapshot --recovery-key FILE  what opens the node was lost

Who was banned and which key was revoked stays so. Where the present store is lost nobody knows: nodes wait to be approved, \
and API keys are gone, unless you say --trust-members.")]
    Restore(RestoreArguments),
    /// Make a recovery key: its secret half into FILE, its public half to standard output
    #[command(after_help = "Example: aurora snapshot keygen recovery.key

Put what it prints into recipients of [snapshot] in node.toml, and keep the file where the lead is not. Whoever has it \
opens every snapshot that is made from then on, and everything in it.")]
    Keygen {
        /// Where the secret half is written: a new file, which only its owner reads
        file: PathBuf,
    },
}

/// `aurora snapshot save [FILE]`
#[derive(Debug, Args)]
pub struct SaveArguments {
    /// Where to; - for standard output
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "file")]
    pub force: bool,
}

/// `aurora snapshot verify FILE`
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// A file, or the name of a snapshot in the directory of the lead
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Ask no node: open it with the unseal source of this configuration
    #[arg(long, value_name = "FILE", conflicts_with = "recovery_key")]
    pub config: Option<PathBuf>,
    /// Ask no node: open it with this recovery key
    #[arg(long, value_name = "FILE")]
    pub recovery_key: Option<PathBuf>,
}

impl VerifyArguments {
    /// Whether no node is to be asked.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.config.is_some() || self.recovery_key.is_some()
    }
}
