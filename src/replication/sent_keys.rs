//! Which scope keys one follower can be trusted to have, so that each is sent before the first record it opens and not with
//! every record after that.
//!
//! A follower drops a key as soon as its scope has a newer one and nothing it holds is under the older. The lead may still
//! have values under that older key which the follower is told of only then: an undeleted one, or one it was slow to hear
//! of. So of each scope only the newest key that was sent counts as being there; an older one is sent again when a record
//! needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::number::Generation;
use crate::model::record::Record;
use crate::model::secret::KeyScope;

/// The keys that were sent to one follower in one session.
#[derive(Debug, Default)]
pub struct SentKeys(BTreeSet<(KeyScope, Generation)>);

impl SentKeys {
    /// The keys that must be sent before these records.
    #[must_use]
    pub fn lacking(&self, records: &[Arc<Record>]) -> BTreeSet<(KeyScope, Generation)> {
        let keys = records.iter().filter_map(|record| Some((record.at.key_scope(), record.sealed()?.generation)));
        keys.filter(|key| !self.0.contains(key)).collect()
    }

    /// These were sent.
    pub fn sent(&mut self, keys: BTreeSet<(KeyScope, Generation)>) {
        self.0.extend(keys);
    }

    /// What was sent is applied now, and the follower may have dropped every key that is not the newest of its scope.
    pub fn applied(&mut self) {
        let newest: BTreeMap<KeyScope, Generation> = std::mem::take(&mut self.0).into_iter().collect();
        self.0 = newest.into_iter().collect();
    }

    /// The follower may have forgotten any of them.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::name::EnvironmentName;

    use crate::model::secret::{Scope, SecretAddress, SecretName};

    const SECOND: fn() -> Generation = || Generation::FIRST.next();

    fn record(name: &str, generation: Generation) -> Arc<Record> {
        let environment = EnvironmentName::parse("prod").expect("name");
        let secret = SecretAddress { environment, name: SecretName::parse(name).expect("name") };
        Arc::new(Record::sample(secret.within(Scope::Global), generation, vec![1]))
    }

    fn send(keys: &mut SentKeys, records: &[Arc<Record>]) -> Vec<Generation> {
        let lacking = keys.lacking(records);
        let generations = lacking.iter().map(|(_, generation)| *generation).collect();
        keys.sent(lacking);
        generations
    }

    #[test]
    fn a_key_is_sent_once_before_the_first_record_it_opens() {
        let mut keys = SentKeys::default();
        assert_eq!(send(&mut keys, &[record("a/a", Generation::FIRST)]), [Generation::FIRST]);
        keys.applied();
        assert_eq!(send(&mut keys, &[record("a/b", Generation::FIRST)]), []);
        keys.forget();
        assert_eq!(send(&mut keys, &[record("a/b", Generation::FIRST)]), [Generation::FIRST]);
    }

    /// In the middle of a rotation everything a follower held was under the new key, so it dropped the old one. Then a
    /// secret was undeleted that the rotation had not come to: its record came without the key, and was not to be opened
    /// until the rotation came to it, or for as long as the lead was away.
    #[test]
    fn an_older_key_is_sent_again_after_a_newer_one_was_applied() {
        let mut keys = SentKeys::default();
        assert_eq!(send(&mut keys, &[record("a/a", Generation::FIRST)]), [Generation::FIRST]);
        keys.applied();
        assert_eq!(send(&mut keys, &[record("a/a", SECOND())]), [SECOND()]);
        keys.applied();
        assert_eq!(send(&mut keys, &[record("a/undeleted", Generation::FIRST)]), [Generation::FIRST]);
        keys.applied();
        assert_eq!(send(&mut keys, &[record("a/b", SECOND())]), [], "the newest stays");
        assert_eq!(send(&mut keys, &[record("a/c", Generation::FIRST)]), [Generation::FIRST]);
    }

    #[test]
    fn within_one_snapshot_no_key_is_sent_twice() {
        let mut keys = SentKeys::default();
        let both = [record("a/a", Generation::FIRST), record("a/b", SECOND())];
        assert_eq!(send(&mut keys, &both), [Generation::FIRST, SECOND()]);
        assert_eq!(send(&mut keys, &both), [], "its chunks are applied together");
        keys.applied();
        assert_eq!(send(&mut keys, &both), [Generation::FIRST]);
    }
}
