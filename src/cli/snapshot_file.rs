//! A snapshot on its way to a file, and out of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::error::CliError;
use super::progress::Progress;
use crate::crypto::digest::Digesting;

/// Read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A file in the making: under its name once it is whole and on the disk, and gone if it never is.
pub(super) struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    file: Option<File>,
}

impl NewFile {
    /// Begins one beside its place, which only its owner reads.
    ///
    /// # Errors
    /// [`CliError::Usage`] when something is there and is not to be replaced; [`CliError::Unsaved`].
    pub(super) fn begin(path: &Path, replace: bool) -> Result<Self, CliError> {
        if !replace && path.symlink_metadata().is_ok() {
            return Err(is_there(path));
        }
        let name = path.file_name().ok_or_else(|| unsaved(path)(io::Error::other("it has no name")))?;
        let beside = path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unsaved(path)(error)),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(unsaved(path))?;
        Ok(Self { path: path.to_owned(), beside, file: Some(file) })
    }

    /// Some bytes more.
    ///
    /// # Errors
    /// [`CliError::Unsaved`].
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(bytes).map_err(unsaved(&self.path))
    }

    /// Brings it to the disk and gives it its name.
    ///
    /// # Errors
    /// [`CliError::Usage`] when something else has the name meanwhile; [`CliError::Unsaved`].
    pub(super) fn finish(mut self, replace: bool) -> Result<(), CliError> {
        let Some(file) = self.file.take() else { return Ok(()) };
        file.sync_all().map_err(unsaved(&self.path))?;
        if replace {
            fs::rename(&self.beside, &self.path).map_err(unsaved(&self.path))?;
        } else {
            fs::hard_link(&self.beside, &self.path).map_err(|error| {
                if error.kind() == ErrorKind::AlreadyExists { is_there(&self.path) } else { unsaved(&self.path)(error) }
            })?;
        }
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(unsaved(&self.path))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Renamed or not: nothing is to stay under this name.
        let _gone = fs::remove_file(&self.beside);
    }
}

fn is_there(path: &Path) -> CliError {
    CliError::Usage {
        message: format!("{} is there already", path.display()),
        hint: "Take another name, or replace it with --force.".to_owned(),
    }
}

fn unsaved(path: &Path) -> impl FnOnce(io::Error) -> CliError {
    let path = path.to_owned();
    move |source| CliError::Unsaved { path, source }
}

/// A file as the body of a request, read as it is sent.
pub(super) struct FileBody {
    file: File,
    path: PathBuf,
    bytes: u64,
    sent: u64,
    progress: Progress,
}

impl FileBody {
    /// Opens it.
    ///
    /// # Errors
    /// [`CliError::Input`].
    pub(super) fn open(path: &Path, progress: Progress) -> Result<Self, CliError> {
        let file = File::open(path).map_err(input(path))?;
        let bytes = file.metadata().map_err(input(path))?.len();
        Ok(Self { file, path: path.to_owned(), bytes, sent: 0, progress })
    }

    /// SHA-256 of all that will be sent.
    ///
    /// # Errors
    /// [`CliError::Input`].
    pub(super) fn digest(&mut self) -> Result<[u8; 32], CliError> {
        let mut digesting = Digesting::default();
        let mut buffer = vec![0_u8; PIECE_BYTES];
        loop {
            let count = self.file.read(&mut buffer).map_err(input(&self.path))?;
            if count == 0 {
                break;
            }
            digesting.update(buffer.get(..count).unwrap_or_default());
        }
        self.file.rewind().map_err(input(&self.path))?;
        Ok(digesting.finish())
    }

    fn piece(&mut self) -> Result<Option<Bytes>, CliError> {
        let mut buffer = vec![0_u8; PIECE_BYTES];
        let count = self.file.read(&mut buffer).map_err(input(&self.path))?;
        if count == 0 {
            self.progress.wait("the lead is at work");
            return Ok(None);
        }
        buffer.truncate(count);
        self.sent = self.sent.saturating_add(u64::try_from(count).unwrap_or_default());
        self.progress.at("sending", self.sent, Some(self.bytes));
        Ok(Some(Bytes::from(buffer)))
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = CliError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CliError>>> {
        Poll::Ready(self.piece().transpose().map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn input(path: &Path) -> impl FnOnce(io::Error) -> CliError {
    let what = path.display().to_string();
    move |source| CliError::Input { what, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_has_its_name_once_it_is_whole_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("a.aurora-snapshot");
        let mut file = NewFile::begin(&path, false).expect("begun");
        file.write(b"part").expect("written");
        assert!(!path.exists());
        drop(file);
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 0, "nothing of it stays");
        let mut file = NewFile::begin(&path, false).expect("begun");
        file.write(b"whole").expect("written");
        file.finish(false).expect("finished");
        assert_eq!(fs::read(&path).expect("there"), b"whole");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
    }

    #[test]
    fn what_is_there_is_replaced_only_if_that_was_asked_for() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("a.aurora-snapshot");
        let early = NewFile::begin(&path, false).expect("begun");
        fs::write(&path, b"other").expect("written");
        assert!(matches!(NewFile::begin(&path, false), Err(CliError::Usage { .. })));
        assert!(matches!(early.finish(false), Err(CliError::Usage { .. })), "it came meanwhile");
        assert_eq!(fs::read(&path).expect("there"), b"other");
        let mut file = NewFile::begin(&path, true).expect("begun");
        file.write(b"new").expect("written");
        file.finish(true).expect("finished");
        assert_eq!(fs::read(&path).expect("there"), b"new");
    }
}
