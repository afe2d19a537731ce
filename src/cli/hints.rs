//! Commands that hints propose, with the options the person gave: without them they would be about another secret.

use super::arguments::Global;
use super::error::CliError;

/// The verbs that hints propose, and which shared options each takes.
const PROPOSED: [(&str, Takes); 6] = [
    ("aurora explain ", Takes::Context),
    ("aurora versions ", Takes::Place),
    ("aurora info ", Takes::Place),
    ("aurora undelete ", Takes::Place),
    ("aurora destroy ", Takes::Place),
    ("aurora put ", Takes::Place),
];

/// The shared options of a verb that tell one secret from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Company and environment.
    Context,
    /// Scope and environment.
    Place,
}

/// The error, with a hint that can be typed as it is.
pub(super) fn completed(mut error: CliError, global: &Global) -> CliError {
    if let CliError::Refused { hint, .. } | CliError::NotFound { hint, .. } | CliError::Usage { hint, .. } = &mut error
    {
        *hint = with_options(hint, global);
    }
    error
}

/// A text in which each proposed command has the options of this one, after the name of its secret.
pub(super) fn with_options(text: &str, global: &Global) -> String {
    let mut completed = text.to_owned();
    for (verb, takes) in PROPOSED {
        let Some(start) = completed.find(verb).map(|at| at + verb.len()) else { continue };
        let name = completed.get(start..).map_or(0, |rest| rest.find(char::is_whitespace).unwrap_or(rest.len()));
        // `aurora put SECRET -` stands for any secret.
        if completed.get(start..start + name).is_some_and(|name| name.contains('/')) {
            completed.insert_str(start + name, &options(global, takes));
        }
    }
    completed
}

fn options(global: &Global, takes: Takes) -> String {
    let company = global.company.first().filter(|_| takes == Takes::Context);
    let scope = global.scope.as_ref().filter(|_| takes == Takes::Place);
    let mut options = String::new();
    for (name, value) in [
        ("--environment", global.environment.as_ref().map(ToString::to_string)),
        ("--company", company.map(ToString::to_string)),
        ("--scope", scope.map(ToString::to_string)),
    ] {
        if let Some(value) = value {
            options.push_str(&format!(" {name} {value}"));
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::arguments::Cli;
    use super::*;

    fn hint(line: &str, hint: &str) -> String {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
        with_options(hint, &cli.global)
    }

    #[test]
    fn a_proposed_command_is_about_the_same_secret() {
        let get = "aurora get a/b --company acme --environment dev --scope node:x";
        assert_eq!(
            hint(get, "Look with: aurora explain a/b"),
            "Look with: aurora explain a/b --environment dev --company acme"
        );
        assert_eq!(
            hint(get, "See what is kept: aurora versions a/b"),
            "See what is kept: aurora versions a/b --environment dev --scope node:x"
        );
        assert_eq!(hint("aurora get a/b", "aurora info a/b"), "aurora info a/b");
        assert_eq!(hint(get, "base64 FILE | aurora put SECRET -"), "base64 FILE | aurora put SECRET -");
        assert_eq!(
            hint("aurora put a/b --scope company:x", "… | aurora put a/b -   or use --from-file PATH"),
            "… | aurora put a/b --scope company:x -   or use --from-file PATH"
        );
    }
}
