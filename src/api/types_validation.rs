//! Checks of credentials, as they are asked for and told. Nothing here holds a value, or anything that a provider wrote.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::model::api_check::{ExpirySource, KeyCheck, KeyExpiry};
use crate::model::connectivity::{Cause, Validation, Verdict};
use crate::model::name::{CompanyId, KeyName, ServiceName};
use crate::model::secret::Scope;
use crate::vault::answer_validation::{CredentialLine, CredentialPage, ValidateRequest, Validated};
use crate::vault::request::Context;

/// The body of `POST /credentials/{service}/validate`, which may be left out.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ValidateBody {
    key_name: Option<String>,
    company: Option<String>,
}

impl ValidateBody {
    /// The request it stands for.
    ///
    /// # Errors
    /// [`ApiError`] names the field; the company may be named in the body or in the header, not in both.
    pub(super) fn into_request(self, service: ServiceName, mut context: Context) -> Result<ValidateRequest, ApiError> {
        let key = self.key_name.as_deref().map(KeyName::parse).transpose()?;
        if let Some(company) = self.company {
            if context.company.is_some() {
                return Err(ApiError::GivenTwice { field: "company".to_owned() });
            }
            context.company = Some(CompanyId::parse(&company)?);
        }
        Ok(ValidateRequest { service, key, context })
    }
}

/// What came of checks.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ValidationView<'a> {
    provider: &'a str,
    results: Vec<ValidatedView<'a>>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ValidatedView<'a> {
    credential: Option<String>,
    company: Option<&'a str>,
    key: Option<String>,
    scope: Option<&'static str>,
    scope_id: Option<&'a str>,
    version: Option<u64>,
    validation_status: &'static str,
    reason: &'a str,
    asked: Option<&'a str>,
    response_time_ms: Option<u64>,
    cause: Option<&'static str>,
    path_fault: Option<&'static str>,
    expires_at: Option<String>,
    expires_source: Option<&'static str>,
    checked_at: String,
}

impl<'a> ValidationView<'a> {
    /// The results, as of now.
    pub(super) fn new(service: &'a ServiceName, results: &'a [Validated], timestamp: String) -> Self {
        let results = results.iter().map(ValidatedView::from).collect();
        Self { provider: service.as_str(), results, timestamp }
    }
}

impl<'a> From<&'a Validated> for ValidatedView<'a> {
    fn from(validated: &'a Validated) -> Self {
        let Validated { credential, company, key, verdict, reason, asked, response_time, expires, checked_at } =
            validated;
        let cause = verdict.and_then(Verdict::cause);
        Self {
            credential: credential.as_ref().map(ToString::to_string),
            company: company.as_ref().map(CompanyId::as_str),
            key: key.as_ref().map(|key| key.secret.to_string()),
            scope: key.as_ref().map(|key| key.scope.kind()),
            scope_id: key.as_ref().and_then(|key| key.scope.id()),
            version: key.as_ref().map(|key| key.version.get()),
            validation_status: validated.status().as_str(),
            reason,
            asked: Some(asked.as_str()).filter(|asked| !asked.is_empty()),
            response_time_ms: response_time.and_then(|time| u64::try_from(time.as_millis()).ok()),
            cause: cause.map(Cause::as_str),
            path_fault: cause.and_then(Cause::path_fault).map(|fault| fault.as_str()),
            expires_at: ends(expires.as_ref()),
            expires_source: expires.map(|expires| ExpirySource::as_str(expires.source)),
            checked_at: checked_at.to_string(),
        }
    }
}

/// What a provider said of a value that was stored.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ToldView {
    status: &'static str,
    reason: String,
}

impl From<Validated> for ToldView {
    fn from(validated: Validated) -> Self {
        Self { status: validated.status().as_str(), reason: validated.reason }
    }
}

/// `GET /credentials/status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CredentialsView<'a> {
    credentials: Vec<CredentialView<'a>>,
    next_cursor: Option<&'a str>,
    timestamp: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CredentialView<'a> {
    service: &'a str,
    key_name: &'a str,
    scope: &'static str,
    scope_id: Option<&'a str>,
    environment: &'a str,
    version: u64,
    state: &'static str,
    provider: Option<&'a str>,
    validation_status: Option<&'static str>,
    last_validated_at: Option<String>,
    reason: Option<&'a str>,
    expires_at: Option<String>,
    expires_source: Option<&'static str>,
}

impl<'a> CredentialsView<'a> {
    /// A page, as of now.
    pub(super) fn new(page: &'a CredentialPage, timestamp: String) -> Self {
        let credentials = page.items.iter().map(CredentialView::from).collect();
        Self { credentials, next_cursor: page.next_cursor.as_deref(), timestamp }
    }
}

impl<'a> From<&'a CredentialLine> for CredentialView<'a> {
    fn from(CredentialLine { record, provider, check, expires }: &'a CredentialLine) -> Self {
        let at = &record.at;
        let checked = check.as_ref();
        let verdict = checked.and_then(|check: &KeyCheck| check.verdict);
        Self {
            service: at.secret.name.service.as_str(),
            key_name: at.secret.name.key.as_str(),
            scope: at.scope.kind(),
            scope_id: Scope::id(&at.scope),
            environment: at.secret.environment.as_str(),
            version: record.version.get(),
            state: record.state().as_str(),
            provider: provider.as_ref().map(ServiceName::as_str),
            validation_status: verdict.map(Verdict::validation).map(Validation::as_str),
            last_validated_at: checked.and_then(|check| check.checked_at).map(|at| at.to_string()),
            reason: checked.map(|check| check.detail.as_str()).filter(|text| !text.is_empty()),
            expires_at: ends(expires.as_ref()),
            expires_source: expires.map(|expires| expires.source.as_str()),
        }
    }
}

fn ends(expires: Option<&KeyExpiry>) -> Option<String> {
    expires.map(|expires| expires.at.to_string())
}
