//! A closed file becomes a packed one: gzip members (RFC 1952), each of whole lines and small enough to be read alone, so that
//! `zcat` reads all of it and a search only what it needs.
//!
//! The packed file gets its name once it is whole, on the disk and read back; only then does the plain one go. A crash leaves
//! at least one good copy, and what it leaves besides is cleared by the next call.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::error::AuditError;
use super::files::{FILE_MODE, Form, Part, listed, open_to_read, parts, sync_directory};
use super::index_build;
use super::lines::{Lines, Next};

/// Most bytes of lines in one member: what a reader unpacks to see one line, and enough to pack well.
pub(super) const MEMBER_BYTES_MAX: usize = 256 << 10;

/// What came of packing a journal's closed files.
#[derive(Debug, Default)]
pub struct Packing {
    /// The names of the files that are packed now.
    pub packed: Vec<String>,
    /// Those that could not be, and stay as they are.
    pub failed: Vec<(String, AuditError)>,
}

/// Packs every closed file of a journal: all but the newest, which is written. A file that fails holds up no other.
///
/// # Errors
/// [`AuditError`] when the directory cannot be read.
pub fn pack_closed(directory: &Path) -> Result<Packing, AuditError> {
    let mut packing = Packing::default();
    let Some(newest) = parts(directory)?.pop() else { return Ok(packing) };
    let is_closed = |part: &Part| (&part.month, part.number) < (&newest.month, newest.number);
    for part in listed(directory)?.into_iter().filter(|part| part.form == Form::Plain && is_closed(part)) {
        match pack(directory, &part) {
            Ok(()) => packing.packed.push(part.as_form(Form::Packed).file_name()),
            Err(error) => packing.failed.push((part.file_name(), error)),
        }
    }
    Ok(packing)
}

/// Makes the index of every packed file of a journal that has none that fits, so that no search has to wait for it.
///
/// # Errors
/// [`AuditError`] when a packed file cannot be read. One that gets no index is searched without.
pub fn index_packed(directory: &Path) -> Result<(), AuditError> {
    parts(directory)?.iter().try_for_each(|part| index_build::opened(directory, part).map(drop))
}

/// Packs one closed file.
///
/// # Errors
/// [`AuditError::Corrupt`] when it does not consist of lines, or when there is a packed one that holds others;
/// [`AuditError::Io`] when the disk refuses. The plain file stays then.
pub(super) fn pack(directory: &Path, part: &Part) -> Result<(), AuditError> {
    let (plain, packed) = (part.path(directory), part.as_form(Form::Packed).path(directory));
    if fs::symlink_metadata(&packed).is_err() {
        let fresh = fresh_path(&packed);
        let made = write(directory, part, &fresh).and_then(|()| {
            fs::rename(&fresh, &packed).and_then(|()| sync_directory(directory)).map_err(AuditError::io(&packed))
        });
        if made.is_err() {
            // It is worth nothing, and a full disk has better use for its place.
            drop(fs::remove_file(&fresh));
        }
        made?;
    } else if digest_of_lines(Lines::of(directory, part)?, &plain)? != digest_of_lines(packed_lines(&packed)?, &packed)?
    {
        return Err(AuditError::Corrupt { path: packed });
    }
    fs::remove_file(&plain).map_err(AuditError::io(&plain))
}

/// `audit-2026-10.jsonl.gz.new`: no name of a part, so no reader takes it for one.
fn fresh_path(packed: &Path) -> PathBuf {
    let mut name = packed.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Writes the packed form, brings it to the disk and reads it back.
fn write(directory: &Path, part: &Part, fresh: &Path) -> Result<(), AuditError> {
    if let Err(error) = fs::remove_file(fresh)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(AuditError::io(fresh)(error));
    }
    let options = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).to_owned();
    let file = options.open(fresh).map_err(AuditError::io(fresh))?;
    let plain = part.path(directory);
    let mut members = Members { file, lines: Vec::with_capacity(MEMBER_BYTES_MAX) };
    let mut digest = Sha256::new();
    each_line(Lines::of(directory, part)?, &plain, |line| {
        digest.update(line);
        digest.update(b"\n");
        members.add(line).map_err(AuditError::io(fresh))
    })?;
    members.end().map_err(AuditError::io(fresh))?;
    let written: [u8; 32] = digest.finalize().into();
    if digest_of_lines(packed_lines(fresh)?, fresh)? == written {
        Ok(())
    } else {
        Err(AuditError::Corrupt { path: fresh.to_owned() })
    }
}

/// The members of a packed file that is being made.
struct Members {
    file: File,
    /// What goes into the next one.
    lines: Vec<u8>,
}

impl Members {
    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        if self.lines.len().saturating_add(line.len()) >= MEMBER_BYTES_MAX {
            self.write()?;
        }
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let mut member = GzEncoder::new(Vec::new(), Compression::default());
        member.write_all(&self.lines)?;
        self.lines.clear();
        self.file.write_all(&member.finish()?)
    }

    fn end(mut self) -> io::Result<()> {
        if !self.lines.is_empty() {
            self.write()?;
        }
        self.file.sync_all()
    }
}

fn packed_lines(path: &Path) -> Result<Lines, AuditError> {
    let file = BufReader::new(open_to_read(path)?);
    Ok(Lines::over(Box::new(BufReader::new(MultiGzDecoder::new(file)))))
}

