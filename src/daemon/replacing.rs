//! A store that takes another's place: at any moment there is the old one or the new one under the name, never neither, and
//! the old one is kept beside it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};

use super::{durable, ownership};
use crate::model::time::Timestamp;
use crate::store::failpoint::{self, Failpoint};

/// A state directory in which nobody else replaces anything meanwhile. The kernel lets go of it when the process ends.
pub(super) struct Held {
    _directory: File,
}

/// Takes hold of a state directory.
///
/// # Errors
/// When somebody else has it.
pub(super) fn hold(state_dir: &Path) -> Result<Held> {
    let directory = File::open(state_dir).with_context(|| format!("cannot open {}", state_dir.display()))?;
    if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another restore or promotion is at work in {}; wait for it", state_dir.display());
    }
    Ok(Held { _directory: directory })
}

/// A name beside the store, for what is in the making or was set aside.
pub(super) fn beside(store_file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(store_file);
    name.push(suffix);
    PathBuf::from(name)
}

/// The name under which a store is kept that another took the place of: it says why and when, in a spelling that sorts.
pub(super) fn aside(store_file: &Path, why: &str, now: Timestamp) -> PathBuf {
    let when: String = now.to_string().chars().filter(|letter| !matches!(letter, '-' | ':' | '.')).collect();
    beside(store_file, &format!(".before-{why}-{when}"))
}

/// Puts `new` at `place`, where it belongs to the owner of the directory. What was there is at `aside` afterwards; if nothing was, nothing is.
///
/// # Errors
/// When something is at `aside`, or the disk refuses. Then `place` is what it was, or is the new one already.
pub(super) fn put(new: &Path, place: &Path, aside: &Path) -> Result<()> {
    ownership::follow_directory(new).with_context(|| format!("cannot give {} to who runs the node", new.display()))?;
    durable::sync_file(new).with_context(|| format!("cannot synchronise {}", new.display()))?;
    match fs::hard_link(place, aside) {
        Ok(()) => durable::sync_parent(place).context("cannot synchronise the state directory")?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Nothing is lost, so nothing may come in between either: a link never replaces.
            fs::hard_link(new, place).with_context(|| format!("cannot put the store at {}", place.display()))?;
            remove(new)?;
            return durable::sync_parent(place).context("cannot synchronise the state directory");
        }
        Err(error) => return Err(error).with_context(|| format!("cannot keep the old store as {}", aside.display())),
    }
    failpoint::pass(Failpoint::StoreKept);
    fs::rename(new, place).with_context(|| format!("cannot put the store at {}", place.display()))?;
    failpoint::pass(Failpoint::StorePlaced);
    durable::sync_parent(place).context("cannot synchronise the state directory")?;
    failpoint::pass(Failpoint::StoreReplaced);
    Ok(())
}

/// Removes what is there, if anything is.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes the second names of the store that attempts left which ended before the new one had its place.
pub(super) fn forget_attempts(store_file: &Path, why: &str) -> Result<()> {
    let Ok(own) = fs::metadata(store_file) else { return Ok(()) };
    let directory = durable::parent(store_file);
    let prefix = beside(store_file, &format!(".before-{why}-"));
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = directory.join(entry?.file_name());
        let named = path.as_os_str().as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes());
        let is_same = |found: fs::Metadata| (found.dev(), found.ino()) == (own.dev(), own.ino());
        if named && fs::symlink_metadata(&path).is_ok_and(is_same) {
            remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<OsString> {
        let mut names: Vec<OsString> =
            fs::read_dir(directory).expect("listed").map(|entry| entry.expect("entry").file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_store_takes_the_place_and_the_old_one_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let [place, new] = ["store.redb", "store.redb.restoring"].map(|name| directory.path().join(name));
        fs::write(&place, "old").expect("written");
        fs::write(&new, "new").expect("written");
        let aside = aside(&place, "restore", Timestamp(1_795_248_000_123));
        put(&new, &place, &aside).expect("put");
        assert_eq!(fs::read(&place).expect("read"), b"new");
        assert_eq!(fs::read(&aside).expect("read"), b"old");
        assert_eq!(names(directory.path()), ["store.redb", "store.redb.before-restore-20261121T080000123Z"]);
    }

    #[test]
    fn where_there_was_no_store_there_is_one_and_nothing_beside_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let [place, new] = ["store.redb", "store.redb.restoring"].map(|name| directory.path().join(name));
        fs::write(&new, "new").expect("written");
        put(&new, &place, &aside(&place, "restore", Timestamp(0))).expect("put");
        assert_eq!(names(directory.path()), ["store.redb"]);
    }

    /// What was kept before may be all that is left of a mesh.
    #[test]
    fn what_was_set_aside_is_never_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let [place, new, kept] = ["store.redb", "new", "kept"].map(|name| directory.path().join(name));
        for (path, text) in [(&place, "old"), (&new, "new"), (&kept, "older")] {
            fs::write(path, text).expect("written");
        }
        put(&new, &place, &kept).expect_err("something is there");
        assert_eq!(fs::read(&place).expect("read"), b"old");
        assert_eq!(fs::read(&kept).expect("read"), b"older");
    }

    #[test]
    fn a_second_name_of_the_store_is_forgotten_and_another_store_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("store.redb");
        fs::write(&place, "old").expect("written");
        fs::hard_link(&place, beside(&place, ".before-restore-1")).expect("linked");
        fs::write(beside(&place, ".before-restore-0"), "older").expect("written");
        fs::hard_link(&place, beside(&place, ".copy")).expect("linked");
        forget_attempts(&place, "restore").expect("forgotten");
        assert_eq!(names(directory.path()), ["store.redb", "store.redb.before-restore-0", "store.redb.copy"]);
    }

    #[test]
    fn a_state_directory_is_held_by_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let held = hold(directory.path()).expect("held");
        hold(directory.path()).err().expect("it is held");
        drop(held);
        hold(directory.path()).expect("held again");
    }
}
