//! Reading the command line, and telling mistakes in our own exit codes and shapes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::arguments::{Cli, Command, Format, Global, Verb};
use super::arguments_service::ServiceVerb;
use super::arguments_snapshot::SnapshotVerb;
use super::error::CliError;
use super::output::Output;
use super::value_source::value_as_argument;
use super::variables;

/// Parses the arguments.
///
/// # Errors
/// The exit code, after help or the mistake was printed.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Cli, ExitCode> {
    let arguments = by_name(arguments);
    let parsed = Cli::command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(mut cli) => match complete(&mut cli) {
            Ok(()) => Ok(cli),
            Err(error) => Err(Output::standard(&cli.global).conclude(Err(error))),
        },
        Err(error) => Err(explain(&error, &arguments)),
    }
}

/// A link to this program that another calls by its own name for it, such as `git-credential-aurora`, is the verb.
pub(super) fn by_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    let verb = CALLED.into_iter().find(|(name, _)| called == Some(name)).map(|(_, verb)| verb);
    if let Some(verb) = verb {
        arguments.insert(1, verb.into());
    }
    arguments
}

/// The names that git and docker look for on the path, and the verb that answers each.
const CALLED: [(&str, &str); 2] =
    [("git-credential-aurora", "git-credential"), ("docker-credential-aurora", "docker-credential")];

/// Hands `--environment` to `init`, whose own option it is too, and `AURORA_CONFIG` to what takes a configuration.
fn complete(cli: &mut Cli) -> Result<(), CliError> {
    if let Some(config) = configuration(&mut cli.command).filter(|config| config.is_none()) {
        *config = variables::config();
    }
    cli.global.log = cli.global.log.take().filter(|filter| !filter.is_empty());
    if let Command::Init(init) = &mut cli.command {
        init.environment = variables::environment(cli.global.environment.as_ref())?;
    }
    Ok(())
}

/// The option for which `AURORA_CONFIG` stands.
fn configuration(command: &mut Command) -> Option<&mut Option<PathBuf>> {
    match command {
        Command::Init(arguments) => Some(&mut arguments.config),
        Command::Join(arguments) => Some(&mut arguments.config),
        Command::Up(arguments) => Some(&mut arguments.config),
        Command::Promote(arguments) => Some(&mut arguments.config),
        Command::Doctor(arguments) => Some(&mut arguments.config),
        Command::Leave(arguments) => Some(&mut arguments.config),
        Command::Ask(Verb::Snapshot(SnapshotVerb::Restore(arguments))) => Some(&mut arguments.config),
        Command::Ask(Verb::Service(ServiceVerb::Install(arguments))) => Some(&mut arguments.config),
        Command::Ask(Verb::Service(ServiceVerb::Create(arguments))) => Some(&mut arguments.config),
        Command::Ask(_) | Command::Dev(_) | Command::Mcp => None,
    }
}

fn explain(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let global = fallback(arguments);
    let mut output = Output::standard(&global);
    let kind = error.kind();
    let done = if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        output.write(error.render().to_string().as_bytes())
    } else if matches!(kind, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand) {
        match output.format() {
            Format::Table => return output.complain(&help_after(arguments)),
            Format::Json | Format::Yaml => Err(incomplete()),
        }
    } else if kind == ErrorKind::UnknownArgument && may_be_value(error, arguments) {
        Err(value_as_argument())
    } else if is_policy_test(arguments) {
        Err(CliError::Untested(Box::new(mistake(&error.render().to_string()))))
    } else {
        Err(mistake(&error.render().to_string()))
    };
    output.conclude(done)
}

/// Whether it is the one command of which 1 is no mistake, but an answer.
fn is_policy_test(arguments: &[OsString]) -> bool {
    let at = arguments.iter().position(|argument| argument == "policy");
    at.is_some_and(|at| arguments.iter().skip(at).any(|argument| argument == "test"))
}

/// The help of the last verb that was written. (clap gives it by itself unless a variable of ours is set, which it counts
/// as something that was said.)
fn help_after(arguments: &[OsString]) -> String {
    let mut command = Cli::command();
    command.build();
    let mut verb = &command;
    for word in arguments.iter().skip(1) {
        verb = verb.find_subcommand(word).unwrap_or(verb);
    }
    verb.clone().render_help().to_string()
}

fn incomplete() -> CliError {
    let message = "the command is not complete".to_owned();
    CliError::Usage { message, hint: "Add --help to see what can follow.".to_owned() }
}

/// The first paragraph says what is wrong, the rest how it would be right.
fn mistake(text: &str) -> CliError {
    let text = text.strip_prefix("error: ").unwrap_or(text).trim_end();
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let hint = rest.split("\n\n").map(|part| part.lines().map(str::trim).collect::<Vec<_>>().join(" "));
    // "to pass '--x' as a value, use '-- --x'": nothing here takes a word that begins so, and `put` never takes a value.
    let helps = |part: &String| !part.is_empty() && !part.starts_with("tip: to pass ");
    CliError::Usage { message, hint: hint.filter(helps).collect::<Vec<_>>().join(" | ") }
}

