//! The program itself: with its variables, without ours, in place of this process or beside it.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::error::CliError;
use super::run_launch;
use crate::delivery::variables::OWN_VARIABLES;

/// What a shell ends with when it finds no such command, and when it cannot execute one (IEEE 1003.1, 2.8.2).
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// What a shell adds to the number of the signal that ended a command.
const SIGNALLED: i32 = 128;

/// Standard input, output and error of a program. What is `None` is ours.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) input: Option<std::os::fd::OwnedFd>,
    pub(super) output: Option<std::os::fd::OwnedFd>,
    pub(super) error: Option<std::os::fd::OwnedFd>,
    /// Whether its input is a terminal that is to be its own.
    pub(super) is_terminal: bool,
}

/// Makes this process the program. Comes back only if that cannot be.
pub(super) fn become_it(command: &[OsString], environment: &[(&OsStr, &OsStr)]) -> CliError {
    let Some((program, arguments)) = command.split_first() else { return nothing_to_run() };
    let mut new = std::process::Command::new(program);
    new.args(arguments);
    for name in OWN_VARIABLES {
        new.env_remove(name);
    }
    new.envs(environment.iter().copied());
    not_executed(program, new.exec())
}

/// Starts the program beside this process, which it does not outlive unawares.
///
/// # Errors
/// [`CliError::NotExecuted`]. That there is no such program is told by the process that was to become it.
pub(super) fn start(
    command: &[OsString],
    environment: &[(&OsStr, &OsStr)],
    streams: Streams,
) -> Result<Child, CliError> {
    let Some(program) = command.first() else { return Err(nothing_to_run()) };
    let mut new = Command::new(run_launch::THIS_PROGRAM);
    new.arg0(run_launch::NAME).args(run_launch::arguments(streams.is_terminal)).args(command);
    for name in OWN_VARIABLES {
        new.env_remove(name);
    }
    new.envs(environment.iter().copied());
    streams.input.map(|input| new.stdin(input));
    streams.output.map(|output| new.stdout(output));
    streams.error.map(|error| new.stderr(error));
    new.spawn().map_err(|source| not_executed(program, source))
}

/// The code to end with after a program that ended so.
pub(super) fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| status.signal().map_or(SIGNALLED, |signal| SIGNALLED + signal));
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Why a program cannot be executed, in the words and with the code of a shell.
pub(super) fn not_executed(program: &OsStr, source: io::Error) -> CliError {
    let is_there = program.as_encoded_bytes().contains(&b'/') && Path::new(program).exists();
    let kind = source.kind();
    let (status, source) = if kind == ErrorKind::NotFound && is_there {
        (NOT_EXECUTABLE, io::Error::other("its interpreter is not there"))
    } else if kind == ErrorKind::NotFound {
        (NOT_FOUND, io::Error::other("there is no such command"))
    } else if kind == ErrorKind::ArgumentListTooLong {
        let message = "its arguments and variables are too large: Linux takes 128 KiB in one, and a few MiB in all";
        (NOT_EXECUTABLE, io::Error::other(message))
    } else {
        (NOT_EXECUTABLE, source)
    };
    CliError::NotExecuted { program: program.to_string_lossy().into_owned(), status, source }
}

fn nothing_to_run() -> CliError {
    CliError::Usage { message: "there is no command".to_owned(), hint: "aurora run -- COMMAND".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_ended_by_a_signal_gives_the_code_of_a_shell() {
        assert_eq!([0, 3 << 8, 255 << 8, 9, 15].map(|raw| code_of(ExitStatus::from_raw(raw))), [0, 3, 255, 137, 143]);
    }

    #[test]
    fn what_is_not_there_and_what_cannot_be_executed_have_codes_of_their_own() {
        let code = |program: &str, kind: ErrorKind| not_executed(program.as_ref(), kind.into()).exit_code();
        assert_eq!(code("nonexistent", ErrorKind::NotFound), 127);
        assert_eq!(code("/nonexistent", ErrorKind::NotFound), 127);
        assert_eq!(code("/etc/passwd", ErrorKind::NotFound), 126);
        assert_eq!(code("/etc/passwd", ErrorKind::PermissionDenied), 126);
        assert_eq!(code("x", ErrorKind::ArgumentListTooLong), 126);
    }
}
