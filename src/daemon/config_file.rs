//! `node.toml` on disk: read with every problem at once, written with comments.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::durable;
use crate::config::node_config::{Defaults, NodeConfig};
use crate::config::paths::Paths;
use crate::config::{parse, render};

/// What the umask leaves of it: the configuration holds no secret.
const DIRECTORY_MODE: u32 = 0o777;

/// Reads and validates the file.
///
/// # Errors
/// When it cannot be read, or with the complete list of its problems.
pub fn read(file: &Path, defaults: &Defaults) -> Result<NodeConfig> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read {}: make a node first, with `aurora init` or `aurora join TOKEN`", file.display())
    })?;
    parse::parse(&text, defaults).with_context(|| format!("{} has problems", file.display()))
}

/// Writes the file whole or not at all. When this answers `Ok`, it is on the disk under its name.
pub(super) fn write(file: &Path, config: &NodeConfig) -> Result<()> {
    let failed = || format!("cannot write {}", file.display());
    durable::make_directory(durable::parent(file), DIRECTORY_MODE).with_context(failed)?;
    let unfinished = file.with_extension("toml.new");
    // Whatever has the name is from an attempt that was killed, or a link that somebody else put there: it is not followed.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(failed),
        Ok(()) | Err(_) => {}
    }
    let mut output = std::fs::File::create_new(&unfinished).with_context(failed)?;
    output.write_all(render::render(config).as_bytes()).with_context(failed)?;
    output.sync_all().with_context(failed)?;
    std::fs::rename(&unfinished, file).with_context(failed)?;
    durable::sync_parent(file).with_context(failed)
}

/// Refuses what `up` would refuse, before anything is made of it.
pub(super) fn check(config: &NodeConfig) -> Result<()> {
    let defaults = Defaults::of_paths(Paths::system());
    parse::parse(&render::render(config), &defaults).context("these options do not make a node")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::command::template;
    use super::*;
    use crate::model::identity::Role;
    use crate::model::name::NodeName;

    /// The directory of a configuration may be another user's than the one who writes it, who may have put a link there.
    #[test]
    fn what_has_the_name_of_the_unfinished_file_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, other) = (directory.path().join("node.toml"), directory.path().join("of somebody else"));
        std::fs::write(&other, "mine").expect("written");
        std::os::unix::fs::symlink(&other, directory.path().join("node.toml.new")).expect("linked");
        let name = NodeName::parse("aurora").expect("a name");
        let config = template(&Paths::system(), None, None, name, Role::Lead).expect("a configuration");
        write(&file, &config).expect("written");
        assert_eq!(std::fs::read_to_string(&other).expect("there"), "mine");
        assert!(std::fs::symlink_metadata(&file).expect("there").is_file());
    }
}
