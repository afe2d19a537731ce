//! The key file that systemd hands to the service: decrypted by systemd, kept in memory, readable by this service alone.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::config::node_config::CredentialName;

/// Where systemd says the credentials of this service are (systemd.exec(5)).
const VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Opens the credential. Its mode is not looked at: systemd grants by an access list, and the mode shows its mask.
///
/// # Errors
/// When systemd handed over none of this name, with the line that the unit lacks, and with how a command gets it.
pub(super) fn open(name: &CredentialName) -> Result<(PathBuf, File)> {
    open_in(std::env::var_os(VARIABLE).map(PathBuf::from).as_deref(), name)
}

fn open_in(directory: Option<&Path>, name: &CredentialName) -> Result<(PathBuf, File)> {
    let missing = |what: &str| {
        let name = name.as_str();
        anyhow!(
            "{what}. A command that is typed, such as a restore, is run with it by:\n  \
             systemd-run --pipe --wait -p LoadCredentialEncrypted={name}:/etc/credstore.encrypted/{name} \
             /usr/local/bin/aurora …\nThe unit of the node needs, under [Service]:\n  \
             LoadCredentialEncrypted={name}:/etc/credstore.encrypted/{name}\nThe file is made with: systemd-creds \
             encrypt --name={name} KEY-FILE /etc/credstore.encrypted/{name}"
        )
    };
    let Some(directory) = directory.filter(|directory| !directory.as_os_str().is_empty()) else {
        bail!(missing("systemd handed over no credentials (CREDENTIALS_DIRECTORY is not set)"));
    };
    let path = directory.join(name.as_str());
    match File::open(&path) {
        Ok(file) => Ok((path, file)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!(missing(&format!("systemd handed over no credential named {}", name.as_str())))
        }
        Err(error) => Err(error).with_context(|| format!("cannot open the credential {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_that_is_not_there_is_told_with_the_line_the_unit_lacks() {
        let directory = tempfile::tempdir().expect("a directory");
        for from in [None, Some(Path::new("")), Some(directory.path())] {
            let refused = open_in(from, &CredentialName::default()).expect_err("not there").to_string();
            let line = "LoadCredentialEncrypted=aurora-unseal:/etc/credstore.encrypted/aurora-unseal";
            assert!(refused.contains(line) && refused.contains("systemd-creds encrypt"), "{refused}");
            // Whoever restores under sudo has no unit that could lack a line.
            let typed = format!("systemd-run --pipe --wait -p {line} ");
            assert!(refused.contains(&typed), "{refused}");
        }
        std::fs::write(directory.path().join("aurora-unseal"), "").expect("written");
        open_in(Some(directory.path()), &CredentialName::default()).expect("there");
    }
}
