//! The cast of a simulated mesh: its nodes, its secrets, and what nodes may be entitled to.

use std::sync::LazyLock;

use aurora_mesh::model::company::Companies;
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::freeze::FreezeTarget;
use aurora_mesh::model::glob::SecretGlob;
use aurora_mesh::model::identity::MeshId;
use aurora_mesh::model::name::{CompanyId, EnvironmentName, NodeName};
use aurora_mesh::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};

/// The mesh everything is bound to.
pub const MESH: MeshId = MeshId([0x5a; 16]);

/// The followers there may be.
pub static NODES: LazyLock<Vec<NodeName>> =
    LazyLock::new(|| ["vengeance", "runpod-tx", "laptop"].iter().map(|name| node(name)).collect());

/// Every place a value may be in: few, so that events meet each other.
pub static PLACES: LazyLock<Vec<ScopedSecret>> = LazyLock::new(|| {
    [
        ("prod", "openai/api_key", "global"),
        ("prod", "openai/api_key", "company:acme"),
        ("prod", "openai/api_key", "node:vengeance"),
        ("prod", "hubspot/api_key", "global"),
        ("prod", "hubspot/api_key", "company:acme"),
        ("dev", "openai/api_key", "global"),
    ]
    .iter()
    .map(|(environment, name, scope)| {
        let name = SecretName::parse(name).expect("a name");
        let scope = Scope::parse(scope).expect("a scope");
        SecretAddress { environment: self::environment(environment), name }.within(scope)
    })
    .collect()
});

/// What a node of `prod` may be entitled to, the widest first.
pub static ENTITLEMENTS: LazyLock<Vec<Entitlement>> = LazyLock::new(|| {
    let acme = || Companies::Only([CompanyId::parse("acme").expect("a company")].into());
    let globs = |texts: &[&str]| texts.iter().map(|glob| SecretGlob::parse(glob).expect("a glob")).collect();
    [(acme(), globs(&["*"])), (Companies::default(), globs(&["*"])), (acme(), globs(&["openai/*"])), (acme(), vec![])]
        .into_iter()
        .map(|(companies, globs)| Entitlement { environment: environment("prod"), companies, globs })
        .collect()
});

/// What may be frozen.
pub static TARGETS: LazyLock<Vec<FreezeTarget>> = LazyLock::new(|| {
    let texts = ["mesh", "secret:openai/api_key", "node:vengeance", "company:acme"];
    texts.iter().map(|text| FreezeTarget::parse(text).expect("a target")).collect()
});

/// A node's name.
pub fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect("a name")
}

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::parse(name).expect("a name")
}
