//! Reading a snapshot as a stream. Nothing of it may be relied on before its last row was read: only then the counts and the
//! signature are known to fit.

use std::io::{ErrorKind, Read};

use super::counts::Counts;
use super::error::SnapshotError;
use super::header::Header;
use super::row::{self, HEAD_BYTES, LENGTH_BYTES, Row, TRAILER};
use super::{LAST, MAGIC, MAGIC_ANY, SIGNATURE_BYTES_MAX, SIGNED, header_text};
use crate::crypto::chunks::{Chunks, ContentKey, Place, SEALED_CHUNK_BYTES_MAX};
use crate::crypto::digest::{Digesting, sha256};
use crate::crypto::plaintext::Plaintext;
use crate::crypto::signature::is_signed;

/// A snapshot whose header was read.
pub struct Reader<R> {
    from: R,
    digesting: Digesting,
    header: Header,
    bound: [u8; 32],
}

impl<R: Read> Reader<R> {
    /// Reads the header. It is what the snapshot says of itself, and believed once [`Rows`] came to its end.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn open(mut from: R) -> Result<Self, SnapshotError> {
        let mut magic = [0_u8; MAGIC.len()];
        fill(&mut from, &mut magic)?;
        if magic != MAGIC {
            let is_other = magic.starts_with(MAGIC_ANY);
            return Err(if is_other { SnapshotError::UnknownFormat } else { SnapshotError::Foreign });
        }
        let mut length = [0_u8; 4];
        fill(&mut from, &mut length)?;
        let bytes = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if bytes > header_text::HEADER_BYTES_MAX {
            return Err(SnapshotError::HeaderTooLong { bytes, bytes_max: header_text::HEADER_BYTES_MAX });
        }
        let mut text = vec![0_u8; bytes];
        fill(&mut from, &mut text)?;
        let header = header_text::parse(&text)?;
        let opening = [magic.as_slice(), &length, &text].concat();
        let mut digesting = Digesting::default();
        digesting.update(&opening);
        Ok(Self { from, digesting, header, bound: sha256(&opening) })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its rows, with the key of its text.
    #[must_use]
    pub fn rows(self, key: &ContentKey) -> Rows<R> {
        Rows {
            from: self.from,
            digesting: self.digesting,
            authority: self.header.authority,
            chunks: Chunks::new(key, self.bound),
            piece: Plaintext::new(Vec::new()),
            used: 0,
            had_last: false,
            counts: Counts::default(),
            state: State::Reading,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Whole,
    Failed,
}

/// The rows of a snapshot. They end with nothing only if every one was there and the signature fits; with an error else.
pub struct Rows<R> {
    from: R,
    digesting: Digesting,
    authority: Vec<u8>,
    chunks: Chunks,
    piece: Plaintext,
    used: usize,
    had_last: bool,
    counts: Counts,
    state: State,
}

impl<R: Read> Rows<R> {
    /// How many rows there were; `None` before the end, and of one that is not whole.
    #[must_use]
    pub fn counts(&self) -> Option<&Counts> {
        (self.state == State::Whole).then_some(&self.counts)
    }

    fn read(&mut self) -> Result<Option<Row>, SnapshotError> {
        let mut head = [0_u8; HEAD_BYTES];
        self.take(&mut head)?;
        let (table, key_bytes) = row::read_head(&head)?;
        let key = self.take_vec(key_bytes)?;
        let mut length = [0_u8; LENGTH_BYTES];
        self.take(&mut length)?;
        let row = self.take_vec(row::read_row_length(&length)?)?;
        if table != TRAILER {
            self.counts.add(table);
            return Ok(Some(Row { table, key, row }));
        }
        if !key.is_empty() || Counts::parse(&row)? != self.counts {
            return Err(SnapshotError::Counts);
        }
        self.end()?;
        Ok(None)
    }

    /// Behind the trailer there is the signature and nothing else.
    fn end(&mut self) -> Result<(), SnapshotError> {
        if !self.had_last || self.used != self.piece.len() {
            return Err(SnapshotError::Trailing);
        }
        let digest = std::mem::take(&mut self.digesting).finish();
        let mut length = [0_u8; 2];
        fill(&mut self.from, &mut length)?;
        let length = usize::from(u16::from_be_bytes(length));
        if length > SIGNATURE_BYTES_MAX {
            return Err(SnapshotError::Signature);
        }
        let mut signature = vec![0_u8; length];
        fill(&mut self.from, &mut signature)?;
        if !is_signed(&self.authority, &[SIGNED, &digest].concat(), &signature) {
            return Err(SnapshotError::Signature);
        }
        loop {
            return match self.from.read(&mut [0]) {
                Ok(0) => Ok(()),
                Ok(_) => Err(SnapshotError::Trailing),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(SnapshotError::io("reading the snapshot")(error)),
            };
        }
    }

    fn take_vec(&mut self, bytes: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut taken = vec![0_u8; bytes];
        self.take(&mut taken)?;
        Ok(taken)
    }

    /// The next bytes of the text, over the borders of pieces.
    fn take(&mut self, mut into: &mut [u8]) -> Result<(), SnapshotError> {
        while !into.is_empty() {
            let rest = self.piece.expose().get(self.used..).unwrap_or_default();
            if rest.is_empty() {
                self.next_piece()?;
                continue;
            }
            let count = rest.len().min(into.len());
            let (now, later) = into.split_at_mut(count);
            now.copy_from_slice(rest.get(..count).unwrap_or_default());
            self.used += count;
            into = later;
        }
        Ok(())
    }

    fn next_piece(&mut self) -> Result<(), SnapshotError> {
        if self.had_last {
            return Err(SnapshotError::Cut);
        }
        let mut length = [0_u8; 4];
        fill(&mut self.from, &mut length)?;
        let said = u32::from_be_bytes(length);
        let bytes = usize::try_from(said & !LAST).unwrap_or(usize::MAX);
        let place = if said & LAST == 0 { Place::Inner } else { Place::Last };
        // Every piece but the last is full: a text has one form, and does not go on for ever in empty pieces.
        let fits = if place == Place::Last { bytes <= SEALED_CHUNK_BYTES_MAX } else { bytes == SEALED_CHUNK_BYTES_MAX };
        if !fits {
            return Err(SnapshotError::Damaged("the length of a piece"));
        }
        let mut sealed = vec![0_u8; bytes];
        fill(&mut self.from, &mut sealed)?;
        self.digesting.update(&length);
        self.digesting.update(&sealed);
        self.piece = self.chunks.open(&sealed, place)?;
        (self.used, self.had_last) = (0, place == Place::Last);
        Ok(())
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state != State::Reading {
            return None;
        }
        match self.read() {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => {
                self.state = State::Whole;
                None
            }
            Err(error) => {
                self.state = State::Failed;
                Some(Err(error))
            }
        }
    }
}

fn fill(from: &mut impl Read, into: &mut [u8]) -> Result<(), SnapshotError> {
    from.read_exact(into).map_err(SnapshotError::io("reading the snapshot"))
}
