//! Where lines go: the newest file, repaired after a failure before anything else is written to it. A new month begins a
//! new file, and so does a file that is full. Lines are written here; bringing them to the disk takes as long as the disk
//! takes, and is done elsewhere meanwhile (see `syncer`).

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::AuditError;
use super::files::{Form, Month, Part, open_to_write, sync_directory};
use super::syncer::{Brought, Disk};

/// Takes whole lines. After an error nothing of the refused lines may stay, as far as a later append can see. Places are
/// numbers of bytes that only grow, also from file to file.
pub(super) trait Sink: Send {
    /// Writes lines to the file of `month`, or of a later one if that is open already; gives the place behind them.
    ///
    /// # Errors
    /// The lines are not part of the journal.
    fn append(&mut self, month: Month, lines: &[u8]) -> io::Result<u64>;

    /// The place up to which everything is on the disk.
    fn synced(&self) -> u64;

    /// What brings the rest there; none when there is no rest.
    fn unsynced(&self) -> Option<Arc<dyn Disk>>;

    /// Learns what came of that.
    ///
    /// # Errors
    /// It is not on the disk. The lines stay part of the journal, and are written again before the next ones.
    fn brought(&mut self, brought: Brought) -> io::Result<()>;
}

/// Hands lines to whatever has nothing to bring to a disk afterwards.
pub(super) struct AtOnce<F>(pub(super) F);

impl<F: FnMut(&[u8]) -> io::Result<()> + Send> Sink for AtOnce<F> {
    fn append(&mut self, _: Month, lines: &[u8]) -> io::Result<u64> {
        self.0(lines).map(|()| 0)
    }

    fn synced(&self) -> u64 {
        u64::MAX
    }

    fn unsynced(&self) -> Option<Arc<dyn Disk>> {
        None
    }

    fn brought(&mut self, brought: Brought) -> io::Result<()> {
        brought.outcome
    }
}

/// The files of a directory.
pub(super) struct FileSink {
    directory: PathBuf,
    /// Held for its lock: one process writes a journal.
    _lock: File,
    file_bytes_max: u64,
    /// The last file there is. It is `current`'s, or a packed one, which gets no more lines.
    newest: Option<Part>,
    current: Option<Current>,
}

struct Current {
    path: PathBuf,
    open: Arc<Open>,
    /// The device and the number of the file.
    identity: (u64, u64),
    /// The place where the file begins.
    begins: u64,
    /// Up to this place it is on the disk.
    synced: u64,
    /// What follows that and was acknowledged. After a failed fsync the kernel drops its own copy, so it is kept here.
    pending: Vec<u8>,
    /// Whether the file may hold something else behind `synced` than `pending`.
    damaged: bool,
}

/// An open file, and the place up to which it was written.
struct Open {
    file: File,
    end: AtomicU64,
}

impl Disk for Open {
    fn bring(&self) -> Brought {
        let upto = self.end.load(Ordering::Acquire);
        Brought { upto, outcome: self.file.sync_data() }
    }
}

impl FileSink {
    /// Goes on with the newest file of a directory, if there is one. Brings it to the disk: a killed process may have
    /// left lines that are not there yet.
    ///
    /// # Errors
    /// As [`open_to_write`].
    pub(super) fn open(
        directory: PathBuf,
        lock: File,
        newest: Option<Part>,
        file_bytes_max: u64,
    ) -> Result<Self, AuditError> {
        let plain = newest.as_ref().filter(|part| part.form == Form::Plain);
        let current = plain.map(|part| Current::open(part.path(&directory), 0)).transpose()?;
        if let Some(current) = &current {
            current.open.file.sync_all().map_err(AuditError::io(&current.path))?;
        }
        Ok(Self { directory, _lock: lock, file_bytes_max, newest, current })
    }

    /// Writes lines, and returns once they are on the disk with all that was written before them.
    ///
    /// # Errors
    /// They may be part of the file all the same, and are not surely on the disk.
    pub(super) fn append_durably(&mut self, month: Month, lines: &[u8]) -> io::Result<()> {
        self.append(month, lines)?;
        self.unsynced().map_or(Ok(()), |disk| self.brought(disk.bring()))
    }

