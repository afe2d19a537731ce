//! `man`: the pages of the manual, made from the same words as the help.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;

use super::arguments::Cli;
use super::error::CliError;
use super::session::Session;

/// `aurora man`
pub(super) fn man(session: &mut Session<'_>, directory: Option<&Path>) -> Result<(), CliError> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        Man::new(Cli::command().disable_help_subcommand(true)).render(&mut page).map_err(CliError::Output)?;
        return session.output.write(&page);
    };
    let unsaved = |source| CliError::Unsaved { path: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(unsaved)?;
    clap_mangen::generate_to(Cli::command(), directory).map_err(unsaved)?;
    session.output.note(&format!("the pages are in {}", directory.display()));
    Ok(())
}
