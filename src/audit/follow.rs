//! Following journals: each line as it is written, or as it arrives from another node, in the order of each journal.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::copies::{JournalDir, journals};
use super::error::AuditError;
use super::files::{Form, Part, open_to_read, parts};
use super::line::parse_link;
use super::lines::{Lines, Next};
use super::query::{Query, Told};
use super::tail::tail;
use crate::model::name::NodeName;

/// Journals whose places are told with the lines: an id of more would not fit into a header.
const PLACES_MAX: usize = 64;

/// Whose journal, and which copy.
type Whose = (NodeName, u32);

/// Somebody who follows.
pub struct Follow {
    directory: PathBuf,
    own: NodeName,
    query: Query,
    places: BTreeMap<Whose, Place>,
}

/// What was told of one journal.
#[derive(Debug, Clone, Default)]
struct Place {
    seq: u64,
    /// The file that was read last, and how far; none when that must be looked for.
    at: Option<(Part, u64)>,
}

/// The text is no place to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a followed journal")]
pub struct NotAPlace;

/// Where somebody stopped following: `aurora.0.42,vengeance.1.7`, the number of the last line of each journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places(BTreeMap<Whose, u64>);

impl Places {
    /// Reads an id.
    ///
    /// # Errors
    /// [`NotAPlace`].
    pub fn parse(text: &str) -> Result<Self, NotAPlace> {
        let mut places = BTreeMap::new();
        for place in text.split(',') {
            let mut parts = place.split('.');
            let (node, chain, seq) = (parts.next(), parts.next(), parts.next());
            let node = node.and_then(|node| NodeName::parse(node).ok());
            let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
            let chain = number(chain).and_then(|chain| u32::try_from(chain).ok());
            let (Some(node), Some(chain), Some(seq), None) = (node, chain, number(seq), parts.next()) else {
                return Err(NotAPlace);
            };
            places.insert((node, chain), seq);
        }
        if places.len() > PLACES_MAX { Err(NotAPlace) } else { Ok(Self(places)) }
    }
}

impl Follow {
    /// From now on, or from where somebody stopped.
    ///
    /// # Errors
    /// [`AuditError`] when a file cannot be read.
    pub fn open(directory: &Path, own: &NodeName, query: Query, from: Option<Places>) -> Result<Self, AuditError> {
        let mut follow = Self { directory: directory.to_owned(), own: own.clone(), query, places: BTreeMap::new() };
        for journal in follow.journals()? {
            let whose = whose(&journal);
            let told = from.as_ref().and_then(|from| from.0.get(&whose).copied());
            let seq = match told {
                Some(seq) => seq,
                None => last_seq(&journal.path)?,
            };
            follow.places.insert(whose, Place { seq, at: None });
        }
        Ok(follow)
    }

    /// Where it is, for whoever goes on later. Of very many journals, the first are told.
    #[must_use]
    pub fn id(&self) -> String {
        let places = self.places.iter().take(PLACES_MAX);
        places.map(|((node, chain), place)| format!("{node}.{chain}.{}", place.seq)).collect::<Vec<_>>().join(",")
    }

    /// The lines that came since, at most about so many; none if there are none yet.
    ///
    /// # Errors
    /// [`AuditError`] when a file cannot be read.
    pub fn next(&mut self, lines_max: usize) -> Result<Vec<String>, AuditError> {
        let mut found = Vec::new();
        for journal in self.journals()? {
            // The journal of a node that joined meanwhile is new from its first line on.
            let mut place = self.places.remove(&whose(&journal)).unwrap_or_default();
            let read = read(&journal, &mut place, &self.query, lines_max, &mut found);
            self.places.insert(whose(&journal), place);
            match read {
                // It was packed or retired between finding and opening it, and is looked for again next time.
                Err(AuditError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                read => read?,
            }
            if found.len() >= lines_max {
                break;
            }
        }
        Ok(found)
    }

    fn journals(&self) -> Result<Vec<JournalDir>, AuditError> {
        let wanted = self.query.node.as_ref();
        let mut journals = journals(&self.directory, &self.own)?;
        journals.retain(|journal| wanted.is_none_or(|node| journal.node == *node));
        Ok(journals)
    }
}

fn whose(journal: &JournalDir) -> Whose {
    (journal.node.clone(), journal.chain.unwrap_or(0))
}

fn last_seq(directory: &Path) -> Result<u64, AuditError> {
    let last = tail(directory, 1)?;
    Ok(last.last().and_then(|line| parse_link(line.as_bytes())).map_or(0, |link| link.seq))
}

/// Reads on in one journal.
fn read(
    journal: &JournalDir,
    place: &mut Place,
    query: &Query,
    lines_max: usize,
    found: &mut Vec<String>,
) -> Result<(), AuditError> {
    let parts = parts(&journal.path)?;
    let begin = match &place.at {
        Some((at, _)) => parts.iter().position(|part| (&part.month, part.number) >= (&at.month, at.number)),
        None => first_after(&journal.path, &parts, place.seq)?,
    };
    for part in parts.into_iter().skip(begin.unwrap_or(usize::MAX)) {
        let path = part.path(&journal.path);
        let from = place.at.as_ref().filter(|(at, _)| *at == part).map_or(0, |(_, bytes)| *bytes);
        let (mut lines, mut at) = opened(&journal.path, &part, from)?;
        loop {
            match lines.next().map_err(AuditError::io(&path))? {
                Next::Line(line) => {
                    at = at.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX)).saturating_add(1);
                    take(line, place, query, found);
                }
                Next::TooLong => at = at.saturating_add(u64::try_from(super::line::LINE_BYTES_MAX).unwrap_or(0) + 1),
                Next::Cut | Next::End => break,
            }
            if found.len() >= lines_max {
                place.at = Some((part, at));
                return Ok(());
            }
        }
        place.at = Some((part, at));
    }
    Ok(())
}

