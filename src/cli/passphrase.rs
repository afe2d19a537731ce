//! The passphrase of a node: asked for without echo on a terminal, else the first line of standard input.

use std::io::{self, BufRead, IsTerminal};

use dialoguer::Password;

use super::error::CliError;
use crate::crypto::plaintext::Plaintext;

/// Whether the passphrase is a new one, which is asked for twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It will seal a new node.
    New,
    /// It unseals a node.
    Known,
}

/// Gets the passphrase.
///
/// # Errors
/// [`CliError::Input`] when it cannot be read, [`CliError::Usage`] when it is empty.
pub fn ask(kind: Kind) -> Result<Plaintext, CliError> {
    ask_if_any(kind)?.ok_or_else(empty)
}

/// Gets the passphrase, or nothing where there is no terminal and standard input ends before it begins.
///
/// # Errors
/// As [`ask`]; an empty line is an empty passphrase.
pub fn ask_if_any(kind: Kind) -> Result<Option<Plaintext>, CliError> {
    let typed = if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let prompt = Password::new().with_prompt("Passphrase of this node");
        let prompt = match kind {
            Kind::New => prompt.with_confirmation("The same again", "They differ."),
            Kind::Known => prompt,
        };
        prompt.interact().map_err(|dialoguer::Error::IO(source)| unreadable(source))?.into_bytes()
    } else {
        let mut line = Vec::new();
        if io::stdin().lock().read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            return Ok(None);
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        line
    };
    if typed.is_empty() { Err(empty()) } else { Ok(Some(Plaintext::new(typed))) }
}

fn empty() -> CliError {
    CliError::Usage {
        message: "the passphrase is empty".to_owned(),
        hint: "Type one, or pipe one in as the first line of standard input.".to_owned(),
    }
}

fn unreadable(source: io::Error) -> CliError {
    CliError::Input { what: "the passphrase".to_owned(), source }
}
