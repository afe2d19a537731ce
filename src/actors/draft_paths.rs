//! Several secrets of one service within a draft: replaced together, under one number, or changed together.
//!
//! The number of values that are written together is one greater than any of their service in their scope ever had. So
//! they have the same version from then on, whatever each of them had before, and the version of the whole, which is the
//! greatest of its parts, goes up with every such write.

use super::change::{CommittedSecret, NewValue, Replacement, Step};
use super::draft::{Context, Draft};
use super::draft_values::unchanged;
use super::error::CommitError;
use crate::model::number::Version;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;
use crate::store::mutation::Mutation;

impl Draft {
    /// All values under one number, and what is dropped deleted; or nothing, when the expected version is not there.
    pub(super) fn replace(
        &mut self,
        new: Replacement,
        context: Context<'_>,
    ) -> Result<Vec<CommittedSecret>, CommitError> {
        let Replacement { values, dropped, unseen, cas } = new;
        if let (Some(expected), Some(first)) = (cas, values.first()) {
            let is_written = |at: &ScopedSecret| values.iter().any(|value| value.at == *at);
            let counts = |record: &&Record| is_written(&record.at) || !unseen.contains(&record.at);
            Self::expect(expected, self.of_service(&first.at).filter(counts))?;
        }
        let number = values.first().map(|value| self.next_number(&value.at));
        for at in dropped.into_iter().filter(|at| self.is_live(at)).collect::<Vec<_>>() {
            self.delete(&at, context).map_err(|cause| of(&at, cause))?;
        }
        let put = |value: NewValue| {
            let at = value.at.clone();
            self.put_as(value, number, context).map_err(|cause| of(&at, cause))
        };
        values.into_iter().map(put).collect()
    }

    /// Each step, or none: the first that cannot be taken is the reason why none is.
    pub(super) fn steps(
        &mut self,
        steps: Vec<(ScopedSecret, Step)>,
        context: Context<'_>,
    ) -> Result<Vec<CommittedSecret>, CommitError> {
        let take = |(at, step): (ScopedSecret, Step)| {
            let taken = match step {
                Step::Delete(version) => self.is_current(&at, version).and_then(|()| self.delete(&at, context)),
                Step::Undelete => self.undelete(&at, context),
                Step::Describe(patch) => self.describe(&at, &patch, context),
                Step::Older(record) => self.change_older(*record, context),
                Step::Destroy { current, older } => self.destroy(&at, current, older, context),
            };
            taken.map_err(|cause| of(&at, cause))
        };
        steps.into_iter().map(take).collect()
    }

    /// Writes an older version as it shall be; what is current stays as it is. It is on the disk only, and is replaced there
    /// if its value is still sealed as it was read.
    fn change_older(&mut self, mut record: Record, context: Context<'_>) -> Result<CommittedSecret, CommitError> {
        let current = self.state.lead.view.get(&record.at).ok_or(CommitError::NoSuchSecret)?;
        let committed = unchanged(current);
        let expecting = record.kept().map(|sealed| sealed.generation).ok_or(CommitError::NotDeleted)?;
        record.updated_at = context.now;
        self.mutations.push(Mutation::ReplaceVersion { record, expecting });
        Ok(committed)
    }