    /// The file lines go to now.
    fn file_of(&mut self, month: Month) -> io::Result<&mut Current> {
        if let Some(next) = self.due(month) {
            if let Some(current) = &mut self.current {
                current.sync()?;
            }
            let begins = self.current.as_ref().map_or(0, Current::end);
            self.current = Some(self.begin(&next, begins)?);
            self.newest = Some(next);
        }
        self.current.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// The file that has to be begun, if one has. A clock that went back does not go back to an earlier file: the chain
    /// would fork.
    fn due(&self, month: Month) -> Option<Part> {
        let Some(newest) = &self.newest else { return Some(Part::first(month)) };
        if newest.month < month {
            return Some(Part::first(month));
        }
        let is_full = |current: &Current| current.length() >= self.file_bytes_max;
        self.current.as_ref().is_none_or(is_full).then(|| newest.next())
    }

    /// Begins a file. The one before it is whole and on the disk, and this one's name is before its first line is: so
    /// whatever a crash leaves, only the last file can be torn, and an empty one stands behind a whole one.
    fn begin(&self, part: &Part, begins: u64) -> io::Result<Current> {
        if std::fs::symlink_metadata(part.as_form(Form::Packed).path(&self.directory)).is_ok() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let begun = Current::open(part.path(&self.directory), begins).map_err(AuditError::into_io)?;
        if begun.length() != 0 {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        sync_directory(&self.directory)?;
        Ok(begun)
    }
}

impl Sink for FileSink {
    fn append(&mut self, month: Month, lines: &[u8]) -> io::Result<u64> {
        let current = self.file_of(month)?;
        current.append(lines)?;
        Ok(current.end())
    }

    fn synced(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.synced)
    }

    fn unsynced(&self) -> Option<Arc<dyn Disk>> {
        let current = self.current.as_ref().filter(|current| !current.pending.is_empty() || current.damaged)?;
        Some(Arc::clone(&current.open) as Arc<dyn Disk>)
    }

    fn brought(&mut self, brought: Brought) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |current| current.brought(brought))
    }
}

impl Current {
    fn open(path: PathBuf, begins: u64) -> Result<Self, AuditError> {
        let file = open_to_write(&path)?;
        let metadata = file.metadata().map_err(AuditError::io(&path))?;
        let (synced, identity) = (begins.saturating_add(metadata.len()), identity(&metadata));
        let open = Arc::new(Open { file, end: AtomicU64::new(synced) });
        Ok(Self { path, open, identity, begins, synced, pending: Vec::new(), damaged: false })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = self.check_in_place()?;
        if self.damaged {
            self.repair()?;
        } else if length != self.length() {
            return Err(io::Error::other("somebody else changed the length of the audit journal"));
        }
        self.open.file.write_all_at(lines, self.length()).inspect_err(|_| self.damaged = true)?;
        self.pending.extend_from_slice(lines);
        self.open.end.store(self.end(), Ordering::Release);
        Ok(())
    }

    /// Learns that everything up to a place is on the disk, or that it is not. Once an fsync has failed the next one tells
    /// nothing: the kernel has forgotten what it dropped.
    fn brought(&mut self, brought: Brought) -> io::Result<()> {
        brought.outcome.inspect_err(|_| self.damaged = true)?;
        if self.damaged {
            self.check_in_place()?;
            return self.repair();
        }
        // What was brought of the file before this one has been here since this one was begun.
        let bytes = usize::try_from(brought.upto.saturating_sub(self.synced)).unwrap_or(usize::MAX);
        let bytes = bytes.min(self.pending.len());
        self.pending.drain(..bytes);
        self.synced = self.synced.max(brought.upto);
        Ok(())
    }

    /// Brings it to the disk here and now.
    fn sync(&mut self) -> io::Result<()> {
        if self.pending.is_empty() && !self.damaged {
            return Ok(());
        }
        self.brought(self.open.bring())
    }

    /// Puts the file back to what was acknowledged, and on the disk.
    fn repair(&mut self) -> io::Result<()> {
        let file = &self.open.file;
        file.write_all_at(&self.pending, self.synced.saturating_sub(self.begins))?;
        file.set_len(self.length())?;
        file.sync_data()?;
        self.synced = self.end();
        self.pending.clear();
        self.damaged = false;
        Ok(())
    }

    /// The place behind its last line.
    fn end(&self) -> u64 {
        self.synced.saturating_add(u64::try_from(self.pending.len()).unwrap_or(u64::MAX))
    }

    /// How long the file is, in bytes.
    fn length(&self) -> u64 {
        self.end().saturating_sub(self.begins)
    }

