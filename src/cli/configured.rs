//! The sockets of the node whose configuration `AURORA_CONFIG` names: whoever says which node is meant need not say twice
//! where it is.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::CliError;
use crate::config::node_config::Defaults;
use crate::config::parse::parse;
use crate::config::paths::Paths;

/// The agent socket that this configuration tells of; none if it leaves that to the user the node runs as. `lookup` gives the
/// variables that win over the file.
///
/// # Errors
/// [`CliError::Input`] when the file cannot be read, and [`CliError::Config`] with all its problems; both name it.
pub(super) fn agent_socket(file: &Path, lookup: impl Fn(&str) -> Option<String>) -> Result<Option<PathBuf>, CliError> {
    let unreadable = |source| {
        let what = format!("{}, the configuration that AURORA_CONFIG names", file.display());
        CliError::Input { what, source }
    };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    // Whose places would be taken is not known here: an empty one says that the file does not tell.
    let paths = Paths { socket_dir: PathBuf::new(), ..Paths::system() };
    let defaults = Defaults { paths, name: lookup("NODE_NAME"), role: lookup("NODE_ROLE") };
    let config = parse(&text, &defaults).map_err(|problems| CliError::Config { file: file.to_owned(), problems })?;
    let directory = config.api.socket_dir;
    Ok((!directory.as_os_str().is_empty()).then(|| directory.join("agent.sock")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "[node]\nname = \"vengeance\"\nrole = \"follower\"\nenvironment = \"prod\"\n";

    fn found(text: &[u8]) -> Result<Option<PathBuf>, CliError> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("node.toml");
        fs::write(&file, text).expect("written");
        agent_socket(&file, |_| None)
    }

    #[test]
    fn the_socket_is_where_the_configuration_says_if_it_says_so() {
        let named = format!("{NODE}[api]\nsocket_dir = \"/srv/mesh\"\n");
        assert_eq!(found(named.as_bytes()).expect("valid"), Some("/srv/mesh/agent.sock".into()));
        assert_eq!(found(NODE.as_bytes()).expect("valid"), None);
    }

    #[test]
    fn a_configuration_that_is_wrong_or_unreadable_is_an_error_that_names_it() {
        let wrong = found(b"[node]\nname = 7\n[api]\nsocket_dir = \"here\"\n").expect_err("wrong");
        let told = wrong.to_string();
        assert!(told.contains("node.toml") && told.contains("node.role") && told.contains("api.socket_dir"), "{told}");
        assert_eq!((wrong.exit_code(), wrong.code()), (1, "bad_config"));
        let absent = agent_socket(Path::new("/nowhere/at/all"), |_| None);
        for unreadable in [found(b"\xff\xfe"), absent] {
            let error = unreadable.expect_err("no text");
            assert!(matches!(error, CliError::Input { .. }) && error.to_string().contains("AURORA_CONFIG"), "{error}");
        }
    }
}
