//! Looking into a database file without changing a byte of it.
//!
//! redb marks a file as open for writing when it opens it, and repairs it if it must. Before the schema is known neither
//! may happen, so the file is first opened through this: writes are kept in memory and forgotten.

use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// A file under a layer of writes that never reach it. Locks are the file's own.
#[derive(Debug)]
pub(super) struct Overlay {
    file: FileBackend,
    layer: Mutex<Layer>,
}

#[derive(Debug)]
struct Layer {
    /// The length the database believes in.
    length: u64,
    /// Below this the file's own bytes count; beyond it, zeros. Shortening lowers it, lengthening never raises it.
    file_length: u64,
    /// Writes in order; opening makes a handful.
    writes: Vec<(u64, Vec<u8>)>,
}

impl Overlay {
    /// Puts an empty layer over the file.
    ///
    /// # Errors
    /// When the length of the file cannot be read.
    pub(super) fn new(file: FileBackend) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self { file, layer: Mutex::new(Layer { length, file_length: length, writes: Vec::new() }) })
    }

    fn layer(&self) -> MutexGuard<'_, Layer> {
        self.layer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.layer().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let layer = self.layer();
        if end_of(offset, out.len())? > layer.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.fill(0);
        let from_file = usize::try_from(layer.file_length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let from_file = from_file.min(out.len());
        self.file.read(offset, &mut out[..from_file])?;
        for (at, bytes) in &layer.writes {
            copy_overlap(offset, out, *at, bytes);
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut layer = self.layer();
        layer.length = length;
        layer.file_length = layer.file_length.min(length);
        for (at, bytes) in &mut layer.writes {
            bytes.truncate(usize::try_from(length.saturating_sub(*at)).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut layer = self.layer();
        layer.length = layer.length.max(end_of(offset, data.len())?);
        layer.writes.push((offset, data.to_vec()));
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

fn end_of(offset: u64, length: usize) -> io::Result<u64> {
    let length = u64::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    offset.checked_add(length).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Copies the part of a write at `at` that falls into the window `out` at `offset`.
fn copy_overlap(offset: u64, out: &mut [u8], at: u64, bytes: &[u8]) {
    let skip_in = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
    let skip_out = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    let (Some(source), Some(target)) = (bytes.get(skip_in..), out.get_mut(skip_out..)) else { return };
    let length = source.len().min(target.len());
    target[..length].copy_from_slice(&source[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(content: &[u8]) -> (tempfile::NamedTempFile, Overlay) {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), content).expect("written");
        let backend = FileBackend::new(file.reopen().expect("opened")).expect("backend");
        (file, Overlay::new(backend).expect("overlay"))
    }

    fn read(overlay: &Overlay, offset: u64, length: usize) -> Vec<u8> {
        let mut out = vec![0xee; length];
        overlay.read(offset, &mut out).expect("read");
        out
    }

    #[test]
    fn writes_are_seen_through_it_and_never_reach_the_file() {
        let (file, overlay) = overlay(b"0123456789");
        overlay.write(3, b"abc").expect("written");
        overlay.write(5, b"XY").expect("written");
        overlay.sync_data().expect("synced");
        assert_eq!(read(&overlay, 0, 10), b"012abXY789");
        assert_eq!(read(&overlay, 4, 2), b"bX");
        assert_eq!(std::fs::read(file.path()).expect("read"), b"0123456789");
    }

    #[test]
    fn what_was_cut_off_is_zero_when_it_grows_again() {
        let (_file, overlay) = overlay(b"0123456789");
        overlay.write(6, b"abcd").expect("written");
        overlay.set_len(7).expect("cut");
        overlay.set_len(12).expect("grown");
        assert_eq!(read(&overlay, 4, 8), b"45a\0\0\0\0\0");
        assert!(overlay.read(8, &mut [0; 5]).is_err());
    }
}
