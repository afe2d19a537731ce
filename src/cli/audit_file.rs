//! Where an export goes: standard output, or a file that gets its name once it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::output::Output;

/// A target; a file that is not finished leaves nothing.
pub(super) enum Target {
    /// Standard output.
    Output,
    /// A file.
    File(Unfinished),
}

/// A file under another name.
pub(super) struct Unfinished {
    writer: Option<BufWriter<File>>,
    part: PathBuf,
    path: PathBuf,
}

impl Target {
    /// Opens it: the lines name every secret, so only its owner may read the file.
    ///
    /// # Errors
    /// [`CliError::Unsaved`].
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = path else { return Ok(Self::Output) };
        let unsaved = |source| CliError::Unsaved { path: path.to_owned(), source };
        let part = path.with_added_extension(format!("{}.part", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(unsaved)?;
        Ok(Self::File(Unfinished { writer: Some(BufWriter::new(file)), part, path: path.to_owned() }))
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`CliError::Unsaved`], or [`CliError::Output`] when nobody reads any more.
    pub(super) fn write(&mut self, output: &mut Output, bytes: &[u8]) -> Result<(), CliError> {
        match self {
            Self::Output => output.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    /// Everything is there.
    ///
    /// # Errors
    /// [`CliError::Unsaved`].
    pub(super) fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Output => Ok(()),
            Self::File(file) => file.finish(),
        }
    }
}

impl Unfinished {
    fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let written = self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(bytes));
        written.map_err(|source| CliError::Unsaved { path: self.path.clone(), source })
    }

    fn finish(mut self) -> Result<(), CliError> {
        let done = || -> std::io::Result<()> {
            if let Some(writer) = self.writer.take() {
                writer.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
            }
            fs::rename(&self.part, &self.path)
        };
        let mut done = done;
        done().map_err(|source| CliError::Unsaved { path: self.path.clone(), source })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        drop(fs::remove_file(&self.part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_its_name_when_it_is_complete_and_is_gone_when_it_is_not() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("audit.jsonl");
        fs::write(&path, "older").expect("written");
        let names = || fs::read_dir(home.path()).expect("readable").count();
        {
            let Target::File(mut file) = Target::open(Some(&path)).expect("opened") else { panic!("a file") };
            file.write(b"half").expect("written");
            assert_eq!(names(), 2);
        }
        assert_eq!((names(), fs::read_to_string(&path).expect("kept").as_str()), (1, "older"));
        let Target::File(mut file) = Target::open(Some(&path)).expect("opened") else { panic!("a file") };
        file.write(b"whole").expect("written");
        file.finish().expect("finished");
        assert_eq!((names(), fs::read_to_string(&path).expect("new").as_str()), (1, "whole"));
    }
}
