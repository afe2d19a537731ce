//! What migrations promise: the same outcome for ever, all of it or nothing, and no touch on a file with another past.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable};

use super::applied::AppliedMigration;
use super::contents::Contents;
use super::error::{RowFault, StoreError};
use super::file;
use super::ground::Files;
use super::handle::Store;
use super::load;
use super::migrations;
use super::record::meta;
use super::record::migration::migration_row;
use super::schema;
use super::table::{Table, begin_write};
use super::test_support::{Disk, facts};
use crate::crypto::digest::Digesting;
use crate::model::hex::hex;

fn fixture(schema: u32) -> Vec<u8> {
    let name = format!("tests/fixtures/store-v{schema}.redb");
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("the fixture is in the repository")
}

fn opened(bytes: &[u8]) -> Database {
    file::builder().create_with_backend(Disk::holding(bytes.to_vec(), None)).expect("a database")
}

/// SHA-256 over every row of every table but the record of migrations, which says when.
fn digest(database: &Database) -> String {
    let txn = database.begin_read().expect("begun");
    let mut digesting = Digesting::default();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Migrations) {
        let Ok(open) = txn.open_table(table.definition()) else { continue };
        digesting.update(table.name().as_bytes());
        for row in open.iter().expect("rows") {
            let (key, row) = row.expect("a row");
            for part in [key.value(), row.value()] {
                digesting.update(&u64::try_from(part.len()).expect("small").to_be_bytes());
                digesting.update(part);
            }
        }
    }
    hex(&digesting.finish())
}

/// Of each migration: its name, the checksum of its wording, and what it makes of the fixture it starts from. A row here is
/// never changed once its schema was released. If the wording must change, so does what stores out there went through, and
/// that is a new migration; if only the outcome differs, the code no longer does what the wording says.
const PINNED: [(&str, &str, &str); 3] = [
    (
        "0002-begin-the-log-anew",
        "239bbd02ec90400bb2222bec1a8eb9f2d04f853446e9ba7fbed0a1abc381de3a",
        "379a7a49fc09ab41a0be5e566e0db93f3199fd072f983507029b3bcb9e7e7fcb",
    ),
    (
        "0003-begin-the-rulebook",
        "d98dd9cf43372e081c548bb71481ea3004391a7570c9232e65133960e3f75d93",
        "b89acfda2e40e14351527abd6688f8f78fd7f35b4124c937243c43a4753fb218",
    ),
    (
        "0004-keep-a-record",
        "38adbba0295d043eefca077803d83e4184dc86d33f4d2d5674d02edd967398db",
        "f0ee17478c693b9112f60789c93c5d9843d456057da3a5d2bbacbce83830abd8",
    ),
];

#[test]
fn what_a_migration_says_and_what_it_does_never_change() {
    let mut found = Vec::new();
    for (from, migration) in (1..).zip(migrations::ALL) {
        let database = opened(&fixture(from));
        let txn = begin_write(&database).expect("begun");
        (migration.run)(&txn).expect("done");
        txn.commit().expect("committed");
        found.push((migration.name, hex(&migration.checksum()), digest(&database)));
    }
    let found: Vec<(&str, &str, &str)> = found.iter().map(|(name, sum, made)| (*name, &**sum, &**made)).collect();
    assert_eq!(found, PINNED);
}

#[test]
fn names_begin_with_the_schema_they_lead_to_and_come_in_order() {
    for (to, migration) in (2..).zip(migrations::ALL) {
        assert!(migration.name.starts_with(&format!("{to:04}-")), "{}", migration.name);
        assert!(!migration.wording.is_empty());
    }
}

/// What a store holds, but for when it was migrated.
fn held(mut contents: Contents) -> Contents {
    for applied in &mut contents.migrations {
        (applied.applied_at, applied.applied_by) = (None, None);
    }
    contents
}

/// The power is cut at every single write of a migration, from every schema; each time the disk is looked at as the cut left
/// it, and as a killed process left it, the last write torn. Whatever is there opens, and holds what it held.
#[test]
fn a_migration_that_is_cut_off_anywhere_is_done_wholly_or_not_at_all() {
    for schema in 1..schema::SCHEMA {
        let bytes = fixture(schema);
        let expected = held(
            load::contents(&file::open_backend(Disk::holding(bytes.clone(), None)).expect("opens")).expect("reads"),
        );
        let (mut cuts, mut not_yet) = (0, 0);
        loop {
            let disk = Disk::holding(bytes.clone(), Some(cuts));
            let migrated = file::open_backend(disk.clone()).map(drop);
            if !disk.is_cut_off() {
                migrated.expect("nothing came between");
                break;
            }
            for survivor in [disk.after_power_cut(), disk.after_kill()] {
                let database = file::builder().create_with_backend(survivor.clone()).expect("a database");
                let found = schema::read(&database).expect("a schema");
                assert!(found == schema || found == schema::SCHEMA, "schema {found} after write {cuts}");
                assert!(migrated.is_err() || found == schema::SCHEMA, "it was said to be done at write {cuts}");
                not_yet += u64::from(found == schema);
                drop(database);
                let contents = load::contents(&file::open_backend(survivor).expect("opens")).expect("reads");
                assert_eq!(held(contents), expected, "schema {schema}, cut off at write {cuts}");
            }
            cuts += 1;
        }
        assert!(cuts > 3 && not_yet > 0, "schema {schema}: cut {cuts} times, {not_yet} times before it was done");
    }
}

