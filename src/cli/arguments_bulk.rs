//! The arguments of the verbs about many secrets at once: `import` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::interchange::entry::Format;

/// `aurora import FILE`
#[derive(Debug, Args)]
pub struct ImportArguments {
    /// The file; - reads standard input
    pub file: PathBuf,
    /// How the file is written; by its name if absent (.json, .yaml, .yml, .sh, else dotenv)
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<FileFormat>,
    /// A TOML file that says which secret a name is: NAME = "service/key_name", or NAME = false to leave it out
    #[arg(long, value_name = "PATH")]
    pub map: Option<PathBuf>,
    /// Every value is a Fernet token; open them with the key in this file
    #[arg(long, value_name = "PATH")]
    pub fernet_key_file: Option<PathBuf>,
    /// Show what would be stored, and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Store without asking
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Show every line of a long plan
    #[arg(long)]
    pub verbose: bool,
}

/// `aurora export [PREFIX]`
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Only names that start so, such as hubspot/
    pub prefix: Option<String>,
    /// How to write; by the name of the output file if absent, else dotenv
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<FileFormat>,
    /// Write into this file, which only you may read, instead of to standard output
    #[arg(long, value_name = "PATH")]
    pub output_file: Option<PathBuf>,
}

/// How a file of other tools is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// NAME=value lines.
    Dotenv,
    /// One JSON object.
    Json,
    /// One YAML map.
    Yaml,
    /// export NAME='value' lines, for any POSIX shell.
    Shell,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Dotenv => Self::Dotenv,
            FileFormat::Json => Self::Json,
            FileFormat::Yaml => Self::Yaml,
            FileFormat::Shell => Self::Shell,
        }
    }
}
