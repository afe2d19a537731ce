//! What a secret is called, and the scopes in which it may have a value.

use std::fmt;

use super::name::{CompanyId, EnvironmentName, KeyName, NameError, NameRule, NodeName, ServiceName};

/// `service/key_name`, the short form people type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    /// The provider or application.
    pub service: ServiceName,
    /// The credential within it.
    pub key: KeyName,
}

impl SecretName {
    /// Reads `hubspot/api_key`.
    ///
    /// # Errors
    /// [`NameError`] when there is not exactly one slash or a part is not canonical.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let Some((service, key)) = text.split_once('/').filter(|(_, key)| !key.contains('/')) else {
            return Err(NameError::new("secret", text, NameRule::Slash));
        };
        Ok(Self { service: ServiceName::parse(service)?, key: KeyName::parse(key)? })
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.service, self.key)
    }
}

/// A secret: its environment and its name. It may have one value in each scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretAddress {
    /// Where it lives; it never resolves anywhere else.
    pub environment: EnvironmentName,
    /// What it is called there.
    pub name: SecretName,
}

impl SecretAddress {
    /// The same secret in one scope.
    #[must_use]
    pub fn within(&self, scope: Scope) -> ScopedSecret {
        ScopedSecret { secret: self.clone(), scope }
    }
}

/// Whom a value is for. The narrowest present value wins: node, then company, then global.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every node of the environment.
    Global,
    /// The nodes that may speak for one company.
    Company(CompanyId),
    /// One node.
    Node(NodeName),
}

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The word before the colon is none of ours.
    #[error("{0:?} is not a scope: write global, company:ID or node:NAME")]
    Unknown(String),
    /// `company` or `node` without an id.
    #[error("scope {0} needs an id: write {0}:ID")]
    MissingId(&'static str),
    /// `global` with an id.
    #[error("scope global takes no id")]
    UnwantedId,
    /// The id is not canonical.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Scope {
    /// Reads `global`, `company:ID` or `node:NAME`.
    ///
    /// # Errors
    /// [`ScopeError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        match text.split_once(':') {
            Some((kind, id)) => Self::from_parts(kind, Some(id)),
            None => Self::from_parts(text, None),
        }
    }

    /// Builds a scope from the two fields of a request body: `scope` and `scope_id`.
    ///
    /// # Errors
    /// [`ScopeError`] says which part is wrong.
    pub fn from_parts(kind: &str, id: Option<&str>) -> Result<Self, ScopeError> {
        match (kind, id) {
            ("global", None) => Ok(Self::Global),
            ("global", Some(_)) => Err(ScopeError::UnwantedId),
            ("company", Some(id)) => Ok(Self::Company(CompanyId::parse(id)?)),
            ("node", Some(id)) => Ok(Self::Node(NodeName::parse(id)?)),
            ("company", None) => Err(ScopeError::MissingId("company")),
            ("node", None) => Err(ScopeError::MissingId("node")),
            (other, _) => Err(ScopeError::Unknown(other.chars().take(80).collect())),
        }
    }

    /// `global`, `company` or `node`: the word used in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Company(_) => "company",
            Self::Node(_) => "node",
        }
    }

    /// The company or node, if the scope names one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Global => None,
            Self::Company(company) => Some(company.as_str()),
            Self::Node(node) => Some(node.as_str()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            None => formatter.pad("global"),
            Some(id) => formatter.pad(&format!("{}:{id}", self.kind())),
        }
    }
}

/// One secret in one scope: what a version counts, what a record is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopedSecret {
    /// Environment and name.
    pub secret: SecretAddress,
    /// Whom this value is for.
    pub scope: Scope,
}

impl ScopedSecret {
    /// Holds those of its names that the other has too together with it, and no second text in memory.
    pub fn share(&mut self, other: &Self) {
        share(&mut self.secret.environment, &other.secret.environment);
        share(&mut self.secret.name.service, &other.secret.name.service);
        share(&mut self.secret.name.key, &other.secret.name.key);
        share(&mut self.scope, &other.scope);
    }

    /// The scope whose key seals this value.
    #[must_use]
    pub fn key_scope(&self) -> KeyScope {
        KeyScope { environment: self.secret.environment.clone(), scope: self.scope.clone() }
    }
}

fn share<T: Clone + PartialEq>(own: &mut T, other: &T) {
    if own == other {
        own.clone_from(other);
    }
}

impl fmt::Display for ScopedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}, {})", self.secret.name, self.scope, self.secret.environment)
    }
}

/// What one scope key covers: one scope of one environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyScope {
    /// The environment.
    pub environment: EnvironmentName,
    /// The scope within it.
    pub scope: Scope,
}

impl fmt::Display for KeyScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {}", self.scope, self.environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_reads_back_as_it_prints() {
        let name = SecretName::parse("hubspot/api_key").expect("canonical");
        assert_eq!(name.to_string(), "hubspot/api_key");
        for text in ["hubspot", "hubspot/api/key", "/", "hubspot/", "/api_key", ""] {
            assert!(SecretName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_scope_reads_back_as_it_prints_and_refuses_the_rest() {
        for text in ["global", "company:company-town-foods", "node:vengeance"] {
            assert_eq!(Scope::parse(text).expect("scope").to_string(), text);
        }
        assert_eq!(Scope::parse("global:x"), Err(ScopeError::UnwantedId));
        assert_eq!(Scope::parse("node"), Err(ScopeError::MissingId("node")));
        assert!(matches!(Scope::parse("team:x"), Err(ScopeError::Unknown(_))));
        assert!(matches!(Scope::parse("company:global"), Err(ScopeError::Name(_))));
    }
}
