//! The same of Google, which gives out a token first: refused there, or by the API with the token.

use super::true_answers::{Answers, EXHAUSTED, FAULT, LIMITED, REJECTED, THROTTLED, Told, VALID};

const TOKEN: &str = "/token";

pub const GOOGLE: &[Answers] = &[
    Answers::at("gmail", &["refresh_token"], TOKEN, REFRESHED),
    Answers::at("gmail", &["refresh_token"], "/gmail/v1/users/me/profile", CALLED),
    Answers::at("google_ai", &["api_key"], "", GEMINI),
    Answers::at("google_drive", &["refresh_token"], TOKEN, REFRESHED),
    Answers::at("google_drive", &["refresh_token", "access_token"], "/drive/v3/about", CALLED),
    Answers::at("google_oauth", &["refresh_token"], TOKEN, GIVEN),
    Answers::at("google_oauth", &["refresh_token"], TOKEN, REFRESHED),
    Answers::at("google_sheets", &["refresh_token"], TOKEN, SHEETS),
    Answers::at("google_sheets", &["refresh_token"], TOKEN, REFRESHED),
    Answers::at("google_workspace", &["refresh_token"], TOKEN, GIVEN),
    Answers::at("google_workspace", &["refresh_token"], TOKEN, REFRESHED),
    Answers::at("google_workspace", &["service_account"], TOKEN, GIVEN),
    Answers::at("google_workspace", &["service_account"], TOKEN, ASSERTED),
];

const GIVEN: &[Told] = &[
    (200, &[], r#"{"access_token":"ya29.not-real","expires_in":3599,"token_type":"Bearer"}"#, VALID),
    (200, &[], r#"{"id_token":"not-real","token_type":"Bearer"}"#, FAULT),
];

/// What an application is refused with.
const REFUSED_APPLICATION: Told =
    (401, &[], r#"{"error":"invalid_client","error_description":"The OAuth client was not found."}"#, REJECTED);
const TOKEN_DEAD: Told =
    (400, &[], r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#, REJECTED);

const REFRESHED: &[Told] = &[
    TOKEN_DEAD,
    REFUSED_APPLICATION,
    (401, &[], r#"{"error":"deleted_client","error_description":"The OAuth client was deleted."}"#, REJECTED),
    (401, &[], r#"{"error":"unauthorized_client","error_description":"Unauthorized"}"#, REJECTED),
    (400, &[], r#"{"error":"admin_policy_enforced"}"#, LIMITED),
    (400, &[], r#"{"error":"invalid_scope","error_description":"Bad Request"}"#, LIMITED),
    (403, &[], r#"{"error":"access_denied"}"#, LIMITED),
    (400, &[], r#"{"error":"invalid_request"}"#, FAULT),
    (429, &[], r#"{"error":"rate_limit_exceeded"}"#, THROTTLED),
    (500, &[], r#"{"error":"internal_failure"}"#, FAULT),
    (503, &[], "", FAULT),
];

const SHEETS: &[Told] = &[
    (200, &[], r#"{"access_token":"t","scope":"https://www.googleapis.com/auth/spreadsheets.readonly"}"#, VALID),
    (200, &[], r#"{"access_token":"t","scope":"openid https://www.googleapis.com/auth/drive.file"}"#, VALID),
    (200, &[], r#"{"access_token":"t"}"#, VALID),
    (200, &[], r#"{"access_token":"t","scope":"https://www.googleapis.com/auth/gmail.readonly"}"#, LIMITED),
];

const ASSERTED: &[Told] = &[
    (400, &[], r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#, REJECTED),
    (400, &[], r#"{"error":"invalid_grant","error_description":"Invalid grant: account not found"}"#, REJECTED),
    (
        400,
        &[],
        r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}"#,
        FAULT,
    ),
    (
        401,
        &[],
        r#"{"error":"unauthorized_client","error_description":"Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested."}"#,
        LIMITED,
    ),
    (401, &[], r#"{"error":"disabled_client"}"#, REJECTED),
    (429, &[], "{}", THROTTLED),
    (500, &[], r#"{"error":"internal_failure"}"#, FAULT),
];

const CALLED: &[Told] = &[
    (200, &[], r#"{"user":{"kind":"drive#user"},"emailAddress":"a@not-a-company.example"}"#, VALID),
    (401, &[], r#"{"error":{"code":401,"status":"UNAUTHENTICATED","errors":[{"reason":"authError"}]}}"#, REJECTED),
    (
        403,
        &[],
        r#"{"error":{"code":403,"errors":[{"reason":"insufficientPermissions"}],"status":"PERMISSION_DENIED"}}"#,
        LIMITED,
    ),
    (403, &[], r#"{"error":{"code":403,"errors":[{"reason":"accessNotConfigured"}]}}"#, LIMITED),
    (403, &[], r#"{"error":{"code":403,"errors":[{"reason":"userRateLimitExceeded"}]}}"#, THROTTLED),
    (403, &[], r#"{"error":{"code":403,"errors":[{"reason":"dailyLimitExceeded"}]}}"#, EXHAUSTED),
    (429, &[], r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#, THROTTLED),
    (400, &[], r#"{"error":{"code":400,"errors":[{"reason":"required"}]}}"#, FAULT),
    (500, &[], r#"{"error":{"code":500,"errors":[{"reason":"backendError"}]}}"#, FAULT),
    (503, &[], "", FAULT),
];

const GEMINI: &[Told] = &[
    (200, &[], r#"{"models":[{"name":"models/gemini-2.5-flash"}],"nextPageToken":"x"}"#, VALID),
    (
        400,
        &[],
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
        REJECTED,
    ),
    (
        400,
        &[],
        r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","details":[{"reason":"API_KEY_INVALID"}]}}"#,
        REJECTED,
    ),
    (
        400,
        &[],
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","details":[{"locale":"en-US"}]}}"#,
        REJECTED,
    ),
    (401, &[], r#"{"error":{"code":401,"details":[{"reason":"ACCESS_TOKEN_TYPE_UNSUPPORTED"}]}}"#, REJECTED),
    (
        403,
        &[],
        r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#,
        LIMITED,
    ),
    (
        403,
        &[],
        r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"API_KEY_IP_ADDRESS_BLOCKED"}]}}"#,
        LIMITED,
    ),
    (
        400,
        &[],
        r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
        FAULT,
    ),
    (
        400,
        &[],
        r#"{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}"#,
        FAULT,
    ),
    (429, &[], r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#, THROTTLED),
    (500, &[], r#"{"error":{"code":500,"status":"INTERNAL"}}"#, FAULT),
    (503, &[], r#"{"error":{"code":503,"status":"UNAVAILABLE","message":"The model is overloaded."}}"#, FAULT),
];
