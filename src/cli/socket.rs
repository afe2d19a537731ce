//! Which socket to ask: the one that is named, also by a configuration; the system's, or the user's own; and the admin socket
//! beside it.

use std::path::{Path, PathBuf};

use super::error::CliError;

/// Where a node of the system listens.
const SYSTEM: &str = "/run/aurora/agent.sock";

/// The uid of the superuser.
const ROOT: u32 = 0;

/// The agent socket. `exists` and the directory of the user's own node are passed in so that the choice can be tested.
///
/// # Errors
/// [`CliError::NoSocket`] when none is named and there is nowhere to look.
pub(super) fn agent(
    named: Option<&Path>,
    exists: impl Fn(&Path) -> bool,
    own: Option<&Path>,
) -> Result<PathBuf, CliError> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let system = Path::new(SYSTEM);
    if exists(system) {
        return Ok(system.to_owned());
    }
    Ok(own.ok_or(CliError::NoSocket)?.join("agent.sock"))
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What a program on this node gets.
    Program,
    /// Everything that is stored: another environment, a scope by name, the list. More than a program gets, on a lead.
    Store,
}

/// Whether user `own` reads through the socket of `owner`, the user the node runs as (`None`: not to be known). What no
/// program gets is for the owner only. Root owns every node, but is in no group of a node that runs as another user:
/// asking as a program would be refused, although the same person may do everything.
pub(super) fn reads_as_owner(own: u32, owner: Option<u32>, reach: Reach) -> bool {
    let beyond = reach == Reach::Store;
    match owner {
        None => false,
        Some(owner) if own == ROOT => beyond || owner != ROOT,
        Some(owner) => beyond && own == owner,
    }
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
        let own = Some(Path::new("/run/user/1000/aurora"));
        let chosen = |named: Option<&str>, system: bool, own| agent(named.map(Path::new), |_| system, own);
        assert_eq!(chosen(Some("/x/a.sock"), true, own).expect("named"), Path::new("/x/a.sock"));
        assert_eq!(chosen(None, true, own).expect("system"), Path::new(SYSTEM));
        assert_eq!(chosen(None, false, own).expect("own"), Path::new("/run/user/1000/aurora/agent.sock"));
        assert!(matches!(chosen(None, false, None), Err(CliError::NoSocket)));
        assert_eq!(admin(Path::new("/x/a.sock")), Path::new("/x/admin.sock"));
    }
    /// A node that runs as the user aurora refused `sudo aurora get`, although `sudo aurora put` worked: root is in no
    /// group of such a node, and reads went through the agent socket.
    #[test]
    fn root_reads_as_the_owner_of_a_node_that_runs_as_another_user() {
        assert!(reads_as_owner(0, Some(991), Reach::Program));
        assert!(!reads_as_owner(0, Some(0), Reach::Program));
        assert!(reads_as_owner(0, Some(0), Reach::Store));
        assert!(reads_as_owner(1000, Some(1000), Reach::Store));
        assert!(!reads_as_owner(1000, Some(1000), Reach::Program));
        assert!(!reads_as_owner(1000, Some(991), Reach::Store));
        assert!(!reads_as_owner(0, None, Reach::Store));
    }
}