fn digest_of_lines(lines: Lines, path: &Path) -> Result<[u8; 32], AuditError> {
    let mut digest = Sha256::new();
    each_line(lines, path, |line| {
        digest.update(line);
        digest.update(b"\n");
        Ok(())
    })?;
    Ok(digest.finalize().into())
}

/// Every line of a file that is nothing but lines.
fn each_line(
    mut lines: Lines,
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    loop {
        match lines.next().map_err(AuditError::io(path))? {
            Next::Line(line) => take(line)?,
            Next::End => return Ok(()),
            Next::Cut | Next::TooLong => return Err(AuditError::Corrupt { path: path.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::GzDecoder;

    use super::super::sample::lines;
    use super::super::verify::verify;
    use super::*;

    const FIRST: &str = "audit-2026-11.jsonl";
    const PACKED: &str = "audit-2026-11.jsonl.gz";
    const NEWEST: &str = "audit-2026-11.002.jsonl";

    /// A closed file and the one that is written.
    fn journal() -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().expect("directory");
        let all = lines(40);
        fs::write(directory.path().join(FIRST), all[..30].concat()).expect("file");
        fs::write(directory.path().join(NEWEST), all[30..].concat()).expect("file");
        (directory, all[..30].concat())
    }

    fn names(directory: &Path) -> Vec<String> {
        let name = |item: io::Result<fs::DirEntry>| item.expect("item").file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = fs::read_dir(directory).expect("directory").map(name).collect();
        names.sort();
        names
    }

    fn unpacked(path: &Path) -> String {
        let mut text = String::new();
        let file = BufReader::new(File::open(path).expect("file"));
        MultiGzDecoder::new(file).read_to_string(&mut text).expect("whole");
        text
    }

    #[test]
    fn a_closed_file_is_packed_and_the_one_that_is_written_is_not() {
        let (directory, text) = journal();
        let packing = pack_closed(directory.path()).expect("readable");
        assert_eq!((packing.packed, packing.failed.len()), (vec![PACKED.to_owned()], 0));
        assert_eq!(names(directory.path()), [NEWEST, PACKED]);
        assert_eq!(unpacked(&directory.path().join(PACKED)), text);
        let verdict = verify(directory.path()).expect("readable");
        assert_eq!((verdict.lines, verdict.broken), (40, None));
        assert!(pack_closed(directory.path()).expect("readable").packed.is_empty(), "there is nothing left to do");
    }

    #[test]
    fn each_member_is_of_whole_lines_and_no_larger_than_it_may_be() {
        let (directory, _) = journal();
        // Lines of every length up to the longest.
        let text: String = (0..600).map(|at| format!("{}\n", "x".repeat(at * 16_384 / 600))).collect();
        fs::write(directory.path().join(FIRST), &text).expect("file");
        assert_eq!(pack_closed(directory.path()).expect("readable").packed.len(), 1);
        let bytes = fs::read(directory.path().join(PACKED)).expect("file");
        let (mut rest, mut all, mut members) = (bytes.as_slice(), String::new(), 0);
        while !rest.is_empty() {
            let mut member = String::new();
            let mut decoder = GzDecoder::new(rest);
            decoder.read_to_string(&mut member).expect("a member alone");
            rest = decoder.into_inner();
            assert!(member.ends_with('\n') && member.len() <= MEMBER_BYTES_MAX, "{}", member.len());
            all.push_str(&member);
            members += 1;
        }
        assert!(all == text && members > 10, "{members}");
    }

    #[test]
    fn a_crash_at_any_point_leaves_one_good_copy_and_the_next_call_ends_the_work() {
        let (whole, text) = journal();
        pack_closed(whole.path()).expect("readable");
        let packed = fs::read(whole.path().join(PACKED)).expect("file");
        // Within the writing of the new file, before and after it got its name.
        let half = &packed[..packed.len() / 2];
        for (left, bytes) in
            [("audit-2026-11.jsonl.gz.new", half), ("audit-2026-11.jsonl.gz.new", &packed), (PACKED, &packed)]
        {
            let (directory, _) = journal();
            fs::write(directory.path().join(left), bytes).expect("file");
            let verdict = verify(directory.path()).expect("readable");
            assert_eq!((verdict.lines, verdict.broken), (40, None), "{left}");
            pack_closed(directory.path()).expect("readable");
            assert_eq!(names(directory.path()), [NEWEST, PACKED], "{left}");
            assert_eq!(unpacked(&directory.path().join(PACKED)), text);
        }
    }

    #[test]
    fn a_file_that_is_not_whole_and_one_beside_other_lines_stay_as_they_are() {
        let (directory, text) = journal();
        fs::write(directory.path().join(FIRST), text.trim_end()).expect("file");
        let packing = pack_closed(directory.path()).expect("readable");
        assert!(matches!(&packing.failed[..], [(name, AuditError::Corrupt { .. })] if name == FIRST));
        assert_eq!(names(directory.path()), [NEWEST, FIRST]);

        let (other, _) = journal();
        fs::write(other.path().join(FIRST), lines(7).concat()).expect("file");
        pack_closed(other.path()).expect("readable");
        fs::write(directory.path().join(FIRST), &text).expect("file");
        fs::copy(other.path().join(PACKED), directory.path().join(PACKED)).expect("copied");
        assert_eq!(pack_closed(directory.path()).expect("readable").failed.len(), 1);
        assert_eq!(names(directory.path()), [NEWEST, FIRST, PACKED]);
    }
}
