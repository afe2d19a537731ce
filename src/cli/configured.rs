//! The sockets of the node whose configuration `AURORA_CONFIG` names: whoever says which node is meant need not say twice
//! where it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::node_config::Defaults;
use crate::config::parse::parse;
use crate::config::paths::Paths;

/// The agent socket that this configuration tells of; none if it leaves that to the user the node runs as. Nor does a file that
/// may not be read, or is wrong, tell where: a node whose file is being edited answers where it did. `lookup` gives the
/// variables that win over the file.
pub(super) fn agent_socket(file: &Path, lookup: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    // Whose places would be taken is not known here: an empty one says that the file does not tell.
    let paths = Paths { socket_dir: PathBuf::new(), ..Paths::system() };
    let defaults = Defaults { paths, name: lookup("NODE_NAME"), role: lookup("NODE_ROLE") };
    let directory = parse(&text, &defaults).ok()?.api.socket_dir;
    (!directory.as_os_str().is_empty()).then(|| directory.join("agent.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "[node]\nname = \"vengeance\"\nrole = \"follower\"\nenvironment = \"prod\"\n";

    fn found(text: &[u8]) -> Option<PathBuf> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("node.toml");
        fs::write(&file, text).expect("written");
        agent_socket(&file, |_| None)
    }

    #[test]
    fn the_socket_is_where_the_configuration_says_if_it_says_so() {
        let named = format!("{NODE}[api]\nsocket_dir = \"/srv/mesh\"\n");
        assert_eq!(found(named.as_bytes()), Some("/srv/mesh/agent.sock".into()));
        assert_eq!(found(NODE.as_bytes()), None);
    }

    #[test]
    fn a_configuration_that_is_wrong_or_unreadable_keeps_nobody_from_the_usual_place() {
        assert_eq!(found(b"[node]\nname = 7\n[api]\nsocket_dir = \"here\"\n"), None);
        assert_eq!(found(b"\xff\xfe"), None);
        assert_eq!(agent_socket(Path::new("/nowhere/at/all"), |_| None), None);
    }
}
