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
    let mut output = std::fs::File::create(&unfinished).with_context(failed)?;
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
