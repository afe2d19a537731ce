//! The one place that prints. A reader that goes away (`aurora list | head -1`) ends the command quietly.

use std::error::Error;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::arguments::{Format, Global};
use super::error::CliError;
use super::progress::Progress;
use super::table::{Style, plain};
use super::variables;
use super::views_error::{ErrorText, ErrorView};
use super::wiped;
use crate::crypto::plaintext::Plaintext;

/// An answer that can be shown to a person.
pub(super) trait Shown: Serialize {
    /// The text for people, with a newline at its end.
    fn table(&self, style: Style) -> String;
}

/// Standard output and standard error, and how to write to them.
pub(super) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    format: Format,
    quiet: bool,
    style: Style,
    err_style: Style,
    terminal: bool,
    /// The code to end with when nothing failed.
    ends_as: u8,
}

impl Output {
    /// The process's own. A variable that names no format counts for nothing here: whoever prints in a format asks for it
    /// with [`variables::format`] first, and says so.
    pub(super) fn standard(global: &Global) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let no_color = global.no_color || std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty());
        let style = |terminal| if terminal && !no_color { Style::Color } else { Style::Plain };
        Self {
            style: style(out.is_terminal()),
            err_style: style(err.is_terminal()),
            terminal: out.is_terminal(),
            out: Box::new(out),
            err: Box::new(err),
            format: variables::format(global).unwrap_or(Format::Table),
            quiet: global.quiet,
            ends_as: 0,
        }
    }

    /// Ends the command with the code of the program it ran.
    pub(super) fn end_as(&mut self, code: u8) {
        self.ends_as = code;
    }

    /// How answers are to be printed.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Whether only what was asked for is to be printed.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a person sees standard output as it comes.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// How wide the terminal is; none if a program reads.
    pub(super) fn columns(&self) -> Option<usize> {
        let size = if self.terminal { rustix::termios::tcgetwinsize(io::stdout()).ok() } else { None };
        size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
    }

    /// How far long work has come: seen by a person at a terminal who did not ask for quiet.
    pub(super) fn progress(&self) -> Progress {
        Progress::new(!self.quiet && io::stderr().is_terminal())
    }

    /// Prints an answer in the format that was asked for.
    pub(super) fn show(&mut self, answer: &impl Shown) -> Result<(), CliError> {
        match self.format {
            Format::Table => self.write(answer.table(self.style).as_bytes()),
            Format::Json | Format::Yaml => self.data(answer),
        }
    }

    /// Prints the outcome of a change: nothing for a person who asked for quiet.
    pub(super) fn report(&mut self, answer: &impl Shown) -> Result<(), CliError> {
        if self.quiet && self.format == Format::Table { Ok(()) } else { self.show(answer) }
    }

    /// Prints data for programs: JSON unless YAML was asked for. The buffers are wiped, for the data may be a value.
    pub(super) fn data(&mut self, data: &impl Serialize) -> Result<(), CliError> {
        match self.format {
            Format::Table | Format::Json => {
                self.write(wiped::json(data)?.expose())?;
                self.write(b"\n")
            }
            Format::Yaml => {
                let text = serde_saphyr::to_string(data);
                let text = text.map_err(|_| CliError::Garbled { what: "it cannot be written as YAML" })?;
                self.write(Plaintext::new(text.into_bytes()).expose())
            }
        }
    }

    /// Prints bytes as they are.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.out.write_all(bytes).and_then(|()| self.out.flush()).map_err(CliError::Output)
    }

    /// Says something beside the answer, on standard error.
    pub(super) fn note(&mut self, text: &str) {
        if !self.quiet {
            // Nobody is left to be told if standard error is gone.
            let _gone = writeln!(self.err, "note: {}", plain(text));
        }
    }

    /// Explains on standard error what failed, when the command goes on.
    pub(super) fn tell(&mut self, error: &CliError) {
        let _gone = match self.format {
            Format::Table => self.err.write_all(for_people(error, self.err_style).as_bytes()),
            Format::Json | Format::Yaml => self.err.write_all(for_programs(error).as_bytes()),
        };
    }

    /// Shows help to a person who did not finish the command, on standard error because it is not what was asked for.
    pub(super) fn complain(&mut self, help: &str) -> ExitCode {
        let _gone = self.err.write_all(help.as_bytes());
        ExitCode::from(1)
    }

    /// Explains a failure on standard error and gives the exit code.
    pub(super) fn conclude(&mut self, done: Result<(), CliError>) -> ExitCode {
        let Err(error) = done else { return ExitCode::from(self.ends_as) };
        if matches!(&error, CliError::Output(source) if source.kind() == ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        self.tell(&error);
        ExitCode::from(error.exit_code())
    }
}

