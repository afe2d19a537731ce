//! How far a rule reaches: which secrets, in which scopes, for which companies, in which environments.

use std::collections::BTreeSet;

use super::company::Companies;
use super::glob::SecretGlob;
use super::name::EnvironmentName;
use super::secret::Scope;

/// The bounds of a grant, an agent or an API key. Absence never grants: the default reaches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The secrets it is about; empty means none.
    pub secrets: Vec<SecretGlob>,
    /// The kinds of scope whose values it is about.
    pub scopes: Scopes,
    /// The companies it is about.
    pub companies: Companies,
    /// The environments it is about.
    pub environments: Environments,
}

impl Reach {
    /// Everything there is.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            secrets: vec![SecretGlob::everything()],
            scopes: Scopes::All,
            companies: Companies::All,
            environments: Environments::All,
        }
    }

    /// Whether it is bounded by nothing.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.secrets.iter().any(SecretGlob::is_everything)
            && self.scopes == Scopes::All
            && self.companies == Companies::All
            && self.environments == Environments::All
    }
}

/// The environments a rule speaks about. Absence never grants: the default is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Environments {
    /// Every environment the node could be in.
    All,
    /// These and no others.
    Only(BTreeSet<EnvironmentName>),
}

impl Default for Environments {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Environments {
    /// Whether the environment is among them.
    #[must_use]
    pub fn contains(&self, environment: &EnvironmentName) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(environment),
        }
    }
}

/// The kinds of scope a rule speaks about. Absence never grants: the default is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// Every kind.
    All,
    /// These and no others.
    Only(BTreeSet<ScopeKind>),
}

impl Default for Scopes {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Scopes {
    /// Whether the kind of this scope is among them.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        match self {
            Self::All => true,
            Self::Only(kinds) => kinds.contains(&ScopeKind::of(scope)),
        }
    }
}

/// Whom the values of a scope are for, without saying which company or node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// Everybody.
    Global,
    /// A company.
    Company,
    /// A node.
    Node,
}

impl ScopeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Global, Self::Company, Self::Node];

    /// The kind of a scope.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        match scope {
            Scope::Global => Self::Global,
            Scope::Company(_) => Self::Company,
            Scope::Node(_) => Self::Node,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Company => "company",
            Self::Node => "node",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
