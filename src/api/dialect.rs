//! In whose words a refusal is told: our own, or those that clients of another system know. The cause is the same, and so
//! is its code; only its shape is theirs.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::ApiError;
use super::json;
use super::table::Row;
use super::types_error::{ErrorBody, ErrorText};

/// The words by which Vault's clients tell a conflict from other bad requests.
const CAS_FAILED: &str = "check-and-set parameter did not match the current version";

/// How clients of a path expect to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Ours.
    Aurora,
    /// HashiCorp Vault and OpenBao: `{"errors":["…"]}`.
    Vault,
    /// The AWS Secrets Manager Agent: `{"__type":"…","message":"…"}`.
    Aws,
}

impl Dialect {
    /// The words of whoever asks at this path.
    pub(super) fn of(path: &str) -> Self {
        match path {
            path if path.starts_with("/v1/") => Self::Vault,
            path if path.starts_with("/secretsmanager/") => Self::Aws,
            _ => Self::Aurora,
        }
    }

    /// The status in which it is told.
    pub(super) fn status(self, row: &Row) -> StatusCode {
        match (self, row.status) {
            // Neither knows 401: a token that is missing is refused like one that is wrong.
            (Self::Vault | Self::Aws, StatusCode::UNAUTHORIZED) => StatusCode::FORBIDDEN,
            // A conflict is a bad request to Vault's clients, among it a write to a node that is not the lead: 400 is told
            // to whoever asked, where 429, 5xx and 307 are tried again or elsewhere, and would end the same.
            (Self::Vault, StatusCode::CONFLICT | StatusCode::NOT_ACCEPTABLE) => StatusCode::BAD_REQUEST,
            (Self::Vault, StatusCode::GONE) => StatusCode::NOT_FOUND,
            // What it cannot find, and what is gone, Secrets Manager calls a bad request.
            (Self::Aws, StatusCode::NOT_FOUND | StatusCode::GONE) => StatusCode::BAD_REQUEST,
            (_, status) => status,
        }
    }

    /// The body that tells it.
    ///
    /// # Errors
    /// [`ApiError::Unwritable`], our fault.
    pub(super) fn tell(self, row: &Row, request_id: &str) -> Result<Response, ApiError> {
        let Row { code, message, hint, .. } = row;
        match self {
            Self::Aurora => json::answer(&ErrorBody { error: ErrorText { code, message, hint, request_id } }),
            Self::Vault => json::answer(&VaultErrors { errors: vault_errors(row) }),
            Self::Aws => json::answer(&AwsError { kind: aws_kind(row.status), message: aws_message(row) }),
        }
    }
}

/// Vault says nothing of what is not there, and of a refusal no more than that it is one.
fn vault_errors(row: &Row) -> Vec<String> {
    match row.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Vec::new(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => vec!["permission denied".to_owned(), row.code.to_owned()],
        _ if row.code == "version_conflict" => {
            vec![CAS_FAILED.to_owned(), format!("{}: {}", row.code, row.message)]
        }
        _ => vec![format!("{}: {}", row.code, row.message)],
    }
}

/// The exception that Secrets Manager has for it (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>).
fn aws_kind(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => "ResourceNotFoundException",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "AccessDeniedException",
        StatusCode::TOO_MANY_REQUESTS => "ThrottlingException",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        status if status.is_server_error() => "InternalFailure",
        _ => "InvalidParameterException",
    }
}

/// What is wrong with a request, as it is; and of everything else our code, by which its cause is found, and what to do.
fn aws_message(Row { status, code, message, hint }: &Row) -> String {
    if *status == StatusCode::BAD_REQUEST { message.clone() } else { format!("{code}: {message}. {hint}") }
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VaultErrors {
    errors: Vec<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AwsError<'a> {
    #[serde(rename = "__type")]
    kind: &'a str,
    message: String,
}
