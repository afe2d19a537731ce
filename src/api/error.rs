//! Why a request gets no answer: the vault's reasons, and those found before the vault is asked.

use super::guard::Foreign;
use crate::model::glob::GlobError;
use crate::model::name::NameError;
use crate::model::secret::{ScopeError, SecretName};
use crate::model::time::EntropyUnavailable;
use crate::vault::error::VaultError;

/// A refusal, by cause. [`super::table`] knows the status and the code of each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    /// The vault refused or failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A name that is not canonical.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A scope that is none.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A secret pattern that is none.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// The path holds an escape that is not UTF-8.
    #[error("the path is not UTF-8 once it is decoded")]
    PathEncoding,
    /// The body is not JSON, or a field has the wrong type. The parser's own text would quote the value: it is not kept.
    #[error("the body is not the JSON this route takes (line {line}, column {column})")]
    BadJson {
        /// Where the parser stopped.
        line: usize,
        /// Where the parser stopped.
        column: usize,
    },
    /// A field that must be there.
    #[error("the field {field:?} is missing")]
    MissingField {
        /// Its name.
        field: String,
    },
    /// A field or query parameter this route does not know.
    #[error("the field {field:?} is unknown here")]
    UnknownField {
        /// Its name, shortened; never its value.
        field: String,
    },
    /// A field, parameter or header given twice: which of the two was meant is anybody's guess.
    #[error("{field:?} is given twice")]
    GivenTwice {
        /// Its name.
        field: String,
    },
    /// A field, parameter or header whose value is out of its range.
    #[error("{field} must be {wanted}")]
    BadValue {
        /// Which one.
        field: &'static str,
        /// What it would take.
        wanted: &'static str,
    },
    /// A query parameter that must be there, in the words of the AWS agent.
    #[error("missing parameter {name}")]
    MissingParameter {
        /// Its name.
        name: &'static str,
    },
    /// A query parameter that is none of the route, in the words of the AWS agent.
    #[error("unknown parameter: {name}")]
    UnknownParameter {
        /// Its name, if it is an ordinary one; never its value.
        name: String,
    },
    /// A request on loopback that no program of this machine meant.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// The connection ended inside the body.
    #[error("the request body ended early")]
    BodyCutOff,
    /// The body is larger than any that could hold a value within the limit.
    #[error("the request body is larger than a value of {bytes_max} bytes can need")]
    BodyTooLarge {
        /// The limit on the value.
        bytes_max: usize,
    },
    /// The value is not UTF-8, so JSON cannot carry it.
    #[error("the value of {name} is not UTF-8 text, and a JSON string cannot carry other bytes")]
    NotText {
        /// Which secret.
        name: SecretName,
    },
    /// All seats are taken, or all of this user.
    #[error("too many connections are open")]
    TooManyConnections,
    /// Bodies that are on their way take all the memory there is for them.
    #[error("too many request bodies are on their way")]
    TooManyBodies,
    /// Too many others read journals or snapshots.
    #[error("too many others read journals or snapshots")]
    TooManyAnswers,
    /// The answer took too long.
    #[error("the request was not answered within {seconds} s; a change may or may not have been made")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// Lines that come to more than one request may have.
    #[error("more than {} MiB in one request", max >> 20)]
    TooManyBytes {
        /// The limit.
        max: usize,
    },
    /// More lines than one request may have.
    #[error("more than {max} entries in one request")]
    TooManyEntries {
        /// The limit.
        max: usize,
    },
    /// One line of many is not right.
    #[error("line {number}: {cause}")]
    OfEntry {
        /// Which line, from 1.
        number: usize,
        /// What is wrong with it.
        cause: Box<ApiError>,
    },
    /// What another system's API has, and this one does not.
    #[error("{0}")]
    NotOffered(&'static str),
    /// No such path.
    #[error("this path leads nowhere")]
    UnknownRoute,
    /// The path exists, with other methods.
    #[error("this path does not take this method")]
    WrongMethod,
    /// No random bytes, so no request id, so no audit.
    #[error(transparent)]
    NoEntropy(#[from] EntropyUnavailable),
    /// An answer could not be written as JSON: our fault.
    #[error("the answer could not be written")]
    Unwritable,
}