/// Three parts: what failed, why, what to type next.
fn for_people(error: &CliError, style: Style) -> String {
    let mut text = match style {
        Style::Color => "\u{1b}[31merror:\u{1b}[0m ".to_owned(),
        Style::Plain => "error: ".to_owned(),
    };
    text.push_str(&told(error));
    for (label, line) in [("\n  hint: ", error.hint()), ("\n  request id: ", request_id(error).to_owned())] {
        if !line.is_empty() {
            text.push_str(label);
            text.push_str(&plain(&line));
        }
    }
    text.push('\n');
    text
}

fn for_programs(error: &CliError) -> String {
    let id = request_id(error);
    let view = ErrorView {
        error: ErrorText {
            code: error.code().to_owned(),
            message: reasons(error),
            hint: error.hint(),
            request_id: (!id.is_empty()).then(|| id.to_owned()),
        },
    };
    serde_json::to_string(&view).map(|text| text + "\n").unwrap_or_default()
}

/// The error without control characters. One that is a list of lines keeps them apart: each of them is ours.
fn told(error: &CliError) -> String {
    let reasons = reasons(error);
    if matches!(
        innermost(error),
        CliError::File(_)
            | CliError::Catalogue(_)
            | CliError::Policy { .. }
            | CliError::Config { .. }
            | CliError::NotStarted(_)
    ) {
        return reasons.lines().map(plain).collect::<Vec<_>>().join("\n");
    }
    plain(&reasons)
}

/// The error and its sources, in one line.
fn reasons(error: &CliError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn request_id(error: &CliError) -> &str {
    if let CliError::Refused { request_id, .. } = innermost(error) { request_id } else { "" }
}

/// The error that another only gives its own exit code.
fn innermost(error: &CliError) -> &CliError {
    let error = error.within_template().unwrap_or(error);
    if let CliError::Untested(cause) = error { cause } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn refusal() -> CliError {
        CliError::Refused {
            status: 404,
            code: "not_found".into(),
            message: "a/b has no value\u{1b}[2J".into(),
            hint: "Look".into(),
            request_id: "7".into(),
        }
    }

    #[test]
    fn a_reader_that_went_away_ends_the_command_quietly() {
        let mut output = Output {
            out: Box::new(Gone),
            err: Box::new(Gone),
            format: Format::Table,
            quiet: false,
            style: Style::Plain,
            err_style: Style::Plain,
            terminal: false,
            ends_as: 0,
        };
        let done = output.write(b"x");
        assert_eq!(format!("{:?}", output.conclude(done)), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(format!("{:?}", output.conclude(Err(refusal()))), format!("{:?}", ExitCode::from(3)));
    }

    #[test]
    fn an_error_has_its_three_parts_and_no_control_characters() {
        let text = for_people(&refusal(), Style::Plain);
        assert_eq!(text, "error: a/b has no value\u{fffd}[2J\n  hint: Look\n  request id: 7\n");
        let json = for_programs(&refusal());
        assert!(json.starts_with(r#"{"error":{"code":"not_found","message":"a/b has no value"#), "{json}");
        assert!(json.ends_with("\"hint\":\"Look\",\"request_id\":\"7\"}}\n"), "{json}");
    }
}
