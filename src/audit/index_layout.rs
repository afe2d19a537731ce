//! The bytes of an index. All numbers are little-endian; a check is the first eight bytes of a SHA-256, read as a number.
//!
//! ```text
//! header   300 bytes at the beginning
//!   "AURORAIX"  format u16 = 1  fields without an index u16 (bit 0 is the first field)
//!   lines u32   lines that could not be understood u32
//!   bytes of the packed file u64   SHA-256 of its last 4 KiB, or of all if it is shorter
//!   first time i64   last time i64   (milliseconds since 1970; first > last if there is no line)
//!   9 sections: offset u64, bytes u64, check u64
//!   check u64 of all that stands before it
//! section 0      blocks: offset in the packed file u64, first line u32, first time i64, last time i64
//! sections 1-7   one for each field: for each of its texts, in their order: bytes u16, the text, and where the lines
//!                that have it are: offset u64, bytes u64, check u64
//! section 8      request ids: the same, where the text is the number of a bucket u32
//! lines that have a text    a Roaring bitmap in its portable format: line numbers of the part, from 0
//! lines of a bucket         sorted pairs: hash of the request id u32, line u32
//! ```

use sha2::{Digest, Sha256};

use crate::model::time::Timestamp;

/// What every index begins with.
const MAGIC: &[u8; 8] = b"AURORAIX";

/// The only format there is.
const FORMAT: u16 = 1;

/// Sections of an index: blocks, one for each field, request ids.
const SECTIONS: usize = 9;

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 300;

/// The section of the request ids.
pub(super) const REQUESTS: usize = 8;

/// Largest section, and largest list of lines, in bytes: the request ids of 4 Mi lines that all have one hash are 32 MiB.
pub(super) const SECTION_BYTES_MAX: u64 = 64 << 20;

/// What lines are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The whole text, which may name several.
    Principal,
    Secret,
    Action,
    Decision,
    Environment,
    Company,
    Outcome,
}

impl Field {
    /// In the order of their sections.
    pub(super) const ALL: [Self; 7] =
        [Self::Principal, Self::Secret, Self::Action, Self::Decision, Self::Environment, Self::Company, Self::Outcome];

    /// Its place in [`Self::ALL`].
    pub(super) fn number(self) -> usize {
        Self::ALL.iter().position(|field| *field == self).unwrap_or(0)
    }

    /// Its section.
    pub(super) fn section(self) -> usize {
        self.number().saturating_add(1)
    }
}

/// A stretch of the file, and what its bytes must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    pub(super) check: u64,
}

/// Which packed file an index was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fit {
    /// Its length.
    pub(super) bytes: u64,
    /// The hash of its last bytes: they end with the checksum of the last member.
    pub(super) tail: [u8; 32],
}

/// The header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) unindexed: u16,
    pub(super) lines: u32,
    pub(super) unreadable: u32,
    pub(super) fit: Fit,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) sections: [Section; SECTIONS],
}

/// One member of the packed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it begins.
    pub(super) offset: u64,
    /// The number of its first line within the part.
    pub(super) first_line: u32,
    /// The earliest time of its lines.
    pub(super) first: Timestamp,
    /// The latest.
    pub(super) last: Timestamp,
}

/// One text of a dictionary, and where the lines that have it are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed<'a> {
    pub(super) text: &'a [u8],
    pub(super) lines: Section,
}

/// What bytes come to.
pub(super) fn check(bytes: &[u8]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

impl Header {
    /// As it is written.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(self.unindexed.to_le_bytes());
        bytes.extend(self.lines.to_le_bytes());
        bytes.extend(self.unreadable.to_le_bytes());
        bytes.extend(self.fit.bytes.to_le_bytes());
        bytes.extend(self.fit.tail);
        bytes.extend(self.first.0.to_le_bytes());
        bytes.extend(self.last.0.to_le_bytes());
        self.sections.iter().for_each(|section| section.write(&mut bytes));
        let sum = check(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    /// Reads one; `None` if it is damaged, or of another format.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (told, sum) = bytes.get(..HEADER_BYTES)?.split_last_chunk::<8>()?;
        let mut at = Bytes(told);
        if check(told) != u64::from_le_bytes(*sum) || at.array::<8>()? != *MAGIC || at.u16()? != FORMAT {
            return None;
        }
        let (unindexed, lines, unreadable) = (at.u16()?, at.u32()?, at.u32()?);
        let fit = Fit { bytes: at.u64()?, tail: at.array()? };
        let (first, last) = (at.time()?, at.time()?);
        let mut sections = [Section::default(); SECTIONS];
        for section in &mut sections {
            *section = at.section()?;
        }
        Some(Self { unindexed, lines, unreadable, fit, first, last, sections })
    }

    /// Whether lines can be found by this field.
    pub(super) fn has(&self, field: Field) -> bool {
        self.unindexed & (1 << field.number()) == 0
    }
}

impl Section {
    fn write(self, to: &mut Vec<u8>) {
        to.extend(self.offset.to_le_bytes());
        to.extend(self.bytes.to_le_bytes());
        to.extend(self.check.to_le_bytes());
    }
}

impl Block {
    /// Adds it to its section.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.offset.to_le_bytes());
        to.extend(self.first_line.to_le_bytes());
        to.extend(self.first.0.to_le_bytes());
        to.extend(self.last.0.to_le_bytes());
    }

    /// Reads the section; `None` if it is none.
    pub(super) fn parse_all(bytes: &[u8]) -> Option<Vec<Self>> {
        let (mut at, mut blocks) = (Bytes(bytes), Vec::new());
        while !at.0.is_empty() {
            let (offset, first_line) = (at.u64()?, at.u32()?);
            blocks.push(Self { offset, first_line, first: at.time()?, last: at.time()? });
        }
        Some(blocks)
    }
}

impl<'a> Listed<'a> {
    /// Adds it to its section; `None` for a text that no line can have.
    pub(super) fn write(&self, to: &mut Vec<u8>) -> Option<()> {
        to.extend(u16::try_from(self.text.len()).ok()?.to_le_bytes());
        to.extend(self.text);
        self.lines.write(to);
        Some(())
    }

    /// Reads the section; `None` if it is none.
    pub(super) fn parse_all(bytes: &'a [u8]) -> Option<Vec<Self>> {
        let (mut at, mut all) = (Bytes(bytes), Vec::new());
        while !at.0.is_empty() {
            let length = usize::from(at.u16()?);
            let text = at.take(length)?;
            all.push(Self { text, lines: at.section()? });
        }
        Some(all)
    }
}

/// The pairs of a bucket; `None` if they are none.
pub(super) fn pairs(bytes: &[u8]) -> Option<Vec<(u32, u32)>> {
    let (mut at, mut pairs) = (Bytes(bytes), Vec::new());
    while !at.0.is_empty() {
        pairs.push((at.u32()?, at.u32()?));
    }
    Some(pairs)
}

/// A short hash of a request id (FNV-1a, 32 bits): whoever chooses ids so that they meet makes a search slower, not wrong.
pub(super) fn request_hash(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.array().map(i64::from_le_bytes).map(Timestamp)
    }

    fn section(&mut self) -> Option<Section> {
        Some(Section { offset: self.u64()?, bytes: self.u64()?, check: self.u64()? })
    }
}
