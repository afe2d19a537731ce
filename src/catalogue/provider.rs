//! One provider, as its file describes it.

use std::time::Duration;

use super::probe::{AnswerRule, Host, Origin, Probe};
use crate::model::fields::FieldKind;
use crate::model::name::{KeyName, ServiceName};
use crate::model::secret::SecretName;

/// What kind of credentials a provider gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderType {
    /// A key or a token that goes into every call.
    ApiKey,
    /// An application that is given access tokens (RFC 6749).
    OAuth2,
    /// A key that signs assertions (RFC 7523).
    ServiceAccount,
}

impl ProviderType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::ApiKey, Self::OAuth2, Self::ServiceAccount];

    /// `api_key`, `oauth2` or `service_account`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::OAuth2 => "oauth2",
            Self::ServiceAccount => "service_account",
        }
    }
}

/// Where a provider's file came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From the build.
    Embedded,
    /// From the directory of the configuration.
    File,
}

impl Source {
    /// `embedded` or `file`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::File => "file",
        }
    }
}

/// Where access tokens are given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEndpoint {
    /// The host; the path stands in its prefix.
    pub origin: Origin,
    /// What its answers mean, like those of a probe.
    pub answers: Vec<AnswerRule>,
}

/// One credential of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its key name: `api_key`.
    pub name: KeyName,
    /// Whether it must be hidden.
    pub kind: FieldKind,
    /// Whether nothing works without it.
    pub required: bool,
    /// The environment variables it is known by, the usual one first.
    pub variables: Vec<String>,
}

/// A provider and what it gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The service its credentials are stored under: `hubspot`.
    pub name: ServiceName,
    /// What people call it: `HubSpot`.
    pub title: String,
    /// What kind of credentials it gives out.
    pub kind: ProviderType,
    /// Where its documentation is.
    pub docs: Option<String>,
    /// Where calls go; none for a provider that is never called.
    pub host: Option<Host>,
    /// Where a person allows an application in.
    pub auth_url: Option<String>,
    /// Where access tokens are given out.
    pub token: Option<TokenEndpoint>,
    /// What a credential must be allowed to do, in the provider's words.
    pub scopes: Vec<String>,
    /// Whether its host may have a private address. Only a file of one's own says so.
    pub allow_private: bool,
    /// How often a credential is checked.
    pub check_every: Duration,
    /// How many checks a day the whole mesh may make; as many as it likes if absent.
    pub calls_per_day: Option<u32>,
    /// How its credentials are checked, the usual one first.
    pub probes: Vec<Probe>,
    /// Why none of them is, if there are no probes.
    pub unprobed: Option<String>,
    /// Its credentials, the usual one first.
    pub fields: Vec<Credential>,
    /// Where its file came from.
    pub source: Source,
}

impl Provider {
    /// What a variable of this provider begins with: `HUBSPOT_`.
    #[must_use]
    pub fn prefix(&self) -> String {
        let mut prefix = variable_part(self.name.as_str());
        prefix.push('_');
        prefix
    }

    /// The full name of one of its credentials.
    #[must_use]
    pub fn secret(&self, key: &KeyName) -> SecretName {
        SecretName { service: self.name.clone(), key: key.clone() }
    }

    /// How one of its credentials is checked, if it is.
    #[must_use]
    pub fn probe(&self, credential: &KeyName) -> Option<&Probe> {
        self.probes.iter().find(|probe| probe.credential == *credential)
    }
}

/// A name as part of an environment variable: upper case, and an underscore for whatever a shell does not take.
#[must_use]
pub fn variable_part(name: &str) -> String {
    let upper = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' };
    name.chars().map(upper).collect()
}
