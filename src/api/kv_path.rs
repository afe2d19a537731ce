//! What a path of HashiCorp Vault's HTTP API is about. Pure.
//!
//! A path of secrets is `secret/…/SERVICE`: the keys of the service are the fields of the path, so nothing lies deeper. Two
//! slashes in a row are one, as Vault reads them.

use super::error::ApiError;
use crate::model::name::ServiceName;

/// The one mount there is.
pub(super) const MOUNT: &str = "secret";

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `sys/health`
    Health,
    /// `sys/init`
    Init,
    /// `sys/seal-status`
    SealStatus,
    /// `sys/internal/ui/mounts/…`, and whether it is about [`MOUNT`].
    Mount(bool),
    /// `auth/token/lookup-self`
    LookupSelf,
    /// `auth/token/renew-self`
    RenewSelf,
    /// Any other request about tokens.
    OtherToken,
    /// `secret/data/SERVICE`
    Data(ServiceName),
    /// `secret/metadata/SERVICE`
    Metadata(ServiceName),
    /// `secret/metadata`
    Services,
    /// `secret/delete/SERVICE`
    DeleteVersions(ServiceName),
    /// `secret/undelete/SERVICE`
    UndeleteVersions(ServiceName),
    /// `secret/destroy/SERVICE`
    DestroyVersions(ServiceName),
    /// More than one name below the mount.
    Deeper,
}

impl Target {
    /// Whether an answer could hold what was stored.
    pub(super) fn is_of_secrets(&self) -> bool {
        match self {
            Self::Data(_)
            | Self::Metadata(_)
            | Self::Services
            | Self::DeleteVersions(_)
            | Self::UndeleteVersions(_)
            | Self::DestroyVersions(_) => true,
            Self::Health
            | Self::Init
            | Self::SealStatus
            | Self::Mount(_)
            | Self::LookupSelf
            | Self::RenewSelf
            | Self::OtherToken
            | Self::Deeper => false,
        }
    }

    /// The methods it takes, as the header `Allow` lists them (RFC 9110, 10.2.1); none where nothing is offered, whatever the
    /// method.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Health | Self::Init | Self::SealStatus => "GET,HEAD",
            Self::Mount(_) | Self::LookupSelf => "GET",
            Self::RenewSelf | Self::DeleteVersions(_) | Self::UndeleteVersions(_) | Self::DestroyVersions(_) => {
                "POST,PUT"
            }
            // `GET` only with `list=true`, which makes it the same.
            Self::Services => "LIST",
            Self::Data(_) | Self::Metadata(_) => "GET,POST,PUT,PATCH,DELETE",
            Self::OtherToken | Self::Deeper => "",
        }
    }
}

/// Reads what follows `/v1/`, already decoded.
///
/// # Errors
/// [`ApiError::UnknownRoute`]; [`ApiError::Name`] for what is no name of a service.
pub(super) fn target(path: &str) -> Result<Target, ApiError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["sys", "health"] => Ok(Target::Health),
        ["sys", "init"] => Ok(Target::Init),
        ["sys", "seal-status"] => Ok(Target::SealStatus),
        ["sys", "internal", "ui", "mounts", mount, ..] => Ok(Target::Mount(*mount == MOUNT)),
        ["auth", "token", "lookup-self"] => Ok(Target::LookupSelf),
        ["auth", "token", "renew-self"] => Ok(Target::RenewSelf),
        ["auth", "token", "create" | "create-orphan" | "revoke-self" | "renew" | "revoke" | "lookup"] => {
            Ok(Target::OtherToken)
        }
        [MOUNT, "metadata"] => Ok(Target::Services),
        [MOUNT, kind @ ("data" | "metadata" | "delete" | "undelete" | "destroy"), service] => of_path(kind, service),
        [MOUNT, "data" | "metadata" | "delete" | "undelete" | "destroy", _, ..] => Ok(Target::Deeper),
        _ => Err(ApiError::UnknownRoute),
    }
}

fn of_path(kind: &str, service: &str) -> Result<Target, ApiError> {
    let service = ServiceName::parse(service)?;
    Ok(match kind {
        "data" => Target::Data(service),
        "metadata" => Target::Metadata(service),
        "delete" => Target::DeleteVersions(service),
        "undelete" => Target::UndeleteVersions(service),
        _ => Target::DestroyVersions(service),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_that_clients_use_is_known_however_many_slashes_it_has() {
        let service = || ServiceName::parse("hubspot").expect("a name");
        let expected = [
            ("sys/health", Target::Health),
            ("sys/init", Target::Init),
            ("sys/seal-status", Target::SealStatus),
            ("sys/internal/ui/mounts/secret", Target::Mount(true)),
            ("sys/internal/ui/mounts/secret/hubspot/x", Target::Mount(true)),
            ("sys/internal/ui/mounts/kv/hubspot", Target::Mount(false)),
            ("auth/token/lookup-self", Target::LookupSelf),
            ("auth/token/renew-self", Target::RenewSelf),
            ("auth/token/create", Target::OtherToken),
            ("auth/token/revoke-self", Target::OtherToken),
            ("secret/data/hubspot", Target::Data(service())),
            ("/secret//data/hubspot/", Target::Data(service())),
            ("secret/metadata/hubspot", Target::Metadata(service())),
            ("secret/metadata", Target::Services),
            ("secret/metadata/", Target::Services),
            ("secret/delete/hubspot", Target::DeleteVersions(service())),
            ("secret/undelete/hubspot", Target::UndeleteVersions(service())),
            ("secret/destroy/hubspot", Target::DestroyVersions(service())),
            ("secret/data/team/hubspot", Target::Deeper),
        ];
        for (path, wanted) in expected {
            assert_eq!(target(path), Ok(wanted), "{path}");
        }
    }

    #[test]
    fn whatever_else_leads_nowhere_or_is_no_name() {
        for path in
            ["", "secret", "secret/data", "kv/data/hubspot", "sys/mounts", "sys/internal/ui/mounts", "cubbyhole/x"]
        {
            assert_eq!(target(path), Err(ApiError::UnknownRoute), "{path}");
        }
        for path in ["secret/data/HubSpot", "secret/data/..", "secret/metadata/a b", "secret/destroy/é"] {
            assert!(matches!(target(path), Err(ApiError::Name(_))), "{path}");
        }
    }
}
