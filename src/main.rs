//! The `aurora` command: reads the command line and hands it to the room that does the work.

use std::process::ExitCode;

use aurora_mesh::cli::arguments::{Command, Verb};
use aurora_mesh::cli::arguments_snapshot::SnapshotVerb;
use aurora_mesh::cli::{self, say};
use aurora_mesh::daemon::{command, doctor, hardening, leave, logging, snapshot_offline};
use aurora_mesh::mcp;

fn main() -> ExitCode {
    // Every verb may come to hold a value, a token or a key: also the commands that only ask a node.
    if let Err(error) = hardening::harden() {
        say::error(&format!("core dumps cannot be turned off, and one could hold a secret: {error}"));
        return ExitCode::FAILURE;
    }
    if let Some(code) = cli::run_launch::launched() {
        return code;
    }
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        Command::Ask(Verb::Snapshot(SnapshotVerb::Verify(verify))) if verify.is_offline() => {
            snapshot_offline::run(&verify)
        }
        restore @ Command::Ask(Verb::Snapshot(SnapshotVerb::Restore(_))) => {
            command::run(restore, cli.global.log.as_deref())
        }
        Command::Ask(verb) => cli::run(&cli.global, verb),
        Command::Dev(arguments) => cli::dev::run(&arguments),
        Command::Mcp => {
            // Standard output is the protocol's. What clients send is at debug, and only shown to whoever asks for that.
            logging::start(Some(cli.global.log.as_deref().unwrap_or("warn")));
            mcp::serve::run(&cli.global)
        }
        Command::Doctor(arguments) => doctor::run(&cli.global, &arguments),
        Command::Leave(arguments) => leave::run(&cli.global, &arguments),
        node @ (Command::Init(_) | Command::Join(_) | Command::Up(_) | Command::Promote(_)) => {
            command::run(node, cli.global.log.as_deref())
        }
    }
}