    /// Whether the greatest version is the expected one; 0 also stands for values that are all gone.
    fn expect<'a>(expected: u64, about: impl Iterator<Item = &'a Record>) -> Result<(), CommitError> {
        let records: Vec<&Record> = about.collect();
        let greatest = records.iter().map(|record| record.version).max();
        let is_live = records.iter().any(|record| record.sealed().is_some());
        if expected == greatest.map_or(0, Version::get) || (expected == 0 && !is_live) {
            return Ok(());
        }
        Err(CommitError::Conflict { current: greatest })
    }

    /// One more than any version of the service in this scope.
    fn next_number(&self, at: &ScopedSecret) -> Version {
        self.of_service(at).map(|record| record.version).max().map_or(self.state.first.version, Version::next)
    }

    /// What the service of a secret has in its scope, as far as it ever had a value.
    fn of_service<'a>(&'a self, at: &'a ScopedSecret) -> impl Iterator<Item = &'a Record> {
        let service = &at.secret.name.service;
        let from = self.state.lead.view.within(&at.secret.environment, Some(service), None);
        let of_service = from.take_while(move |record| record.at.secret.name.service == *service);
        let given = of_service.filter(move |record| record.at.scope == at.scope && record.body != RecordBody::Unset);
        given.map(|record| &**record)
    }

    /// Whether a secret still has the version that was looked at: what was written since then was not meant.
    fn is_current(&self, at: &ScopedSecret, version: Version) -> Result<(), CommitError> {
        match self.state.lead.view.get(at).filter(|record| record.body != RecordBody::Unset) {
            Some(record) if record.version != version => Err(CommitError::Conflict { current: Some(record.version) }),
            Some(_) | None => Ok(()),
        }
    }

    fn is_live(&self, at: &ScopedSecret) -> bool {
        self.state.lead.view.get(at).is_some_and(|record| record.sealed().is_some())
    }
}

fn of(at: &ScopedSecret, cause: CommitError) -> CommitError {
    CommitError::OfSecret { at: at.clone(), cause: Box::new(cause) }
}

#[cfg(test)]
mod tests {
    use super::super::change::{Change, Committed};
    use super::super::draft_life::Bench;
    use super::*;
    use crate::crypto::plaintext::Plaintext;
    use crate::model::name::EnvironmentName;
    use crate::model::patch::Patch;
    use crate::model::secret::{Scope, SecretAddress, SecretName};

    fn at(key: &str) -> ScopedSecret {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse(&format!("crm/{key}")).expect("name");
        SecretAddress { environment, name }.within(Scope::Global)
    }

    fn value(key: &str, text: &str) -> NewValue {
        NewValue { at: at(key), value: Plaintext::new(text.as_bytes().to_vec()), patch: Patch::default(), cas: None }
    }

    fn replace(keys: &[&str], dropped: &[&str], cas: Option<u64>) -> Change {
        let values = keys.iter().map(|key| value(key, "same")).collect();
        Change::Replace(Box::new(Replacement {
            values,
            dropped: dropped.iter().map(|key| at(key)).collect(),
            unseen: Vec::new(),
            cas,
        }))
    }

    fn versions(bench: &mut Bench, change: Change) -> Vec<u64> {
        let Ok(Committed::Secrets(made)) = bench.plan(change) else { panic!("not planned") };
        made.iter().map(|secret| secret.version.get()).collect()
    }

    fn current(bench: &Bench, key: &str) -> Option<u64> {
        let record = bench.draft.state.lead.view.get(&at(key))?;
        record.sealed().map(|_| record.version.get())
    }

    #[test]
    fn values_written_together_have_one_number_that_no_value_of_their_service_ever_had() {
        let mut bench = Bench::new();
        for text in ["one", "two", "three"] {
            bench.plan(Change::Put(Box::new(value("a", text)))).expect("planned");
        }
        assert_eq!(versions(&mut bench, replace(&["a", "b"], &[], None)), [4, 4]);
        assert_eq!(versions(&mut bench, replace(&["a", "b"], &[], None)), [5, 5], "the same again is a new version");
        assert_eq!(versions(&mut bench, replace(&["b"], &["a", "c"], None)), [6]);
        assert_eq!((current(&bench, "a"), current(&bench, "b")), (None, Some(6)));
        assert_eq!(versions(&mut bench, replace(&["c"], &["b"], None)), [7], "also where all others are gone");
    }

