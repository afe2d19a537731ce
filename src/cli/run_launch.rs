//! The moment between this program and the one that `run` starts: the same binary under another name, which asks the
//! kernel for what only the process itself may ask for, and then becomes the program.
//!
//! That is a signal when its parent dies, however it dies, so that no program goes on with its output masked by nobody;
//! and, where there is one, the pseudo-terminal as its own. It could be done between `fork` and `exec` in the parent,
//! but only with unsafe code.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, getpid, getppid, ioctl_tiocsctty, set_parent_process_death_signal, setsid};

use super::run_child;
use super::run_signals;
use super::say;

/// Where the kernel has the running binary, also after the file was replaced.
pub(super) const THIS_PROGRAM: &str = "/proc/self/exe";

/// What it is called then.
pub(super) const NAME: &str = "aurora-run-launch";

/// The word for a program that gets a terminal, and for one that gets none.
const TERMINAL: &str = "terminal";
const PLAIN: &str = "plain";

/// What stands before the program and its arguments.
pub(super) fn arguments(is_terminal: bool) -> [String; 2] {
    [getpid().as_raw_nonzero().to_string(), if is_terminal { TERMINAL } else { PLAIN }.to_owned()]
}

/// Becomes the program if this process was started for that; the code to end with if it cannot be. `None` for a process
/// that was started by anybody else.
#[must_use]
pub fn launched() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    if arguments.next()? != NAME {
        return None;
    }
    let parent = arguments.next()?.into_string().ok()?.parse().ok().and_then(Pid::from_raw);
    let is_terminal = arguments.next()? == TERMINAL;
    Some(launch(parent, is_terminal, &arguments.collect::<Vec<_>>()))
}

fn launch(parent: Option<Pid>, is_terminal: bool, command: &[OsString]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else { return ExitCode::FAILURE };
    if let Err(error) = prepare(parent, is_terminal) {
        say::error(&format!("the command was not started: {error}"));
        return ExitCode::FAILURE;
    }
    let error = run_child::not_executed(program, Command::new(program).args(arguments).exec());
    let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
    say::error(&format!("{error}{source}"));
    ExitCode::from(error.exit_code())
}

fn prepare(parent: Option<Pid>, is_terminal: bool) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // A parent that died before this was asked for sends no signal any more.
    if getppid() != parent {
        return Err(std::io::Error::other("aurora has ended"));
    }
    if is_terminal {
        setsid()?;
        ioctl_tiocsctty(std::io::stdin())?;
    }
    run_signals::unblock()
}
