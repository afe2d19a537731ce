//! The scope keys a node has open, by scope and generation. Published with a read view, so it is cheap to clone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scope_key::ScopeKey;
use crate::model::number::Generation;
use crate::model::secret::KeyScope;
use crate::model::time::Timestamp;

/// Open keys. A clone shares them; each is wiped when the last ring that holds it goes.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(BTreeMap<KeyScope, BTreeMap<Generation, HeldKey>>);

/// One open key.
#[derive(Debug, Clone)]
pub struct HeldKey {
    /// The key.
    pub key: Arc<ScopeKey>,
    /// When the lead made it, where that is known.
    pub made_at: Option<Timestamp>,
}

impl KeyRing {
    /// Adds a key, in place of one of the same scope and generation.
    pub fn insert(&mut self, at: KeyScope, generation: Generation, key: ScopeKey, made_at: Option<Timestamp>) {
        self.0.entry(at).or_default().insert(generation, HeldKey { key: Arc::new(key), made_at });
    }

    /// The key of one generation.
    #[must_use]
    pub fn get(&self, at: &KeyScope, generation: Generation) -> Option<Arc<ScopeKey>> {
        self.0.get(at)?.get(&generation).map(|held| Arc::clone(&held.key))
    }

    /// The key new values of a scope are sealed with.
    #[must_use]
    pub fn newest(&self, at: &KeyScope) -> Option<(Generation, Arc<ScopeKey>)> {
        let (generation, held) = self.0.get(at)?.last_key_value()?;
        Some((*generation, Arc::clone(&held.key)))
    }

    /// Forgets the keys of every scope that is not wanted.
    pub fn retain(&mut self, wanted: impl Fn(&KeyScope) -> bool) {
        self.0.retain(|at, _| wanted(at));
    }

    /// Whether a scope has a generation before this one.
    #[must_use]
    pub fn has_before(&self, at: &KeyScope, generation: Generation) -> bool {
        self.0.get(at).is_some_and(|keys| keys.range(..generation).next().is_some())
    }

    /// Forgets the generations of a scope that come before this one.
    pub fn drop_before(&mut self, at: &KeyScope, generation: Generation) {
        if let Some(keys) = self.0.get_mut(at) {
            keys.retain(|held, _| *held >= generation);
        }
    }

    /// The scopes with more than one generation, each with its newest: values there are still to be sealed anew.
    pub fn unfinished(&self) -> impl Iterator<Item = (&KeyScope, Generation)> {
        let several = self.0.iter().filter(|(_, keys)| keys.len() > 1);
        several.filter_map(|(at, keys)| keys.last_key_value().map(|(newest, _)| (at, *newest)))
    }

    /// Every key, by scope and generation.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyScope, Generation, &HeldKey)> {
        self.0.iter().flat_map(|(at, keys)| keys.iter().map(move |(generation, held)| (at, *generation, held)))
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
        ring.insert(scope.clone(), Generation::FIRST.next(), key(2), None);
        ring.insert(scope.clone(), Generation::FIRST, key(1), None);
        let (generation, newest) = ring.newest(&scope).expect("newest");
        assert_eq!(generation, Generation::FIRST.next());
        assert_eq!(newest.as_bytes()[0], 2);
        assert_eq!(ring.get(&scope, Generation::FIRST).expect("first").as_bytes()[0], 1);
        assert_eq!(ring.len(), 2);
    }

    #[test]
    fn a_scope_with_two_generations_is_unfinished_until_the_first_is_dropped() {
        let (global, node) = (at("prod", "a/b", "global").key_scope(), at("prod", "a/b", "node:x").key_scope());
        let second = Generation::FIRST.next();
        let mut ring = KeyRing::default();
        ring.insert(global.clone(), Generation::FIRST, key(1), None);
        ring.insert(node.clone(), Generation::FIRST, key(3), None);
        assert_eq!(ring.unfinished().count(), 0);
        ring.insert(global.clone(), second, key(2), None);
        assert_eq!(ring.unfinished().collect::<Vec<_>>(), [(&global, second)]);
        assert_eq!(ring.iter().map(|(_, number, _)| number.get()).collect::<Vec<_>>(), [1, 2, 1]);
        ring.drop_before(&global, second);
        assert!(ring.get(&global, Generation::FIRST).is_none());
        assert!(!ring.has_before(&global, second) && ring.has_before(&node, second));
        assert!(ring.get(&global, second).is_some() && ring.get(&node, Generation::FIRST).is_some());
        assert_eq!(ring.unfinished().count(), 0);
    }

    #[test]
    fn a_scope_that_is_not_retained_opens_nothing() {
        let (kept, gone) = (at("prod", "a/b", "global").key_scope(), at("prod", "a/b", "node:x").key_scope());
        let mut ring = KeyRing::default();
        ring.insert(kept.clone(), Generation::FIRST, key(1), None);
        ring.insert(gone.clone(), Generation::FIRST, key(2), None);
        ring.retain(|scope| *scope == kept);
        assert!(ring.newest(&gone).is_none());
        assert!(ring.get(&gone, Generation::FIRST).is_none());
        assert!(ring.newest(&kept).is_some());
        ring.retain(|_| false);
        assert!(ring.is_empty());
    }
}
