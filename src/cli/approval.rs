//! The question before many values are stored. A terminal is asked; a script says yes with an option.

use std::io::{self, IsTerminal};

use dialoguer::Confirm;

use super::error::CliError;

/// Asks, and goes on only if the answer is yes.
///
/// # Errors
/// [`CliError::Usage`] for a no, and without a terminal; [`CliError::Input`] when there is no answer.
pub(super) fn ask(question: &str, instead: &str) -> Result<(), CliError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::Usage {
            message: "nothing was stored: there is no terminal to ask on".to_owned(),
            hint: instead.to_owned(),
        });
    }
    let answer = Confirm::new().with_prompt(question).default(false).interact();
    let answer = answer.map_err(|dialoguer::Error::IO(source)| CliError::Input {
        what: "the answer from the terminal".to_owned(),
        source,
    })?;
    if answer {
        return Ok(());
    }
    Err(CliError::Usage { message: "it was not confirmed, and nothing was stored".to_owned(), hint: String::new() })
}
