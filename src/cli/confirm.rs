//! The question before what cannot be undone, or is much at once. Asked on a terminal only: a script says yes with an option.

use std::io::{self, IsTerminal};

use dialoguer::Confirm;

use super::error::CliError;

/// Whether there is a person to ask.
///
/// # Errors
/// [`CliError::Usage`] without a terminal, with the command to type instead.
pub(super) fn possible(deed: &str, instead: &str) -> Result<(), CliError> {
    if somebody_is_there() {
        return Ok(());
    }
    Err(CliError::Usage {
        message: format!("{deed} cannot be undone, and there is no terminal to ask on"),
        hint: format!("To do it without being asked: {instead}"),
    })
}

/// Whether there is a terminal to ask on.
#[must_use]
pub fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and goes on only if the answer is yes.
///
/// # Errors
/// [`CliError::Usage`] for a no, [`CliError::Input`] when there is no answer.
pub fn ask(question: &str) -> Result<(), CliError> {
    let answer = Confirm::new().with_prompt(question).default(false).interact();
    let answer = answer.map_err(|dialoguer::Error::IO(source)| CliError::Input {
        what: "the answer from the terminal".to_owned(),
        source,
    })?;
    if answer {
        return Ok(());
    }
    Err(CliError::Usage { message: "it was not confirmed, and nothing was done".to_owned(), hint: String::new() })
}
