//! The numbers a new reign begins with: pure. A lead that is made of a snapshot has forgotten what was given out after it was
//! taken; whoever was there has not. So no number is given twice, whether it is known or not.
//!
//! Where the store that the snapshot was taken of is still there to be asked, the next number of everything is known. Where
//! it is not, numbers go on at a round one, far above any that can have been given out meanwhile: one stride further for each
//! reign since. So two reigns of one snapshot share no number as long as they share no epoch.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::number::{Epoch, FirstNumbers, Generation, Position, Revision, Version};
use crate::model::record::{Record, SealedScopeKey};
use crate::model::secret::{KeyScope, ScopedSecret};

/// Versions go on at a multiple of this, the next one for the next reign, where it is not known which were given out. A thousand values a day of one
/// secret take it three years.
pub const VERSION_STRIDE: u64 = 1_000_000;

/// The same for the generations of a scope key, of which there is one for each ban and each rotation.
pub const GENERATION_STRIDE: u32 = 1_000;

/// The same for the serial numbers of secrets: no mesh holds more of them.
pub const SECRET_ID_STRIDE: u64 = 1_000_000;

/// The numbers that one copy of a store has seen given out.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// How far it has come.
    pub position: Position,
    /// The highest version of each secret in each scope, those included that are gone.
    pub versions: BTreeMap<ScopedSecret, Version>,
    /// The highest generation of each scope key.
    pub generations: BTreeMap<KeyScope, Generation>,
    /// What new secrets and new scopes begin with there.
    pub first: FirstNumbers,
    /// The serial number the next new secret gets there.
    pub next_secret_id: u64,
}

impl Numbers {
    /// What is to be read off a store.
    #[must_use]
    pub fn of(
        position: Position,
        high_water: &[(ScopedSecret, Version)],
        keys: &[SealedScopeKey],
        first: FirstNumbers,
        next_secret_id: u64,
    ) -> Self {
        let mut numbers = Self { position, first, next_secret_id, ..Self::default() };
        high_water.iter().for_each(|(at, version)| raise(&mut numbers.versions, at, *version));
        keys.iter().for_each(|key| raise(&mut numbers.generations, &key.at, key.generation));
        numbers
    }

    /// The same, with what its records say besides.
    #[must_use]
    pub fn with(mut self, records: &[Record]) -> Self {
        records.iter().for_each(|record| raise(&mut self.versions, &record.at, record.version));
        self
    }
}

/// How much is known of what was given out since the snapshot was taken.
#[derive(Debug, Clone)]
pub enum Since {
    /// All of it: the store itself is there.
    Known(Numbers),
    /// Some of it: what a follower was told.
    Heard(Numbers),
    /// Nothing.
    Unknown,
}

impl Since {
    fn numbers(&self) -> Option<&Numbers> {
        match self {
            Self::Known(numbers) | Self::Heard(numbers) => Some(numbers),
            Self::Unknown => None,
        }
    }
}

/// What a new reign begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoning {
    /// Its epoch, and the one revision of everything that is written anew.
    pub position: Position,
    /// The version of each secret in each scope that anybody here has heard of; of those the snapshot does not hold, the
    /// version of what stands in for them.
    pub versions: BTreeMap<ScopedSecret, Version>,
    /// The generation of the new key of each scope.
    pub generations: BTreeMap<KeyScope, Generation>,
    /// What secrets and scopes begin with that nobody here has heard of.
    pub first: FirstNumbers,
    /// The serial number the next new secret gets.
    pub next_secret_id: u64,
}

/// A number that cannot go on: the store was counted up to its end, by a fault or on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {what} has come to its last number; nothing can follow it")]
pub struct Exhausted {
    /// What it counts.
    pub what: &'static str,
}

/// Reckons the numbers of the reign after everything that is known, and after the epoch somebody says was seen elsewhere.
///
/// # Errors
/// [`Exhausted`].
pub fn reckon(snapshot: &Numbers, since: &Since, seen: Option<Epoch>) -> Result<Reckoning, Exhausted> {
    #[cfg(feature = "seeded_bugs")]
    let since = if crate::model::seeded::bug(8) { &Since::Known(snapshot.clone()) } else { since };
    let known: Vec<&Numbers> = [Some(snapshot), since.numbers()].into_iter().flatten().collect();
    let epoch = known.iter().map(|numbers| numbers.position.epoch).chain(seen).max().unwrap_or_default();
    let epoch = epoch.get().checked_add(1).ok_or(Exhausted { what: "epoch" })?;
    let revision = known.iter().map(|numbers| numbers.position.revision.get()).max().unwrap_or_default();
    let revision = revision.checked_add(1).ok_or(Exhausted { what: "revision" })?;
    let mut reckoned = Reckoning {
        position: Position { epoch: Epoch(epoch), revision: Revision(revision) },
        versions: BTreeMap::new(),
        generations: BTreeMap::new(),
        first: FirstNumbers::default(),
        next_secret_id: 1,
    };
    for numbers in known {
        let passed = epoch.saturating_sub(numbers.position.epoch.get());
        let next = if matches!(since, Since::Known(_)) { Next::One } else { Next::Round { passed } };
        reckoned.go_on_from(numbers, next)?;
    }
    // A scope of which only secrets are known has had a key all the same.
    let scopes: BTreeSet<KeyScope> = reckoned.versions.keys().map(ScopedSecret::key_scope).collect();
    for scope in scopes {
        reckoned.generations.entry(scope).or_insert(reckoned.first.generation);
    }
    Ok(reckoned)
}

