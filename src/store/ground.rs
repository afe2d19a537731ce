//! What a store stands on: who does its work, and what carries the bytes of its file. A node has threads and files; a
//! simulation has its own, and decides what a power cut leaves of what was not synchronised.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use redb::backends::FileBackend;
use redb::{BackendError, Builder, Database, StorageBackend};

use super::error::StoreError;
use crate::model::crew::{Crew, Work};

/// What a store stands on. Clones are the same ground.
#[derive(Clone)]
pub struct Ground {
    /// Who does its work.
    pub crew: Arc<dyn Crew>,
    /// What carries its bytes.
    pub medium: Arc<dyn Medium>,
}

impl Ground {
    /// A thread for each store, and files as they are.
    #[must_use]
    pub fn machine() -> Self {
        Self { crew: Arc::new(Threads), medium: Arc::new(Files) }
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ground")
    }
}

/// What is between a database and its file.
pub trait Medium: Send + Sync + 'static {
    /// Carries the bytes of this file, which is at `path` now and may be given another name later.
    ///
    /// # Errors
    /// When the file cannot be used.
    fn over(&self, path: &Path, file: File) -> io::Result<Box<dyn StorageBackend>>;
}

/// A thread for each part, with a runtime of its own that drives it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Threads;

impl Crew for Threads {
    fn take(&self, name: &'static str, work: Work) -> io::Result<()> {
        let live = move || match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(work),
            Err(error) => tracing::error!(%error, name, "a part has no runtime"),
        };
        thread::Builder::new().name(name.to_owned()).spawn(live).map(drop)
    }
}

/// The file itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

impl Medium for Files {
    fn over(&self, _: &Path, file: File) -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(FileBackend::new(file).map_err(io::Error::other)?))
    }
}

/// The database in a file, which is begun if it is empty.
///
/// # Errors
/// [`StoreError::InUse`], or what the file says.
pub(super) fn database(builder: Builder, medium: &dyn Medium, path: &Path, file: File) -> Result<Database, StoreError> {
    let carried = medium.over(path, file).map_err(StoreError::file("opening the store"))?;
    Ok(builder.create_with_backend(Carried(carried))?)
}

/// redb takes a type, and not whatever carries the bytes.
#[derive(Debug)]
struct Carried(Box<dyn StorageBackend>);

impl StorageBackend for Carried {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.lock_shared_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.query_lock_range(start, end)
    }
}
