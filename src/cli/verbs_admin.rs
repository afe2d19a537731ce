//! `completion`.

use clap::CommandFactory;

use super::arguments::{Cli, Shell};
use super::error::CliError;
use super::session::Session;

/// `aurora completion`
pub(super) fn completion(session: &mut Session<'_>, shell: Shell) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    match shell {
        Shell::Bash => clap_complete::generate(clap_complete::Shell::Bash, &mut command, "aurora", &mut script),
        Shell::Zsh => clap_complete::generate(clap_complete::Shell::Zsh, &mut command, "aurora", &mut script),
        Shell::Fish => clap_complete::generate(clap_complete::Shell::Fish, &mut command, "aurora", &mut script),
    }
    session.output.write(&script)
}
