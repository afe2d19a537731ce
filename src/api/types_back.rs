//! `POST /api/rollback`: what is asked for, and what came of it.

use serde::{Deserialize, Serialize};

use super::types_change::Run;
use crate::vault::go_back::{Went, WentBack, WentBackTo};

/// The body.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct BackBody {
    pub(super) to_revision: u64,
    #[serde(default)]
    pub(super) dry_run: bool,
    pub(super) reason: Option<String>,
}

/// What came of it, or would.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct BackView {
    success: bool,
    dry_run: bool,
    to_revision: u64,
    revision: u64,
    secrets: Vec<WentView>,
}

/// One secret that is otherwise than before.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WentView {
    environment: String,
    secret: String,
    scope: String,
    version: u64,
    outcome: &'static str,
}

impl BackView {
    pub(super) fn new(went: &WentBackTo, run: Run) -> Self {
        Self {
            success: true,
            dry_run: matches!(run, Run::Dry),
            to_revision: went.to.get(),
            revision: went.revision.get(),
            secrets: went.secrets.iter().map(WentView::from).collect(),
        }
    }
}

impl From<&WentBack> for WentView {
    fn from(secret: &WentBack) -> Self {
        let outcome = match secret.went {
            Went::Back => "restored",
            Went::Away => "deleted",
            Went::Undeleted => "undeleted",
        };
        Self {
            environment: secret.at.secret.environment.to_string(),
            secret: secret.at.secret.name.to_string(),
            scope: secret.at.scope.to_string(),
            version: secret.version.get(),
            outcome,
        }
    }
}
