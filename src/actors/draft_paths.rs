//! Several secrets of one service within a draft: replaced together, under one number, or changed together.
//!
//! The number of values that are written together is one greater than any of their service in their scope ever had. So
//! they have the same version from then on, whatever each of them had before, and the version of the whole, which is the
//! greatest of its parts, goes up with every such write.

use super::change::{CommittedSecret, NewValue, Replacement, Step};
use super::draft::{Context, Draft};
use super::error::CommitError;
use crate::model::number::Version;
use crate::model::record::{Record, RecordBody};
use crate::model::secret::ScopedSecret;

impl Draft {
    /// All values under one number, and what is dropped deleted; or nothing, when the expected version is not there.
    pub(super) fn replace(
        &mut self,
        new: Replacement,
        context: Context<'_>,
    ) -> Result<Vec<CommittedSecret>, CommitError> {
        let Replacement { values, dropped, known, cas } = new;
        let about = values.iter().map(|value| &value.at).chain(&known);
        if let Some(expected) = cas {
            self.expect(expected, about)?;
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
                Step::Delete => self.delete(&at, context),
                Step::Undelete => self.undelete(&at, context),
                Step::Describe(patch) => self.describe(&at, &patch, context),
                Step::Destroy { current, older } => self.destroy(&at, current, older, context),
            };
            taken.map_err(|cause| of(&at, cause))
        };
        steps.into_iter().map(take).collect()
    }

    /// Whether the greatest version is the expected one; 0 also stands for values that are all gone.
    fn expect<'a>(&self, expected: u64, about: impl Iterator<Item = &'a ScopedSecret>) -> Result<(), CommitError> {
        let records: Vec<&Record> =
            about.filter_map(|at| self.state.lead.view.get(at)).map(|record| &**record).collect();
        let greatest =
            records.iter().filter(|record| record.body != RecordBody::Unset).map(|record| record.version).max();
        let is_live = records.iter().any(|record| record.sealed().is_some());
        if expected == greatest.map_or(0, Version::get) || (expected == 0 && !is_live) {
            return Ok(());
        }
        Err(CommitError::Conflict { current: greatest })
    }

    /// One more than any version of the service in this scope.
    fn next_number(&self, at: &ScopedSecret) -> Version {
        let service = &at.secret.name.service;
        let view = &self.state.lead.view;
        let of_service = view
            .within(&at.secret.environment, Some(service), None)
            .take_while(|record| record.at.secret.name.service == *service);
        let given = of_service.filter(|record| record.at.scope == at.scope && record.body != RecordBody::Unset);
        given.map(|record| record.version).max().map_or(Version::FIRST, Version::next)
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
        let known = ["a", "b", "c"].map(at).into();
        let values = keys.iter().map(|key| value(key, "same")).collect();
        Change::Replace(Box::new(Replacement {
            values,
            dropped: dropped.iter().map(|key| at(key)).collect(),
            known,
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
        bench.plan(Change::Steps(vec![(at("a"), Step::Delete)])).expect("planned");
        assert_eq!(versions(&mut bench, replace(&["a"], &[], Some(0))), [4], "nothing has a value");
        bench.plan(Change::Steps(vec![(at("a"), Step::Delete)])).expect("planned");
        assert_eq!(versions(&mut bench, replace(&["a"], &[], Some(4))), [5], "or what was deleted is named");
    }

    #[test]
    fn of_several_steps_all_are_taken_or_none() {
        let mut bench = Bench::new();
        versions(&mut bench, replace(&["a", "b"], &[], None));
        let steps = |keys: &[&str]| Change::Steps(keys.iter().map(|key| (at(key), Step::Delete)).collect());
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
