//! Names that outlive a power cut: a file that was synchronised is still lost when its directory was not.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Most bytes that are overwritten: the only files that are wiped hold a key.
const WIPED_BYTES_MAX: usize = 4096;

/// Makes the names in the directory of `path` durable.
///
/// # Errors
/// When the directory cannot be opened or synchronised.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

/// Makes a file and its name durable.
///
/// # Errors
/// When it or its directory cannot be opened or synchronised.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_parent(path)
}

/// Overwrites a small file before it is removed. On a file system that writes elsewhere, or a disk that spreads its wear, the
/// old bytes may stay all the same.
///
/// # Errors
/// When it cannot be written, synchronised or removed.
pub(super) fn wipe(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(WIPED_BYTES_MAX);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    std::fs::remove_file(path)?;
    sync_parent(path)
}

/// Makes a directory and those above it that are missing, with this mode, and makes their names durable.
///
/// # Errors
/// When one cannot be made, or its name cannot be synchronised.
pub(super) fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|directory| !directory.exists()).collect();
    DirBuilder::new().recursive(true).mode(mode).create(path)?;
    missing.into_iter().filter(|directory| !directory.as_os_str().is_empty()).try_for_each(sync_parent)
}

/// The directory a path is in; of a bare name, the current one.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_made_with_those_above_it_and_again_without_complaint() {
        let above = tempfile::tempdir().expect("a directory");
        let path = above.path().join("var/lib/aurora");
        for _ in 0..2 {
            make_directory(&path, 0o700).expect("made");
        }
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_wiped_file_is_overwritten_before_it_goes() {
        let above = tempfile::tempdir().expect("a directory");
        let (path, other) = (above.path().join("key"), above.path().join("another name"));
        std::fs::write(&path, "0123456789").expect("written");
        std::fs::hard_link(&path, &other).expect("linked");
        wipe(&path).expect("wiped");
        assert!(!path.exists());
        assert_eq!(std::fs::read(&other).expect("the same file"), [0; 10]);
        assert!(wipe(&path).is_err());
    }

    #[test]
    fn a_name_whose_directory_cannot_be_synchronised_is_not_called_durable() {
        let above = tempfile::tempdir().expect("a directory");
        assert!(sync_parent(&above.path().join("missing/file")).is_err());
        assert!(sync_file(&above.path().join("missing")).is_err());
        sync_parent(Path::new("bare-name")).expect("the current directory");
    }
}
