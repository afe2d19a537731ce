//! The SHA-256 of a program's file: taken once for a state of the file, by one task for all who wait, within bounds.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, OFlags, open};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, Semaphore};

use super::error::TooManyDigests;
use super::program::{FileState, Program, state};
use crate::model::time::Timestamp;

/// Largest file a digest is taken of, in bytes. The largest program one meets, a browser, has a third of it; at half a
/// gibibyte it takes a second or two.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Digests that are kept: more programs than call one node.
const KEPT_MAX: usize = 256;

/// Digests that are taken at once, so that they do not take every core.
const AT_ONCE: usize = 2;

/// The times of a file move in steps of some milliseconds. A digest is kept only if the file had not been changed for this
/// long: else it could be changed once more within the same step, and have the digest of before.
const QUIET_MILLIS: i64 = 2_000;

const CHUNK_BYTES: usize = 64 << 10;

type Digest = [u8; 32];
type Cell = Arc<OnceCell<Option<Digest>>>;

/// The digests that were taken, and those that are being taken. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Digests {
    taken: Arc<Mutex<HashMap<FileState, Cell>>>,
    places: Arc<Semaphore>,
    bytes_max: u64,
}

impl Default for Digests {
    fn default() -> Self {
        Self::up_to(FILE_BYTES_MAX)
    }
}

impl Digests {
    fn up_to(bytes_max: u64) -> Self {
        Self { taken: Arc::default(), places: Arc::new(Semaphore::new(AT_ONCE)), bytes_max }
    }

    /// The digest of a program's file; `None` when the file is in another state by now, cannot be read, or is too large.
    /// Whoever stops waiting does not stop it: the next who asks finds it. `now` is the wall clock.
    ///
    /// # Errors
    /// [`TooManyDigests`], which says nothing about the program: it may have the digest that a rule is about.
    pub(super) async fn of(&self, program: &Program, now: Timestamp) -> Result<Option<Digest>, TooManyDigests> {
        if program.file.size > self.bytes_max {
            return Ok(None);
        }
        let (cell, kept) = (self.cell(&program.file)?, self.clone());
        if let Some(digest) = cell.get() {
            return Ok(*digest);
        }
        let program = program.clone();
        let taken = tokio::spawn(async move {
            let digest = *cell.get_or_init(|| kept.take(&program)).await;
            if digest.is_none() || !is_quiet(&program.file, now) {
                kept.forget(&program.file);
            }
            digest
        });
        Ok(taken.await.ok().flatten())
    }

    async fn take(&self, program: &Program) -> Option<Digest> {
        let _place = self.places.acquire().await.ok()?;
        let (path, file) = (program.name.path().to_owned(), program.file);
        tokio::task::spawn_blocking(move || digest_of(Path::new(&path), &file)).await.ok()?
    }

    /// Where the digest of this state is or will be.
    fn cell(&self, file: &FileState) -> Result<Cell, TooManyDigests> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken.contains_key(file) && taken.len() >= KEPT_MAX {
            let done = taken.iter().find(|(_, cell)| cell.initialized()).map(|(file, _)| *file);
            taken.remove(&done.ok_or(TooManyDigests)?);
        }
        Ok(Arc::clone(taken.entry(*file).or_default()))
    }

    fn forget(&self, file: &FileState) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
    }
}

fn is_quiet(file: &FileState, now: Timestamp) -> bool {
    let (seconds, nanos) = file.changed;
    let changed = seconds.saturating_mul(1_000).saturating_add(i64::from(nanos / 1_000_000));
    now.0.saturating_sub(changed) >= QUIET_MILLIS
}

