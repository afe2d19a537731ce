//! The routes of the AWS Secrets Manager Agent, for its clients.

use super::operation::{Content, Operation, get};
use super::words::{Word, word};
use crate::api::types_aws::{AwsQuery, AwsSecretView};

/// Who asks for whom.
const CONTEXT: &[&str] = &["X-Company-Id", "X-Node-Name", "X-Aurora-Reason"];

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        get("/ping", "ping", "Ask whether somebody answers")
            .about("It takes no key and tells nothing.")
            .answers_with(Content::Text("text/plain"), "`healthy`."),
        get("/secretsmanager/get", "getSecretValue", "Read a secret as from the AWS Secrets Manager Agent")
            .about(
                "The API key may stand in `X-Aws-Parameters-Secrets-Token`. The company is \
                 that of the reference or of `X-Company-Id`; if both name one, it must be the same. Older versions are \
                 on the lead.",
            )
            .query::<AwsQuery>()
            .needs(&["secretId"])
            .reads(CONTEXT)
            .answers::<AwsSecretView<'_>>("The value, in the shape of `GetSecretValue`.")
            .with_headers(&["X-Cache", "Age", "X-Secret-Version", "X-Fresh-Until", "ETag"])
            .refuses(
                400,
                "`ResourceNotFoundException` if there is no such value or no such version, or it was destroyed; \
                 `InvalidParameterException` for what is wrong with the request.",
            )
            .refuses(503, "`ServiceUnavailable`: among it `stale_cache`, when the copy may not be served any more."),
    ]
}

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("AwsQuery.secretId", "Which secret."),
    word("AwsQuery.versionId", "A version by its number.").number(1, u64::MAX),
    word("AwsQuery.versionStage", "A version by its label.").one_of(STAGES),
    word("AwsQuery.refreshNow", "Confirm with the lead first.").flag(),
    word("AwsSecretView.SecretString", "The value, or its field, if it is UTF-8."),
    word("AwsSecretView.SecretBinary", "Any other value, in base64."),
    word("AwsSecretView.VersionId", "The version, as text.").pattern("^[1-9][0-9]*$"),
    word("AwsSecretView.VersionStages", "The label it was asked for by.").one_of(STAGES),
    word("AwsSecretView.CreatedDate", "Seconds since 1970, as text.").pattern(r"^-?[0-9]+\.[0-9]{3}$"),
    word("AwsError.__type", "The exception that Secrets Manager has for it.").one_of(EXCEPTIONS),
    word("AwsError.message", "What failed, and why; our code stands before it unless the request itself is wrong."),
];

/// Labels of versions.
const STAGES: &[&str] = &["AWSCURRENT", "AWSPREVIOUS"];

/// As `dialect::aws_kind` chooses them.
const EXCEPTIONS: &[&str] = &[
    "AccessDeniedException",
    "InternalFailure",
    "InvalidParameterException",
    "ResourceNotFoundException",
    "ServiceUnavailable",
    "ThrottlingException",
];
