//! Making the index of a packed file: one pass over its lines, in bounded memory.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use roaring::RoaringBitmap;

use super::error::AuditError;
use super::files::{Form, Part, open_to_read, open_to_write};
use super::index::{Index, fit, path_of};
use super::index_layout::{Block, Field, Fit, HEADER_BYTES, Header, Listed, REQUESTS, Section, check, request_hash};
use super::members::{self, Member};
use super::query::Told;
use crate::model::time::Timestamp;

/// Most lines of a file that get an index. With seven fields of two bytes and eight for the request id, a hundred
/// megabytes while it is made; the files a node writes are a quarter of that.
const LINES_MAX: u32 = 4 << 20;

/// Most texts of a field that are kept: beyond that the field has no index for this file.
const TEXTS_MAX: usize = 65_536;

/// The same in bytes.
const TEXT_BYTES_MAX: usize = 8 << 20;

/// Request ids that share a bucket, about: what has to be read to find one is then 4 KiB.
const BUCKET_LINES: u32 = 512;

/// One at a time: it bounds the memory, and two would write one file.
static MAKING: Mutex<()> = Mutex::new(());

/// The index of a packed file, made if there is none that fits; `None` if there cannot be one: the file is larger or packed
/// otherwise than a node does it, or there is nowhere to write.
///
/// # Errors
/// [`AuditError`] when the packed file cannot be read.
pub(super) fn opened(directory: &Path, part: &Part) -> Result<Option<Index>, AuditError> {
    if part.form != Form::Packed {
        return Ok(None);
    }
    if let Some(index) = Index::open(directory, part)? {
        return Ok(Some(index));
    }
    // Whoever panicked while it held this left at most a file that nobody reads.
    let _alone = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(index) = Index::open(directory, part)? {
        return Ok(Some(index));
    }
    let path = part.path(directory);
    let fit = fit(directory, part)?;
    let Some(making) = Making::of(directory, part).map_err(AuditError::io(&path))? else { return Ok(None) };
    match write(&path_of(directory, part), making.finish(fit)) {
        Ok(()) => Index::open(directory, part),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "no index could be written: the file is searched without one");
            Ok(None)
        }
    }
}

/// The same, in place of one that proved damaged.
///
/// # Errors
/// As [`opened`].
pub(super) fn anew(directory: &Path, part: &Part) -> Result<Option<Index>, AuditError> {
    let path = path_of(directory, part);
    fs::remove_file(&path).map_err(AuditError::io(&path))?;
    opened(directory, part)
}

/// Under another name until it is complete. It is not synced: what a power cut leaves of it does not fit its own check.
fn write(path: &Path, bytes: Vec<u8>) -> io::Result<()> {
    let part = path.with_added_extension("part");
    let mut file = open_to_write(&part).map_err(AuditError::into_io)?;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    fs::rename(&part, path)
}

/// What is known of a file so far.
struct Making {
    blocks: Vec<Block>,
    fields: [Texts; 7],
    requests: Vec<(u32, u32)>,
    lines: u32,
    unreadable: u32,
}

/// The texts of one field.
#[derive(Default)]
struct Texts {
    lines: HashMap<String, RoaringBitmap>,
    bytes: usize,
    too_many: bool,
}

impl Making {
    /// Reads the whole file; `None` if it cannot have an index.
    fn of(directory: &Path, part: &Part) -> io::Result<Option<Self>> {
        let file = open_to_read(&part.path(directory)).map_err(AuditError::into_io)?;
        let mut from = Counted { from: BufReader::with_capacity(256 << 10, file), at: 0 };
        let mut making = Self { blocks: vec![], fields: Default::default(), requests: vec![], lines: 0, unreadable: 0 };
        let mut raw = Vec::new();
        loop {
            let offset = from.at;
            match members::next(&mut from, &mut raw)? {
                Member::End => return Ok(Some(making)),
                Member::Odd => return Ok(None),
                Member::Whole => {}
            }
            let (first, last) = (Timestamp(i64::MAX), Timestamp(i64::MIN));
            let mut block = Block { offset, first_line: making.lines, first, last };
            for line in members::lines(&raw) {
                if making.lines >= LINES_MAX {
                    return Ok(None);
                }
                making.take(line, &mut block);
                making.lines = making.lines.saturating_add(1);
            }
            making.blocks.push(block);
        }
    }