    #[test]
    fn the_expected_version_is_the_greatest_of_what_is_known_or_none() {
        let mut bench = Bench::new();
        let conflict = |bench: &mut Bench, expected| {
            let before = bench.draft.mutations.len();
            let refused = bench.plan(replace(&["a"], &["b"], Some(expected))).expect_err("refused");
            assert_eq!(bench.draft.mutations.len(), before);
            let CommitError::Conflict { current } = refused else { panic!("{refused:?}") };
            current.map_or(0, Version::get)
        };
        assert_eq!(conflict(&mut bench, 1), 0);
        assert_eq!(versions(&mut bench, replace(&["a", "b"], &[], Some(0))), [1, 1]);
        assert_eq!((conflict(&mut bench, 0), conflict(&mut bench, 2)), (1, 1));
        bench.plan(Change::Put(Box::new(value("b", "by hand")))).expect("planned");
        assert_eq!(conflict(&mut bench, 1), 2, "a part of it was changed by somebody else");
        assert_eq!(versions(&mut bench, replace(&["a"], &["b"], Some(2))), [3]);
        bench.plan(Change::Steps(vec![(at("a"), Step::Delete(Version::new(3).expect("a number")))])).expect("planned");
        assert_eq!(versions(&mut bench, replace(&["a"], &[], Some(0))), [4], "nothing has a value");
        bench.plan(Change::Steps(vec![(at("a"), Step::Delete(Version::new(4).expect("a number")))])).expect("planned");
        assert_eq!(versions(&mut bench, replace(&["a"], &[], Some(4))), [5], "or what was deleted is named");
    }

    /// Between the look at a path and its write somebody else may write; what the caller may not see is no matter to it.
    #[test]
    fn a_key_that_came_meanwhile_is_a_conflict_and_one_that_was_never_seen_is_none() {
        let mut bench = Bench::new();
        versions(&mut bench, replace(&["a", "b"], &[], None));
        bench.plan(Change::Put(Box::new(value("c", "meanwhile")))).expect("planned");
        bench.plan(Change::Put(Box::new(value("c", "again")))).expect("planned");
        let ask = |unseen: &[&str]| {
            let unseen = unseen.iter().map(|key| at(key)).collect();
            let values = vec![value("a", "mine")];
            Change::Replace(Box::new(Replacement { values, dropped: vec![at("b")], unseen, cas: Some(1) }))
        };
        let refused = bench.plan(ask(&[])).expect_err("the path is at 2 by now");
        assert!(matches!(refused, CommitError::Conflict { .. }), "{refused:?}");
        assert_eq!(current(&bench, "b"), Some(1));
        assert!(bench.plan(ask(&["c", "a"])).is_ok(), "what is written counts, seen or not, and is at 1");
    }

    #[test]
    fn a_version_that_came_meanwhile_is_not_deleted() {
        let mut bench = Bench::new();
        versions(&mut bench, replace(&["a", "b"], &[], None));
        bench.plan(Change::Put(Box::new(value("b", "meanwhile")))).expect("planned");
        let steps = ["a", "b"].map(|key| (at(key), Step::Delete(Version::FIRST)));
        let refused = bench.plan(Change::Steps(steps.into())).expect_err("b has another by now");
        assert!(matches!(refused, CommitError::OfSecret { .. }), "{refused:?}");
        assert_eq!((current(&bench, "a"), current(&bench, "b")), (Some(1), Some(2)));
    }

    #[test]
    fn of_several_steps_all_are_taken_or_none() {
        let mut bench = Bench::new();
        versions(&mut bench, replace(&["a", "b"], &[], None));
        let steps =
            |keys: &[&str]| Change::Steps(keys.iter().map(|key| (at(key), Step::Delete(Version::FIRST))).collect());
        let refused = bench.plan(steps(&["a", "c"])).expect_err("there is no c");
        assert!(matches!(refused, CommitError::OfSecret { .. }), "{refused:?}");
        assert_eq!(current(&bench, "a"), Some(1));
        assert_eq!(versions(&mut bench, steps(&["a", "b"])), [1, 1]);
        let undelete = Change::Steps(vec![(at("a"), Step::Undelete)]);
        assert_eq!(versions(&mut bench, undelete), [1]);
        let destroy = Step::Destroy { current: Version::new(1), older: Vec::new() };
        bench.plan(Change::Steps(vec![(at("a"), destroy)])).expect("planned");
        assert!(bench.draft.purges);
        assert_eq!((current(&bench, "a"), current(&bench, "b")), (None, None));
    }
}
