//! Where `aurora render` writes: a file of a certain shape, and what should be known about its place.

use std::path::{Path, PathBuf};

use super::arguments_render::RenderArguments;
use super::error::CliError;
use super::secret_file::{self, Shape};
use crate::crypto::plaintext::Plaintext;

/// The file.
pub(super) struct Target {
    path: PathBuf,
    shape: Shape,
}

/// Whether there was anything to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The file is another than before.
    Changed,
    /// The file was so already.
    Unchanged,
}

impl Target {
    /// The file that was asked for, if any was.
    pub(super) fn of(arguments: &RenderArguments) -> Option<Self> {
        let shape = Shape { mode: arguments.mode, owner: arguments.owner };
        arguments.output_file.clone().map(|path| Self { path, shape })
    }

    /// Writes the text, unless it is there already.
    ///
    /// # Errors
    /// [`CliError::Unsaved`], and then the file is as it was.
    pub(super) fn put(&self, text: &Plaintext) -> Result<Written, CliError> {
        if secret_file::is_written(&self.path, text, self.shape) {
            return Ok(Written::Unchanged);
        }
        secret_file::write_as(&self.path, text, self.shape)?;
        Ok(Written::Changed)
    }

    /// What whoever writes values there may not have meant.
    pub(super) fn notes(&self) -> Vec<String> {
        let name = self.path.display();
        let mut notes = Vec::new();
        if self.shape.mode & 0o004 != 0 {
            notes.push(format!("every user of this machine can read {name} (mode {:04o})", self.shape.mode));
        }
        if let Some(tree) = work_tree(&self.path) {
            notes.push(format!("{name} lies in the git work tree {}: see that git ignores it", tree.display()));
        }
        notes
    }
}

/// The work tree of git that a file lies in.
fn work_tree(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().skip(1).find(|parent| parent.join(".git").exists()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_others_read_or_that_git_may_take_in_is_told() {
        let home = tempfile::tempdir().expect("directory");
        let target = |mode| Target { path: home.path().join("sub/out.conf"), shape: Shape { mode, owner: None } };
        assert_eq!(target(0o640).notes(), Vec::<String>::new());
        assert!(target(0o644).notes().concat().contains("0644"));
        std::fs::create_dir(home.path().join(".git")).expect("made");
        assert!(target(0o600).notes().concat().contains("git ignores it"));
    }
}