    /// How long the file is that has its name. A journal that was moved or replaced is not written on into the void.
    fn check_in_place(&self) -> io::Result<u64> {
        let named = std::fs::symlink_metadata(&self.path)?;
        if identity(&named) == self.identity {
            Ok(named.len())
        } else {
            Err(io::Error::other("somebody else replaced the file of the audit journal"))
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::model::time::Timestamp;

    fn month(text: &str) -> Month {
        Month::of(Timestamp::parse(&format!("{text}-15T00:00:00Z")).expect(text)).expect(text)
    }

    fn sink(directory: &Path) -> FileSink {
        sink_of(directory, None, u64::MAX)
    }

    fn sink_of(directory: &Path, newest: Option<Part>, file_bytes_max: u64) -> FileSink {
        let lock = File::open(directory).expect("directory");
        FileSink::open(directory.to_owned(), lock, newest, file_bytes_max).expect("sink")
    }

    fn text(directory: &Path, month: &str) -> String {
        fs::read_to_string(directory.join(format!("audit-{month}.jsonl"))).expect("file")
    }

    fn current(sink: &mut FileSink) -> &mut Current {
        sink.current.as_mut().expect("a file is open")
    }

    /// Puts a handle in the place of the file that refuses every write, and gives back the good one.
    fn break_file(sink: &mut FileSink) -> Arc<Open> {
        let current = current(sink);
        let file = File::open(&current.path).expect("file");
        let end = AtomicU64::new(current.end());
        std::mem::replace(&mut current.open, Arc::new(Open { file, end }))
    }

    /// Brings to the disk what is not there, and gives how far everything is.
    fn bring(sink: &mut FileSink) -> u64 {
        let disk = sink.unsynced().expect("something is not there");
        sink.brought(disk.bring()).expect("brought");
        sink.synced()
    }

    #[test]
    fn a_refused_write_leaves_nothing_and_the_next_one_succeeds() {
        for is_durable in [false, true] {
            let directory = tempfile::tempdir().expect("directory");
            let mut sink = sink(directory.path());
            let append = |sink: &mut FileSink, lines: &[u8]| match is_durable {
                false => sink.append(month("2026-11"), lines).map(drop),
                true => sink.append_durably(month("2026-11"), lines),
            };
            append(&mut sink, b"one\n").expect("written");
            let good = break_file(&mut sink);
            append(&mut sink, b"two\n").expect_err("refused");
            // What a disk that filled up half-way through leaves behind.
            good.file.write_all_at(b"tw", 4).expect("written");
            append(&mut sink, b"two\n").expect_err("still refused");
            current(&mut sink).open = good;
            append(&mut sink, b"three\n").expect("written");
            current(&mut sink).sync().expect("synced");
            assert_eq!(text(directory.path(), "2026-11"), "one\nthree\n");
        }
    }

    #[test]
    fn after_a_failed_fsync_acknowledged_lines_are_written_again() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        let upto = sink.append(month("2026-11"), b"one\n").expect("written");
        // The kernel reports a failed write-back once and then forgets the page: the content is lost, the length stays.
        let outcome = Err(io::Error::other("the disk failed"));
        sink.brought(Brought { upto, outcome }).expect_err("it is not on the disk");
        assert_eq!(sink.synced(), 0);
        current(&mut sink).open.file.write_all_at(b"\0\0\0\0", 0).expect("written");
        sink.append(month("2026-11"), b"two\n").expect("written");
        assert_eq!(text(directory.path(), "2026-11"), "one\ntwo\n");
    }

    #[test]
    fn an_fsync_that_succeeds_after_one_that_failed_is_not_believed() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        let upto = sink.append(month("2026-11"), b"one\n").expect("written");
        let outcome = Err(io::Error::other("the disk failed"));
        sink.brought(Brought { upto, outcome }).expect_err("it is not on the disk");
        current(&mut sink).open.file.write_all_at(b"\0\0\0\0", 0).expect("written");
        sink.brought(Brought { upto, outcome: Ok(()) }).expect("written again");
        assert_eq!((text(directory.path(), "2026-11").as_str(), sink.synced()), ("one\n", upto));
    }