fn made() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("store.redb");
    drop(file::create(&Files, &path, &facts(), None).expect("created"));
    (directory, path)
}

fn write(path: &Path, table: Table, key: &[u8], row: Option<&[u8]>) {
    let database = file::builder().open(path).expect("opened");
    let txn = begin_write(&database).expect("begun");
    let mut open = table.write(&txn).expect("table");
    match row {
        Some(row) => drop(open.insert(key, row).expect("written")),
        None => drop(open.remove(key).expect("removed")),
    }
    drop(open);
    txn.commit().expect("committed");
}

fn row(name: &str, checksum: [u8; 32]) -> Vec<u8> {
    let applied =
        AppliedMigration { name: name.to_owned(), applied_at: None, applied_by: Some("9.9.9".to_owned()), checksum };
    migration_row(&applied).expect("encoded")
}

/// What opening says; no byte of the file may differ after it, nor after somebody looked into it.
fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).expect("read");
    let looked = Store::look(path).expect_err("refused");
    let refused = file::open(&Files, path, None).expect_err("refused");
    assert_eq!(looked.to_string(), refused.to_string());
    assert!(fs::read(path).expect("read") == before, "the file was changed");
    refused
}

#[test]
fn a_migration_in_another_wording_is_refused_by_its_name_and_the_file_is_not_touched() {
    for migration in migrations::ALL {
        let (_directory, path) = made();
        let mut checksum = migration.checksum();
        checksum[31] ^= 1;
        write(&path, Table::Migrations, migration.name.as_bytes(), Some(&row(migration.name, checksum)));
        let error = refused(&path);
        assert!(matches!(&error, StoreError::ChangedMigration(applied) if applied.name == migration.name));
        let text = error.to_string();
        assert!(
            text.contains(&format!("{}, applied by version 9.9.9", migration.name)) && text.contains("run the version")
        );
    }
}

#[test]
fn a_migration_nobody_here_knows_is_refused_by_its_name_and_the_file_is_not_touched() {
    let (_directory, path) = made();
    write(&path, Table::Migrations, b"0003-something-else", Some(&row("0003-something-else", [1; 32])));
    let error = refused(&path);
    assert!(matches!(&error, StoreError::UnknownMigration(applied) if applied.name == "0003-something-else"));
    assert!(error.to_string().contains("applied by version 9.9.9"), "{error}");
}

#[test]
fn a_newer_schema_is_refused_with_the_migration_that_led_to_it() {
    let (_directory, path) = made();
    write(&path, Table::Migrations, b"0009-of-the-future", Some(&row("0009-of-the-future", [1; 32])));
    write(&path, Table::Meta, meta::SCHEMA, Some(&9_u32.to_be_bytes()));
    let error = refused(&path);
    assert!(matches!(error, StoreError::Newer { found: 9, known: schema::SCHEMA, .. }));
    assert!(error.to_string().contains("(0009-of-the-future, applied by version 9.9.9)"), "{error}");
    // One whose record cannot be read is refused all the same.
    write(&path, Table::Migrations, b"0009-of-the-future", Some(&[9, 9]));
    assert!(matches!(refused(&path), StoreError::Newer { last: None, .. }));
}

#[test]
fn a_migration_that_is_not_on_record_is_damage() {
    let (_directory, path) = made();
    let name = migrations::ALL[1].name;
    write(&path, Table::Migrations, name.as_bytes(), None);
    assert!(matches!(refused(&path), StoreError::Corrupt { table: "migrations", fault: RowFault::Absent, .. }));
}

#[test]
fn a_look_into_an_older_store_shows_it_migrated_and_changes_no_byte() {
    for schema in 1..=schema::SCHEMA {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        fs::write(&path, fixture(schema)).expect("written");
        let looked = Store::look(&path).expect("looked");
        assert!(fs::read(&path).expect("read") == fixture(schema), "the file was changed");
        let opened = load::contents(&file::open(&Files, &path, None).expect("opened")).expect("contents");
        assert_eq!(looked, opened);
    }
    assert!(matches!(Store::look(Path::new("/nowhere/store.redb")), Err(StoreError::Missing { .. })));
}
