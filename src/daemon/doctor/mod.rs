//! `aurora doctor`: what is wrong with this node and its machine, each with the command that mends it.
//!
//! What is seen (`gather*`) and what it means (`files`, `machine`, `mesh`, `keeping`: pure, over a `reading`) are apart. Nothing
//! is changed: the store of a node that does not run is read through a layer that forgets what is written, and of a node
//! that runs it is asked what it says. No finding holds a value.

mod files;
mod gather;
mod gather_lead;
mod gather_machine;
mod keeping;
mod machine;
mod mesh;
mod reading;
#[cfg(test)]
mod samples;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::config_file;
use super::seams::Seams;
use crate::cli::arguments::Global;
use crate::cli::arguments_doctor::DoctorArguments;
use crate::cli::doctor::{Strict, report};
use crate::cli::say;
use crate::config::node_config::{Defaults, NodeConfig};
use crate::model::finding::Finding;
use crate::model::identity::Role;

/// Runs the verb.
#[must_use]
pub fn run(global: &Global, arguments: &DoctorArguments) -> ExitCode {
    let strict = if arguments.strict { Strict::Yes } else { Strict::No };
    let (file, read) = match configuration(arguments.config.as_deref()) {
        Ok(found) => found,
        Err(error) => {
            say::error(&format!("{error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let config = match read {
        Ok(config) => config,
        Err(error) => return report(global, "?", &[unusable(&file, &error)], strict),
    };
    let name = config.node.name.to_string();
    match findings(config, file) {
        Ok(findings) => report(global, &name, &findings, strict),
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Where the configuration of this user's node is, and what came of reading it.
pub(super) fn configuration(named: Option<&Path>) -> Result<(PathBuf, Result<NodeConfig>)> {
    let superuser = rustix::process::geteuid().is_root();
    let defaults =
        Defaults::from_environment(superuser, |name| std::env::var(name).ok()).map_err(|error| anyhow!(error))?;
    let file = named.map_or_else(|| defaults.paths.config_file.clone(), Path::to_owned);
    let read = config_file::read(&file, &defaults);
    Ok((file, read))
}

fn findings(config: NodeConfig, file: PathBuf) -> Result<Vec<Finding>> {
    let seams = Seams::system()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let reading = runtime.block_on(gather::gather(config, file, &seams));
    runtime.shutdown_background();
    Ok(judge(&reading))
}

/// Every finding, in the order in which one would look.
fn judge(reading: &reading::Reading) -> Vec<Finding> {
    let role = match reading.config.node.role {
        Role::Lead => "the lead",
        Role::Follower => "a follower",
    };
    let config = reading::quoted(&reading.config_file);
    let mut findings = vec![Finding::ok("config", format!("{config} describes {role}"))];
    findings.extend(keeping::judge(reading));
    findings.extend(mesh::judge(reading));
    findings.extend(files::judge(reading));
    findings.extend(machine::judge(reading));
    findings
}

/// Without a configuration nothing else can be looked at.
fn unusable(file: &Path, error: &anyhow::Error) -> Finding {
    let path = reading::quoted(file);
    // A file below a directory that may not be entered is not known to be absent.
    if file.try_exists().unwrap_or(true) {
        return Finding::error("config", format!("{error:#}"), format!("${{EDITOR:-vi}} {path}"));
    }
    let seen = format!("there is no {path}: this machine has no node, or its configuration is elsewhere");
    Finding::error(
        "config",
        seen,
        "aurora join TOKEN  # on the lead: aurora token create NODE; for a new mesh: aurora init",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;
    use clap::error::ErrorKind;

    use super::reading::{FileKind, FileReading, JournalReading, NodeReading, Reading, ServiceReading};
    use super::samples::{follower, reading};
    use super::*;
    use crate::cli::arguments::Cli;
    use crate::config::node_config::UnsealSource;
    use crate::model::finding::Severity;

    #[test]
    fn a_node_that_is_well_has_no_finding_that_asks_for_anything_but_a_snapshot() {
        for reading in [reading(), follower()] {
            let findings = judge(&reading);
            let ill = findings.iter().filter(|finding| finding.severity > Severity::Note && finding.id != "lead");
            assert_eq!(ill.count(), 0, "{findings:#?}");
        }
    }

    #[test]
    fn every_finding_has_an_id_of_its_own_and_every_bad_one_a_command_on_one_line() {
        let mut ill = reading();
        ill.disk = None;
        ill.machine = reading::MachineReading::default();
        ill.service = reading::ServiceReading { systemd: true, ..reading::ServiceReading::default() };
        ill.node = reading::NodeReading::Unreadable("the store is damaged".to_owned());
        for findings in [judge(&reading()), judge(&follower()), judge(&ill)] {
            let ids: BTreeSet<&str> = findings.iter().map(|finding| finding.id).collect();
            assert_eq!(ids.len(), findings.len(), "{findings:#?}");
            for finding in findings.iter().filter(|finding| finding.severity > Severity::Note) {
                let mend = finding.mend.as_deref().unwrap_or_default();
                assert!(!mend.is_empty() && !mend.contains('\n'), "{finding:?}");
            }
        }
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_the_one_finding() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("node.toml");
        let missing = unusable(&file, &anyhow!("no such file"));
        assert!(missing.seen.contains("has no node") && missing.mend.expect("mend").starts_with("aurora join"));
        std::fs::write(&file, "role = ").expect("written");
        let wrong = unusable(&file, &anyhow!("line 1: a value is missing"));
        assert_eq!(wrong.mend, Some(format!("${{EDITOR:-vi}} {}", file.display())));
    }

    /// Whether the command line takes a command; what follows a `#` is for people.
    fn is_taken(command: &str) -> bool {
        let words = command.trim().trim_start_matches("sudo ").split_whitespace().map(|word| word.trim_matches('\''));
        match Cli::try_parse_from(words) {
            Ok(_) => true,
            Err(error) => matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion),
        }
    }

    #[test]
    fn every_command_that_is_advised_is_one_that_the_command_line_takes() {
        let mut seen = BTreeSet::new();
        for ill in ill() {
            for mend in judge(&ill).into_iter().filter_map(|finding| finding.mend) {
                let typed = mend.split('#').next().unwrap_or_default();
                for command in typed
                    .split("&&")
                    .filter(|command| command.trim().trim_start_matches("sudo ").starts_with("aurora "))
                {
                    assert!(is_taken(command), "{mend}");
                    seen.insert(command.trim().to_owned());
                }
            }
        }
        assert!(seen.len() >= 10, "{seen:?}");
        assert!(!is_taken("aurora snapshot restore"), "the check can fail");
    }

    /// Nodes of both roles with everything wrong that has a mend of this program.
    fn ill() -> Vec<Reading> {
        let mut ill = Vec::new();
        for well in [reading(), follower()] {
            for node in ["there is no store at /x", "the store has schema 9", "the store is damaged"] {
                ill.push(Reading { node: NodeReading::Unreadable(node.to_owned()), ..well.clone() });
            }
            for why in ["the node is sealed", "not for this user"] {
                ill.push(Reading { node: NodeReading::Silent(why.to_owned()), ..well.clone() });
            }
            for id in ["files.store", "files.key", "files.config"] {
                let path = "/var/lib/aurora/x".into();
                let lost = FileReading { id, path, kind: FileKind::PrivateFile, needed: true, found: None };
                ill.push(Reading { files: vec![lost], ..well.clone() });
            }
            for unseal in [UnsealSource::Passphrase, UnsealSource::Shamir] {
                let mut said = samples::said();
                (said.store.passphrase, said.store.shares) = (Some((19_456, 2)), Some((3, 3)));
                (said.store.snapshot_verified, said.store.secrets) = (None, 3);
                said.freshness = "banned".to_owned();
                let mut sealed = Reading { node: NodeReading::Runs(Box::new(said)), ..well.clone() };
                sealed.config.unseal = unseal;
                ill.push(sealed);
            }
            let mut open = Reading { journal: JournalReading::Broken("line 3 was altered".to_owned()), ..well.clone() };
            open.unseal.beside_store = true;
            open.service = ServiceReading { systemd: true, ..Default::default() };
            ill.push(open);
        }
        ill
    }
}
