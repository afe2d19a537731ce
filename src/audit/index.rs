//! The index beside a packed file of the journal: which of its lines say what. Its bytes are described in `index_layout.rs`.
//!
//! It only saves work. A line it leads to is read and judged like any other, and an index that is missing, damaged, of
//! another format, or made from another file is made anew; without one the whole file is read. [`super::verify`] never
//! looks at it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};

use super::error::AuditError;
use super::files::{Part, open_to_read};
use super::index_layout::{
    Block, Field, Fit, HEADER_BYTES, Header, Listed, REQUESTS, SECTION_BYTES_MAX, Section, check, pairs, request_hash,
};
use super::query::{Query, covers_name, is_one_of};

/// How much of the end of a packed file tells it from another.
const TAIL_BYTES: u64 = 4 << 10;

/// An index that fits its file.
pub(super) struct Index {
    file: File,
    header: Header,
    blocks: Vec<Block>,
}

/// The file of the index of a part: `audit-2026-11.002.idx`.
pub(super) fn path_of(directory: &Path, part: &Part) -> PathBuf {
    let name = part.file_name();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    directory.join(name.strip_suffix(".jsonl").unwrap_or(name)).with_added_extension("idx")
}

/// What an index of this file must have been made from.
///
/// # Errors
/// As [`open_to_read`].
pub(super) fn fit(directory: &Path, part: &Part) -> Result<Fit, AuditError> {
    let path = part.path(directory);
    let file = open_to_read(&path)?;
    let told = || {
        let bytes = file.metadata()?.len();
        let tail = read(&file, bytes.saturating_sub(TAIL_BYTES), bytes.min(TAIL_BYTES))?;
        Ok(Fit { bytes, tail: Sha256::digest(&tail).into() })
    };
    told().map_err(AuditError::io(&path))
}

impl Index {
    /// Opens the index of a packed file; `None` if there is none that fits.
    ///
    /// # Errors
    /// [`AuditError`] when the packed file cannot be read.
    pub(super) fn open(directory: &Path, part: &Part) -> Result<Option<Self>, AuditError> {
        let fit = fit(directory, part)?;
        Ok(open_to_read(&path_of(directory, part)).ok().and_then(|file| Self::of(file, &fit)))
    }

    fn of(file: File, fit: &Fit) -> Option<Self> {
        let header = Header::parse(&read(&file, 0, u64::try_from(HEADER_BYTES).ok()?).ok()?)?;
        if header.fit != *fit {
            return None;
        }
        let blocks = Block::parse_all(&section(&file, header.sections.first()?)?)?;
        Some(Self { file, header, blocks })
    }

    /// The members of the file, in their order.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The number of the first line after a block.
    pub(super) fn end_of(&self, block: usize) -> u32 {
        self.blocks.get(block.saturating_add(1)).map_or(self.header.lines, |next| next.first_line)
    }

    /// The lines of the file that are none of a journal.
    pub(super) fn unreadable(&self) -> u32 {
        self.header.unreadable
    }

    /// Whether a line of the file can be within the window of time.
    fn meets(&self, query: &Query) -> bool {
        query.meets(self.header.first, self.header.last)
    }

    /// The lines that may meet the query, as far as the index can tell; all of them if it has nothing to say. `None` if it is
    /// damaged.
    pub(super) fn candidates(&self, query: &Query) -> Option<RoaringBitmap> {
        if !self.meets(query) {
            return Some(RoaringBitmap::new());
        }
        let mut found: Option<RoaringBitmap> = None;
        for field in Field::ALL.into_iter().filter(|field| self.header.has(*field)) {
            let Some(wanted) = wanted(query, field) else { continue };
            let lines = self.having(field, &*wanted)?;
            let both = found.take().map_or(lines.clone(), |found| found & lines);
            if both.is_empty() {
                return Some(both);
            }
            found = Some(both);
        }
        if let Some(id) = &query.request_id {
            let lines = self.of_request(id)?;
            found = Some(found.take().map_or(lines.clone(), |found| found & lines));
        }
        Some(found.unwrap_or_else(|| {
            let mut all = RoaringBitmap::new();
            all.insert_range(0..self.header.lines);
            all
        }))
    }

    /// The lines with a text of this kind in a field.
    fn having(&self, field: Field, wanted: &dyn Fn(&str) -> bool) -> Option<RoaringBitmap> {
        let dictionary = section(&self.file, self.header.sections.get(field.section())?)?;
        let mut lines = RoaringBitmap::new();
        for listed in Listed::parse_all(&dictionary)? {
            if std::str::from_utf8(listed.text).is_ok_and(wanted) {
                let bytes = section(&self.file, &listed.lines)?;
                lines |= RoaringBitmap::deserialize_from(bytes.as_slice()).ok()?;
            }
        }
        Some(lines)
    }

    /// The lines whose request id has the hash of this one.
    fn of_request(&self, id: &str) -> Option<RoaringBitmap> {
        let dictionary = section(&self.file, self.header.sections.get(REQUESTS)?)?;
        let buckets = Listed::parse_all(&dictionary)?;
        let hash = request_hash(id);
        let Some(number) = usize::try_from(hash).ok()?.checked_rem(buckets.len()) else {
            return Some(RoaringBitmap::new());
        };
        let pairs = pairs(&section(&self.file, &buckets.get(number)?.lines)?)?;
        let lines = pairs.into_iter().filter(|(of, _)| *of == hash).map(|(_, line)| line);
        Some(lines.collect())
    }
}

/// Whether a text of a field is looked for.
type Wanted<'query> = Box<dyn Fn(&str) -> bool + 'query>;

/// Which texts of a field the query looks for; `None` if it does not care.
fn wanted(query: &Query, field: Field) -> Option<Wanted<'_>> {
    fn same(text: Option<&str>) -> Option<Wanted<'_>> {
        text.map(|wanted| Box::new(move |text: &str| text == wanted) as Wanted<'_>)
    }
    match field {
        Field::Principal => {
            let principal = query.principal.as_ref()?;
            Some(Box::new(move |text| is_one_of(text, principal)))
        }
        Field::Secret => {
            let glob = query.secret.as_ref()?;
            Some(Box::new(move |text| covers_name(glob, text)))
        }
        Field::Action => {
            let action = query.action.as_ref()?;
            Some(Box::new(move |text| action.covers(text)))
        }
        Field::Decision => same(query.decision.map(|ruling| ruling.as_str())),
        Field::Environment => same(query.environment.as_ref().map(|name| name.as_str())),
        Field::Company => same(query.company.as_ref().map(|company| company.as_str())),
        Field::Outcome => same(query.outcome.as_deref()),
    }
}

/// The bytes of a section; `None` if they are not what they were.
fn section(file: &File, section: &Section) -> Option<Vec<u8>> {
    if section.bytes > SECTION_BYTES_MAX || section.offset.checked_add(section.bytes)? > file.metadata().ok()?.len() {
        return None;
    }
    read(file, section.offset, section.bytes).ok().filter(|bytes| check(bytes) == section.check)
}

fn read(file: &File, offset: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut read, offset)?;
    Ok(read)
}
