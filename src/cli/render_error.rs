//! Why `aurora render` wrote nothing, or did not come to its end.

use super::error::CliError;
use crate::delivery::template_error::TemplateError;
use crate::model::reference::Reference;

/// A failure, by cause. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template is wrong.
    #[error("{template}: {error}")]
    Template {
        /// Its file.
        template: String,
        /// What is wrong, and where.
        error: TemplateError,
    },
    /// A secret it names is missing, denied or too old.
    #[error("{template}: line {line}: {reference}")]
    Secret {
        /// Its file.
        template: String,
        /// The line that asks for the secret.
        line: usize,
        /// The secret.
        reference: Reference,
        /// Why it was not read.
        #[source]
        cause: CliError,
    },
    /// The file is written, but what was to be run afterwards failed.
    #[error("the file is written, but {command} {how}")]
    Command {
        /// The program.
        command: String,
        /// How it ended, or why it did not begin.
        how: String,
    },
}

impl RenderError {
    /// Why a secret was not read, if that is it.
    pub(super) fn cause(&self) -> Option<&CliError> {
        if let Self::Secret { cause, .. } = self { Some(cause) } else { None }
    }

    /// The code to end with.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Template { .. } => 1,
            Self::Secret { cause, .. } => cause.exit_code(),
            Self::Command { .. } => 2,
        }
    }

    /// The stable word for programs.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Template { .. } => "bad_template",
            Self::Secret { cause, .. } => cause.code(),
            Self::Command { .. } => "command_failed",
        }
    }

    /// What to type next.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Template { .. } => {
                "Nothing was written. Correct the template, and run the same command again.".into()
            }
            Self::Secret { cause, .. } => cause.hint(),
            Self::Command { .. } => {
                "Run it by hand once it is corrected: render runs it again only when the file changes.".to_owned()
            }
        }
    }
}
