//! Why a template gives no text. None of these repeats what a value could be part of.

use minijinja::{Error, ErrorKind};

use super::quoting::QuotingError;
use crate::crypto::fields::FieldError;
use crate::model::name::NameError;
use crate::model::reference::{Reference, ReferenceError};

/// What went wrong, and in which line of the template, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", at(*line))]
pub struct TemplateError {
    /// The line; 0 if it is about the whole.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

fn at(line: usize) -> String {
    if line == 0 { String::new() } else { format!("line {line}: ") }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is no template, or calls something that there is not. The text is of the template, which holds no value.
    #[error("{0}")]
    Syntax(String),
    /// A function was given something that names no secret.
    #[error("this names no secret: {0}")]
    Reference(String),
    /// A secret has not the field that was asked for.
    #[error("{reference}: {source}")]
    Field {
        /// Of which secret.
        reference: Box<Reference>,
        /// Why.
        source: FieldError,
    },
    /// A value that is no text.
    #[error("{0}: the value is no text; |base64 cannot help here, for a node answers texts only")]
    NotText(Box<Reference>),
    /// A value cannot stand where it is to be written.
    #[error(transparent)]
    Quoting(#[from] QuotingError),
    /// A quoting of something that has no text.
    #[error("only a text, a number or a truth value can be quoted")]
    Unquotable,
    /// The engine cannot go on; only the kind of its error is told, for its words may hold a part of a value.
    #[error("{0}")]
    Failed(ErrorKind),
    /// It computes for too long.
    #[error("the template does not come to an end")]
    Endless,
    /// Too many secrets.
    #[error("a template may use {0} secrets")]
    TooManySecrets(usize),
    /// Signs follow each other without end.
    #[error("more than {0} signs follow each other")]
    TooManySigns(usize),
    /// The text grows too long.
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
}

impl Problem {
    /// What a reference is not, without its text: it may have been put together from a value.
    pub(super) fn reference(error: &ReferenceError) -> Self {
        Self::Reference(match error {
            ReferenceError::Name(error) => rule(error),
            ReferenceError::Shape => {
                "write SERVICE/KEY_NAME, or aurora://SERVICE/KEY_NAME with ?field=, &company= and &version= as they are \
                 needed"
                    .to_owned()
            }
            ReferenceError::Version | ReferenceError::Unknown | ReferenceError::Twice(_) => error.to_string(),
        })
    }

    /// The same of one name.
    pub(super) fn name(error: &NameError) -> Self {
        Self::Reference(rule(error))
    }
}

fn rule(error: &NameError) -> String {
    format!("of the {}, {}", error.kind, error.reason)
}

/// An error of the engine, in our words where its own might hold a value.
pub(super) fn of_engine(error: &Error) -> TemplateError {
    let kind = error.kind();
    let is_of_template = matches!(
        kind,
        ErrorKind::SyntaxError | ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest
    );
    let problem = if kind == ErrorKind::OutOfFuel {
        Problem::Endless
    } else if kind == ErrorKind::UndefinedError {
        Problem::Syntax("something is used here that was never set".to_owned())
    } else if is_of_template {
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        Problem::Syntax(format!("{kind}{detail}"))
    } else {
        Problem::Failed(kind)
    };
    TemplateError { line: error.line().unwrap_or_default(), problem }
}
