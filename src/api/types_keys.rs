//! Keys as the API tells of them: scopes, generations, times and counts.

use serde::{Deserialize, Serialize};

use crate::actors::change::KeyTarget;
use crate::actors::rotation_board::Progress;
use crate::model::secret::KeyScope;
use crate::vault::answer_keys::{KeyLine, KeyReport};

/// `POST /api/keys/rotate?scope=&scope_id=&environment=&all=&dry_run=`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RotateQuery {
    pub(super) scope: Option<String>,
    pub(super) scope_id: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) all: Option<String>,
    pub(super) dry_run: Option<String>,
}

/// What one key covers.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct KeyScopeView<'a> {
    environment: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
}

impl<'a> From<&'a KeyScope> for KeyScopeView<'a> {
    fn from(at: &'a KeyScope) -> Self {
        Self { environment: at.environment.as_str(), scope: at.scope.kind(), scope_id: at.scope.id() }
    }
}

/// One scope and the generation its values are sealed under, sooner or later.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TargetView<'a> {
    #[serde(flatten)]
    at: KeyScopeView<'a>,
    generation: u32,
}

impl<'a> From<&'a KeyTarget> for TargetView<'a> {
    fn from(target: &'a KeyTarget) -> Self {
        Self { at: (&target.at).into(), generation: target.generation.get() }
    }
}

/// `POST /api/keys/rotate`: begun, or what would begin; `GET /api/keys` tells how far it is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RotationView<'a> {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// For people.
    pub(super) message: &'static str,
    /// The scopes, each with its new generation.
    pub(super) started: Vec<TargetView<'a>>,
    /// Present when nothing was begun: the rest is what it would come to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dry_run: bool,
}

/// `POST /api/keys/rotate-root`: done.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RootView {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// For people.
    pub(super) message: &'static str,
    /// Since when the root key is the root key.
    pub(super) since: String,
}

/// `GET /api/keys`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct KeysView<'a> {
    keys: Vec<KeyView<'a>>,
    root: RootKeyView<'a>,
    rotation: Option<ProgressView<'a>>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct KeyView<'a> {
    #[serde(flatten)]
    at: KeyScopeView<'a>,
    generation: u32,
    since: Option<String>,
    values: u64,
    unfinished: bool,
    values_under_older: u64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RootKeyView<'a> {
    since: String,
    unseal: &'a str,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProgressView<'a> {
    scopes: Vec<TargetView<'a>>,
    phase: &'static str,
    resealed: u64,
    total: Option<u64>,
    failure: Option<&'a str>,
}

impl<'a> KeysView<'a> {
    /// The report, as of now.
    pub(super) fn new(report: &'a KeyReport, timestamp: String) -> Self {
        Self {
            keys: report.keys.iter().map(KeyView::from).collect(),
            root: RootKeyView { since: report.root_since.to_string(), unseal: report.unseal },
            rotation: report.rotation.as_ref().map(ProgressView::from),
            timestamp,
        }
    }
}

impl<'a> From<&'a KeyLine> for KeyView<'a> {
    fn from(line: &'a KeyLine) -> Self {
        Self {
            at: (&line.at).into(),
            generation: line.generation.get(),
            since: line.made_at.map(|at| at.to_string()),
            values: line.values,
            unfinished: line.under_older.is_some(),
            values_under_older: line.under_older.unwrap_or(0),
        }
    }
}

impl<'a> From<&'a Progress> for ProgressView<'a> {
    fn from(progress: &'a Progress) -> Self {
        Self {
            scopes: progress.targets.iter().map(TargetView::from).collect(),
            phase: progress.phase.as_str(),
            resealed: progress.resealed,
            total: progress.total,
            failure: progress.failure.as_deref(),
        }
    }
}
