//! What is told of a change of one secret, made or only rehearsed.

use serde::Serialize;

use super::types_validation::ToldView;
use crate::vault::answer::Stored;
use crate::vault::answer_validation::Validated;

/// Whether what was asked for was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// It was.
    Real,
    /// What it would come to is told.
    Dry,
}

/// A committed change.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct StoredView {
    /// Always true: a failure has the shape of an error.
    success: bool,
    /// Serial number of the secret in its scope.
    secret_id: u64,
    /// For people.
    message: &'static str,
    /// The new version, or the one deleted.
    version: u64,
    /// The change, or the last one if there was none to make.
    revision: u64,
    /// Present when the request asked for what is there already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unchanged: bool,
    /// Present when nothing was done: the rest is what it would come to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    /// What the provider said of the value, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<ToldView>,
}

impl StoredView {
    /// A change as it is told: with these words if one was made.
    pub(super) fn new(stored: &Stored, run: Run, message: &'static str) -> Self {
        Self {
            success: true,
            secret_id: stored.secret_id,
            message: match (stored.changed, run) {
                (false, _) => "Nothing to change: it is so already",
                (true, Run::Dry) => "Dry run: nothing was changed",
                (true, Run::Real) => message,
            },
            version: stored.version.get(),
            revision: stored.revision.get(),
            unchanged: !stored.changed,
            dry_run: run == Run::Dry,
            validation: None,
        }
    }

    /// The same, with what the provider said of the value.
    pub(super) fn validated(self, validated: Validated) -> Self {
        Self { validation: Some(validated.into()), ..self }
    }
}
