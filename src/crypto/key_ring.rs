//! The scope keys a node has open, by scope and generation. Published with a read view, so it is cheap to clone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scope_key::ScopeKey;
use crate::model::number::Generation;
use crate::model::secret::KeyScope;

/// Open keys. A clone shares them; each is wiped when the last ring that holds it goes.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(BTreeMap<KeyScope, BTreeMap<Generation, Arc<ScopeKey>>>);

impl KeyRing {
    /// Adds a key, in place of one of the same scope and generation.
    pub fn insert(&mut self, at: KeyScope, generation: Generation, key: ScopeKey) {
        self.0.entry(at).or_default().insert(generation, Arc::new(key));
    }

    /// The key of one generation.
    #[must_use]
    pub fn get(&self, at: &KeyScope, generation: Generation) -> Option<Arc<ScopeKey>> {
        self.0.get(at)?.get(&generation).map(Arc::clone)
    }

    /// The key new values of a scope are sealed with.
    #[must_use]
    pub fn newest(&self, at: &KeyScope) -> Option<(Generation, Arc<ScopeKey>)> {
        let (generation, key) = self.0.get(at)?.last_key_value()?;
        Some((*generation, Arc::clone(key)))
    }

    /// Forgets the keys of every scope that is not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&KeyScope) -> bool) {
        self.0.retain(|at, _| wanted(at));
    }

    /// The scopes that have a key here.
    pub fn scopes(&self) -> impl Iterator<Item = &KeyScope> {
        self.0.keys()
    }

    /// How many keys, all generations counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether nothing can be opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, at};
    use super::*;

    fn key(first: u8) -> ScopeKey {
        ScopeKey::generate(&CountingEntropy::from(first)).expect("key")
    }

    #[test]
    fn the_newest_generation_seals_and_older_ones_still_open() {
        let scope = at("prod", "openai/api_key", "global").key_scope();
        let mut ring = KeyRing::default();
        ring.insert(scope.clone(), Generation::FIRST.next(), key(2));
        ring.insert(scope.clone(), Generation::FIRST, key(1));
        let (generation, newest) = ring.newest(&scope).expect("newest");
        assert_eq!(generation, Generation::FIRST.next());
        assert_eq!(newest.as_bytes()[0], 2);
        assert_eq!(ring.get(&scope, Generation::FIRST).expect("first").as_bytes()[0], 1);
        assert_eq!(ring.len(), 2);
    }

    #[test]
    fn a_scope_that_is_not_retained_opens_nothing() {
        let (kept, gone) = (at("prod", "a/b", "global").key_scope(), at("prod", "a/b", "node:x").key_scope());
        let mut ring = KeyRing::default();
        ring.insert(kept.clone(), Generation::FIRST, key(1));
        ring.insert(gone.clone(), Generation::FIRST, key(2));
        ring.retain(|scope| *scope == kept);
        assert!(ring.newest(&gone).is_none());
        assert!(ring.get(&gone, Generation::FIRST).is_none());
        assert!(ring.newest(&kept).is_some());
        ring.retain(|_| false);
        assert!(ring.is_empty());
    }
}
