//! The schema number, and how a file is brought to today's. Newer files, and files with another past, are refused, untouched.

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::error::{RowFault, StoreError};
use super::facts::Facts;
use super::migrations;
use super::record::meta;
use super::recorded::{self, Applying};
use super::table::{Table, begin_write};
use crate::model::number::Position;
use crate::model::time::Timestamp;

/// The schema this build writes.
pub(super) const SCHEMA: u32 = 4;

/// The schema no migration leads to: a new store has every one of them on record.
const FIRST_SCHEMA: u32 = 1;

/// The number of the first secret: zero would read as "none" in a table of people's.
const FIRST_SECRET_ID: u64 = 1;

/// The schema of a file, whose record of migrations is as this build knows it.
///
/// # Errors
/// [`StoreError::Corrupt`] when the file is no store; [`StoreError::Newer`], [`StoreError::UnknownMigration`] or
/// [`StoreError::ChangedMigration`] when this build may not touch it.
pub(super) fn read(database: &Database) -> Result<u32, StoreError> {
    read_in(&database.begin_read()?)
}

/// The schema as one transaction sees it.
///
/// # Errors
/// As [`read`].
pub(super) fn read_in(txn: &ReadTransaction) -> Result<u32, StoreError> {
    let fault = |fault| StoreError::corrupt(Table::Meta.name(), meta::SCHEMA, fault);
    let row = Table::Meta.read(txn)?.get(meta::SCHEMA)?.ok_or_else(|| fault(RowFault::Absent))?;
    let bytes: [u8; 4] = row.value().try_into().map_err(|_| fault(RowFault::Undecodable))?;
    match u32::from_be_bytes(bytes) {
        0 => Err(fault(RowFault::Field("schema"))),
        found if found > SCHEMA => {
            Err(StoreError::Newer { found, known: SCHEMA, last: recorded::last(txn).map(Box::new) })
        }
        found => recorded::check(txn, found).map(|()| found),
    }
}

/// Brings a file to today's schema, in one transaction, and puts that on record; does nothing to one that is there.
///
/// # Errors
/// As [`read`], and whatever fails in writing: the file then stays at the schema it had.
pub(super) fn migrate(database: &Database, now: Option<Timestamp>) -> Result<(), StoreError> {
    let found = read(database)?;
    if found == SCHEMA {
        return Ok(());
    }
    let txn = begin_write(database)?;
    for migration in migrations::ALL.iter().skip(recorded::up_to(found).len()) {
        (migration.run)(&txn)?;
    }
    recorded::write(&txn, found, Applying::now(now))?;
    write_number(&txn, SCHEMA)?;
    Ok(txn.commit()?)
}

/// Makes every table of a new store, and the rows a store is never without.
///
/// # Errors
/// Whatever fails in writing.
pub(super) fn initialise(database: &Database, facts: &Facts, now: Option<Timestamp>) -> Result<(), StoreError> {
    let txn = begin_write(database)?;
    for table in Table::ALL {
        table.write(&txn)?;
    }
    write_number(&txn, SCHEMA)?;
    recorded::write(&txn, FIRST_SCHEMA, Applying::now(now))?;
    let rows = [
        (meta::FACTS, meta::facts_row(facts)?),
        (meta::POSITION, meta::position_row(Position::default())?),
        (meta::NEXT_SECRET_ID, meta::next_secret_id_row(FIRST_SECRET_ID)?),
    ];
    for (key, row) in rows {
        Table::Meta.write(&txn)?.insert(key, row.as_slice())?;
    }
    Ok(txn.commit()?)
}

