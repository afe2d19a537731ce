//! The tombstones of a journal, `tombstones.jsonl` in its directory, and where a chain begins by their word.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::AuditError;
use super::files::{open_to_read, open_to_write, parts, sync_directory};
use super::head::Head;
use super::line::parse_link;
use super::lines::{Lines, Next};
use super::tombstone::{TOMBSTONE_BYTES_MAX, Tombstone, Trust};
use super::verify::{Break, Flaw};

/// The name of the file.
const FILE: &str = "tombstones.jsonl";

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Adds a signed tombstone, on the disk when this returns. What a crash tore of an earlier one is cut: its file was not
/// removed.
///
/// # Errors
/// [`AuditError`] when the disk refuses, or something else stands in the place of the file.
pub(super) fn add(directory: &Path, signed: &str) -> Result<(), AuditError> {
    let path = path(directory);
    let mut file = open_to_write(&path)?;
    let added = whole(&file).and_then(|end| {
        file.set_len(end)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        file.write_all(signed.as_bytes())?;
        file.sync_all()?;
        sync_directory(directory)
    });
    added.map_err(AuditError::io(&path))
}

/// Where the last whole line ends.
fn whole(file: &std::fs::File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let window_max = u64::try_from(TOMBSTONE_BYTES_MAX).unwrap_or(u64::MAX);
    let start = length.saturating_sub(window_max);
    let mut window = vec![0; usize::try_from(length.saturating_sub(start)).unwrap_or_default()];
    file.read_exact_at(&mut window, start)?;
    match window.iter().rposition(|&byte| byte == b'\n') {
        Some(newline) => Ok(start.saturating_add(u64::try_from(newline).unwrap_or_default()).saturating_add(1)),
        None if start == 0 => Ok(0),
        None => Err(io::Error::other("a line of the tombstones is longer than any that was written")),
    }
}

/// Tells each tombstone with its line, from 1, as long as each follows on the one before; then the flaw, if there is one.
fn each(directory: &Path, trust: &Trust, mut tell: impl FnMut(Tombstone)) -> Result<Result<Head, Break>, AuditError> {
    let path = path(directory);
    let file = match open_to_read(&path) {
        Err(AuditError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(Ok(Head::GENESIS)),
        opened => opened?,
    };
    let mut lines = Lines::over(Box::new(io::BufReader::new(file)));
    let (mut reached, mut number): (Head, u64) = (Head::GENESIS, 0);
    loop {
        number = number.saturating_add(1);
        let broken = |flaw| Ok(Err(Break { file: FILE.to_owned(), line: number, flaw }));
        match lines.next().map_err(AuditError::io(&path))? {
            // One that was torn by a crash: what it was to be about was not removed.
            Next::End | Next::Cut => return Ok(Ok(reached)),
            Next::TooLong => return broken(Flaw::FalseTombstone),
            Next::Line(line) => match Tombstone::believed(line, trust) {
                Some(tombstone) if tombstone.before == reached => {
                    reached = tombstone.last;
                    tell(tombstone);
                }
                Some(_) => return broken(Flaw::LooseTombstone),
                None => return broken(Flaw::FalseTombstone),
            },
        }
    }
}

/// The lines of the tombstones, as they are; a torn end is left out.
///
/// # Errors
/// [`AuditError`] when the file cannot be read; one that is missing holds none.
pub(super) fn texts(directory: &Path) -> Result<Vec<String>, AuditError> {
    let path = path(directory);
    let file = match open_to_read(&path) {
        Err(AuditError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut lines = Lines::over(Box::new(io::BufReader::new(file)));
    let mut texts = Vec::new();
    while let Next::Line(line) = lines.next().map_err(AuditError::io(&path))? {
        texts.push(String::from_utf8_lossy(line).into_owned());
    }
    Ok(texts)
}

/// Up to where the tombstones account for what is not there: before the first line if there are none.
///
/// # Errors
/// [`AuditError`] when the file cannot be read; within, what is wrong with it.
pub(super) fn reach(directory: &Path, trust: &Trust) -> Result<Result<Head, Break>, AuditError> {
    each(directory, trust, drop)
}

/// Where the chain that is there begins: before its first line, by the word of tombstones where lines before it are gone.
/// A file whose tombstone is written and that is there still, because a crash came in between, is part of it.
///
/// # Errors
/// [`AuditError`] when a file cannot be read; within, the place where the beginning is not accounted for.
pub(super) fn beginning(directory: &Path, trust: &Trust) -> Result<Result<Head, Break>, AuditError> {
    let first = first_line(directory)?;
    if first.as_ref().is_some_and(|(_, seq)| *seq == Head::GENESIS.next_seq()) {
        return Ok(Ok(Head::GENESIS));
    }
    let mut found = None;
    let mut told = 0_u64;
    let reached = each(directory, trust, |tombstone| {
        told = told.saturating_add(1);
        if first.as_ref().is_some_and(|(_, seq)| tombstone.last.next_seq() == *seq) {
            found = Some(tombstone.last);
        }
    })?;
    Ok(match (reached, found, first) {
        (_, Some(head), _) => Ok(head),
        (Err(broken), None, _) => Err(broken),
        // Nothing is left, or nothing accounts for anything: the chain shows where it does not hold.
        (Ok(head), None, None) => Ok(head),
        (Ok(_), None, Some(_)) if told == 0 => Ok(Head::GENESIS),
        (Ok(head), None, Some((file, seq))) => {
            let flaw = Flaw::BeginningMissing { first: seq, accounted: head.seq };
            Err(Break { file, line: 1, flaw })
        }
    })
}

/// The file of the first line that is there, and that line's number; none when there is no line, or it is none.
fn first_line(directory: &Path) -> Result<Option<(String, u64)>, AuditError> {
    for part in parts(directory)? {
        match Lines::of(directory, &part)?.next().map_err(AuditError::io(part.path(directory)))? {
            Next::Line(line) => return Ok(parse_link(line).map(|link| (part.file_name(), link.seq))),
            Next::Cut | Next::TooLong => return Ok(None),
            Next::End => {}
        }
    }
    Ok(None)
}