impl Reckoning {
    /// Nothing of it is, or falls below, what these numbers have seen.
    fn go_on_from(&mut self, numbers: &Numbers, next: Next) -> Result<(), Exhausted> {
        for (at, last) in &numbers.versions {
            raise(&mut self.versions, at, next.version(*last)?);
        }
        for (at, last) in &numbers.generations {
            raise(&mut self.generations, at, next.generation(*last)?);
        }
        let FirstNumbers { version, generation } = numbers.first;
        let first = match next {
            Next::One => numbers.first,
            // What is new in this reign must not be what somebody remembers as older.
            Next::Round { .. } => FirstNumbers {
                version: next.version(numbers.versions.values().copied().fold(version, Version::max))?,
                generation: next.generation(numbers.generations.values().copied().fold(generation, Generation::max))?,
            },
        };
        self.first = self.first.later(first);
        self.next_secret_id = self.next_secret_id.max(next.secret_id(numbers.next_secret_id)?);
        Ok(())
    }
}

/// Which number follows the last one.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// The next: it is known that none was given out after it.
    One,
    /// A round one, as many strides on as epochs have passed.
    Round { passed: u64 },
}

impl Next {
    fn version(self, last: Version) -> Result<Version, Exhausted> {
        let next = match self {
            Self::One => last.get().checked_add(1),
            Self::Round { passed } => round(last.get(), VERSION_STRIDE, passed),
        };
        next.and_then(Version::new).ok_or(Exhausted { what: "version of a secret" })
    }

    fn generation(self, last: Generation) -> Result<Generation, Exhausted> {
        let next = match self {
            Self::One => last.get().checked_add(1),
            Self::Round { passed } => {
                round(last.get().into(), GENERATION_STRIDE.into(), passed).and_then(|next| u32::try_from(next).ok())
            }
        };
        next.and_then(Generation::new).ok_or(Exhausted { what: "generation of a scope key" })
    }

    fn secret_id(self, next: u64) -> Result<u64, Exhausted> {
        match self {
            Self::One => Ok(next),
            Self::Round { passed } => {
                round(next, SECRET_ID_STRIDE, passed).ok_or(Exhausted { what: "serial number of secrets" })
            }
        }
    }
}

fn round(last: u64, stride: u64, passed: u64) -> Option<u64> {
    last.checked_div(stride)?.checked_add(passed)?.checked_mul(stride)
}

