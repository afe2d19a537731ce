//! Reading as clients of the AWS Secrets Manager Agent do (<https://github.com/aws/aws-secretsmanager-agent>): a key in
//! `X-Aws-Parameters-Secrets-Token` where that agent has its token, and `GetSecretValue` as the answer.
//!
//! What it deliberately does not do: the requests of Amazon's own SDKs, which are signed; `roleArn`; and paths of the form
//! `/v1/SECRET`, which are those of Vault here.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;

use super::context::context;
use super::desk::Desk;
use super::error::ApiError;
use super::json;
use super::routes_secret::tell;
use super::types_aws::{AwsQuery, AwsSecretView, AwsValue, CURRENT, PREVIOUS, VersionStage, arn, seconds};
use crate::model::caller::Caller;
use crate::model::number::Version;
use crate::model::reference::Reference;
use crate::vault::answer::{ReadAnswer, ReadOutcome};
use crate::vault::error::VaultError;
use crate::vault::request::{Context, Known, ReadRequest};

/// `GET /ping`: that somebody answers. It takes no key and tells nothing.
pub(super) async fn ping() -> Response {
    let mut response = Response::new(Body::from("healthy"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET /secretsmanager/get`. The answer is complete before the vault is asked, last of all, whether it may still be given.
pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Arc<Caller>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = AwsQuery::parse(&uri)?;
    let environment = desk.vault.health().environment;
    let reference = asked.reference(desk.vault.mesh(), &environment)?;
    let context = on_behalf(context(&headers)?, &reference)?;
    let mut request = ReadRequest {
        name: reference.name.clone(),
        context,
        scope: None,
        version: one(asked.version, reference.version)?,
        field: reference.field,
        refresh: asked.refresh,
        known: None,
    };
    if let Some(stage) = asked.stage {
        request.version = staged(&desk, &caller, &request, stage).await?;
    }
    let stages = match (asked.stage, request.version) {
        (Some(VersionStage::Previous), _) => Some([PREVIOUS]),
        (Some(VersionStage::Current), _) | (None, None) => Some([CURRENT]),
        (None, Some(_)) => None,
    };
    let ReadOutcome::Value(answer) = desk.vault.read(&caller, request).await? else {
        return Err(ApiError::Unwritable);
    };
    let mut response = json::answer(&view(&desk, &answer, stages))?;
    tell(response.headers_mut(), answer.record.secret_id, answer.record.version, &answer.freshness);
    desk.vault.confirm(&answer)?;
    Ok(response)
}

/// The company of a reference, or the one of the header; both if they are one.
fn on_behalf(context: Context, reference: &Reference) -> Result<Context, ApiError> {
    let company = match (context.company, reference.company.clone()) {
        (Some(one), Some(other)) if one != other => return Err(ApiError::GivenTwice { field: "company".to_owned() }),
        (Some(company), _) | (None, Some(company)) => Some(company),
        (None, None) => None,
    };
    Ok(Context { company, ..context })
}

/// The number that was given, once or twice.
fn one(parameter: Option<Version>, in_reference: Option<Version>) -> Result<Option<Version>, ApiError> {
    match (parameter, in_reference) {
        (Some(one), Some(other)) if one != other => Err(ApiError::GivenTwice { field: "versionId".to_owned() }),
        (given, other) => Ok(given.or(other)),
    }
}

/// The version that has a label now. A number beside the label must be that version, or there is none. The current one is
/// asked for as by somebody who has it already, so that no value leaves for it.
async fn staged(
    desk: &Desk,
    caller: &Caller,
    request: &ReadRequest,
    stage: VersionStage,
) -> Result<Option<Version>, ApiError> {
    if stage == VersionStage::Current && request.version.is_none() {
        return Ok(None);
    }
    let now = ReadRequest { version: None, known: Some(Known::Any), ..request.clone() };
    let current = match desk.vault.read(caller, now).await? {
        ReadOutcome::NotModified { version, .. } => version,
        ReadOutcome::Value(answer) => answer.record.version,
    };
    let labelled = match stage {
        VersionStage::Current => Some(current),
        VersionStage::Previous => current.get().checked_sub(1).and_then(Version::new),
    };
    let is_given = |version: &Version| request.version.is_none_or(|given| given == *version);
    let none = VaultError::NoSuchVersion { name: request.name.clone(), version: request.version.unwrap_or(current) };
    labelled.filter(is_given).map(Some).ok_or_else(|| none.into())
}

fn view<'a>(desk: &Desk, answer: &'a ReadAnswer, version_stages: Option<[&'static str; 1]>) -> AwsSecretView<'a> {
    let secret = &answer.record.at.secret;
    let name = secret.name.to_string();
    AwsSecretView {
        arn: arn(desk.vault.mesh(), &secret.environment, &name),
        name,
        version_id: answer.record.version.to_string(),
        value: AwsValue::of(answer.value.expose()),
        version_stages,
        created_date: seconds(answer.record.updated_at),
    }
}
