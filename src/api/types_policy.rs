//! The policy as the API tells of it: grants, plans, and what would have been decided otherwise. All of something is `["*"]`.

use serde::{Deserialize, Serialize};

use crate::model::company::Companies;
use crate::model::grant::{Expiry, Grant};
use crate::model::reach::{Environments, Scopes};
use crate::policy::decide::Decision;
use crate::policy::plan::{Planned, PlannedChange};
use crate::policy::plan_fields::Differs;
use crate::policy::replay::Difference;
use crate::vault::policy::{PlannedPolicy, PolicyReport, TestedPolicy};

/// `POST /api/policy/plan`
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct PlanBody {
    /// The text of the file.
    pub(super) policy: String,
}

/// `POST /api/policy/apply`
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyBody {
    /// The text of the file.
    pub(super) policy: String,
    /// The revision its plan was made against.
    pub(super) expect: u64,
}

/// `POST /api/policy/test`
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct TestBody {
    /// The text of the file.
    pub(super) policy: String,
    /// How far to look back.
    pub(super) days: Option<u32>,
}

/// `GET /api/policy`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PolicyView<'a> {
    grants: Vec<GrantView<'a>>,
    agents: usize,
    revision: Option<u64>,
    timestamp: String,
}

impl<'a> PolicyView<'a> {
    /// The policy, as of now.
    pub(super) fn new(report: &'a PolicyReport, timestamp: String) -> Self {
        Self {
            grants: report.grants.iter().map(GrantView::from).collect(),
            agents: report.agents,
            revision: report.changed_at.map(|revision| revision.get()),
            timestamp,
        }
    }
}

/// One grant.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct GrantView<'a> {
    name: &'a str,
    principal: String,
    effect: &'static str,
    capabilities: Vec<&'static str>,
    secrets: Vec<&'a str>,
    scopes: Vec<&'static str>,
    companies: Vec<&'a str>,
    environments: Vec<&'a str>,
    expires_at: Option<String>,
    granted_by: &'a str,
    granted_at: String,
    reason: &'a str,
}

impl<'a> From<&'a Grant> for GrantView<'a> {
    fn from(grant: &'a Grant) -> Self {
        let reach = &grant.reach;
        Self {
            name: grant.name.as_str(),
            principal: grant.principal.to_string(),
            effect: grant.effect.as_str(),
            capabilities: grant.capabilities.iter().map(|capability| capability.as_str()).collect(),
            secrets: reach.secrets.iter().map(|glob| glob.as_str()).collect(),
            scopes: match &reach.scopes {
                Scopes::All => vec!["*"],
                Scopes::Only(kinds) => kinds.iter().map(|kind| kind.as_str()).collect(),
            },
            companies: match &reach.companies {
                Companies::All => vec!["*"],
                Companies::Only(names) => names.iter().map(|name| name.as_str()).collect(),
            },
            environments: match &reach.environments {
                Environments::All => vec!["*"],
                Environments::Only(names) => names.iter().map(|name| name.as_str()).collect(),
            },
            expires_at: match grant.expires_at {
                Expiry::Never => None,
                Expiry::At(at) => Some(at.to_string()),
            },
            granted_by: &grant.granted_by,
            granted_at: grant.granted_at.to_string(),
            reason: &grant.reason,
        }
    }
}

/// `POST /api/policy/plan` and `POST /api/policy/apply`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PlanView<'a> {
    applied: bool,
    /// Of a plan, what `expect` must be to apply it; else the change itself.
    revision: u64,
    summary: String,
    changes: Vec<ChangeView<'a>>,
    unchanged: usize,
    obstacles: &'a [String],
    notes: &'a [String],
}

impl<'a> PlanView<'a> {
    /// What would change.
    pub(super) fn planned(planned: &'a PlannedPolicy) -> Self {
        let plan = &planned.plan;
        Self {
            applied: false,
            revision: planned.revision.get(),
            summary: plan.summary(),
            changes: plan.changes.iter().map(ChangeView::from).collect(),
            unchanged: plan.unchanged,
            obstacles: &plan.obstacles,
            notes: &plan.notes,
        }
    }

    /// What has changed.
    pub(super) fn applied(applied: &'a PlannedPolicy) -> Self {
        Self { applied: true, ..Self::planned(applied) }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ChangeView<'a> {
    change: &'static str,
    kind: &'static str,
    name: &'a str,
    fields: Vec<FieldView<'a>>,
}

impl<'a> From<&'a Planned> for ChangeView<'a> {
    fn from(planned: &'a Planned) -> Self {
        let (change, fields) = match &planned.change {
            PlannedChange::Added(fields) => ("added", fields),
            PlannedChange::Changed(fields) => ("changed", fields),
            PlannedChange::Removed(fields) => ("removed", fields),
        };
        let fields = fields.iter().map(FieldView::from).collect();
        Self { change, kind: planned.kind.as_str(), name: &planned.name, fields }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "GrantField"))]
struct FieldView<'a> {
    field: &'static str,
    was: Option<&'a str>,
    will: Option<&'a str>,
}

impl<'a> From<&'a Differs> for FieldView<'a> {
    fn from(differs: &'a Differs) -> Self {
        Self { field: differs.field, was: differs.was.as_deref(), will: differs.will.as_deref() }
    }
}

/// `POST /api/policy/test`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DriftView<'a> {
    drift: bool,
    days: u32,
    compared: u64,
    skipped: u64,
    unreadable: u64,
    differences: Vec<DifferenceView<'a>>,
    unlisted: u64,
    timestamp: String,
}

impl<'a> DriftView<'a> {
    /// What was found, as of now.
    pub(super) fn new(tested: &'a TestedPolicy, days: u32, timestamp: String) -> Self {
        let drift = &tested.drift;
        Self {
            drift: !drift.is_none(),
            days,
            compared: drift.compared,
            skipped: drift.skipped,
            unreadable: tested.unreadable,
            differences: drift.differences.iter().map(DifferenceView::from).collect(),
            unlisted: drift.unlisted,
            timestamp,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DifferenceView<'a> {
    principal: &'a str,
    action: &'static str,
    secret: Option<String>,
    scope: Option<String>,
    was: DecisionView<'a>,
    would: DecisionView<'a>,
    as_today: bool,
    count: u64,
    last: String,
}

impl<'a> From<&'a Difference> for DifferenceView<'a> {
    fn from(difference: &'a Difference) -> Self {
        Self {
            principal: &difference.principal,
            action: difference.action.as_str(),
            secret: difference.secret.as_ref().map(ToString::to_string),
            scope: difference.scope.as_ref().map(ToString::to_string),
            was: (&difference.was).into(),
            would: (&difference.would).into(),
            as_today: difference.as_today,
            count: difference.count,
            last: difference.last.to_string(),
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DecisionView<'a> {
    decision: &'static str,
    rule: &'a str,
}

impl<'a> From<&'a Decision> for DecisionView<'a> {
    fn from(decision: &'a Decision) -> Self {
        match decision {
            Decision::Allowed { rule } => Self { decision: "allow", rule },
            Decision::Denied { rule } => Self { decision: "deny", rule },
        }
    }
}