fn raise<K: Clone + Ord, N: Copy + Ord>(known: &mut BTreeMap<K, N>, at: &K, number: N) {
    known.entry(at.clone()).and_modify(|highest| *highest = (*highest).max(number)).or_insert(number);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    const SCOPES: [&str; 4] = ["global", "company:acme", "company:globex", "node:beta"];

    fn at(secret: u8, scope: u8) -> ScopedSecret {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse(&format!("service/key{}", secret % 5)).expect("name");
        let scope = Scope::parse(SCOPES[usize::from(scope) % SCOPES.len()]).expect("scope");
        SecretAddress { environment, name }.within(scope)
    }

    fn version(number: u64) -> Version {
        Version::new(number).expect("positive")
    }

    fn generation(number: u32) -> Generation {
        Generation::new(number).expect("positive")
    }

    fn numbers() -> impl Strategy<Value = Numbers> {
        let secrets = proptest::collection::vec((any::<u8>(), any::<u8>(), 1..3_000_000_u64, 1..3_000_u32), 0..12);
        (secrets, 0..5_u64, any::<u16>(), 1..2_000_000_u64).prop_map(|(secrets, epoch, revision, next_secret_id)| {
            let position = Position { epoch: Epoch(epoch), revision: Revision(revision.into()) };
            let mut numbers = Numbers { position, next_secret_id, ..Numbers::default() };
            for (secret, scope, highest, newest) in secrets {
                let at = at(secret, scope);
                raise(&mut numbers.generations, &at.key_scope(), generation(newest));
                raise(&mut numbers.versions, &at, version(highest));
            }
            numbers
        })
    }

    fn known_since() -> impl Strategy<Value = Since> {
        (any::<u8>(), numbers()).prop_map(|(which, numbers)| match which % 3 {
            0 => Since::Known(numbers),
            1 => Since::Heard(numbers),
            _ => Since::Unknown,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Nothing that anybody here knows of keeps its number or falls below it, and what nobody knows of begins above
        /// everything wherever something may have been given out that is not known.
        #[test]
        fn no_number_is_given_twice(snapshot in numbers(), since in known_since(), seen in 0..9_u64) {
            let reckoned = reckon(&snapshot, &since, Some(Epoch(seen))).expect("not at the end");
            for known in [Some(&snapshot), since.numbers()].into_iter().flatten() {
                prop_assert!(reckoned.position.epoch > known.position.epoch.max(Epoch(seen)));
                prop_assert!(reckoned.position.revision > known.position.revision);
                prop_assert!(reckoned.next_secret_id >= known.next_secret_id);
                for (at, last) in &known.versions {
                    prop_assert!(reckoned.versions[at] > *last, "{at}");
                    prop_assert!(reckoned.generations.contains_key(&at.key_scope()));
                }
                for (at, last) in &known.generations {
                    prop_assert!(reckoned.generations[at] > *last);
                }
                if !matches!(since, Since::Known(_)) {
                    prop_assert!(known.versions.values().all(|last| reckoned.first.version > *last));
                    prop_assert!(known.generations.values().all(|last| reckoned.first.generation > *last));
                }
            }
        }

        /// Two reigns that began of the same snapshot, the later one told of the epoch of the first, share no number,
        /// however much the first gave out within a stride.
        #[test]
        fn reigns_of_one_snapshot_share_no_number(snapshot in numbers(), given in 0..VERSION_STRIDE) {
            let first = reckon(&snapshot, &Since::Unknown, None).expect("not at the end");
            let again = reckon(&snapshot, &Since::Unknown, Some(first.position.epoch)).expect("not at the end");
            for (at, begun) in &first.versions {
                prop_assert!(again.versions[at].get() > begun.get() + given, "{at}");
            }
            prop_assert!(again.first.version.get() > first.first.version.get() + given);
            prop_assert!(again.first.generation > first.first.generation);
        }

        /// With the store at hand nothing jumps: the next number is the next one.
        #[test]
        fn a_store_that_is_there_is_gone_on_from(snapshot in numbers(), present in numbers()) {
            let reckoned = reckon(&snapshot, &Since::Known(present.clone()), None).expect("not at the end");
            for (at, number) in &reckoned.versions {
                let last = snapshot.versions.get(at).max(present.versions.get(at)).expect("known");
                prop_assert_eq!(*number, last.next());
            }
            prop_assert_eq!(reckoned.first, FirstNumbers::default());
        }
    }

    fn one(highest: u64, newest: u32) -> Numbers {
        let at = at(0, 0);
        let position = Position { epoch: Epoch(1), revision: Revision(10) };
        let (versions, generations) =
            ([(at.clone(), version(highest))].into(), [(at.key_scope(), generation(newest))].into());
        Numbers { position, versions, generations, first: FirstNumbers::default(), next_secret_id: 2 }
    }

    #[test]
    fn without_the_store_numbers_go_on_at_the_next_round_one() {
        let reckoned = reckon(&one(3, 1), &Since::Unknown, None).expect("not at the end");
        assert_eq!(reckoned.position, Position { epoch: Epoch(2), revision: Revision(11) });
        assert_eq!(reckoned.versions[&at(0, 0)], version(1_000_000));
        assert_eq!(reckoned.generations[&at(0, 0).key_scope()], generation(1_000));
        assert_eq!((reckoned.first.version, reckoned.first.generation), (version(1_000_000), generation(1_000)));
        assert_eq!(reckoned.next_secret_id, 1_000_000);
        let exactly = reckon(&one(1_000_000, 1_000), &Since::Unknown, None).expect("not at the end");
        assert_eq!(exactly.versions[&at(0, 0)], version(2_000_000), "a round number may have been given out too");
        let heard = reckon(&one(3, 1), &Since::Heard(one(1_000_007, 4)), None).expect("not at the end");
        assert_eq!(heard.versions[&at(0, 0)], version(2_000_000));
    }

    /// The same snapshot restored a second time, when the first restored store was lost as well, gave the same versions to
    /// other values: a follower that had heard of them kept what it had.
    #[test]
    fn a_snapshot_that_is_restored_again_gives_other_numbers_if_the_epoch_is_told() {
        let again = reckon(&one(3, 1), &Since::Unknown, Some(Epoch(2))).expect("not at the end");
        assert_eq!(again.position.epoch, Epoch(3));
        assert_eq!(again.versions[&at(0, 0)], version(2_000_000));
        assert_eq!(again.generations[&at(0, 0).key_scope()], generation(2_000));
    }

    #[test]
    fn what_stands_at_its_last_number_is_no_beginning() {
        let refused = |numbers: &Numbers| reckon(numbers, &Since::Unknown, None).expect_err("the end").what;
        assert_eq!(refused(&one(u64::MAX, 1)), "version of a secret");
        assert_eq!(refused(&one(1, u32::MAX)), "generation of a scope key");
        let end = Position { epoch: Epoch(u64::MAX), revision: Revision(1) };
        assert_eq!(refused(&Numbers { position: end, ..one(1, 1) }), "epoch");
        let end = Position { epoch: Epoch(1), revision: Revision(u64::MAX) };
        assert_eq!(refused(&Numbers { position: end, ..one(1, 1) }), "revision");
    }
}
