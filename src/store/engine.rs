//! What the thread does with the database it owns, one call at a time.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use redb::Database;

use super::apply::apply;
use super::check::check;
use super::contents::Contents;
use super::error::StoreError;
use super::export::{Export, Readers};
use super::failpoint::{self, Failpoint};
use super::ground::Medium;
use super::open_tables::OpenTables;
use super::step::Step;
use super::table::begin_frequent_write;
use super::{file, load, rebuild};
use crate::model::number::Version;
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;

/// The open database.
pub(super) struct Engine {
    database: Database,
    /// Where it is, if it is a file, and what carries its bytes.
    place: Option<(PathBuf, Arc<dyn Medium>)>,
    /// Set when a write failed in a way that leaves the disk unknown; never cleared.
    poisoned: bool,
    readers: Readers,
}

impl Engine {
    pub(super) fn new(database: Database, place: Option<(PathBuf, Arc<dyn Medium>)>) -> Self {
        Self { database, place, poisoned: false, readers: Readers::default() }
    }

    /// Commits a group of transactions as one redb transaction; the answers are in their order. A refused one is
    /// refused alone. If anything else fails, nothing of the group is answered as done, and nothing after it.
    pub(super) fn commit(&mut self, group: &[Vec<Step>]) -> Vec<Result<(), StoreError>> {
        let outcome = self.usable().and_then(|()| self.write(group));
        #[cfg(feature = "seeded_bugs")]
        let outcome = if crate::model::seeded::bug(27) {
            outcome.or_else(|_| Ok(group.iter().map(|_| Ok(())).collect()))
        } else {
            outcome
        };
        outcome.unwrap_or_else(|error| {
            self.poisoned = true;
            group.iter().map(|_| Err(error.clone())).collect()
        })
    }

    /// All versions that are kept, newest first.
    pub(super) fn versions(&self, at: &ScopedSecret) -> Result<Vec<Record>, StoreError> {
        self.usable()?;
        load::versions(&self.database, at)
    }

    /// One version, if it is kept.
    pub(super) fn version(&self, at: &ScopedSecret, version: Version) -> Result<Option<Record>, StoreError> {
        self.usable()?;
        load::version(&self.database, at, version)
    }

    /// A page of older versions.
    pub(super) fn older(
        &self,
        after: Option<&(ScopedSecret, Version)>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.usable()?;
        load::older(&self.database, after, limit)
    }

    /// Everything but older versions.
    pub(super) fn contents(&self) -> Result<Contents, StoreError> {
        self.usable()?;
        load::contents(&self.database)
    }

    /// Every row, to be read elsewhere.
    pub(super) fn export(&mut self) -> Result<Export, StoreError> {
        self.usable()?;
        Export::begin(&self.database, &mut self.readers)
    }

    /// Writes the file anew. Until the new one has the name a failure changes nothing; after that it is fatal.
    pub(super) fn rebuild(&mut self) -> Result<(), StoreError> {
        self.usable()?;
        let (path, medium) = self.place.clone().ok_or(StoreError::NotAFile)?;
        let fresh = rebuild::rebuild(&self.database, &*medium, &path)?;
        self.readers.keep(mem::replace(&mut self.database, fresh));
        file::sync_directory(&path).inspect_err(|_| self.poisoned = true)
    }

    fn usable(&self) -> Result<(), StoreError> {
        if self.poisoned { Err(StoreError::Poisoned) } else { Ok(()) }
    }

