//! The file on the disk: how it is made, found and opened.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, StorageBackend};

use super::contents::Contents;
use super::error::{RowFault, StoreError};
use super::facts::Facts;
use super::ground::{self, Medium};
use super::overlay::Overlay;
use super::{load, schema};
use crate::model::identity::Role;
use crate::model::time::Timestamp;

/// Memory redb may cache pages in. The read view is elsewhere; this serves commits and old versions.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// The same where nothing is asked but to write a little, one thing after the other. Above it there would stay in memory
/// whatever was read once at the start, beside what was made of it.
const SMALL_CACHE_BYTES: usize = 1024 * 1024;

/// The owner alone: even sealed values are nobody else's.
const MODE: u32 = 0o600;

/// The builder every database of ours is opened with, as far as nobody knows what it is for.
pub(super) fn builder() -> Builder {
    builder_with(CACHE_BYTES)
}

/// The builder of files that are mostly written.
pub(super) fn small_builder() -> Builder {
    builder_with(SMALL_CACHE_BYTES)
}

/// The builder of the store of a node: a follower has no older versions, and writes what the lead sends.
pub(super) fn builder_of(role: Option<Role>) -> Builder {
    match role {
        Some(Role::Follower) => small_builder(),
        Some(Role::Lead) | None => builder(),
    }
}

fn builder_with(cache_bytes: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

/// Makes a new store, whole or not at all: it is built under another name and linked into place.
///
/// # Errors
/// [`StoreError::Exists`] when something is at `path` already.
pub(super) fn create(
    medium: &dyn Medium,
    path: &Path,
    facts: &Facts,
    now: Option<Timestamp>,
) -> Result<Database, StoreError> {
    if path.symlink_metadata().is_ok() {
        return Err(StoreError::Exists { path: path.to_owned() });
    }
    // Named by process, so that two that start at once do not build in one file; linking lets only one of them win.
    let building = beside(path, &format!(".create-{}", std::process::id()));
    let made = create_new(&building).and_then(|file| {
        let database = ground::database(builder_of(Some(facts.role)), medium, path, file)?;
        schema::initialise(&database, facts, now)?;
        link(&building, path)?;
        sync_directory(path)?;
        Ok(database)
    });
    // Gone or not, it is no store: nothing opens it under this name.
    let _ = fs::remove_file(&building);
    made
}

/// Opens an existing store, at today's schema.
///
/// # Errors
/// [`StoreError::Missing`], [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::UnknownMigration`],
/// [`StoreError::ChangedMigration`], [`StoreError::Corrupt`]; none of them changes a byte of the file.
pub(super) fn open(medium: &dyn Medium, path: &Path, now: Option<Timestamp>) -> Result<Database, StoreError> {
    let role = look(path)?;
    let database = ground::database(builder_of(role), medium, path, existing(path)?)?;
    // Holding the lock of the store, nobody else can be rebuilding it: what lies there is from a crash.
    remove_leftover(&rebuilding(path))?;
    schema::migrate(&database, now)?;
    Ok(database)
}

/// Opens a store over any storage: for simulations and for tests of failing disks.
///
/// # Errors
/// As [`open`], but an unfit storage may have been marked as opened.
pub(super) fn open_backend(backend: impl StorageBackend) -> Result<Database, StoreError> {
    if backend.len().map_err(StoreError::file("reading the length of the store"))? == 0 {
        return Err(StoreError::Missing { path: PathBuf::from("(no file)") });
    }
    let opened = builder().create_with_backend(backend);
    #[cfg(feature = "seeded_bugs")]
    if crate::model::seeded::bug(13) && opened.is_err() {
        return Err(StoreError::Missing { path: PathBuf::from("(no file)") });
    }
    let database = opened?;
    schema::migrate(&database, None)?;
    Ok(database)
}

/// Where a store is written anew.
pub(super) fn rebuilding(path: &Path) -> PathBuf {
    beside(path, ".rebuild")
}

/// Where a store is made of the rows of another.
pub(super) fn importing(path: &Path) -> PathBuf {
    beside(path, ".import")
}

/// A new file that only its owner reads.
///
/// # Errors
/// When there is one, or none can be made.
pub(super) fn create_new(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(StoreError::file("creating the store's file"))
}

/// Removes what a crash left, if anything.
///
/// # Errors
/// When it is there and stays.
pub(super) fn remove_leftover(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(StoreError::file("removing an unfinished copy of the store")(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes the names in the directory of `path` durable: without it, a power cut may undo a rename.
///
/// # Errors
/// When the directory cannot be opened or synchronised.
pub(super) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(StoreError::file("synchronising the store's directory"))
}

/// Reads everything as it would be after an opening, migrations included, through an overlay that forgets what is written.
///
/// # Errors
/// As [`open`].
pub(super) fn look_into(path: &Path) -> Result<Contents, StoreError> {
    let database = builder().create_with_backend(overlay(path)?)?;
    schema::migrate(&database, None)?;
    load::contents(&database)
}

/// Reads the schema through an overlay, so that a file this build must not touch is not touched; gives whose store it is.
fn look(path: &Path) -> Result<Option<Role>, StoreError> {
    let database = small_builder().create_with_backend(overlay(path)?)?;
    schema::read(&database)?;
    Ok(load::role(&database))
}

fn overlay(path: &Path) -> Result<Overlay, StoreError> {
    let overlay = Overlay::new(FileBackend::new(existing(path)?)?)
        .map_err(StoreError::file("reading the length of the store"))?;
    // redb takes an empty file for one it may begin; to us it is a store that lost everything.
    if overlay.len().map_err(StoreError::file("reading the length of the store"))? == 0 {
        return Err(StoreError::corrupt("file", b"", RowFault::Absent));
    }
    Ok(overlay)
}

fn existing(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            return StoreError::Missing { path: path.to_owned() };
        }
        StoreError::file("opening the store")(error)
    })
}

