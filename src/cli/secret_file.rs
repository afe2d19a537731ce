//! A file that holds values: only its owner may read it, and it is there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::error::CliError;
use crate::crypto::plaintext::Plaintext;

/// Writes the file under another name beside its place, brings it to the disk, and moves it there. A file that is there
/// already is replaced; what is no file is left alone.
///
/// # Errors
/// [`CliError::Unsaved`], and then the place is as it was.
pub(super) fn write(path: &Path, content: &Plaintext) -> Result<(), CliError> {
    let unsaved = |source| CliError::Unsaved { path: path.to_owned(), source };
    check_place(path).map_err(unsaved)?;
    let beside = beside(path).map_err(unsaved)?;
    let written = fill(&beside, content).and_then(|()| fs::rename(&beside, path));
    if let Err(source) = written {
        // Whatever was written of it must not stay; that there may be nothing is no second error.
        let _gone = fs::remove_file(&beside);
        return Err(unsaved(source));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(unsaved)
}

/// A link, a device or a pipe would be replaced by the file, not written to.
fn check_place(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(io::Error::other("something that is not a file has that name")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn fill(path: &Path, content: &Plaintext) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.expose())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a_file_is_replaced_whole_and_only_its_owner_may_read_it() {
        let home = tempfile::tempdir().expect("directory");
        let path = home.path().join("out.env");
        fs::write(&path, "something longer that was there before").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        write(&path, &plain("A=1\n")).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "A=1\n");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let home = tempfile::tempdir().expect("directory");
        let (target, link) = (home.path().join("target"), home.path().join("link"));
        fs::write(&target, "kept").expect("written");
        symlink(&target, &link).expect("linked");
        for path in [link.as_path(), home.path(), Path::new("/dev/null"), Path::new("/nonexistent/x"), Path::new("/")] {
            assert!(matches!(write(path, &plain("x")), Err(CliError::Unsaved { .. })), "{}", path.display());
        }
        assert_eq!(fs::read_to_string(&target).expect("read"), "kept");
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 2);
    }
}
