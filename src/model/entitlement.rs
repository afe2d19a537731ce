//! What a node may hold. The lead decides by this *before* it sends; a follower decides by it before it answers.

use super::company::Companies;
use super::glob::SecretGlob;
use super::name::{EnvironmentName, NodeName, ServiceName};
use super::secret::{KeyScope, Scope, ScopedSecret, SecretName};

/// Most globs one node may have: a roster entry stays small enough to travel in one frame.
pub const GLOBS_MAX: usize = 32;

/// Most companies one node may have.
pub const COMPANIES_MAX: usize = 32;

/// A node's environment, companies and secret globs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The one environment the node is in.
    pub environment: EnvironmentName,
    /// The companies it may speak for.
    pub companies: Companies,
    /// The secrets it may hold within its scopes; empty means none.
    pub globs: Vec<SecretGlob>,
}

impl Entitlement {
    /// Whether `node`, with this entitlement, may hold the value of `at`.
    #[must_use]
    pub fn covers(&self, node: &NodeName, at: &ScopedSecret) -> bool {
        self.covers_scope(node, &at.key_scope()) && self.covers_name(&at.secret.name)
    }

    /// Whether `node` may hold the key of a scope.
    #[must_use]
    pub fn covers_scope(&self, node: &NodeName, at: &KeyScope) -> bool {
        self.environment == at.environment
            && match &at.scope {
                Scope::Global => true,
                Scope::Company(company) => self.companies.contains(company),
                Scope::Node(name) => name == node,
            }
    }

    /// Whether a glob covers the name.
    #[must_use]
    pub fn covers_name(&self, name: &SecretName) -> bool {
        self.globs.iter().any(|glob| glob.matches(name))
    }

    /// Whether a glob can cover a secret of the service.
    #[must_use]
    pub fn covers_service(&self, service: &ServiceName) -> bool {
        self.globs.iter().any(|glob| glob.matches_service(service))
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::CompanyId;
    use super::super::secret::SecretAddress;
    use super::*;

    fn at(environment: &str, name: &str, scope: &str) -> ScopedSecret {
        SecretAddress {
            environment: EnvironmentName::parse(environment).expect("environment"),
            name: SecretName::parse(name).expect("name"),
        }
        .within(Scope::parse(scope).expect("scope"))
    }

    #[test]
    fn a_node_holds_its_environment_its_scopes_and_its_globs_only() {
        let node = NodeName::parse("vengeance").expect("name");
        let entitlement = Entitlement {
            environment: EnvironmentName::parse("prod").expect("environment"),
            companies: Companies::Only([CompanyId::parse("acme").expect("company")].into()),
            globs: vec![SecretGlob::parse("openai/*").expect("glob")],
        };
        assert!(entitlement.covers(&node, &at("prod", "openai/api_key", "global")));
        assert!(entitlement.covers(&node, &at("prod", "openai/api_key", "company:acme")));
        assert!(entitlement.covers(&node, &at("prod", "openai/api_key", "node:vengeance")));
        assert!(!entitlement.covers(&node, &at("dev", "openai/api_key", "global")));
        assert!(!entitlement.covers(&node, &at("prod", "openai/api_key", "company:other")));
        assert!(!entitlement.covers(&node, &at("prod", "openai/api_key", "node:runpod-tx")));
        assert!(!entitlement.covers(&node, &at("prod", "hubspot/api_key", "global")));
    }

    #[test]
    fn no_globs_means_no_secrets() {
        let node = NodeName::parse("vengeance").expect("name");
        let entitlement = Entitlement {
            environment: EnvironmentName::parse("prod").expect("environment"),
            companies: Companies::All,
            globs: vec![],
        };
        assert!(!entitlement.covers(&node, &at("prod", "openai/api_key", "global")));
    }
}
