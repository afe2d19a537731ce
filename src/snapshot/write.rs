//! Writing a snapshot as a stream: nothing is kept but the piece that is not full yet.

use std::io::Write;

use super::counts::Counts;
use super::error::SnapshotError;
use super::header::Header;
use super::row::{self, Row, TRAILER};
use super::{LAST, MAGIC, SIGNATURE_BYTES_MAX, SIGNED, header_text};
use crate::crypto::chunks::{CHUNK_BYTES, Chunks, ContentKey, Place};
use crate::crypto::digest::{Digesting, sha256};
use crate::crypto::signature::Signer;

/// A snapshot in the making. One that is dropped before [`Writer::finish`] is cut off, and no reader takes it.
pub struct Writer<W> {
    to: W,
    digesting: Digesting,
    bytes: u64,
    chunks: Chunks,
    gathered: Vec<u8>,
    counts: Counts,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// All bytes, the signature included.
    pub bytes: u64,
    /// The rows.
    pub counts: Counts,
}

impl<W: Write> Writer<W> {
    /// Writes the header. `key` is the one that the header has wrapped.
    ///
    /// # Errors
    /// [`SnapshotError::HeaderTooLong`], or why it cannot be written.
    pub fn begin(to: W, header: &Header, key: &ContentKey) -> Result<Self, SnapshotError> {
        let text = header_text::render(header)?;
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let opening = [MAGIC, &length.to_be_bytes(), &text].concat();
        let chunks = Chunks::new(key, sha256(&opening));
        let mut writer = Self {
            to,
            digesting: Digesting::default(),
            bytes: 0,
            chunks,
            gathered: Vec::with_capacity(2 * CHUNK_BYTES),
            counts: Counts::default(),
        };
        writer.put(&opening)?;
        Ok(writer)
    }

    /// Writes one row.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] for a row that could not be read again, or why it cannot be written.
    pub fn row(&mut self, row: &Row) -> Result<(), SnapshotError> {
        row.append_to(&mut self.gathered)?;
        self.counts.add(row.table);
        self.put_full_pieces()
    }

    /// Writes the trailer and the signature, and flushes.
    ///
    /// # Errors
    /// [`SnapshotError::Unsigned`], or why it cannot be written.
    pub fn finish(mut self, signer: &dyn Signer) -> Result<Written, SnapshotError> {
        row::append(&mut self.gathered, TRAILER, b"", &self.counts.to_bytes())?;
        self.put_full_pieces()?;
        let last = std::mem::take(&mut self.gathered);
        self.put_piece(&last, Place::Last)?;
        let digest = std::mem::take(&mut self.digesting).finish();
        let signature = signer.sign(&[SIGNED, &digest].concat()).ok_or(SnapshotError::Unsigned)?;
        let length = u16::try_from(signature.len()).ok().filter(|_| signature.len() <= SIGNATURE_BYTES_MAX);
        self.put(&length.ok_or(SnapshotError::Unsigned)?.to_be_bytes())?;
        self.put(&signature)?;
        self.to.flush().map_err(SnapshotError::io("writing the snapshot"))?;
        Ok(Written { bytes: self.bytes, counts: self.counts })
    }

    /// Leaves at least a byte, so that the last piece is never empty.
    fn put_full_pieces(&mut self) -> Result<(), SnapshotError> {
        while self.gathered.len() > CHUNK_BYTES {
            let rest = self.gathered.split_off(CHUNK_BYTES);
            let full = std::mem::replace(&mut self.gathered, rest);
            self.put_piece(&full, Place::Inner)?;
        }
        Ok(())
    }

    fn put_piece(&mut self, piece: &[u8], place: Place) -> Result<(), SnapshotError> {
        let sealed = self.chunks.seal(piece, place)?;
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        let last = if place == Place::Last { LAST } else { 0 };
        self.put(&(length | last).to_be_bytes())?;
        self.put(&sealed)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.digesting.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.to.write_all(bytes).map_err(SnapshotError::io("writing the snapshot"))
    }
}
