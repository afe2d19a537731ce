//! A unit on its way into its place: written whole or not at all, never over another without being told to; and the
//! programs of the system that are asked along with it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::arguments_service::PlaceArguments;
use super::error::CliError;

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It was written.
    Written,
    /// It was there already, word for word.
    Unchanged,
}

/// Writes a unit.
///
/// # Errors
/// [`CliError::Usage`] when another text is there and is not to be replaced, [`CliError::Unsaved`] when it cannot be
/// written; then the place is as it was.
pub(super) fn keep(place: &PlaceArguments, name: &str, text: &str) -> Result<(PathBuf, Kept), CliError> {
    let path = place.unit_dir.join(name);
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() => match fs::read(&path) {
            Ok(there) if there == text.as_bytes() => return Ok((path, Kept::Unchanged)),
            Ok(_) if !place.force => {
                return Err(CliError::Usage {
                    message: format!("{} is there already, and says something else", path.display()),
                    hint: "Compare with --dry-run; add --force to replace it.".to_owned(),
                });
            }
            Ok(_) => {}
            Err(source) => return Err(CliError::Unsaved { path, source }),
        },
        // A link is how a unit is masked, and leads to the file of somebody else.
        Ok(_) => {
            return Err(CliError::Usage {
                message: format!("{} is there already, and is no file", path.display()),
                hint: "A unit that is masked is a link: see systemctl unmask.".to_owned(),
            });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(CliError::Unsaved { path, source }),
    }
    match write(&path, text) {
        Ok(()) => Ok((path, Kept::Written)),
        Err(source) => Err(CliError::Unsaved { path, source }),
    }
}

/// Anybody may read a unit: it holds names, and no value.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&unfinished).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    });
    if let Err(error) = written {
        // What was written of it must not stay; that there may be nothing is no second error.
        let _gone = fs::remove_file(&unfinished);
        return Err(error);
    }
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Whether the machine has this user.
pub(super) fn has_user(name: &str) -> bool {
    run(&["id", "-u", name]).is_ok()
}

/// Runs a program of the system to its end.
///
/// # Errors
/// [`CliError::Usage`] with what it said.
pub(super) fn run(words: &[&str]) -> Result<(), CliError> {
    let [program, arguments @ ..] = words else { return Ok(()) };
    let ended = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let said = match ended {
        Ok(ended) if ended.status.success() => return Ok(()),
        Ok(ended) => String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Err(CliError::Usage {
        message: format!("{} did not work: {said}", words.join(" ")),
        hint: "Run it by hand, as root; what was done before it stays.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn place(unit_dir: &Path, force: bool) -> PlaceArguments {
        PlaceArguments { unit_dir: unit_dir.to_owned(), dry_run: false, enable: false, force }
    }

    #[test]
    fn a_unit_is_written_once_and_replaced_only_by_force() {
        let home = tempfile::tempdir().expect("directory");
        let (path, kept) = keep(&place(home.path(), false), "a.service", "one\n").expect("written");
        assert_eq!((kept, fs::read_to_string(&path).expect("read").as_str()), (Kept::Written, "one\n"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777 & !0o022, 0o644 & !0o022);
        assert_eq!(keep(&place(home.path(), false), "a.service", "one\n").expect("there").1, Kept::Unchanged);
        let refused = keep(&place(home.path(), false), "a.service", "two\n").expect_err("another");
        assert!(matches!(refused, CliError::Usage { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&path).expect("read"), "one\n");
        assert_eq!(keep(&place(home.path(), true), "a.service", "two\n").expect("forced").1, Kept::Written);
        assert_eq!(fs::read_to_string(&path).expect("read"), "two\n");
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_link_and_a_place_that_is_not_there_are_left_alone() {
        let home = tempfile::tempdir().expect("directory");
        symlink("/dev/null", home.path().join("masked.service")).expect("linked");
        assert!(matches!(keep(&place(home.path(), true), "masked.service", "x"), Err(CliError::Usage { .. })));
        let nowhere = home.path().join("nowhere");
        assert!(matches!(keep(&place(&nowhere, true), "a.service", "x"), Err(CliError::Unsaved { .. })));
    }

    #[test]
    fn a_program_that_fails_is_told_with_what_it_said() {
        run(&["true"]).expect("true");
        let failed = run(&["sh", "-c", "echo broken >&2; exit 3"]).expect_err("fails").to_string();
        assert!(failed.contains("broken"), "{failed}");
        assert!(run(&["/nonexistent/program"]).is_err());
        assert!(has_user("root") && !has_user("nobody-of-that-name"));
    }
}