/// Whether what clap did not understand may be a value that begins with a hyphen (`-----BEGIN …`): then it must not be
/// repeated into a terminal's scroll-back or a build log.
fn may_be_value(error: &clap::Error, arguments: &[OsString]) -> bool {
    let storing = arguments.iter().any(|argument| argument == "put" || argument == "set");
    let unknown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let option_like = unknown.len() <= 24
        && unknown.strip_prefix("--").unwrap_or(unknown.strip_prefix('-').unwrap_or("?")).bytes().all(is_option_byte);
    storing && !option_like
}

fn is_option_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'-'
}

/// The shared options, as far as they matter for printing, when the command line as a whole could not be read.
fn fallback(arguments: &[OsString]) -> Global {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let after = |flag: &str| texts.iter().position(|text| *text == flag).and_then(|at| texts.get(at + 1)).copied();
    let joined = texts.iter().find_map(|text| text.strip_prefix("--output=").or_else(|| text.strip_prefix("-o")));
    let wanted = after("-o").or_else(|| after("--output")).or(joined);
    // What is no format, such as the file of `render -o`, leaves it to the variable.
    let output = match wanted {
        Some("json" | "=json") => Some(Format::Json),
        Some("yaml" | "=yaml") => Some(Format::Yaml),
        Some("table" | "=table") => Some(Format::Table),
        Some(_) | None => None,
    };
    Global {
        output,
        quiet: false,
        no_color: texts.contains(&"--no-color"),
        socket: None,
        company: vec![],
        act_as: None,
        environment: None,
        scope: None,
        reason: None,
        log: None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn failure(line: &[&str]) -> (clap::Error, Vec<OsString>) {
        let arguments: Vec<OsString> = line.iter().map(OsString::from).collect();
        match Cli::try_parse_from(&arguments) {
            Ok(_) => panic!("{line:?} was understood"),
            Err(error) => (error, arguments),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_and_every_group_of_verbs_shows_an_example() {
        let mut commands: Vec<clap::Command> = Cli::command().get_subcommands().cloned().collect();
        let mut found = 0;
        while let Some(command) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
            let is_short = |line: &str| !line.starts_with(' ') || line.chars().count() <= 110;
            assert!(help.lines().all(is_short), "an example that is broken: {}", command.get_name());
            commands.extend(command.get_subcommands().cloned());
            found += 1;
        }
        assert!(found > 60);
    }

    #[test]
    fn a_verb_that_is_missing_is_answered_with_help_about_what_was_said() {
        let help = |line: &[&str]| help_after(&line.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(help(&["aurora"]).contains("Usage: aurora [OPTIONS] <COMMAND>"));
        let nodes = help(&["aurora", "--quiet", "nodes"]);
        assert!(nodes.contains("Usage: aurora nodes") && nodes.contains("approve"), "{nodes}");
    }

    #[test]
    fn a_link_with_the_name_another_program_calls_is_the_verb() {
        let line = |words: &[&str]| by_name(words.iter().map(OsString::from).collect());
        assert_eq!(line(&["/x/git-credential-aurora", "get"]), ["/x/git-credential-aurora", "git-credential", "get"]);
        assert_eq!(line(&["docker-credential-aurora", "list"])[1], "docker-credential");
        assert_eq!(line(&["/x/aurora", "status"]), ["/x/aurora", "status"]);
    }

    #[test]
    fn of_render_the_o_is_the_file_and_the_format_of_errors_is_still_shared() {
        for line in
            [&["aurora", "-o", "json", "render", "a", "-o", "b"][..], &["aurora", "render", "a", "--output=json"]]
        {
            let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert_eq!(cli.global.output, Some(Format::Json), "{line:?}");
        }
    }

    #[test]
    fn a_value_that_looks_like_an_option_is_not_repeated() {
        let (error, arguments) = failure(&["aurora", "put", "a/b", "-----BEGIN PRIVATE KEY-----"]);
        assert!(may_be_value(&error, &arguments));
        let (error, arguments) = failure(&["aurora", "put", "a/b", "--tll", "5m"]);
        assert!(!may_be_value(&error, &arguments));
        let (error, arguments) = failure(&["aurora", "get", "a/b", "--X9"]);
        assert!(!may_be_value(&error, &arguments));
    }

    #[test]
    fn a_mistake_is_told_in_one_line_with_its_hint() {
        let (error, _) = failure(&["aurora", "get", "Hubspot/api_key"]);
        let told = mistake(&error.render().to_string());
        assert!(told.to_string().contains("a-z, 0-9"), "{told}");
        assert!(!told.to_string().contains('\n') && told.exit_code() == 1);
    }

    #[test]
    fn an_unknown_option_is_not_proposed_as_a_value() {
        let (error, _) = failure(&["aurora", "put", "a/b", "--value", "x"]);
        let told = format!("{:?}", mistake(&error.render().to_string()));
        assert!(told.contains("--value") && !told.contains("as a value"), "{told}");
    }

    #[test]
    fn the_format_of_an_unreadable_command_line_is_still_honoured() {
        let format = |line: &[&str]| fallback(&line.iter().map(OsString::from).collect::<Vec<_>>()).output;
        assert_eq!(format(&["aurora", "-o", "json", "x"]), Some(Format::Json));
        assert_eq!(format(&["aurora", "x", "-ojson"]), Some(Format::Json));
        assert_eq!(format(&["aurora", "--output=yaml"]), Some(Format::Yaml));
        assert_eq!(format(&["aurora", "render", "x", "-o", "file"]), None);
    }
}
