//! The arguments of the verbs that programs call to be given a credential: git, docker, and the SDKs of AWS.

use clap::Args;

use crate::delivery::git_hosts::HostRule;
use crate::model::name::{NameError, ServiceName};
use crate::model::reference::{Reference, ReferenceError};

/// `aurora git-credential get|store|erase`
#[derive(Debug, Args)]
pub struct GitCredentialArguments {
    /// The secret of a host, such as git.example.com:8443/acme=git/token (repeat for several); the longest path wins.
    /// github.com is github/token without being told
    #[arg(long, value_name = "HOST=SECRET", value_parser = HostRule::parse)]
    pub map: Vec<HostRule>,
    /// The user name to give; else git's own, else the secret's field `username`, else x-access-token
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Give credentials also for http:// beyond this machine, where others can read them on the way
    #[arg(long)]
    pub allow_http: bool,
    /// Give the value as a Bearer token, to a git that understands it (2.46)
    #[arg(long)]
    pub bearer: bool,
    /// get; store and erase are read and passed over, for aurora keeps nothing that git brings
    #[arg(value_name = "OPERATION")]
    pub operation: String,
}

/// `aurora docker-credential get|list|store|erase`
#[derive(Debug, Args)]
pub struct DockerCredentialArguments {
    /// The secret of a registry, such as ghcr.io=github/token (repeat for several); else docker/HOST or docker/HOST_PORT
    #[arg(long, value_name = "HOST=SECRET", value_parser = HostRule::parse)]
    pub map: Vec<HostRule>,
    /// The user name where the secret has no field `username`; x-access-token if absent
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// get or list; store and erase are refused, for aurora keeps nothing that docker brings
    #[arg(value_name = "OPERATION")]
    pub operation: String,
}

/// `aurora credential-process SECRET`
#[derive(Debug, Args)]
pub struct CredentialProcessArguments {
    /// SERVICE/KEY_NAME of a secret with the fields, or SERVICE/ of a service with secrets of these names
    #[arg(value_name = "SECRET", value_parser = ProcessSource::parse)]
    pub source: ProcessSource,
}

/// Where the parts of a key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessSource {
    /// Fields of one secret.
    Fields(Reference),
    /// Secrets of one service.
    Secrets(ServiceName),
}

/// Why a text is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It ends like a service.
    #[error(transparent)]
    Service(#[from] NameError),
    /// It is meant as a secret.
    #[error(transparent)]
    Secret(#[from] ReferenceError),
}

impl ProcessSource {
    /// Reads `aws/deploy` or `aws/`.
    ///
    /// # Errors
    /// [`SourceError`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        match text.strip_suffix('/') {
            Some(service) => Ok(Self::Secrets(ServiceName::parse(service)?)),
            None => Ok(Self::Fields(Reference::parse_short(text)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_or_a_whole_service_is_the_source() {
        assert!(matches!(ProcessSource::parse("aws/deploy?company=acme"), Ok(ProcessSource::Fields(_))));
        assert!(matches!(ProcessSource::parse("aws/"), Ok(ProcessSource::Secrets(_))));
        assert!(ProcessSource::parse("aws").is_err() && ProcessSource::parse("/").is_err());
    }
}
