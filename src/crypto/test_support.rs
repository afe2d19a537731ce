//! What the tests of this room share: randomness that repeats.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::model::identity::MeshId;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::model::time::{Entropy, EntropyUnavailable};

/// Counts up from the byte it is given: each draw differs, each run is the same.
pub(super) struct CountingEntropy(AtomicU8);

impl CountingEntropy {
    pub(super) fn from(first: u8) -> Self {
        Self(AtomicU8::new(first))
    }
}

impl Entropy for CountingEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
        buffer.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

/// An operating system that has none to give.
pub(super) struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyUnavailable> {
        Err(EntropyUnavailable)
    }
}

pub(super) const MESH: MeshId = MeshId([0xa5; 16]);

pub(super) fn at(environment: &str, name: &str, scope: &str) -> ScopedSecret {
    SecretAddress {
        environment: EnvironmentName::parse(environment).expect("environment"),
        name: SecretName::parse(name).expect("name"),
    }
    .within(Scope::parse(scope).expect("scope"))
}

pub(super) fn node(name: &str) -> NodeName {
    NodeName::parse(name).expect("node name")
}
