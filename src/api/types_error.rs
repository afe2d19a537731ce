//! The one shape of an error: `{"error":{"code","message","hint","request_id"}}`.

use serde::Serialize;

/// The envelope.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorBody<'a> {
    /// The error.
    pub(super) error: ErrorText<'a>,
}

/// What went wrong, for a program and for a person.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ErrorText<'a> {
    /// The stable word programs branch on.
    pub(super) code: &'a str,
    /// What failed, and why.
    pub(super) message: &'a str,
    /// What to do next.
    pub(super) hint: &'a str,
    /// Ties it to the log and the audit journal.
    pub(super) request_id: &'a str,
}
