//! What an option says, or else its variable. A flag wins over its variable, also over one that is wrong; an empty variable
//! is one that is not set; and a wrong one stops only the commands that need it. So clap is not told of them: it reads every
//! variable before every command.

use std::env;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;

use clap::ValueEnum;

use super::arguments::{Format, Global};
use super::error::CliError;
use crate::delivery::variables::OWN_VARIABLES;
use crate::model::name::{CompanyId, EnvironmentName};

/// Most characters of a wrong word that are repeated.
const SHOWN_MAX: usize = 80;

/// The environment of the flag, else of `AURORA_ENVIRONMENT`.
///
/// # Errors
/// [`CliError::Usage`] when the variable holds no name.
pub(super) fn environment(flag: Option<&EnvironmentName>) -> Result<Option<EnvironmentName>, CliError> {
    either(flag, "AURORA_ENVIRONMENT", EnvironmentName::parse)
}

/// The company of the first flag, else of `AURORA_COMPANY`.
///
/// # Errors
/// [`CliError::Usage`] when the variable holds no name.
pub(super) fn company(global: &Global) -> Result<Option<CompanyId>, CliError> {
    either(global.company.first(), "AURORA_COMPANY", CompanyId::parse)
}

/// How answers are printed: by the flag, else by `AURORA_OUTPUT`, else as a table.
///
/// # Errors
/// [`CliError::Usage`] when the variable holds no format.
pub(super) fn format(global: &Global) -> Result<Format, CliError> {
    Ok(either(global.output.as_ref(), "AURORA_OUTPUT", format_of)?.unwrap_or(Format::Table))
}

/// The agent socket of the flag, else of `AURORA_SOCKET`.
pub(super) fn socket(global: &Global) -> Option<PathBuf> {
    global.socket.clone().or_else(|| set("AURORA_SOCKET").map(PathBuf::from))
}

/// The configuration that `AURORA_CONFIG` names.
pub(super) fn config() -> Option<PathBuf> {
    set("AURORA_CONFIG").map(PathBuf::from)
}

/// The text of a variable that is set and not empty. No program that `aurora run` starts is given it.
fn set(variable: &str) -> Option<OsString> {
    debug_assert!(OWN_VARIABLES.contains(&variable), "{variable}");
    env::var_os(variable).filter(|text| !text.is_empty())
}

fn format_of(text: &str) -> Result<Format, String> {
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    Format::from_str(text, false).map_err(|_| format!("{shown:?} is none of table, json and yaml"))
}

fn either<T: Clone, E: Display>(
    flag: Option<&T>,
    variable: &'static str,
    parse: fn(&str) -> Result<T, E>,
) -> Result<Option<T>, CliError> {
    if let Some(flag) = flag {
        return Ok(Some(flag.clone()));
    }
    let Some(text) = set(variable) else { return Ok(None) };
    parse(&text.to_string_lossy()).map(Some).map_err(|error| CliError::Usage {
        message: format!("the environment variable {variable} is not usable: {error}"),
        hint: format!("Correct it, or unset {variable}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_format_is_told_with_those_that_are() {
        assert_eq!(format_of("yaml"), Ok(Format::Yaml));
        for wrong in ["bogus", "JSON", "json "] {
            let told = format_of(wrong).expect_err(wrong);
            assert!(told.contains(wrong) && told.ends_with("none of table, json and yaml"), "{told}");
        }
    }

    #[test]
    fn a_flag_is_taken_as_it_is() {
        let never = |_: &str| -> Result<Format, String> { panic!("nothing is read") };
        assert_eq!(either(Some(&Format::Json), "PATH", never).expect("the flag"), Some(Format::Json));
    }
}
