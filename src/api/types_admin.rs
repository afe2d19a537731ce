//! Nodes, join tokens and the audit journal, for the owner of the node.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::types_record::milliseconds;
use crate::model::company::Companies;
use crate::model::entitlement::{COMPANIES_MAX, Entitlement, GLOBS_MAX};
use crate::model::glob::SecretGlob;
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::Revision;
use crate::vault::answer::{NodeLine, NodeState};
use crate::vault::request::TokenRequest;

/// The body of `POST /api/tokens`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    node: String,
    environment: Option<String>,
    #[serde(default)]
    companies: Vec<String>,
    allow: Option<Vec<String>>,
    valid_for: Option<u64>,
}

impl TokenBody {
    /// The request it stands for: no companies unless named, every secret of its scopes unless narrowed.
    ///
    /// # Errors
    /// [`ApiError`] names the field.
    pub(super) fn into_request(self, own: &EnvironmentName) -> Result<TokenRequest, ApiError> {
        let environment = self.environment.as_deref().map(EnvironmentName::parse).transpose()?;
        let allow = self.allow.unwrap_or_else(|| vec![SecretGlob::everything().to_string()]);
        Ok(TokenRequest {
            node: NodeName::parse(&self.node)?,
            entitlement: entitlement(environment.unwrap_or_else(|| own.clone()), &self.companies, &allow)?,
            valid_for: self.valid_for.map(Duration::from_secs),
        })
    }
}

/// The body of `POST /api/nodes/{name}/entitlement`: the whole entitlement, so nothing is kept by omission.
#[derive(Debug, Deserialize)]
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

fn entitlement(environment: EnvironmentName, companies: &[String], allow: &[String]) -> Result<Entitlement, ApiError> {
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

/// A new join token, shown once.
#[derive(Serialize)]
pub(super) struct TokenView<'a> {
    /// The text to hand to the new node.
    pub(super) token: &'a str,
    /// The node it admits.
    pub(super) node: &'a str,
    /// When it stops admitting.
    pub(super) expires_at: String,
}

/// A changed entitlement.
#[derive(Debug, Serialize)]
pub(super) struct EntitledView<'a> {
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
pub(super) struct NodesView<'a> {
    /// Every node of the roster.
    pub(super) nodes: Vec<NodeView<'a>>,
    /// Now, on the node's clock.
    pub(super) timestamp: String,
}

/// One node. `companies` is `["*"]` for a node that speaks for all.
#[derive(Debug, Serialize)]
pub(super) struct NodeView<'a> {
    name: &'a str,
    role: &'static str,
    state: &'static str,
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
        Self {
            name: line.name.as_str(),
            role: line.role.as_str(),
            state: state(line.state),
            environment: line.entitlement.environment.as_str(),
            companies: match &line.entitlement.companies {
                Companies::All => vec!["*"],
                Companies::Only(companies) => companies.iter().map(CompanyId::as_str).collect(),
            },
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

/// `GET /api/audit?limit=`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// How many of the last lines.
    pub(super) limit: Option<String>,
}

/// `GET /api/audit`: each line exactly as the journal has it, because its hash covers its bytes.
#[derive(Debug, Serialize)]
pub(super) struct AuditView {
    /// JSON texts, oldest first.
    pub(super) lines: Vec<String>,
}

/// `GET /api/audit/verify`.
#[derive(Debug, Serialize)]
pub(super) struct VerdictView {
    /// Whether every line fits the one before.
    pub(super) valid: bool,
    /// Lines that were checked.
    pub(super) lines: u64,
    /// The first that does not fit, with its file and reason.
    pub(super) broken: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_admits_to_no_company_unless_one_is_named() {
        let own = EnvironmentName::parse("prod").expect("environment");
        let body: TokenBody = serde_json::from_str(r#"{"node":"runpod-tx"}"#).expect("json");
        let request = body.into_request(&own).expect("good");
        assert_eq!(request.entitlement.companies, Companies::default());
        assert_eq!(request.entitlement.globs, [SecretGlob::everything()]);
        assert_eq!(request.entitlement.environment, own);
        let body: TokenBody = serde_json::from_str(r#"{"node":"a","companies":["*"]}"#).expect("json");
        assert!(matches!(body.into_request(&own), Err(ApiError::Name(_))));
        let body: TokenBody = serde_json::from_str(r#"{"node":"a","allow":["openai"]}"#).expect("json");
        assert!(matches!(body.into_request(&own), Err(ApiError::Glob(_))));
    }

    #[test]
    fn an_entitlement_is_given_whole_and_within_its_bounds() {
        assert!(serde_json::from_str::<EntitlementBody>(r#"{"environment":"prod"}"#).is_err());
        let many = vec!["a/*".to_owned(); GLOBS_MAX + 1];
        let prod = EnvironmentName::parse("prod").expect("environment");
        assert!(matches!(entitlement(prod, &[], &many), Err(ApiError::BadValue { .. })));
    }
}