/// Reads a file that must be in this state before and after.
fn digest_of(path: &Path, expected: &FileState) -> Option<Digest> {
    // What stands at the path by now may be a pipe, which must not hold us up.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut file = File::from(open(path, flags, Mode::empty()).ok()?);
    if state(&file)? != *expected {
        return None;
    }
    let mut hash = Sha256::new();
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    let mut left = expected.size;
    loop {
        let read = file.read(&mut chunk).ok()?;
        if read == 0 {
            break;
        }
        left = left.checked_sub(u64::try_from(read).ok()?)?;
        hash.update(chunk.get(..read)?);
    }
    (left == 0 && state(&file)? == *expected).then(|| hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::program::state_of;
    use super::*;
    use crate::model::principal::Executable;

    /// Long after every file of a test was written.
    const LATER: Timestamp = Timestamp(i64::MAX);

    struct Home(TempDir);

    impl Home {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("directory"))
        }

        fn program(&self, bytes: &[u8]) -> Program {
            let path = self.0.path().join("program");
            fs::write(&path, bytes).expect("written");
            let name = Executable::new(path.to_str().expect("text"), None).expect("a path");
            Program { name, file: state_of(&path).expect("a file") }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as it is told")]
    fn taken(bytes: &[u8]) -> Result<Option<Digest>, TooManyDigests> {
        Ok(Some(Sha256::digest(bytes).into()))
    }

    fn kept(digests: &Digests) -> usize {
        digests.taken.lock().expect("not poisoned").len()
    }

    #[tokio::test]
    async fn a_digest_is_taken_once_and_a_changed_file_has_another() {
        let (home, digests) = (Home::new(), Digests::default());
        let program = home.program(b"one");
        assert_eq!(digests.of(&program, LATER).await, taken(b"one"));
        fs::remove_file(program.name.path()).expect("removed");
        assert_eq!(digests.of(&program, LATER).await, taken(b"one"), "it is kept for that state");
        let changed = home.program(b"other");
        assert_eq!(digests.of(&changed, LATER).await, taken(b"other"));
        assert_eq!(kept(&digests), 2);
    }

    #[tokio::test]
    async fn a_file_that_changed_since_it_was_looked_at_has_no_digest() {
        let (home, digests) = (Home::new(), Digests::default());
        let looked_at = home.program(b"one");
        home.program(b"four");
        assert_eq!(digests.of(&looked_at, LATER).await, Ok(None));
        assert_eq!(kept(&digests), 0, "a failure is not kept");
    }

    #[tokio::test]
    async fn a_file_that_was_just_changed_is_not_kept() {
        let (home, digests) = (Home::new(), Digests::default());
        let program = home.program(b"one");
        let (seconds, _) = program.file.changed;
        let soon = Timestamp((seconds + 1) * 1_000);
        assert_eq!(digests.of(&program, soon).await, taken(b"one"));
        assert_eq!(kept(&digests), 0);
    }

    #[tokio::test]
    async fn a_file_over_the_bound_is_not_read() {
        let (home, digests) = (Home::new(), Digests::up_to(3));
        assert_eq!(digests.of(&home.program(b"one"), LATER).await, taken(b"one"));
        assert_eq!(digests.of(&home.program(b"four"), LATER).await, Ok(None));
    }

    #[tokio::test]
    async fn no_more_digests_are_kept_than_there_is_room_for() {
        let (home, digests) = (Home::new(), Digests::default());
        for number in 0..=KEPT_MAX {
            let bytes = number.to_string();
            assert_eq!(digests.of(&home.program(bytes.as_bytes()), LATER).await, taken(bytes.as_bytes()));
        }
        assert_eq!(kept(&digests), KEPT_MAX);
    }

    /// It had none then, and whatever a rule said about its digest was not said of it.
    #[tokio::test]
    async fn that_none_can_be_taken_now_is_told_from_having_none() {
        let (home, digests) = (Home::new(), Digests::default());
        let _places = digests.places.acquire_many(2).await.expect("open");
        for number in 0..KEPT_MAX {
            let program = home.program(number.to_string().as_bytes());
            drop(digests.cell(&program.file).expect("there is room"));
        }
        assert_eq!(digests.of(&home.program(b"one more"), LATER).await, Err(TooManyDigests));
    }
}
