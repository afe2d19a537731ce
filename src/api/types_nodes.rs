//! Nodes, for whoever manages them on the lead.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::types_record::milliseconds;
use crate::model::company::Companies;
use crate::model::entitlement::{COMPANIES_MAX, Entitlement, GLOBS_MAX};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::Revision;
use crate::model::roster::Standing;
use crate::vault::answer::{NodeLine, NodeState};
use crate::vault::answer_nodes::ThrownOut;
use crate::vault::leave::Departed;
use crate::vault::request::Approval;

/// Longest reason of a ban, in bytes: a sentence, not a document, because it stays in the roster.
const REASON_BYTES_MAX: usize = 256;

/// The body of `POST /api/nodes/{name}/entitlement`: the whole entitlement, so nothing is kept by omission.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct EntitlementBody {
    environment: String,
    companies: Vec<String>,
    allow: Vec<String>,
}

impl EntitlementBody {
    /// The entitlement it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_entitlement(self) -> Result<Entitlement, ApiError> {
        entitlement(EnvironmentName::parse(&self.environment)?, &self.companies, &self.allow)
    }
}

/// A node that is entitled to something else, or was approved.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ChangedNodeView<'a> {
    /// Always true: a failure has the shape of an error.
    pub(super) success: bool,
    /// Which node.
    pub(super) node: &'a str,
    /// For people.
    pub(super) message: &'static str,
    /// The change.
    pub(super) revision: u64,
}

/// `GET /api/nodes`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NodesView<'a> {
    /// Every node of the roster.
    pub(super) nodes: Vec<NodeView<'a>>,
    /// Now, on the node's clock.
    pub(super) timestamp: String,
}

/// One node. `companies` is `["*"]` for a node that speaks for all.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NodeView<'a> {
    name: &'a str,
    role: &'static str,
    state: &'static str,
    standing: &'static str,
    banned_at: Option<String>,
    ban_reason: Option<&'a str>,
    environment: &'a str,
    companies: Vec<&'a str>,
    allow: Vec<&'a str>,
    fingerprint: String,
    joined_at: String,
    last_heard_ms: Option<u64>,
    revision: Option<u64>,
    cache_entries: Option<u64>,
    load: Option<f64>,
    uptime_ms: Option<u64>,
    address: Option<&'a str>,
}

impl<'a> From<&'a NodeLine> for NodeView<'a> {
    fn from(line: &'a NodeLine) -> Self {
        let (banned_at, ban_reason) = match &line.standing {
            Standing::Banned { at, reason } => (Some(at.to_string()), Some(reason.as_str())),
            Standing::Active | Standing::Pending => (None, None),
        };
        Self {
            name: line.name.as_str(),
            role: line.role.as_str(),
            state: state(line.state),
            standing: line.standing.as_str(),
            banned_at,
            ban_reason,
            environment: line.entitlement.environment.as_str(),
            companies: companies(&line.entitlement),
            allow: line.entitlement.globs.iter().map(SecretGlob::as_str).collect(),
            fingerprint: line.pin.fingerprint(),
            joined_at: line.joined_at.to_string(),
            last_heard_ms: line.last_heard.map(milliseconds),
            revision: line.acknowledged.map(Revision::get),
            cache_entries: line.cache_entries,
            load: line.load_milli.map(|milli| f64::from(milli) / 1000.0),
            uptime_ms: line.uptime.map(milliseconds),
            address: line.address.as_deref(),
        }
    }
}

fn state(state: NodeState) -> &'static str {
    match state {
        NodeState::Here => "here",
        NodeState::Alive => "alive",
        NodeState::Suspect => "suspect",
        NodeState::Lost => "lost",
        NodeState::Unknown => "unknown",
    }
}

/// An entitlement of these names.
///
/// # Errors
/// [`ApiError`] names the field.
pub(super) fn entitlement(
    environment: EnvironmentName,
    companies: &[String],
    allow: &[String],
) -> Result<Entitlement, ApiError> {
    if companies.len() > COMPANIES_MAX {
        return Err(ApiError::BadValue { field: "companies", wanted: "at most 32 companies" });
    }
    if allow.len() > GLOBS_MAX {
        return Err(ApiError::BadValue { field: "allow", wanted: "at most 32 patterns" });
    }
    Ok(Entitlement {
        environment,
        companies: Companies::Only(companies.iter().map(|id| CompanyId::parse(id)).collect::<Result<_, _>>()?),
        globs: allow.iter().map(|glob| SecretGlob::parse(glob)).collect::<Result<_, _>>()?,
    })
}

