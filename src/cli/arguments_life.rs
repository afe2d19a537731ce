//! The arguments of what is done to a secret after it was stored: described, destroyed, rolled back.

use clap::{Args, ValueEnum};

use super::arguments_secret::{MetadataArguments, OptionArguments, field, version};
use crate::model::fields::Field;
use crate::model::number::Version;
use crate::model::secret::SecretName;

/// `aurora delete SECRET`, `aurora undelete SECRET`
#[derive(Debug, Args)]
pub struct ChangeArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
    /// Say what it would come to, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `aurora describe SECRET`
#[derive(Debug, Args)]
pub struct DescribeArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
    /// What is said about the secret.
    #[command(flatten)]
    pub metadata: MetadataArguments,
    /// How the secret is kept and served.
    #[command(flatten)]
    pub options: OptionArguments,
    /// A field its value has, as NAME:secret or NAME:string; replaces all that are declared (repeat for several)
    #[arg(long, value_name = "NAME:TYPE", value_parser = field)]
    pub field: Vec<Field>,
    /// What is to be forgotten (repeat for several)
    #[arg(long, value_name = "WHAT", value_enum)]
    pub clear: Vec<Clearable>,
    /// Say what it would come to, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What can be forgotten about a secret, or set back to its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clearable {
    /// What it is for.
    Description,
    /// Whose it is.
    Owner,
    /// Whom to ask.
    Contact,
    /// Anything else.
    Note,
    /// The words to search by.
    Tags,
    /// The provider it is checked with.
    Provider,
    /// Its end.
    ExpiresAt,
    /// Its own ttl.
    Ttl,
    /// Its own max-stale.
    MaxStale,
    /// Whether it may be used while the lead is away.
    Offline,
    /// The days to the next rotation.
    RotationReminderDays,
    /// The declared fields.
    Fields,
}

/// `aurora destroy SECRET`
#[derive(Debug, Args)]
pub struct DestroyArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
    /// Only these versions, such as 1,2; every version if absent
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = version)]
    pub versions: Vec<Version>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Say what it would come to, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `aurora rollback SECRET --to N`, `aurora rollback --to-revision N`
#[derive(Debug, Args)]
pub struct RollbackArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse, requires = "to", required_unless_present = "to_revision")]
    pub name: Option<SecretName>,
    /// The version whose value becomes the new one
    #[arg(long, value_name = "N", value_parser = version, requires = "name")]
    pub to: Option<Version>,
    /// Bring every secret back to the value it had at this revision of the present epoch
    #[arg(long, value_name = "N", conflicts_with_all = ["name", "to"])]
    pub to_revision: Option<u64>,
    /// Go back to a revision without asking
    #[arg(short, long, requires = "to_revision")]
    pub yes: bool,
    /// Say what it would come to, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
