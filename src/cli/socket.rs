//! Which socket to ask: the one that is named, the system's, or the user's own; and the admin socket beside it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::CliError;

/// Where a node of the system listens.
const SYSTEM: &str = "/run/aurora/agent.sock";

/// The agent socket. `exists` and the runtime directory are passed in so that the choice can be tested.
///
/// # Errors
/// [`CliError::NoSocket`] when none is named and there is nowhere to look.
pub(super) fn agent(
    named: Option<&Path>,
    exists: impl Fn(&Path) -> bool,
    runtime_directory: Option<&OsStr>,
) -> Result<PathBuf, CliError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let system = Path::new(SYSTEM);
    if exists(system) {
        return Ok(system.to_owned());
    }
    let directory = runtime_directory.filter(|directory| !directory.is_empty()).ok_or(CliError::NoSocket)?;
    Ok(Path::new(directory).join("aurora/agent.sock"))
}

/// The admin socket beside an agent socket.
pub(super) fn admin(agent: &Path) -> PathBuf {
    agent.with_file_name("admin.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_socket_wins_then_the_systems_then_the_users_own() {
        let own = Some(OsStr::new("/run/user/1000"));
        let chosen = |named: Option<&str>, system: bool, own| agent(named.map(Path::new), |_| system, own);
        assert_eq!(chosen(Some("/x/a.sock"), true, own).expect("named"), Path::new("/x/a.sock"));
        assert_eq!(chosen(None, true, own).expect("system"), Path::new(SYSTEM));
        assert_eq!(chosen(None, false, own).expect("own"), Path::new("/run/user/1000/aurora/agent.sock"));
        assert!(matches!(chosen(None, false, None), Err(CliError::NoSocket)));
        assert!(matches!(chosen(None, false, Some(OsStr::new(""))), Err(CliError::NoSocket)));
        assert_eq!(admin(Path::new("/x/a.sock")), Path::new("/x/admin.sock"));
    }
}