/// Writes the schema number.
pub(super) fn write_number(txn: &WriteTransaction, schema: u32) -> Result<(), StoreError> {
    Table::Meta.write(txn)?.insert(meta::SCHEMA, schema.to_be_bytes().as_slice())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::super::applied::AppliedMigration;
    use super::super::blob::BlobName;
    use super::super::contents::Contents;
    use super::super::handle::Store;
    use super::super::mutation::Mutation;
    use super::super::recorded::SINCE;
    use super::super::test_support::{
        articles, contact, facts, full_record, log, node, position, record, scope_key, token, version,
    };
    use super::*;
    use crate::model::article::Article;
    use crate::model::identity::Role;
    use crate::model::rare::Rare;
    use crate::model::record::Record;
    use crate::policy::starting::built_in;

    /// Set to write a fixture anew: done once for each schema, when it is new, and never again.
    const WRITE_FIXTURE: &str = "AURORA_WRITE_STORE_FIXTURE";

    /// When the stored fixtures were migrated, as far as this file goes.
    const NOW: Timestamp = Timestamp(1_795_248_000_000);

    fn fixture(schema: u32) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/store-v{schema}.redb"))
    }

    fn samples() -> Vec<Mutation> {
        [
            Mutation::PutRecord(record("hubspot/api_key", "global", 1, b"first value")),
            Mutation::PutRecord(record("hubspot/api_key", "global", 2, b"second value")),
            Mutation::PutRecord(full_record()),
            Mutation::PutScopeKey(scope_key("company:acme", 1, b"sealed key")),
            Mutation::PutNode(node("vengeance")),
            Mutation::PutToken(token(3)),
            Mutation::PutBlob(BlobName::RootKey, b"wrapped root key".to_vec()),
            Mutation::PutBlob(BlobName::StoreId, STORE_ID.to_vec()),
            Mutation::AppendLog(log(1)),
            Mutation::AppendLog(log(2)),
            Mutation::Advance(position(1, 2)),
            Mutation::SetContact(contact()),
            Mutation::SetNextSecretId(301),
            Mutation::SetRulesPosition(position(1, 1)),
        ]
        .into_iter()
        .chain(articles().map(Mutation::PutArticle))
        .collect()
    }

    async fn write_fixture(path: &Path) {
        let _ = fs::remove_file(path);
        let (store, _) = Store::create_at(path, facts(), Some(NOW)).await.expect("created");
        store.commit(samples()).await.expect("committed");
        store.rebuild().await.expect("rebuilt");
        store.close().await.expect("closed");
    }

    /// Opens a copy of the fixture, as today's build finds it after its migrations.
    async fn opened(schema: u32) -> (tempfile::TempDir, Store, Contents) {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        fs::copy(fixture(schema), &path).expect("the fixture is in the repository");
        let (store, contents) = Store::open_at(&path, Some(NOW)).await.expect("opened");
        (directory, store, contents)
    }

    /// As a store of schema 3 and of these facts gets it: SHA-256 of 16 bytes 0xa5, "aurora" and "store id".
    const STORE_ID: [u8; 16] =
        [0x06, 0x42, 0x45, 0x8f, 0xb7, 0xa3, 0x3d, 0x00, 0x6f, 0x58, 0xab, 0x40, 0x1e, 0x8a, 0x85, 0x5d];

    fn check_what_every_schema_holds(contents: &Contents) {
        assert_eq!(contents.facts, facts());
        assert_eq!(contents.position, position(1, 2));
        assert_eq!(contents.scope_keys, [scope_key("company:acme", 1, b"sealed key")]);
        assert_eq!((&contents.roster, &contents.tokens), (&vec![node("vengeance")], &vec![token(3)]));
        assert_eq!(contents.contact, Some(contact()));
        let blobs = [(BlobName::RootKey, b"wrapped root key".to_vec()), (BlobName::StoreId, STORE_ID.to_vec())];
        assert_eq!(contents.blobs, blobs.into());
        assert_eq!(contents.next_secret_id, 301);
    }

    #[tokio::test]
    async fn a_store_of_schema_1_still_opens_with_everything_in_it_but_its_log() {
        let (_directory, store, contents) = opened(1).await;
        check_what_every_schema_holds(&contents);
        let full = Record { fields: Rare::default(), purged: None, ..full_record() };
        assert_eq!(contents.records, [record("hubspot/api_key", "global", 2, b"second value"), full]);
        assert_eq!(contents.log, []);
        let older = store.version(record("hubspot/api_key", "global", 1, b"").at, version(1)).await.expect("read");
        assert_eq!(older, Some(record("hubspot/api_key", "global", 1, b"first value")));
        store.commit(vec![Mutation::AppendLog(log(3))]).await.expect("the log goes on from the position");
    }

    #[tokio::test]
    async fn a_store_of_schema_2_still_opens_with_everything_in_it() {
        let (_directory, store, contents) = opened(2).await;
        check_what_every_schema_holds(&contents);
        assert_eq!(contents.articles, built_in(Timestamp(0)).map(Article::Grant), "the rules that were built in");
        assert_eq!(contents.rules_position, None);
        assert_eq!(contents.records, [record("hubspot/api_key", "global", 2, b"second value"), full_record()]);
        assert_eq!(contents.log, [log(1), log(2)]);
        let older = store.version(record("hubspot/api_key", "global", 1, b"").at, version(1)).await.expect("read");
        assert_eq!(older, Some(record("hubspot/api_key", "global", 1, b"first value")));
    }

    #[tokio::test]
    async fn a_store_of_schema_3_still_opens_with_everything_in_it() {
        let (_directory, _store, contents) = opened(3).await;
        check_what_every_schema_holds(&contents);
        assert_eq!(contents.records, [record("hubspot/api_key", "global", 2, b"second value"), full_record()]);
        assert_eq!(contents.log, [log(1), log(2)]);
        assert_eq!(contents.articles, articles());
        assert_eq!(contents.rules_position, Some(position(1, 1)));
    }

    #[tokio::test]
    async fn a_store_of_schema_4_still_opens_with_everything_in_it() {
        if std::env::var_os(WRITE_FIXTURE).is_some() {
            write_fixture(&fixture(4)).await;
        }
        let (_directory, _store, contents) = opened(4).await;
        check_what_every_schema_holds(&contents);
        assert_eq!(contents.records, [record("hubspot/api_key", "global", 2, b"second value"), full_record()]);
        assert_eq!(contents.log, [log(1), log(2)]);
        assert_eq!(contents.articles, articles());
        assert_eq!(contents.rules_position, Some(position(1, 1)));
    }

    /// What was applied before there was a record is known to have been, and no more.
    #[tokio::test]
    async fn every_migration_is_on_record_whatever_schema_the_store_began_with() {
        for schema in 1..=SCHEMA {
            let (_directory, store, contents) = opened(schema).await;
            let known = |applied: &AppliedMigration| (applied.applied_at.is_some(), applied.applied_by.is_some());
            let names: Vec<&str> = contents.migrations.iter().map(|applied| applied.name.as_str()).collect();
            assert_eq!(names, ["0002-begin-the-log-anew", "0003-begin-the-rulebook", "0004-keep-a-record"]);
            for (number, applied) in (2..).zip(&contents.migrations) {
                let seen = number > schema || schema >= SINCE;
                assert_eq!(known(applied), (seen, seen), "{applied} of schema {schema}");
            }
            drop(store);
        }
    }

    /// The rules of a follower are those its lead sends it, and no others.
    #[tokio::test]
    async fn a_follower_of_schema_2_has_no_rules_until_its_lead_sends_them_and_a_lead_has_them_since_it_began() {
        for (role, granted) in [(Role::Follower, 0), (Role::Lead, 2)] {
            let directory = tempfile::tempdir().expect("directory");
            let path = directory.path().join("store.redb");
            let (store, _) = Store::create(&path, Facts { role, ..facts() }).await.expect("created");
            store.commit(vec![Mutation::PutNode(node("aurora"))]).await.expect("committed");
            store.close().await.expect("closed");
            let database = redb::Database::open(&path).expect("opened");
            let txn = begin_write(&database).expect("begun");
            for table in [Table::Articles, Table::Migrations] {
                txn.delete_table(table.definition()).expect("as schema 2 had it");
            }
            write_number(&txn, 2).expect("as schema 2 had it");
            txn.commit().expect("committed");
            drop(database);
            let (_store, contents) = Store::open(&path).await.expect("opened");
            let expected = built_in(node("aurora").joined_at).map(Article::Grant);
            assert_eq!(contents.articles, expected[..granted]);
        }
    }

    #[test]
    fn there_is_a_migration_from_every_older_schema_and_a_fixture_of_each() {
        assert_eq!(migrations::ALL.len() + 1, usize::try_from(SCHEMA).expect("small"));
        assert!((1..=SCHEMA).all(|schema| fixture(schema).is_file()));
    }
}
