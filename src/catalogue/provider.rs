//! One provider, as its file describes it.

use crate::model::fields::FieldKind;
use crate::model::name::{KeyName, ServiceName};
use crate::model::secret::SecretName;

/// One credential of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its key name: `api_key`.
    pub name: KeyName,
    /// Whether it must be hidden.
    pub kind: FieldKind,
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
    /// Where its documentation is.
    pub docs: Option<String>,
    /// Its credentials, the usual one first.
    pub fields: Vec<Credential>,
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
}

/// A name as part of an environment variable: upper case, and an underscore for whatever a shell does not take.
#[must_use]
pub fn variable_part(name: &str) -> String {
    let upper = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' };
    name.chars().map(upper).collect()
}
