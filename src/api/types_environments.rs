//! Environments beside each other, as they are asked about and told. Lists of secrets end after a page; their whole
//! length is told beside them.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::types_change::Run;
use crate::model::name::{EnvironmentName, NodeName};
use crate::model::secret::ScopedSecret;
use crate::vault::answer::{EnvironmentLine, Mirrored, SharedValue, SharedValues};
use crate::vault::request::{CheckRequest, MirrorRequest};

/// Most secrets one answer names in each of its lists: as many as a page of the list of secrets.
const NAMED_MAX: usize = 1000;

/// One environment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EnvironmentView<'a> {
    environment: &'a str,
    own: bool,
    secrets: usize,
    live: usize,
    without_value: usize,
    nodes: usize,
}

impl<'a> From<&'a EnvironmentLine> for EnvironmentView<'a> {
    fn from(line: &'a EnvironmentLine) -> Self {
        Self {
            environment: line.name.as_str(),
            own: line.own,
            secrets: line.secrets,
            live: line.live,
            without_value: line.secrets.saturating_sub(line.live),
            nodes: line.nodes,
        }
    }
}

/// `GET /api/environments`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct EnvironmentsView<'a> {
    /// By name.
    pub(super) environments: Vec<EnvironmentView<'a>>,
}

/// `POST /api/environments/mirror`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct MirrorBody {
    from: String,
    to: String,
    prefix: Option<String>,
}

impl MirrorBody {
    /// The request it stands for.
    ///
    /// # Errors
    /// [`ApiError::Name`].
    pub(super) fn into_request(
        self,
        node: Option<NodeName>,
        reason: Option<String>,
    ) -> Result<MirrorRequest, ApiError> {
        let (from, to) = (EnvironmentName::parse(&self.from)?, EnvironmentName::parse(&self.to)?);
        Ok(MirrorRequest { from, to, prefix: self.prefix.filter(|prefix| !prefix.is_empty()), node, reason })
    }
}

/// `POST /api/environments/check`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct CheckBody {
    left: String,
    right: String,
}

impl CheckBody {
    /// The request it stands for.
    ///
    /// # Errors
    /// [`ApiError::Name`].
    pub(super) fn into_request(self, node: Option<NodeName>, reason: Option<String>) -> Result<CheckRequest, ApiError> {
        let (left, right) = (EnvironmentName::parse(&self.left)?, EnvironmentName::parse(&self.right)?);
        Ok(CheckRequest { left, right, node, reason })
    }
}

/// A secret in a scope.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PlaceView<'a> {
    service: &'a str,
    key_name: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
}

impl<'a> From<&'a ScopedSecret> for PlaceView<'a> {
    fn from(at: &'a ScopedSecret) -> Self {
        let name = &at.secret.name;
        let (service, key_name) = (name.service.as_str(), name.key.as_str());
        Self { service, key_name, scope: at.scope.kind(), scope_id: at.scope.id() }
    }
}

/// A secret that has no value in the environment that was copied to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LackingView<'a> {
    #[serde(flatten)]
    at: PlaceView<'a>,
    state: &'static str,
}

/// What a mirror did.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct MirrorView<'a> {
    success: bool,
    from: &'a str,
    to: &'a str,
    declared: Vec<PlaceView<'a>>,
    declared_total: usize,
    already_known: usize,
    without_value: Vec<LackingView<'a>>,
    without_value_total: usize,
    skipped_node_scopes: usize,
    revision: u64,
    /// Present when nothing was declared: the rest is what it would come to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl<'a> MirrorView<'a> {
    /// What is told of a mirror.
    pub(super) fn new(from: &'a EnvironmentName, to: &'a EnvironmentName, mirrored: &'a Mirrored, run: Run) -> Self {
        let lacking = mirrored.lacking.iter().take(NAMED_MAX);
        Self {
            success: true,
            from: from.as_str(),
            to: to.as_str(),
            declared: mirrored.declared.iter().take(NAMED_MAX).map(PlaceView::from).collect(),
            declared_total: mirrored.declared.len(),
            already_known: mirrored.known,
            without_value: lacking
                .map(|(at, state)| LackingView { at: PlaceView::from(at), state: state.as_str() })
                .collect(),
            without_value_total: mirrored.lacking.len(),
            skipped_node_scopes: mirrored.of_nodes,
            revision: mirrored.revision.get(),
            dry_run: run == Run::Dry,
        }
    }
}

/// A secret whose value another environment has too.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SharedValueView<'a> {
    #[serde(flatten)]
    at: PlaceView<'a>,
    same_place: bool,
    left: Vec<PlaceView<'a>>,
}

impl<'a> From<&'a SharedValue> for SharedValueView<'a> {
    fn from(value: &'a SharedValue) -> Self {
        let left = value.left.iter().map(PlaceView::from).collect();
        Self { at: PlaceView::from(&value.at), same_place: value.same_place, left }
    }
}

/// The values two environments share: where, never what.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SharedView<'a> {
    left: &'a str,
    right: &'a str,
    compared_left: usize,
    compared_right: usize,
    skipped: usize,
    shared: Vec<SharedValueView<'a>>,
    shared_total: usize,
}

impl<'a> SharedView<'a> {
    /// What is told of a comparison.
    pub(super) fn new(left: &'a EnvironmentName, right: &'a EnvironmentName, found: &'a SharedValues) -> Self {
        Self {
            left: left.as_str(),
            right: right.as_str(),
            compared_left: found.compared.0,
            compared_right: found.compared.1,
            skipped: found.skipped,
            shared: found.shared.iter().take(NAMED_MAX).map(SharedValueView::from).collect(),
            shared_total: found.shared.len(),
        }
    }
}