/// Gives a finished file its name, unless there is one.
///
/// # Errors
/// [`StoreError::Exists`], or what the disk says.
pub(super) fn link(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::hard_link(from, to).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return StoreError::Exists { path: to.to_owned() };
        }
        StoreError::file("putting the new store in place")(error)
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::ground::Files;
    use super::super::record::meta;
    use super::super::table::{Table, begin_write};
    use super::super::test_support::{Disk, facts};
    use super::*;

    fn made() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        drop(create(&Files, &path, &facts(), None).expect("created"));
        (directory, path)
    }

    fn names(directory: &tempfile::TempDir) -> Vec<OsString> {
        fs::read_dir(directory.path()).expect("listed").map(|entry| entry.expect("entry").file_name()).collect()
    }

    fn write(path: &Path, table: Table, key: &[u8], row: &[u8]) {
        let database = builder().open(path).expect("opened");
        let txn = begin_write(&database).expect("begun");
        table.write(&txn).expect("table").insert(key, row).expect("written");
        txn.commit().expect("committed");
    }

    #[test]
    fn a_new_store_is_its_owners_alone_and_leaves_nothing_else() {
        let (directory, path) = made();
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(names(&directory), ["store.redb"]);
        assert_eq!(load::contents(&open(&Files, &path, None).expect("opened")).expect("contents").facts, facts());
    }

    #[test]
    fn whose_store_it_is_is_known_before_it_is_opened() {
        for role in [Role::Lead, Role::Follower] {
            let directory = tempfile::tempdir().expect("directory");
            let path = directory.path().join("store.redb");
            drop(create(&Files, &path, &Facts { role, ..facts() }, None).expect("created"));
            assert_eq!(look(&path).expect("a store"), Some(role));
        }
    }

    #[test]
    fn a_store_is_never_made_over_another_file() {
        let (directory, path) = made();
        let before = fs::read(&path).expect("read");
        assert!(matches!(create(&Files, &path, &facts(), None), Err(StoreError::Exists { .. })));
        assert_eq!(fs::read(&path).expect("read"), before);
        assert_eq!(names(&directory), ["store.redb"]);
    }

    #[test]
    fn a_missing_store_is_never_made_by_opening() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        assert!(matches!(open(&Files, &path, None), Err(StoreError::Missing { path: found }) if found == path));
        assert!(names(&directory).is_empty());
        assert!(matches!(open_backend(Disk::default()), Err(StoreError::Missing { .. })));
    }

    #[test]
    fn a_second_opening_is_refused_while_the_first_lasts() {
        let (_directory, path) = made();
        let first = open(&Files, &path, None).expect("opened");
        assert!(matches!(open(&Files, &path, None), Err(StoreError::InUse)));
        drop(first);
        assert!(open(&Files, &path, None).is_ok());
    }

    #[test]
    fn a_newer_schema_is_refused_and_no_byte_of_the_file_changes() {
        let (_directory, path) = made();
        write(&path, Table::Meta, meta::SCHEMA, &7_u32.to_be_bytes());
        let before = fs::read(&path).expect("read");
        assert!(matches!(open(&Files, &path, None), Err(StoreError::Newer { found: 7, known: schema::SCHEMA, .. })));
        assert!(fs::read(&path).expect("read") == before, "the file was changed");
    }

    #[test]
    fn a_file_that_is_no_store_is_refused_and_not_changed() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("store.redb");
        for content in [&b""[..], b"not a database", &[0; 8192]] {
            fs::write(&path, content).expect("written");
            assert!(
                matches!(open(&Files, &path, None), Err(StoreError::Corrupt { table: "file", .. })),
                "{}",
                content.len()
            );
            assert_eq!(fs::read(&path).expect("read"), content);
        }
    }

    #[test]
    fn a_corrupt_row_is_named_and_never_skipped() {
        let rows: [(Table, &[u8], &[u8], RowFault); 6] = [
            (Table::Records, b"prod\0a\0b\0g\0", &[1, 2, 3], RowFault::Undecodable),
            (Table::ScopeKeys, b"nonsense", &[1, 0], RowFault::Key),
            (Table::Nodes, b"vengeance", &[9], RowFault::Format(9)),
            (Table::Blobs, b"unknown", &[1], RowFault::Key),
            (Table::HighWater, b"prod\0a\0b\0g\0", &[1, 0], RowFault::Field("version")),
            (Table::Meta, meta::POSITION, &[1, 1, 1, 1], RowFault::TrailingBytes),
        ];
        for (table, key, row, wanted) in rows {
            let (_directory, path) = made();
            write(&path, table, key, row);
            let refused = load::contents(&open(&Files, &path, None).expect("opened")).expect_err("corrupt");
            let StoreError::Corrupt { table: named, row, fault } = refused else { panic!("{refused:?}") };
            assert_eq!((named, row, fault), (table.name(), key.escape_ascii().to_string(), wanted));
        }
    }

    #[test]
    fn what_a_crash_left_of_a_rebuild_is_removed() {
        let (directory, path) = made();
        fs::write(rebuilding(&path), b"half a copy").expect("written");
        drop(open(&Files, &path, None).expect("opened"));
        assert_eq!(names(&directory), ["store.redb"]);
    }
}
