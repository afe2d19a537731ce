//! Why a file is refused: each wrong line with its reason, and never a word of a value.

use std::fmt;

use crate::model::name::{FieldName, NameError, NameRule};
use crate::model::secret::ScopeError;

/// Most problems that are told of one file. Whoever has more imports the wrong file, or in the wrong format.
pub const PROBLEMS_MAX: usize = 100;

/// A file that is refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file, as the caller named it.
    pub file: String,
    /// What is wrong, by line; never empty, and at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
}

impl FileError {
    /// Puts the problems in the order of their lines, each once.
    pub(super) fn new(file: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.line);
        problems.truncate(PROBLEMS_MAX);
        Self { file: file.to_owned(), problems }
    }
}

impl std::error::Error for FileError {}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.problems.as_slice() {
            return write!(formatter, "{} {problem}", self.file);
        }
        let least = if self.problems.len() < PROBLEMS_MAX { "" } else { "at least " };
        write!(formatter, "{} has {least}{} problems", self.file, self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}

/// One wrong line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Problem {
    /// Counted from 1. Of something that spans lines, the one it begins on.
    pub line: usize,
    /// What is wrong there.
    pub reason: Reason,
}

impl Problem {
    pub(super) fn new(line: usize, reason: Reason) -> Self {
        Self { line, reason }
    }
}

/// What is wrong with a line. Names are shown only once they have the form of one: a value may stand where a name
/// should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file is larger than any file of credentials.
    #[error("the file is larger than {} MiB", .0 / (1024 * 1024))]
    FileTooLarge(usize),
    /// More entries than are taken at once.
    #[error("the file has more than {0} entries; split it")]
    TooManyEntries(usize),
    /// The bytes are no text.
    #[error("is not UTF-8 text; save the file as UTF-8")]
    NotUtf8,
    /// A value that no node could take.
    #[error("the value is longer than {0} bytes")]
    ValueTooLong(usize),
    /// A name that is no name of a variable.
    #[error("does not begin with a name; write NAME=value, with a name of letters, digits, '_', '.' and '-'")]
    NotAName,
    /// A name that is empty, endless, or would disturb a terminal.
    #[error("the name is empty, longer than {0} bytes, or holds a control character")]
    UnprintableName(usize),
    /// A name alone.
    #[error("there is no '=' after the name; write NAME=value, or NAME= for an empty value")]
    NoEquals,
    /// A value whose quote never ends.
    #[error("the quote that opens here is never closed")]
    UnclosedQuote,
    /// `"a" b`.
    #[error("there is text after the closing quote; put the quote at the end of the value")]
    TextAfterQuote,
    /// A value in backticks, which tools read in different ways.
    #[error("the value begins with a backtick; write it in single quotes")]
    Backtick,
    /// Invisible characters outside quotes.
    #[error("there is a control character outside quotes; write the value in double quotes")]
    ControlCharacter,
    /// In a shell file, what a shell reads in its own way.
    #[error("a shell would not read this value as it stands here; write it in single quotes")]
    ShellSyntax,
    /// A comment of ours that does not say what it should.
    #[error("the comment '# aurora:' must say service/key_name, and may add #field and a scope: {0}")]
    Annotation(TargetError),
    /// A comment of ours that belongs to nothing.
    #[error("the comment '# aurora:' must stand on the line before its variable")]
    AnnotationAlone,
    /// One name twice.
    #[error("the name {name} is on line {first} already; keep one of them")]
    NameTwice {
        /// The name.
        name: String,
        /// Where it was first.
        first: usize,
    },
    /// Two names of one secret.
    #[error(
        "{name} is the secret {target}, and so is {first_name} on line {first}; take one away, or write {name} = false into the map file"
    )]
    SecretTwice {
        /// The name on this line.
        name: String,
        /// The secret it leads to.
        target: String,
        /// The name that led there first.
        first_name: String,
        /// Where that was.
        first: usize,
    },
    /// The file is not in the format it is read as.
    #[error("is not {format}: {what}")]
    Syntax {
        /// `JSON`, `YAML` or `TOML`.
        format: &'static str,
        /// The rule it breaks.
        what: String,
    },
    /// More than one document.
    #[error("a second document begins here; write one file for each")]
    SecondDocument,
    /// The top is no map.
    #[error("the file must hold one map from names to values")]
    NotAMap,
    /// Maps within maps.
    #[error("is nested too deep; the deepest is service, key name, field")]
    TooDeep,
    /// Something that is no text where a value should be.
    #[error("the value is {0}; write it in quotes")]
    NotText(&'static str),
    /// Something that no quotes would mend.
    #[error("the value is {0}; only texts can be stored")]
    NotAValue(&'static str),
    /// A map under a name that is neither a service nor a secret.
    #[error("a map stands here, so its name must be a service or service/key_name: {0}")]
    MapName(NameRule),
    /// Below a service, a name that is no key name.
    #[error("this is not a key name, which may be followed by a scope: {0}")]
    KeyName(TargetError),
    /// A field without a value.
    #[error("the field has no value; leave it out, or write \"\"")]
    FieldWithoutValue,
    /// A field whose name is none.
    #[error("this is not a field, which may be followed by ':string' or ':secret': {0}")]
    FieldName(TargetError),
    /// One field twice, with and without its kind.
    #[error("the field {0} is there already; keep one of them")]
    FieldTwice(FieldName),
    /// More fields than a value may have.
    #[error("a value has at most {0} fields, and here is one more")]
    TooManyFields(usize),
    /// With a Fernet key, a value that it does not open.
    #[error("the value is {0}")]
    NotFernet(FernetProblem),
    /// A map of fields that should be one field.
    #[error("several fields stand here, but the map file says that it is one field")]
    FieldOfFields,
    /// In the map file, a name that leads nowhere.
    #[error("must lead to \"service/key_name\", or be false to be skipped")]
    MapValue,
    /// In the map file, a target that is none.
    #[error("{0}")]
    MapTarget(TargetError),
}

/// Why a value cannot be had with a Fernet key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FernetProblem {
    /// It has not the form of a token.
    #[error("not a Fernet token; have the map file leave it out, or import it without --fernet-key-file")]
    NoToken,
    /// The key does not open it.
    #[error("a Fernet token that this key does not open: it was made with another key, or was changed")]
    Unopened,
    /// What is inside is no text.
    #[error("a Fernet token of something that is not UTF-8 text, and only text can be stored")]
    NoText,
}

/// Why a text does not name a secret. Does not repeat the text: whoever gives a file of values as the map file must not
/// find them on the screen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A name is not canonical.
    #[error("this is not a {kind}: {rule}")]
    Name {
        /// What was wanted.
        kind: &'static str,
        /// The rule that refused it.
        rule: NameRule,
    },
    /// The kind of a field is none.
    #[error("the kind of a field, after ':', must be secret or string")]
    FieldKind,
    /// The scope is none.
    #[error("the scope must be global, company:ID or node:NAME")]
    Scope,
}

impl From<NameError> for TargetError {
    fn from(error: NameError) -> Self {
        Self::Name { kind: error.kind, rule: error.reason }
    }
}

impl From<ScopeError> for TargetError {
    fn from(_: ScopeError) -> Self {
        Self::Scope
    }
}
