//! How many records each key seals, kept as records come and go: tells when a generation of a scope key is needed no more,
//! without a look at every record.

use rpds::RedBlackTreeMapSync;

use crate::model::number::Generation;
use crate::model::record::Record;
use crate::model::secret::KeyScope;

/// Counts of current records, by scope and generation. Those whose value a deletion keeps count, for an undeletion needs
/// the key. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SealedBy(RedBlackTreeMapSync<(KeyScope, Generation), u64>);

impl SealedBy {
    /// How many records this generation seals.
    #[must_use]
    pub fn count(&self, at: &KeyScope, generation: Generation) -> u64 {
        self.0.get(&(at.clone(), generation)).copied().unwrap_or(0)
    }

    /// How many records the generations before this one seal.
    #[must_use]
    pub fn count_before(&self, at: &KeyScope, generation: Generation) -> u64 {
        self.0.range((at.clone(), Generation::FIRST)..(at.clone(), generation)).map(|(_, count)| count).sum()
    }

    /// One record took the place of another, or of none.
    pub(super) fn replaced(&mut self, before: Option<&Record>, after: &Record) {
        let [was, is] = [before.and_then(generation), generation(after)];
        if was == is {
            return;
        }
        let at = after.at.key_scope();
        if let Some(was) = was {
            self.set((at.clone(), was), |count| count.saturating_sub(1));
        }
        if let Some(is) = is {
            self.set((at, is), |count| count.saturating_add(1));
        }
    }

    fn set(&mut self, key: (KeyScope, Generation), change: impl Fn(u64) -> u64) {
        let Some(count) = self.0.get_mut(&key) else {
            return self.0.insert_mut(key, change(0));
        };
        *count = change(*count);
        if *count == 0 {
            self.0.remove_mut(&key);
        }
    }
}

fn generation(record: &Record) -> Option<Generation> {
    record.kept().map(|sealed| sealed.generation)
}

#[cfg(test)]
mod tests {
    use super::super::view::View;
    use super::*;

    use crate::model::name::EnvironmentName;

    use crate::model::record::{RecordBody, SealedValue};
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn sealed(generation: u32) -> SealedValue {
        SealedValue { generation: number(generation), nonce: [0; 24], ciphertext: vec![1] }
    }

    fn number(generation: u32) -> Generation {
        Generation::new(generation).expect("positive")
    }

    fn record(name: &str, scope: &str, body: RecordBody) -> Record {
        let environment = EnvironmentName::parse("prod").expect("name");
        let secret = SecretAddress { environment, name: SecretName::parse(name).expect("name") };
        let at = secret.within(Scope::parse(scope).expect("scope"));
        Record { body, ..Record::sample(at, Generation::FIRST, Vec::new()) }
    }

    #[test]
    fn records_are_counted_under_the_key_that_seals_them_as_they_come_and_go() {
        let mut view = View::default();
        let global = record("a/a", "global", RecordBody::Unset).at.key_scope();
        let counts = |view: &View| [1, 2, 3].map(|generation| view.sealed_by().count(&global, number(generation)));
        view.insert(record("a/a", "global", RecordBody::Sealed(sealed(1))));
        view.insert(record("a/b", "global", RecordBody::Sealed(sealed(1))));
        view.insert(record("a/a", "company:acme", RecordBody::Sealed(sealed(1))));
        view.insert(record("a/c", "global", RecordBody::Unset));
        assert_eq!(counts(&view), [2, 0, 0]);
        view.insert(record("a/a", "global", RecordBody::Sealed(sealed(3))));
        view.insert(record("a/b", "global", RecordBody::Deleted { kept: Some(sealed(1)) }));
        assert_eq!(counts(&view), [1, 0, 1]);
        assert_eq!(view.sealed_by().count_before(&global, number(3)), 1);
        view.insert(record("a/b", "global", RecordBody::Destroyed));
        assert_eq!((counts(&view), view.sealed_by().count_before(&global, number(3))), ([0, 0, 1], 0));
    }
}
