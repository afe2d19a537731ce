//! The arguments of the verbs about secrets. There is none that takes a value: arguments are seen by every process of the
//! machine, and shells write them into their history.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::config::duration;
use crate::model::fields::{Field, FieldKind};
use crate::model::name::FieldName;
use crate::model::number::Version;
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

/// `aurora put SECRET [-]`
#[derive(Debug, Args)]
pub struct PutArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
    /// `-` reads the value from standard input. Anything else is refused, so that a value never becomes an argument
    #[arg(value_name = "-", num_args = 0..)]
    pub source: Vec<OsString>,
    /// Read the value from a file
    #[arg(long, value_name = "PATH", conflicts_with = "source")]
    pub from_file: Option<PathBuf>,
    /// Store every byte as it comes
    #[arg(long, conflicts_with = "trim")]
    pub verbatim: bool,
    /// Leave out one newline at the end (this is the default)
    #[arg(long)]
    pub trim: bool,
    /// Say what it would come to, and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Ask the provider first; a value that it refuses is not stored
    #[arg(long)]
    pub validate: bool,
    /// Store the value though the provider refuses it
    #[arg(long, requires = "validate")]
    pub force: bool,
    /// The version that must be current; 0 = there must be none
    #[arg(long, value_name = "N")]
    pub cas: Option<u64>,
    /// A field the value has, as NAME:secret or NAME:string (repeat for several); each is asked for, or the value is a
    /// JSON object of them
    #[arg(long, value_name = "NAME:TYPE", value_parser = field)]
    pub field: Vec<Field>,
    /// What is said about the secret.
    #[command(flatten)]
    pub metadata: MetadataArguments,
    /// How the secret is kept and served.
    #[command(flatten)]
    pub options: OptionArguments,
}

/// Texts about a secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "About the secret")]
pub struct MetadataArguments {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Whose it is
    #[arg(long, value_name = "TEXT")]
    pub owner: Option<String>,
    /// Whom to ask
    #[arg(long, value_name = "TEXT")]
    pub contact: Option<String>,
    /// Anything else
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// A word to search by (repeat for several)
    #[arg(long, value_name = "WORD")]
    pub tag: Vec<String>,
    /// The provider it is checked with, if the service name does not tell
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

/// How a secret is kept and served.
#[derive(Debug, Args)]
#[command(next_help_heading = "How it is kept and served")]
pub struct OptionArguments {
    /// When the credential stops working, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = timestamp)]
    pub expires_at: Option<Timestamp>,
    /// How long a copy counts as fresh, such as 5m
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds)]
    pub ttl: Option<Duration>,
    /// How long after that it may still be used while the lead is away, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds)]
    pub max_stale: Option<Duration>,
    /// Whether it may be used at all while the lead is away
    #[arg(long, value_name = "ANSWER", value_enum)]
    pub offline: Option<OfflineAnswer>,
    /// Days after which it should be rotated; 90 if never said
    #[arg(long, value_name = "DAYS")]
    pub rotation_reminder_days: Option<u16>,
}

/// Whether a secret may be served while the lead is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OfflineAnswer {
    /// For `max-stale`.
    Allow,
    /// Not beyond `ttl`.
    Deny,
}

impl OfflineAnswer {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// `aurora get SECRET`
#[derive(Debug, Args)]
pub struct GetArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
    /// An older version than the current one
    #[arg(long, value_name = "N", value_parser = version)]
    pub version: Option<Version>,
    /// One field of a value that has several
    #[arg(long, value_name = "NAME", value_parser = FieldName::parse)]
    pub field: Option<FieldName>,
    /// Confirm with the lead first
    #[arg(long)]
    pub refresh: bool,
}

/// `aurora list [PREFIX]`
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Only names that start so, such as hubspot/
    pub prefix: Option<String>,
    /// At most so many; all of them if absent
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only secrets with this tag (repeat for several, which must all be there)
    #[arg(long, value_name = "WORD")]
    pub tag: Vec<String>,
    /// Only secrets of this provider: the one that is named, else the service
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Only credentials that stop working within this time, such as 30d, or have stopped already
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub expires_within: Option<Duration>,
    /// Only credentials that stop working before this time
    #[arg(long, value_name = "TIME", value_parser = timestamp)]
    pub expires_before: Option<Timestamp>,
    /// Only credentials that have stopped working
    #[arg(long)]
    pub expired: bool,
    /// Only secrets in this state
    #[arg(long, value_name = "STATE", value_enum)]
    pub state: Option<StateWord>,
}

/// What has become of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateWord {
    /// It can be read.
    Live,
    /// It was deleted.
    Deleted,
    /// Its value is gone for good.
    Destroyed,
    /// It has had no value so far.
    Unset,
}

impl StateWord {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Deleted => "deleted",
            Self::Destroyed => "destroyed",
            Self::Unset => "unset",
        }
    }
}

/// `aurora info SECRET`
#[derive(Debug, Args)]
pub struct InfoArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
}

/// `aurora versions SECRET`
#[derive(Debug, Args)]
pub struct VersionsArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
    /// Also say which node holds which version
    #[arg(long)]
    pub nodes: bool,
}

/// `aurora delete SECRET`
#[derive(Debug, Args)]
pub struct PlaceArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
}

/// `aurora explain SECRET`
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// SERVICE/KEY_NAME
    #[arg(value_name = "SECRET", value_parser = SecretName::parse)]
    pub name: SecretName,
}

/// `client_id:string`; a field whose kind is not told is secret.
pub(super) fn field(text: &str) -> Result<Field, String> {
    let (name, kind) = text.split_once(':').unwrap_or((text, "secret"));
    let name = FieldName::parse(name).map_err(|error| error.to_string())?;
    let kind = FieldKind::parse(kind).ok_or("write NAME:secret or NAME:string")?;
    Ok(Field { name, kind })
}

/// The API counts in seconds: half of one would be none.
pub(super) fn whole_seconds(text: &str) -> Result<Duration, String> {
    let duration = duration::parse(text).map_err(|error| error.to_string())?;
    if duration.subsec_nanos() == 0 { Ok(duration) } else { Err("write whole seconds".to_owned()) }
}

pub(super) fn version(text: &str) -> Result<Version, &'static str> {
    text.parse().ok().and_then(Version::new).ok_or("write a whole number from 1")
}

fn timestamp(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("write a time in RFC 3339, such as 2027-01-31T00:00:00Z")
}