    fn take(&mut self, line: &[u8], block: &mut Block) {
        let Some((told, time)) = Told::parse(line) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        };
        block.first = block.first.min(time);
        block.last = block.last.max(time);
        let number = self.lines;
        for (field, texts) in Field::ALL.into_iter().zip(&mut self.fields) {
            let text = match field {
                Field::Principal => Some(&told.principal),
                Field::Secret => told.secret.as_ref(),
                Field::Action => Some(&told.action),
                Field::Decision => Some(&told.decision),
                Field::Environment => told.environment.as_ref(),
                Field::Company => told.company.as_ref(),
                Field::Outcome => Some(&told.outcome),
            };
            if let Some(text) = text {
                texts.note(text, number);
            }
        }
        self.requests.push((request_hash(&told.request_id), number));
    }

    /// The bytes of the index.
    fn finish(mut self, fit: Fit) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        let mut header = Header {
            unindexed: 0,
            lines: self.lines,
            unreadable: self.unreadable,
            fit,
            first: self.blocks.iter().map(|block| block.first).min().unwrap_or(Timestamp(i64::MAX)),
            last: self.blocks.iter().map(|block| block.last).max().unwrap_or(Timestamp(i64::MIN)),
            sections: Default::default(),
        };
        let mut blocks = Vec::new();
        self.blocks.iter().for_each(|block| block.write(&mut blocks));
        let mut sections = vec![appended(&mut bytes, &blocks)];
        for (number, texts) in std::mem::take(&mut self.fields).into_iter().enumerate() {
            let dictionary = texts.written(&mut bytes);
            if dictionary.is_none() {
                header.unindexed |= 1 << number;
            }
            sections.push(appended(&mut bytes, &dictionary.unwrap_or_default()));
        }
        let requests = buckets(std::mem::take(&mut self.requests), &mut bytes);
        debug_assert_eq!(sections.len(), REQUESTS);
        sections.push(appended(&mut bytes, &requests));
        for (to, section) in header.sections.iter_mut().zip(sections) {
            *to = section;
        }
        let header = header.to_bytes();
        bytes.splice(..HEADER_BYTES, header);
        bytes
    }
}

impl Texts {
    fn note(&mut self, text: &str, line: u32) {
        if self.too_many {
            return;
        }
        if let Some(lines) = self.lines.get_mut(text) {
            lines.insert(line);
            return;
        }
        self.bytes = self.bytes.saturating_add(text.len());
        if self.lines.len() >= TEXTS_MAX || self.bytes > TEXT_BYTES_MAX {
            *self = Self { too_many: true, ..Self::default() };
            return;
        }
        self.lines.insert(text.to_owned(), RoaringBitmap::from_iter([line]));
    }

    /// Appends the bitmaps, and gives the dictionary; `None` if the field gets no index.
    fn written(self, bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
        if self.too_many {
            return None;
        }
        let mut texts: Vec<(String, RoaringBitmap)> = self.lines.into_iter().collect();
        texts.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut dictionary = Vec::new();
        for (text, mut lines) in texts {
            lines.optimize();
            let mut bitmap = Vec::with_capacity(lines.serialized_size());
            lines.serialize_into(&mut bitmap).ok()?;
            let lines = appended(bytes, &bitmap);
            Listed { text: text.as_bytes(), lines }.write(&mut dictionary)?;
        }
        Some(dictionary)
    }
}

/// Appends the buckets, and gives their dictionary.
fn buckets(requests: Vec<(u32, u32)>, bytes: &mut Vec<u8>) -> Vec<u8> {
    let lines = u32::try_from(requests.len()).unwrap_or(u32::MAX);
    let count = lines.div_ceil(BUCKET_LINES);
    let mut buckets: Vec<Vec<(u32, u32)>> = (0..count).map(|_| Vec::new()).collect();
    for (hash, line) in requests {
        let number = hash.checked_rem(count).and_then(|number| usize::try_from(number).ok());
        if let Some(bucket) = number.and_then(|number| buckets.get_mut(number)) {
            bucket.push((hash, line));
        }
    }
    let mut dictionary = Vec::new();
    for (number, mut pairs) in (0..count).zip(buckets) {
        pairs.sort_unstable();
        let pairs: Vec<u8> =
            pairs.iter().flat_map(|(hash, line)| [hash.to_le_bytes(), line.to_le_bytes()]).flatten().collect();
        let lines = appended(bytes, &pairs);
        // Four bytes always fit.
        let _fits = Listed { text: &number.to_le_bytes(), lines }.write(&mut dictionary);
    }
    dictionary
}

fn appended(to: &mut Vec<u8>, bytes: &[u8]) -> Section {
    let offset = u64::try_from(to.len()).unwrap_or(u64::MAX);
    to.extend(bytes);
    Section { offset, bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX), check: check(bytes) }
}

/// Knows how far it was read.
struct Counted<R> {
    from: R,
    at: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.from.consume(bytes);
    }
}