    fn write(&self, group: &[Vec<Step>]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let path = self.place.as_ref().map(|(path, _)| path.as_path());
        let txn = begin_frequent_write(&self.database, path)?;
        let mut tables = OpenTables::of(&txn);
        let mut outcomes = Vec::with_capacity(group.len());
        for steps in group {
            match check(&mut tables, steps) {
                Ok(()) => {
                    apply(&mut tables, steps)?;
                    outcomes.push(Ok(()));
                }
                Err(refusal) if refusal.is_refusal() => outcomes.push(Err(refusal)),
                Err(error) => return Err(error),
            }
        }
        drop(tables);
        if outcomes.iter().any(Result::is_ok) {
            failpoint::pass(Failpoint::RowsWritten);
            txn.commit()?;
        }
        Ok(outcomes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mutation::Mutation;
    use super::super::test_support::{Disk, facts, log, record};
    use super::super::{schema, step};
    use super::*;

    fn engine(disk: &Disk) -> Engine {
        let database = file::builder().create_with_backend(disk.clone()).expect("created");
        schema::initialise(&database, &facts(), None).expect("initialised");
        Engine::new(database, None)
    }

    fn reopened(disk: Disk) -> Contents {
        load::contents(&file::open_backend(disk).expect("opened")).expect("contents")
    }

    fn put(name: &str, number: u64) -> Mutation {
        Mutation::PutRecord(record(name, "global", number, b"sealed"))
    }

    fn transaction(mutations: Vec<Mutation>) -> Vec<Step> {
        step::encode(mutations).expect("encoded")
    }

    #[test]
    fn a_refused_transaction_is_refused_alone_and_wholly() {
        let disk = Disk::default();
        let mut engine = engine(&disk);
        let outcomes = engine.commit(&[
            transaction(vec![put("a/a", 2), Mutation::AppendLog(log(1))]),
            transaction(vec![put("b/b", 1), put("a/a", 1)]),
            transaction(vec![put("c/c", 1), Mutation::AppendLog(log(1))]),
            transaction(vec![put("d/d", 1), Mutation::AppendLog(log(2))]),
        ]);
        assert!(outcomes[0].is_ok() && outcomes[3].is_ok(), "{outcomes:?}");
        assert!(matches!(outcomes[1], Err(StoreError::StaleVersion { .. })));
        assert!(matches!(outcomes[2], Err(StoreError::OutOfOrder { .. })));
        let contents = engine.contents().expect("contents");
        let names: Vec<String> = contents.records.iter().map(|record| record.at.secret.name.to_string()).collect();
        assert_eq!(names, ["a/a", "d/d"]);
        assert_eq!(contents.log, [log(1), log(2)]);
    }

    #[test]
    fn a_group_costs_as_few_synchronisations_as_one_transaction() {
        let disk = Disk::default();
        let mut engine = engine(&disk);
        let cost = |engine: &mut Engine, group: Vec<Vec<Step>>| {
            let before = disk.syncs();
            assert!(engine.commit(&group).iter().all(Result::is_ok));
            disk.syncs() - before
        };
        let one = cost(&mut engine, vec![transaction(vec![put("a/a", 1)])]);
        let group = (0..100).map(|number| transaction(vec![put(&format!("b/k{number}"), 1)])).collect();
        let hundred = cost(&mut engine, group);
        assert!(one > 0, "nothing was synchronised");
        assert_eq!(hundred, one);
    }

    #[test]
    fn an_acknowledged_commit_outlives_a_power_cut_and_a_kill() {
        let disk = Disk::default();
        let mut engine = engine(&disk);
        for number in 1..=20 {
            assert!(engine.commit(&[transaction(vec![put("a/a", number)])])[0].is_ok());
            for survivor in [disk.after_power_cut(), disk.after_kill()] {
                let contents = reopened(survivor);
                assert_eq!(contents.records, [record("a/a", "global", number, b"sealed")]);
            }
        }
    }

    #[test]
    fn after_a_failed_synchronisation_nothing_is_answered_any_more() {
        let disk = Disk::default();
        let mut engine = engine(&disk);
        assert!(engine.commit(&[transaction(vec![put("a/a", 1)])])[0].is_ok());
        disk.fail();
        let failed = engine.commit(&[transaction(vec![put("a/a", 2)]), transaction(vec![put("b/b", 1)])]);
        assert!(failed.iter().all(|outcome| matches!(outcome, Err(StoreError::Engine(_)))), "{failed:?}");
        let after = engine.commit(&[transaction(vec![put("c/c", 1)])]);
        assert!(matches!(after[0], Err(StoreError::Poisoned)), "{after:?}");
        assert!(matches!(engine.contents(), Err(StoreError::Poisoned)));
        assert!(matches!(engine.rebuild(), Err(StoreError::Poisoned)));
        let contents = reopened(disk.after_power_cut());
        assert_eq!(contents.records, [record("a/a", "global", 1, b"sealed")], "what was acknowledged is there");
    }

    #[test]
    fn a_store_in_no_file_cannot_be_rebuilt() {
        let mut engine = engine(&Disk::default());
        assert!(matches!(engine.rebuild(), Err(StoreError::NotAFile)));
        assert!(engine.contents().is_ok(), "and is none the worse for it");
    }
}
