//! The arguments of `aurora run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rustix::process::Signal;

use crate::config::duration;

/// `aurora run … -- COMMAND`
#[derive(Debug, Args)]
pub struct RunArguments {
    /// A dotenv file of variables; those that are references get their values (repeat for several)
    #[arg(long, value_name = "FILE")]
    pub env: Vec<PathBuf>,
    /// A variable and the secret it gets: NAME=SERVICE/KEY_NAME[?field=…&company=…&version=…] (repeat for several)
    #[arg(long, value_name = "NAME=REFERENCE")]
    pub map: Vec<String>,
    /// Every value that may be exported and whose name starts so, under the names that aurora export gives; without a
    /// prefix, all of them
    #[arg(long, value_name = "PREFIX", num_args = 0..=1, default_missing_value = "")]
    pub prefix: Option<String>,
    /// Leave the output alone; without --watch, the command then takes the place of aurora
    #[arg(long)]
    pub no_masking: bool,
    /// Start the command anew when one of its values changes
    #[arg(long)]
    pub watch: bool,
    /// With --watch, send the command this signal instead, such as HUP
    #[arg(long, value_name = "SIGNAL", requires = "watch", value_parser = signal)]
    pub signal: Option<Signal>,
    /// With --watch, how long to wait for further changes
    #[arg(long, value_name = "DURATION", requires = "watch", default_value = "1s", value_parser = duration::parse)]
    pub debounce: Duration,
    /// Never ask the lead: take the copies of this node as they are
    #[arg(long)]
    pub offline: bool,
    /// Confirm copies with the lead that it confirmed longer ago, such as 10m
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_age: Option<Duration>,
    /// What to run, with its arguments
    #[arg(last = true, required = true, num_args = 1.., value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// The signals that a program may be told of a change with.
const SIGNALS: [(&str, Signal); 7] = [
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("TERM", Signal::TERM),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("WINCH", Signal::WINCH),
];

fn signal(text: &str) -> Result<Signal, String> {
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let known = SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal);
    known.ok_or_else(|| format!("write one of {}", SIGNALS.map(|(name, _)| name).join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::arguments::{Cli, Command, Verb};
    use super::*;
    use crate::delivery::variables::OWN_VARIABLES;

    fn read(line: &str) -> Result<RunArguments, String> {
        let cli = Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        let Command::Ask(Verb::Run(arguments)) = cli.command else { panic!("{line}") };
        Ok(*arguments)
    }

    #[test]
    fn everything_behind_the_two_hyphens_belongs_to_the_command() {
        let arguments = read("aurora run --map A=a/b --prefix -- printenv --map B --quiet -o json").expect("good");
        assert_eq!(arguments.command, ["printenv", "--map", "B", "--quiet", "-o", "json"]);
        assert_eq!((arguments.prefix.as_deref(), arguments.map.len()), (Some(""), 1));
        assert_eq!(read("aurora run --prefix hubspot/ -- true").expect("good").prefix.as_deref(), Some("hubspot/"));
        assert!(read("aurora run -- true").expect("good").prefix.is_none());
    }

    #[test]
    fn a_command_and_the_hyphens_before_it_are_needed() {
        for line in ["aurora run", "aurora run --", "aurora run true", "aurora run --signal HUP -- true"] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read("aurora run --watch --signal KILL -- true").is_err_and(|error| error.contains("USR1")));
        let hup = read("aurora run --watch --signal SIGHUP -- true").expect("good");
        assert_eq!((hup.signal, hup.debounce), (Some(Signal::HUP), Duration::from_secs(1)));
    }

    #[test]
    fn every_variable_that_the_command_line_reads_is_kept_from_the_program() {
        let mut commands = vec![Cli::command()];
        let mut found = 0;
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                let told = help.split("[env: ").skip(1).filter_map(|rest| rest.split(']').next());
                let read = argument.get_env().and_then(|name| name.to_str());
                for name in told.chain(read) {
                    assert!(OWN_VARIABLES.contains(&name), "{name}");
                    found += 1;
                }
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(found > 10, "{found}: those that clap reads, and those that help tells of");
    }
}
