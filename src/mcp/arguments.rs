//! What the tools take. Names are parsed as everywhere: what is none is refused before a node is asked.

use rmcp::schemars::JsonSchema;
use serde::Deserialize;

use super::refusal::Refusal;
use crate::model::name::{CompanyId, ServiceName};
use crate::model::secret::SecretName;

/// Which credentials to list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    /// Only credentials of this service, such as `openai`.
    pub(super) service: Option<String>,
    /// Only names `service/key_name` that begin so.
    pub(super) prefix: Option<String>,
    /// Only what is stored for this company.
    pub(super) company: Option<String>,
    /// At most so many, 1 to 100; 50 if absent.
    pub(super) limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// Which credential to explain.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainArguments {
    /// `service/key_name`, such as `openai/api_key`.
    #[serde(alias = "credential", alias = "secret")]
    pub(super) name: String,
    /// The company on whose behalf it would be used.
    pub(super) company: Option<String>,
}

/// Which API.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectivityArguments {
    /// Only this service, such as `openai`; all if absent.
    pub(super) service: Option<String>,
}

/// How far to look ahead.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ExpiringArguments {
    /// A duration such as `30d` or `12h`; 30 days if absent.
    pub(super) within: Option<String>,
}

/// What to ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct RequestArguments {
    /// `service/key_name`, such as `openai/api_key`.
    #[serde(alias = "credential", alias = "secret")]
    pub(super) name: String,
    /// What it is needed for, in one line of at most 256 bytes; a person reads it.
    pub(super) reason: String,
    /// `data_read` (to use the value; if absent), `data_query`, `data_write` or `integration_execute`.
    pub(super) capability: Option<String>,
    /// The company on whose behalf it would be used.
    pub(super) company: Option<String>,
}

/// How an API does.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
#[serde(deny_unknown_fields)]
pub(super) struct ReportArguments {
    /// The service, such as `openai`.
    pub(super) service: String,
    /// How it does: `healthy`, `degraded` or `down`.
    pub(super) status: String,
    /// How long its answer took.
    pub(super) response_time_ms: Option<u64>,
    /// What went wrong, in a few words. Never put a credential here.
    pub(super) error: Option<String>,
}

/// The secret of this name.
pub(super) fn secret(text: &str) -> Result<SecretName, Refusal> {
    const HINT: &str = "Write it as service/key_name, such as openai/api_key; list_credentials has the names.";
    SecretName::parse(text).map_err(|error| Refusal::of_argument(&format!("name: {error}"), HINT))
}

/// The service of this name, if one is given.
pub(super) fn service(text: Option<&str>) -> Result<Option<ServiceName>, Refusal> {
    const HINT: &str = "Give the first part of a credential's name, such as openai.";
    let parsed = text.filter(|text| !text.is_empty()).map(ServiceName::parse).transpose();
    parsed.map_err(|error| Refusal::of_argument(&format!("service: {error}"), HINT))
}

/// The company of this name, if one is given.
pub(super) fn company(text: Option<&str>) -> Result<Option<CompanyId>, Refusal> {
    const HINT: &str = "Give the id of a company this node speaks for, or leave it out.";
    let parsed = text.filter(|text| !text.is_empty()).map(CompanyId::parse).transpose();
    parsed.map_err(|error| Refusal::of_argument(&format!("company: {error}"), HINT))
}