/// The companies of an entitlement; `*` for all.
pub(super) fn companies(entitlement: &Entitlement) -> Vec<&str> {
    match &entitlement.companies {
        Companies::All => vec!["*"],
        Companies::Only(companies) => companies.iter().map(CompanyId::as_str).collect(),
    }
}

/// The body of `POST /api/nodes/{name}/approve`. Without a fingerprint nothing was compared, and nothing is approved.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalBody {
    fingerprint: String,
}

impl ApprovalBody {
    /// The request it stands for; letters count in either case.
    pub(super) fn into_request(self) -> Approval {
        Approval { fingerprint: self.fingerprint.trim().to_ascii_lowercase() }
    }
}

/// The body of `POST /api/nodes/{name}/ban`.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct BanBody {
    reason: String,
}

impl BanBody {
    /// The reason it gives.
    ///
    /// # Errors
    /// [`ApiError::BadValue`] when it is none, too long, or no line of text.
    pub(super) fn into_reason(self) -> Result<String, ApiError> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
            return Err(ApiError::BadValue { field: "reason", wanted: "1 to 256 bytes of text on one line" });
        }
        Ok(reason.to_owned())
    }
}

/// This node is a member of the mesh no more.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DepartedView<'a> {
    success: bool,
    node: &'a str,
    message: &'static str,
    /// Whether nothing of what it held is in memory or in its store any more.
    forgotten: bool,
}

impl<'a> DepartedView<'a> {
    /// Of this node.
    pub(super) fn new(node: &'a NodeName, departed: Departed) -> Self {
        let message = "The lead has taken this node out of the roster; its name can be given again";
        Self { success: true, node: node.as_str(), message, forgotten: departed.forgotten }
    }
}

/// A node that was banned or removed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ThrownOutView<'a> {
    success: bool,
    node: &'a str,
    message: &'static str,
    /// So many scopes have a new key.
    scopes_rekeyed: usize,
    /// What to ask about next (`GET /api/exposure?of=`): what it could have read is still good at its providers. Nothing
    /// is known any more of a node that was removed.
    exposure: Option<String>,
    revision: u64,
}

impl<'a> ThrownOutView<'a> {
    /// Of a node that stays known.
    pub(super) fn banned(node: &'a NodeName, out: ThrownOut) -> Self {
        let message = "Banned; it is sent away and wipes its cache when it hears of it";
        Self { message, exposure: Some(format!("node:{node}")), ..Self::removed(node, out) }
    }

    /// Of a node that is forgotten.
    pub(super) fn removed(node: &'a NodeName, out: ThrownOut) -> Self {
        let ThrownOut { revision, scopes } = out;
        let message = "Removed; its name can be given again";
        let (node, revision) = (node.as_str(), revision.get());
        Self { success: true, node, message, scopes_rekeyed: scopes, exposure: None, revision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entitlement_is_given_whole_and_within_its_bounds() {
        assert!(serde_json::from_str::<EntitlementBody>(r#"{"environment":"prod"}"#).is_err());
        let many = vec!["a/*".to_owned(); GLOBS_MAX + 1];
        let prod = EnvironmentName::parse("prod").expect("environment");
        assert!(matches!(entitlement(prod, &[], &many), Err(ApiError::BadValue { .. })));
    }

    #[test]
    fn a_ban_has_a_reason_of_one_line() {
        let reason = |text: &str| BanBody { reason: text.to_owned() }.into_reason();
        assert_eq!(reason(" its disk was stolen "), Ok("its disk was stolen".to_owned()));
        for bad in ["", "  ", "two\nlines", &"a".repeat(257)] {
            assert!(matches!(reason(bad), Err(ApiError::BadValue { field: "reason", .. })), "{bad}");
        }
    }
}
