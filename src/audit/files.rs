//! The files of a journal: their names, their order, and opening them without being led elsewhere.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::model::time::Timestamp;

use super::error::AuditError;

/// Only the node itself reads its journal: it names every secret there is.
pub(super) const FILE_MODE: u32 = 0o600;

/// `2026-11`. Ordered as time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: u16,
    /// As its two digits say: a name of a file may hold what no calendar has.
    month: u8,
}

impl Month {
    /// The month before all others, for a clock that is out of range when there is no file yet.
    pub(super) const FIRST: Self = Self { year: 0, month: 1 };

    /// The month of a time; `None` outside the years 0000 to 9999.
    pub(super) fn of(time: Timestamp) -> Option<Self> {
        time.month().map(|(year, month)| Self { year, month })
    }

    /// Months since the year 0, to tell how far two are apart.
    pub(super) fn count(self) -> u32 {
        u32::from(self.year).saturating_mul(12).saturating_add(u32::from(self.month))
    }

    fn parse(text: &str) -> Option<Self> {
        let shape = |(at, byte): (usize, u8)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() };
        let (year, month) = text.split_once('-').filter(|_| text.len() == 7 && text.bytes().enumerate().all(shape))?;
        Some(Self { year: year.parse().ok()?, month: month.parse().ok()? })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

/// One file of a journal. A month has one or, where it would grow too large, several; closed ones are packed.
///
/// `audit-2026-11.jsonl`, then `audit-2026-11.002.jsonl`; packed `audit-2026-11.jsonl.gz`. Ordered as their lines are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// The month it was begun in.
    pub(super) month: Month,
    /// Which one of the month, from 1.
    pub(super) number: u32,
    /// How its bytes are kept.
    pub(super) form: Form,
}

/// How the lines of a file are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// As gzip members (RFC 1952), each of whole lines. It is complete: it gets its name once it is on the disk.
    Packed,
    /// As they are written.
    Plain,
}

impl Part {
    /// The first of a month, as it is begun.
    pub(super) fn first(month: Month) -> Self {
        Self { month, number: 1, form: Form::Plain }
    }

    /// The one that is begun when this one is full.
    pub(super) fn next(&self) -> Self {
        Self { month: self.month, number: self.number.saturating_add(1), form: Form::Plain }
    }

    /// The same lines in another form.
    pub(super) fn as_form(&self, form: Form) -> Self {
        Self { form, ..self.clone() }
    }

    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        let number = if self.number == 1 { String::new() } else { format!(".{:03}", self.number) };
        let ending = match self.form {
            Form::Packed => ".gz",
            Form::Plain => "",
        };
        format!("audit-{}{number}.jsonl{ending}", self.month)
    }

    /// Its path in a journal's directory.
    pub(super) fn path(&self, directory: &Path) -> PathBuf {
        directory.join(self.file_name())
    }

    fn of_file_name(full: &str) -> Option<Self> {
        let (name, form) = match full.strip_suffix(".gz") {
            Some(name) => (name, Form::Packed),
            None => (full, Form::Plain),
        };
        let name = name.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
        let (month, number) = match name.split_once('.') {
            None => (name, 1),
            // Written with at least three digits, so each number has one spelling.
            Some((month, digits)) => (month, digits.parse().ok().filter(|number| *number > 1)?),
        };
        let part = Self { month: Month::parse(month)?, number, form };
        (part.file_name() == full).then_some(part)
    }
}

/// The files of a journal, in the order of their lines. Of one that is there packed and plain, because a crash came
/// between packing it and removing what was packed, the packed one. Other files are not part of the chain.
///
/// # Errors
/// [`AuditError::Io`] when the directory cannot be read, also when it is missing.
pub(super) fn parts(directory: &Path) -> Result<Vec<Part>, AuditError> {
    let mut parts = listed(directory)?;
    parts.dedup_by(|next, kept| (&next.month, next.number) == (&kept.month, kept.number));
    Ok(parts)
}

