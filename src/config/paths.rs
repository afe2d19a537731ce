//! Where things lie when the configuration does not say: one set for root, one for a person (XDG base directories).

use std::path::{Path, PathBuf};

use super::error::Problem;

/// The directory of each kind, under its parent.
const NAME: &str = "aurora";

/// The default places of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The state directory, mode 0700: store, journal, keys.
    pub state_dir: PathBuf,
    /// The directory of the sockets.
    pub socket_dir: PathBuf,
}

impl Paths {
    /// The places of root.
    #[must_use]
    pub fn system() -> Self {
        Self {
            config_file: "/etc/aurora/node.toml".into(),
            state_dir: "/var/lib/aurora".into(),
            socket_dir: "/run/aurora".into(),
        }
    }

    /// The places of a user, from the environment; `AURORA_CONFIG` names another configuration file.
    ///
    /// A session without `XDG_RUNTIME_DIR` (a container, `su`) keeps its sockets in the state directory, which is as private.
    ///
    /// # Errors
    /// [`Problem`] when a person's places cannot be known because `HOME` is not an absolute path.
    pub fn of(superuser: bool, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let absolute = |name: &str| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let mut paths = if superuser { Self::system() } else { Self::personal(&absolute)? };
        if let Some(file) = lookup("AURORA_CONFIG").filter(|file| !file.is_empty()) {
            paths.config_file = file.into();
        }
        Ok(paths)
    }

    fn personal(absolute: &impl Fn(&str) -> Option<PathBuf>) -> Result<Self, Problem> {
        let home = absolute("HOME");
        let base = |name: &str, under_home: &str| {
            absolute(name).or_else(|| home.as_ref().map(|home| home.join(under_home))).ok_or_else(|| {
                Problem::new("HOME", "is not set to an absolute path", format!("set HOME or {name} to a directory"))
            })
        };
        let state_dir = base("XDG_STATE_HOME", ".local/state")?.join(NAME);
        let runtime = absolute("XDG_RUNTIME_DIR").map(|directory| directory.join(NAME));
        Ok(Self {
            config_file: base("XDG_CONFIG_HOME", ".config")?.join(NAME).join("node.toml"),
            socket_dir: runtime.unwrap_or_else(|| state_dir.join("run")),
            state_dir,
        })
    }

    /// The key file of a node whose state lies in `state_dir`.
    #[must_use]
    pub fn key_file(state_dir: &Path) -> PathBuf {
        state_dir.join("unseal.key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn root_has_the_places_of_the_system() {
        let paths = Paths::of(true, lookup(&[("HOME", "/root"), ("XDG_STATE_HOME", "/x")])).expect("paths");
        assert_eq!(paths, Paths::system());
    }

    #[test]
    fn a_person_has_places_of_their_own() {
        let paths = Paths::of(false, lookup(&[("HOME", "/home/ann"), ("XDG_RUNTIME_DIR", "/run/user/1000")]));
        let paths = paths.expect("paths");
        assert_eq!(paths.config_file, Path::new("/home/ann/.config/aurora/node.toml"));
        assert_eq!(paths.state_dir, Path::new("/home/ann/.local/state/aurora"));
        assert_eq!(paths.socket_dir, Path::new("/run/user/1000/aurora"));
    }

    #[test]
    fn without_a_runtime_directory_the_sockets_lie_in_the_state() {
        let paths = Paths::of(false, lookup(&[("HOME", "/home/ann")])).expect("paths");
        assert_eq!(paths.socket_dir, Path::new("/home/ann/.local/state/aurora/run"));
    }

    #[test]
    fn relative_places_are_ignored_and_without_a_home_there_are_none() {
        let relative = lookup(&[("HOME", "/home/ann"), ("XDG_STATE_HOME", "state")]);
        assert_eq!(Paths::of(false, relative).expect("paths").state_dir, Path::new("/home/ann/.local/state/aurora"));
        assert_eq!(Paths::of(false, lookup(&[])).expect_err("no home").key, "HOME");
    }

    #[test]
    fn another_configuration_file_can_be_named() {
        let named = lookup(&[("AURORA_CONFIG", "/tmp/a.toml")]);
        assert_eq!(Paths::of(true, named).expect("paths").config_file, Path::new("/tmp/a.toml"));
    }
}
