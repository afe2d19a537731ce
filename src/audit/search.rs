//! Finding lines in the journals of a node, page by page, newest or oldest first.
//!
//! A search looks at the files in pieces: members of packed files that the index leads to, and chunks of plain ones. Of each
//! piece it knows, or learns when it first reads it, between which times its lines were written; so it reads no more
//! pieces than the page needs, also when a clock went back. A page is in the order of time, then of node, chain and number,
//! and holds every line that was there when the search began, none twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::copies::{JournalDir, journals};
use super::error::AuditError;
use super::files::{Form, Part, open_to_read, parts};
use super::index::Index;
use super::index_build::{anew, opened};
use super::members::CHUNK_BYTES;
use super::pieces::{Indexed, Piece, Place, Scan};
use super::query::Query;
use super::selection::{Cursor, Order, Selection};
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// Most lines of one page: at the longest there are, 16 MiB.
pub const PAGE_LINES_MAX: usize = 1000;

/// How often files that are packed meanwhile are looked for under their new names.
const ATTEMPTS: usize = 3;

/// A search that is under way. Whoever holds it may ask for page after page.
pub struct Search {
    source: Source,
    scan: Scan,
    order: Order,
    after: Option<Cursor>,
    pieces: Vec<Piece>,
    nodes: BTreeSet<NodeName>,
    unreadable: u64,
}

/// Where it looks.
struct Source {
    directory: PathBuf,
    own: NodeName,
}

/// Some of the lines that were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Each exactly as the journal has it, without its newline; in the order of the search.
    pub lines: Vec<String>,
    /// Where the next page goes on; none after the last.
    pub next: Option<Cursor>,
    /// The nodes whose journals were looked at.
    pub nodes: BTreeSet<NodeName>,
    /// Files that could not be read to their end, because they are damaged: what they hold beyond that was not found.
    pub damaged: BTreeSet<String>,
    /// Lines that are none of a journal, as far as they were looked at.
    pub unreadable_lines: u64,
}

impl Search {
    /// Begins a search in the journals of a directory, after a place where another ended.
    ///
    /// # Errors
    /// [`AuditError`] when a file cannot be read.
    pub fn open(
        directory: &Path,
        own: &NodeName,
        query: Query,
        order: Order,
        after: Option<Cursor>,
    ) -> Result<Self, AuditError> {
        let source = Source { directory: directory.to_owned(), own: own.clone() };
        let scan = Scan::new(query);
        let mut search = Self { source, scan, order, after, pieces: vec![], nodes: BTreeSet::new(), unreadable: 0 };
        search.again(|search| search.look())?;
        Ok(search)
    }

    /// The next page, of at most so many lines.
    ///
    /// # Errors
    /// [`AuditError`] when a file cannot be read. One that is damaged is told of in the page instead.
    pub fn page(&mut self, lines_max: usize) -> Result<Page, AuditError> {
        let lines_max = lines_max.clamp(1, PAGE_LINES_MAX);
        let selection = self.again(|search| search.select(lines_max))?;
        let (lines, last, more) = selection.finish(lines_max);
        if last.is_some() {
            self.after.clone_from(&last);
        }
        let (order, after) = (self.order, self.after.as_ref());
        let is_past = |piece: &Piece| after.is_some_and(|after| order.is_past(piece.first, piece.last, after));
        self.pieces.retain(|piece| piece.first <= piece.last && !is_past(piece));
        Ok(Page {
            lines,
            next: if more { last } else { None },
            nodes: self.nodes.clone(),
            damaged: self.scan.damaged.clone(),
            unreadable_lines: self.unreadable.saturating_add(self.scan.unreadable),
        })
    }

    /// Does it again when a file was packed or retired between finding and opening it.
    fn again<T>(&mut self, work: impl Fn(&mut Self) -> Result<T, AuditError>) -> Result<T, AuditError> {
        for _ in 1..ATTEMPTS {
            match work(self) {
                Err(AuditError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => self.look()?,
                done => return done,
            }
        }
        work(self)
    }

    /// Finds the pieces.
    fn look(&mut self) -> Result<(), AuditError> {
        (self.pieces, self.nodes, self.unreadable) = (Vec::new(), BTreeSet::new(), 0);
        (self.scan.unreadable, self.scan.damaged) = (0, BTreeSet::new());
        let wanted = self.scan.query.node.clone();
        let journals = journals(&self.source.directory, &self.source.own)?;
        for journal in journals.into_iter().filter(|journal| wanted.as_ref().is_none_or(|node| journal.node == *node)) {
            self.look_in(&journal)?;
            self.nodes.insert(journal.node);
        }
        Ok(())
    }

    fn look_in(&mut self, journal: &JournalDir) -> Result<(), AuditError> {
        for part in parts(&journal.path)? {
            let journal = Arc::new(journal.clone());
            let piece = |place, first, last| {
                let part = part.clone();
                Piece { journal: Arc::clone(&journal), part, place, first, last }
            };
            let (always, ever) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
            if part.form == Form::Plain {
                let path = part.path(&journal.path);
                let bytes = open_to_read(&path)?.metadata().map_err(AuditError::io(&path))?.len();
                let chunks = (0..bytes.div_ceil(CHUNK_BYTES)).map(Place::Chunk);
                self.pieces.extend(chunks.map(|place| piece(place, always, ever)));
                continue;
            }
            let index = match opened(&journal.path, &part) {
                Err(error) if error.is_damage() => None,
                index => index?,
            };
            let Some((index, lines)) = index.and_then(|index| found(index, &journal.path, &part, &self.scan.query))
            else {
                self.pieces.push(piece(Place::Whole, always, ever));
                continue;
            };
            self.unreadable = self.unreadable.saturating_add(index.unreadable().into());
            let indexed = Indexed::of(&index, lines, &self.scan.query);
            self.pieces.extend(indexed.map(|(place, first, last)| piece(place, first, last)));
        }
        Ok(())
    }

    /// Reads the pieces that can hold lines of the page, and remembers of each between which times its lines are.
    fn select(&mut self, lines_max: usize) -> Result<Selection, AuditError> {
        let order = self.order;
        // Of pieces that nothing is known of yet, the one that was written last comes first, or last.
        match order {
            Order::Newest => self.pieces.sort_by(|one, other| other.place_of_end().cmp(&one.place_of_end())),
            Order::Oldest => self.pieces.sort_by(|one, other| one.place_of_begin().cmp(&other.place_of_begin())),
        }
        // One more than wanted tells whether there is a next page.
        let mut selection = Selection::new(order, lines_max.saturating_add(1), self.after.clone());
        for piece in &mut self.pieces {
            if selection.is_settled(piece.first, piece.last) {
                break;
            }
            self.scan.read(piece, &mut selection)?;
        }
        Ok(selection)
    }
}

/// What an index leads to; one that proves damaged where it is read is made anew, once.
fn found(index: Index, directory: &Path, part: &Part, query: &Query) -> Option<(Index, RoaringBitmap)> {
    if let Some(lines) = index.candidates(query) {
        return Some((index, lines));
    }
    let index = anew(directory, part).ok()??;
    let lines = index.candidates(query)?;
    Some((index, lines))
}