/// As [`parts`], with both forms of what is there packed and plain.
///
/// # Errors
/// As [`parts`].
pub(super) fn listed(directory: &Path) -> Result<Vec<Part>, AuditError> {
    let mut parts = Vec::new();
    for item in std::fs::read_dir(directory).map_err(AuditError::io(directory))? {
        let item = item.map_err(AuditError::io(directory))?;
        parts.extend(item.file_name().to_str().and_then(Part::of_file_name));
    }
    parts.sort();
    Ok(parts)
}

/// Opens a file of the journal for reading.
///
/// # Errors
/// [`AuditError::NotAFile`] for links, pipes and devices, none of which is waited for; else [`AuditError::Io`].
pub(super) fn open_to_read(path: &Path) -> Result<File, AuditError> {
    regular(path, OpenOptions::new().read(true))
}

/// Opens a file of the journal for reading and writing, made with mode 0600 if it is missing.
///
/// # Errors
/// As [`open_to_read`].
pub(super) fn open_to_write(path: &Path) -> Result<File, AuditError> {
    regular(path, OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE))
}

/// Opens the file to which cut lines are added.
///
/// # Errors
/// As [`open_to_read`].
pub(super) fn open_to_add(path: &Path) -> Result<File, AuditError> {
    regular(path, OpenOptions::new().append(true).create(true).mode(FILE_MODE))
}

fn regular(path: &Path, options: &mut OpenOptions) -> Result<File, AuditError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file =
        options.custom_flags(flags).open(path).map_err(|error| match rustix::io::Errno::from_io_error(&error) {
            // A link (ELOOP), a pipe without reader or a socket (ENXIO).
            Some(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => AuditError::NotAFile { path: path.to_owned() },
            _ => AuditError::io(path)(error),
        })?;
    let metadata = file.metadata().map_err(AuditError::io(path))?;
    if metadata.is_file() { Ok(file) } else { Err(AuditError::NotAFile { path: path.to_owned() }) }
}

/// Makes the names in a directory durable.
///
/// # Errors
/// What the system says.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_named_after_a_month_are_part_of_the_journal() {
        let first = Part::first(Month { year: 2026, month: 11 });
        assert_eq!(Part::of_file_name("audit-2026-11.jsonl"), Some(first));
        for name in
            ["audit-2026-11.torn", "audit-2026-1.jsonl", "audit-202611-.jsonl", "audit-2026-11.jsonl.gz.new", "x"]
        {
            assert_eq!(Part::of_file_name(name), None, "{name}");
        }
        assert_eq!(Month::of(Timestamp(i64::MAX)), None);
    }

    #[test]
    fn the_files_of_a_journal_are_in_the_order_of_their_lines_and_each_is_there_once() {
        let directory = tempfile::tempdir().expect("directory");
        let ordered = [
            "audit-2026-10.jsonl.gz",
            "audit-2026-10.002.jsonl.gz",
            "audit-2026-10.1000.jsonl",
            "audit-2026-11.jsonl",
            "audit-2026-11.002.jsonl",
        ];
        let others =
            ["audit-2026-10.002.jsonl", "audit-2026-11.2.jsonl", "audit-2026-11.001.jsonl", "audit-2026-11.idx"];
        for name in ordered.iter().chain(&others) {
            std::fs::write(directory.path().join(name), "").expect("file");
        }
        let found: Vec<String> = parts(directory.path()).expect("readable").iter().map(Part::file_name).collect();
        assert_eq!(found, ordered);
    }

    #[test]
    fn a_link_a_pipe_and_a_device_are_refused_without_waiting() {
        let directory = tempfile::tempdir().expect("directory");
        let pipe = directory.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("pipe");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/full", &link).expect("link");
        for path in [&pipe, &link, Path::new("/dev/full")] {
            assert!(matches!(open_to_write(path), Err(AuditError::NotAFile { .. })), "{}", path.display());
            assert!(matches!(open_to_read(path), Err(AuditError::NotAFile { .. })), "{}", path.display());
        }
    }
}
