//! The unit of a node. Its text is that of `mesh-config/aurora.service`, the one source; here only what differs from
//! machine to machine is put in its place.

use std::path::{Path, PathBuf};

use super::unit_words::{CommandError, exec_line, plain_setting};
use crate::config::node_config::NodeConfig;
use crate::config::paths::Paths;

/// The unit as the system's places have it.
const TEXT: &str = include_str!("../../mesh-config/aurora.service");

/// The parents of what systemd makes for a unit: `StateDirectory=` and `RuntimeDirectory=`.
const STATE_PARENT: &str = "/var/lib";
const RUNTIME_PARENT: &str = "/run";

/// Why there can be no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// systemd makes the directory for the unit's user in one place only.
    #[error("{what} is {}, and under systemd it must be a directory in {parent}", found.display())]
    Place {
        /// The setting of `node.toml`.
        what: &'static str,
        /// What it says.
        found: PathBuf,
        /// Where it must be.
        parent: &'static str,
    },
    /// systemd would read another path, or several.
    #[error(
        "snapshot.directory is {0:?}, which no unit can name: use a path without quotes, backslashes and control characters"
    )]
    Snapshots(PathBuf),
    /// The program or the configuration cannot be named in a unit.
    #[error("the unit cannot start the node: {0}")]
    Command(#[from] CommandError),
}

/// What differs from machine to machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUnit {
    /// The `aurora` program: absolute.
    pub program: PathBuf,
    /// `node.toml`: absolute.
    pub config: PathBuf,
    /// The user that owns the node, and its group.
    pub user: String,
    /// The group of the socket, if it is another.
    pub socket_group: Option<String>,
    /// Where the state is.
    pub state_dir: PathBuf,
    /// Where the sockets are.
    pub socket_dir: PathBuf,
    /// Where a lead saves itself, if that is not within its state.
    pub snapshot_dir: Option<PathBuf>,
}

impl NodeUnit {
    /// The unit in the places of the system, or in those of the configuration if it could be read.
    #[must_use]
    pub fn new(program: PathBuf, config: PathBuf, user: String, read: Option<&NodeConfig>) -> Self {
        let Paths { state_dir, socket_dir, .. } = Paths::system();
        let group = read.and_then(|read| read.api.socket_group.clone());
        let state_dir = read.map_or(state_dir, |read| read.node.state_dir.clone());
        let saved = read.and_then(|read| read.snapshot.directory.clone());
        Self {
            program,
            config,
            socket_group: group.filter(|group| *group != user),
            user,
            snapshot_dir: saved.filter(|directory| !directory.starts_with(&state_dir)),
            state_dir,
            socket_dir: read.map_or(socket_dir, |read| read.api.socket_dir.clone()),
        }
    }

    /// The text of the unit.
    ///
    /// # Errors
    /// [`UnitError`] for a place or a path that no unit can have.
    pub fn text(&self) -> Result<String, UnitError> {
        let words = format!("'{}' up --config '{}'", self.program.display(), self.config.display());
        let start = exec_line(&words)?;
        let state = within(&self.state_dir, "node.state_dir", STATE_PARENT)?;
        let runtime = within(&self.socket_dir, "api.socket_dir", RUNTIME_PARENT)?;
        let snapshots = self.snapshot_dir.as_deref().map(writable).transpose()?;
        let mut text = String::with_capacity(TEXT.len());
        for line in TEXT.lines() {
            match line.split_once('=').map_or("", |(key, _)| key) {
                "ExecStart" => text.push_str(&format!("ExecStart={start}")),
                "User" => text.push_str(&format!("User={}", self.user)),
                "Group" => {
                    text.push_str(&format!("Group={}", self.user));
                    if let Some(group) = &self.socket_group {
                        text.push_str(&format!("\nSupplementaryGroups={group}"));
                    }
                }
                "StateDirectory" => text.push_str(&format!("StateDirectory={state}")),
                "ProtectSystem" => {
                    text.push_str(line);
                    if let Some(snapshots) = &snapshots {
                        text.push_str(&format!("\n{snapshots}"));
                    }
                }
                "RuntimeDirectory" => text.push_str(&format!("RuntimeDirectory={runtime}")),
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        Ok(text)
    }
}

/// The name of a directory right below its parent.
fn within<'path>(path: &'path Path, what: &'static str, parent: &'static str) -> Result<&'path str, UnitError> {
    let plain = |name: &&str| {
        !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let name = path.strip_prefix(parent).ok().and_then(Path::to_str).filter(|name| !name.is_empty());
    name.filter(plain).ok_or_else(|| UnitError::Place { what, found: path.to_owned(), parent })
}

/// The setting by which a directory may be written. A disk that is away, as those for backups are at times, keeps no node from
/// starting: hence the minus.
fn writable(directory: &Path) -> Result<String, UnitError> {
    let plain = |path: &&str| !path.contains(|letter: char| letter.is_control() || "\"'\\".contains(letter));
    let path = directory.to_str().filter(plain).ok_or_else(|| UnitError::Snapshots(directory.to_owned()))?;
    Ok(format!("ReadWritePaths=\"-{}\"", plain_setting(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> NodeUnit {
        NodeUnit::new("/usr/local/bin/aurora".into(), "/etc/aurora/node.toml".into(), "aurora".to_owned(), None)
    }

    #[test]
    fn with_the_places_of_the_system_it_is_the_unit_in_mesh_config() {
        assert_eq!(unit().text().as_deref(), Ok(TEXT));
    }

    #[test]
    fn what_differs_is_put_in_its_place_and_nothing_else() {
        let other = NodeUnit {
            program: "/opt/100% aurora/bin".into(),
            config: "/etc/mesh/n.toml".into(),
            user: "mesh".to_owned(),
            socket_group: Some("readers".to_owned()),
            state_dir: "/var/lib/mesh".into(),
            socket_dir: "/run/mesh".into(),
            snapshot_dir: Some("/mnt/50% backup".into()),
        };
        let text = other.text().expect("a unit");
        for line in [
            "ExecStart=\"/opt/100%% aurora/bin\" up --config /etc/mesh/n.toml",
            "User=mesh",
            "Group=mesh\nSupplementaryGroups=readers",
            "StateDirectory=mesh",
            "RuntimeDirectory=mesh",
            "ProtectSystem=strict\nReadWritePaths=\"-/mnt/50%% backup\"",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line}");
        }
        let unlike = text.lines().filter(|line| !TEXT.lines().any(|of_file| of_file == *line));
        assert_eq!(unlike.count(), 7);
    }

    #[test]
    fn a_place_that_systemd_does_not_make_is_refused() {
        for path in
            ["/srv/aurora", "/var/lib", "/var/lib/a/b", "/var/lib/../x", "/var/lib/.x", "/var/lib/a b", "/run/x"]
        {
            let elsewhere = NodeUnit { state_dir: path.into(), ..unit() };
            assert!(matches!(elsewhere.text(), Err(UnitError::Place { what: "node.state_dir", .. })), "{path}");
        }
        for path in ["/mnt/\"a\"", "/mnt/a\\b", "/mnt/a\nUser=root"] {
            let saved = NodeUnit { snapshot_dir: Some(path.into()), ..unit() };
            assert_eq!(saved.text(), Err(UnitError::Snapshots(path.into())));
        }
        let relative = NodeUnit { program: "aurora".into(), ..unit() };
        assert_eq!(relative.text(), Err(UnitError::Command(CommandError::Relative)));
        let quote = NodeUnit { config: "/etc/it's.toml".into(), ..unit() };
        assert!(matches!(quote.text(), Err(UnitError::Command(_))));
    }
}
