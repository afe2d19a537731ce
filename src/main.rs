//! The `aurora` command: reads the command line and hands it to the room that does the work.

use std::process::ExitCode;

use aurora_mesh::cli::{self, arguments::Command};
use aurora_mesh::daemon::command;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        Command::Ask(verb) => cli::run(&cli.global, verb),
        Command::Dev(arguments) => cli::dev::run(&arguments),
        node @ (Command::Init(_) | Command::Join(_) | Command::Up(_)) => command::run(node, cli.global.log.as_deref()),
    }
}