fn take(line: &[u8], place: &mut Place, query: &Query, found: &mut Vec<String>) {
    let Some((told, time)) = Told::parse(line) else { return };
    if told.seq <= place.seq {
        return;
    }
    place.seq = told.seq;
    if query.covers(&told, time) {
        found.extend(std::str::from_utf8(line).ok().map(str::to_owned));
    }
}

/// A file from some byte on; from its beginning if it became shorter, for what was told is told by its number.
fn opened(directory: &Path, part: &Part, from: u64) -> Result<(Lines, u64), AuditError> {
    if part.form == Form::Packed {
        return Ok((Lines::of(directory, part)?, 0));
    }
    let path = part.path(directory);
    let mut file = open_to_read(&path)?;
    let bytes = file.metadata().map_err(AuditError::io(&path))?.len();
    let from = if from > bytes { 0 } else { from };
    file.seek(SeekFrom::Start(from)).map_err(AuditError::io(&path))?;
    Ok((Lines::over(Box::new(BufReader::new(file))), from))
}

/// The last file that begins at or before a line.
fn first_after(directory: &Path, parts: &[Part], seq: u64) -> Result<Option<usize>, AuditError> {
    for (number, part) in parts.iter().enumerate().rev() {
        let mut lines = Lines::of(directory, part)?;
        let first = lines.next().map_err(AuditError::io(part.path(directory)))?;
        if let Next::Line(line) = first
            && parse_link(line).is_some_and(|link| link.seq <= seq.saturating_add(1))
        {
            return Ok(Some(number));
        }
    }
    Ok(if parts.is_empty() { None } else { Some(0) })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::sample;
    use super::super::search_tests::packed;
    use super::*;

    fn append(path: &Path, text: &str) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("file");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn follow(directory: &Path, from: Option<Places>) -> Follow {
        Follow::open(directory, &sample::node(), Query::default(), from).expect("readable")
    }

    fn numbers(lines: &[String]) -> Vec<u64> {
        lines.iter().map(|line| parse_link(line.as_bytes()).expect("a line").seq).collect()
    }

    #[test]
    fn lines_are_told_once_and_in_order_through_new_files_packing_and_cut_lines() {
        let directory = tempfile::tempdir().expect("directory");
        let path = |name: &str| directory.path().join(name);
        let lines = sample::lines(9);
        append(&path("audit-2026-10.jsonl"), &lines[..2].concat());
        let mut follow = follow(directory.path(), None);
        assert!(follow.next(9).expect("readable").is_empty());
        append(&path("audit-2026-10.jsonl"), &format!("{}{}", lines[2], &lines[3][..20]));
        assert_eq!(numbers(&follow.next(9).expect("readable")), [3]);
        append(&path("audit-2026-10.jsonl"), &lines[3][20..]);
        append(&path("audit-2026-11.jsonl"), &lines[4..8].concat());
        assert_eq!(numbers(&follow.next(3).expect("readable")), [4, 5, 6]);
        let all: Vec<Vec<u8>> = lines[..4].iter().map(|line| line.clone().into_bytes()).collect();
        fs::write(path("audit-2026-10.jsonl.gz"), packed(&all, 3)).expect("written");
        fs::remove_file(path("audit-2026-10.jsonl")).expect("removed");
        let all: Vec<Vec<u8>> = lines[4..8].iter().map(|line| line.clone().into_bytes()).collect();
        fs::write(path("audit-2026-11.jsonl.gz"), packed(&all, 3)).expect("written");
        fs::remove_file(path("audit-2026-11.jsonl")).expect("removed");
        append(&path("audit-2026-12.jsonl"), &lines[8]);
        assert_eq!(numbers(&follow.next(9).expect("readable")), [7, 8, 9]);
        assert!(follow.next(9).expect("readable").is_empty());
    }

    #[test]
    fn who_comes_back_goes_on_where_it_stopped_and_a_new_journal_is_told_from_its_beginning() {
        let directory = tempfile::tempdir().expect("directory");
        let lines = sample::lines(6);
        append(&directory.path().join("audit-2026-10.jsonl"), &lines[..3].concat());
        append(&directory.path().join("audit-2026-11.jsonl"), &lines[3..5].concat());
        let from = Places::parse("vengeance.0.2").expect("a place");
        let mut back = follow(directory.path(), Some(from));
        assert_eq!(numbers(&back.next(2).expect("readable")), [3, 4]);
        assert_eq!(back.id(), "vengeance.0.4");
        let copy = directory.path().join("nodes/macmini/1");
        fs::create_dir_all(&copy).expect("directory");
        append(&copy.join("audit-2026-11.jsonl"), &lines[..2].concat());
        assert_eq!(numbers(&back.next(9).expect("readable")), [5, 1, 2]);
        assert_eq!(back.id(), "macmini.1.2,vengeance.0.5");
        assert!(Places::parse(&back.id()).is_ok());
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "a", "a.0", "a.0.x", "A.0.1", "a.0.1.2", "a.0.1,", "a.-1.1", "a.99999999999.1"] {
            assert_eq!(Places::parse(text), Err(NotAPlace), "{text:?}");
        }
        let many: Vec<String> = (0..65).map(|number| format!("n{number}.0.1")).collect();
        assert_eq!(Places::parse(&many.join(",")), Err(NotAPlace));
    }
}