    #[test]
    fn what_is_written_while_the_rest_is_brought_to_the_disk_is_not_counted_as_there() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        assert!(sink.unsynced().is_none());
        sink.append(month("2026-11"), b"one\n").expect("written");
        let brought = sink.unsynced().expect("a line is not there").bring();
        sink.append(month("2026-11"), b"two\n").expect("written");
        sink.brought(brought).expect("brought");
        assert_eq!(sink.synced(), 4);
        assert_eq!(bring(&mut sink), 8);
        assert!(sink.unsynced().is_none());
    }

    #[test]
    fn a_durable_line_is_on_the_disk_when_its_write_returns_with_all_that_was_written_before_it() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"line\n").expect("written");
        assert_eq!(sink.synced(), 0);
        sink.append_durably(month("2026-11"), b"line\n").expect("written");
        assert_eq!(sink.synced(), 10);
    }

    #[test]
    fn what_is_told_of_a_file_after_the_next_was_begun_says_nothing_of_that_one() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n").expect("written");
        let of_the_first = sink.unsynced().expect("a line is not there").bring();
        sink.append(month("2026-12"), b"second\n").expect("written");
        assert_eq!(sink.synced(), 4, "a file is on the disk before the next is begun");
        sink.brought(of_the_first).expect("heard");
        assert_eq!((sink.synced(), bring(&mut sink)), (4, 11));
    }

    #[test]
    fn a_file_that_was_moved_replaced_or_cut_is_not_written_until_it_is_back() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n").expect("written");
        let path = directory.path().join("audit-2026-11.jsonl");
        let away = directory.path().join("away");
        fs::rename(&path, &away).expect("moved");
        sink.append(month("2026-11"), b"two\n").expect_err("moved");
        std::os::unix::fs::symlink("/dev/full", &path).expect("link");
        sink.append(month("2026-11"), b"two\n").expect_err("replaced");
        fs::rename(&away, &path).expect("moved back");
        File::options().write(true).open(&path).expect("file").set_len(2).expect("cut");
        sink.append(month("2026-11"), b"two\n").expect_err("cut");
        fs::write(&path, b"one\n").expect("put back");
        sink.append(month("2026-11"), b"two\n").expect("written");
        assert_eq!(text(directory.path(), "2026-11"), "one\ntwo\n");
    }

    #[test]
    fn a_new_month_has_its_own_file_and_a_clock_that_goes_back_does_not_reopen_the_old_one() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        for (at, line) in [("2026-11", b"one\n"), ("2026-12", b"two\n"), ("2026-11", b"six\n")] {
            sink.append(month(at), line).expect("written");
        }
        assert_eq!(text(directory.path(), "2026-11"), "one\n");
        assert_eq!(text(directory.path(), "2026-12"), "two\nsix\n");
    }

    #[test]
    fn a_file_somebody_put_there_for_next_month_is_not_written_to() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink(directory.path());
        sink.append(month("2026-11"), b"one\n").expect("written");
        fs::write(directory.path().join("audit-2026-12.jsonl"), "x").expect("file");
        let refused = sink.append(month("2026-12"), b"two\n").expect_err("not empty");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_full_file_is_followed_by_the_next_of_the_month_and_a_new_month_begins_with_its_first() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink_of(directory.path(), None, 8);
        for (at, line) in [("2026-11", "one\n"), ("2026-11", "two\n"), ("2026-11", "six\n"), ("2026-12", "ten\n")] {
            sink.append(month(at), line.as_bytes()).expect("written");
        }
        // The clock went back, and the file is full: the chain goes on in the month it has reached.
        for line in ["elf\n", "end\n"] {
            sink.append(month("2026-11"), line.as_bytes()).expect("written");
        }
        assert_eq!(text(directory.path(), "2026-11"), "one\ntwo\n");
        assert_eq!(text(directory.path(), "2026-11.002"), "six\n");
        assert_eq!(text(directory.path(), "2026-12"), "ten\nelf\n");
        assert_eq!(text(directory.path(), "2026-12.002"), "end\n");
        assert_eq!(fs::read_dir(directory.path()).expect("directory").count(), 4);
    }

    #[test]
    fn a_packed_file_is_never_written_and_one_put_in_the_place_of_the_next_is_left_alone() {
        let directory = tempfile::tempdir().expect("directory");
        let packed = Part { form: Form::Packed, ..Part::first(month("2026-11")) };
        let mut sink = sink_of(directory.path(), Some(packed), 4);
        sink.append(month("2026-11"), b"one\n").expect("written");
        assert_eq!(text(directory.path(), "2026-11.002"), "one\n");
        let foreign = directory.path().join("audit-2026-11.003.jsonl.gz");
        fs::write(&foreign, "x").expect("file");
        sink.append(month("2026-11"), b"two\n").expect_err("there is one");
        fs::remove_file(&foreign).expect("removed");
        sink.append(month("2026-11"), b"two\n").expect("written");
        assert_eq!(text(directory.path(), "2026-11.003"), "two\n");
    }

    #[test]
    fn a_pipe_in_the_place_of_the_next_file_refuses_at_once_until_it_is_gone() {
        let directory = tempfile::tempdir().expect("directory");
        let mut sink = sink_of(directory.path(), None, 4);
        sink.append(month("2026-11"), b"one\n").expect("written");
        let pipe = directory.path().join("audit-2026-11.002.jsonl");
        super::super::sample::make_pipe(&pipe);
        sink.append(month("2026-11"), b"two\n").expect_err("a pipe");
        fs::remove_file(&pipe).expect("removed");
        sink.append(month("2026-11"), b"two\n").expect("written");
        assert_eq!(text(directory.path(), "2026-11.002"), "two\n");
    }
}
