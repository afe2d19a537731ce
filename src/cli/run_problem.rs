//! Why a program was not started: every variable that has no value, and each with its reason.

use std::fmt;
use std::time::Duration;

use super::ago::span;
use super::error::CliError;
use crate::delivery::variables::{Unfit, VariableError};
use crate::model::reference::Reference;

/// All of them; never empty.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

/// One variable.
#[derive(Debug)]
pub struct Problem {
    /// What it is called.
    pub variable: String,
    /// The secret it was to hold, if that can be told.
    pub secret: Option<Reference>,
    /// Why it does not.
    pub cause: Cause,
}

/// Why a variable has no value.
#[derive(Debug)]
pub enum Cause {
    /// It could have none.
    Unfit(VariableError),
    /// The value was confirmed too long ago, and is not to be or cannot be confirmed now.
    TooOld {
        /// How long ago.
        age: Duration,
        /// How long ago it may be.
        max: Duration,
    },
    /// The node did not give it.
    Refused(CliError),
}

impl Problems {
    /// The exit code of the first.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.0.first().map(|problem| &problem.cause) {
            Some(Cause::Unfit(_)) | None => 1,
            Some(Cause::TooOld { .. }) => 5,
            Some(Cause::Refused(error)) => error.exit_code(),
        }
    }

    /// The word of the first.
    #[must_use]
    pub fn code(&self) -> &str {
        match self.0.first().map(|problem| &problem.cause) {
            Some(Cause::Unfit(_)) | None => "bad_variable",
            Some(Cause::TooOld { .. }) => "stale_cache",
            Some(Cause::Refused(error)) => error.code(),
        }
    }

    /// What to do about the first. The node's hint, with the secret it is about.
    #[must_use]
    pub fn hint(&self) -> String {
        let Some(first) = self.0.first() else { return String::new() };
        match (&first.cause, &first.secret) {
            (Cause::TooOld { .. }, _) => "Look with: aurora status".to_owned(),
            (Cause::Refused(error), Some(secret)) => error.hint().replace("SERVICE/KEY_NAME", &secret.name.to_string()),
            (Cause::Refused(error), None) => error.hint(),
            (Cause::Unfit(_), _) => String::new(),
        }
    }
}

impl From<Vec<Unfit>> for Problems {
    fn from(unfit: Vec<Unfit>) -> Self {
        let problem =
            |unfit: Unfit| Problem { variable: unfit.variable, secret: None, cause: Cause::Unfit(unfit.error) };
        Self(unfit.into_iter().map(problem).collect())
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the command was not started: ")?;
        if let [problem] = self.0.as_slice() {
            return problem.fmt(formatter);
        }
        write!(formatter, "{} variables have no value", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.variable)?;
        if let Some(secret) = &self.secret {
            write!(formatter, " ({secret})")?;
        }
        match &self.cause {
            Cause::Unfit(error) => write!(formatter, ": {error}"),
            Cause::TooOld { age, max } => {
                write!(formatter, ": the lead confirmed it {} ago, and {} is the most", span(*age), span(*max))
            }
            Cause::Refused(error) => write!(formatter, ": {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_told_each_on_its_line_and_the_first_decides_the_code() {
        let refused =
            CliError::NotFound { message: "a/b has no value".to_owned(), hint: "Ask: SERVICE/KEY_NAME".to_owned() };
        let secret = Reference::parse("aurora://a/b?field=x").ok();
        let age = (Duration::from_secs(3700), Duration::from_secs(60));
        let problems = Problems(vec![
            Problem { variable: "A".to_owned(), secret: secret.clone(), cause: Cause::Refused(refused) },
            Problem { variable: "B".to_owned(), secret, cause: Cause::TooOld { age: age.0, max: age.1 } },
            Problem { variable: "C".to_owned(), secret: None, cause: Cause::Unfit(VariableError::ZeroByte) },
        ]);
        let told = problems.to_string();
        assert_eq!(
            told,
            "the command was not started: 3 variables have no value\n  A (aurora://a/b?field=x): a/b has no value\n  \
             B (aurora://a/b?field=x): the lead confirmed it 1 h ago, and 1 m is the most\n  \
             C: the value holds a zero byte, and no variable can"
        );
        assert_eq!((problems.exit_code(), problems.code(), problems.hint()), (3, "not_found", "Ask: a/b".to_owned()));
    }
}
