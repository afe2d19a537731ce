//! What providers answer to whom, in their own words, and what each answer comes to: for all credentials of the catalogue
//! that can be checked. The Google ones are beside this.

use super::true_answers_google;

/// What is told of the credential, and why the API does not work with it; an empty cause is none.
pub type Comes = (&'static str, &'static str);

pub const VALID: Comes = ("valid", "");
pub const LIMITED: Comes = ("valid", "scope_missing");
pub const EXHAUSTED: Comes = ("valid", "quota");
pub const THROTTLED: Comes = ("unreachable", "quota");
pub const REJECTED: Comes = ("rejected", "key_rejected");
pub const FAULT: Comes = ("unreachable", "provider_fault");

/// One answer: code, headers, body, and what it comes to.
pub type Told = (u16, &'static [(&'static str, &'static str)], &'static str, Comes);

/// The answers to some credentials of one provider.
pub struct Answers {
    pub service: &'static str,
    pub credentials: &'static [&'static str],
    /// Where it is answered so; everywhere if empty. Elsewhere a token is given out.
    pub at: &'static str,
    pub told: &'static [Told],
}

impl Answers {
    const fn new(service: &'static str, credentials: &'static [&'static str], told: &'static [Told]) -> Self {
        Self { service, credentials, at: "", told }
    }

    pub const fn at(
        service: &'static str,
        credentials: &'static [&'static str],
        at: &'static str,
        told: &'static [Told],
    ) -> Self {
        Self { service, credentials, at, told }
    }
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Answers> {
    OTHERS.iter().chain(true_answers_google::GOOGLE)
}

const OTHERS: &[Answers] = &[
    Answers::new("anthropic", &["api_key", "auth_token"], ANTHROPIC),
    Answers::new("cloudflare", &["api_token", "account_token"], CLOUDFLARE),
    Answers::new("elevenlabs", &["api_key"], ELEVENLABS),
    Answers::new("fal_ai", &["api_key", "key_secret"], FAL_AI),
    Answers::new("fireflies", &["api_key"], FIREFLIES),
    Answers::new("github", &["token"], GITHUB),
    Answers::new("hubspot", &["api_key", "access_token"], HUBSPOT),
    Answers::at("hubspot", &["refresh_token"], "/oauth/v3/token", HUBSPOT_TOKEN),
    Answers::new("openai", &["api_key"], OPENAI),
    Answers::new("replicate", &["api_token"], REPLICATE),
    Answers::new("runway", &["api_key"], RUNWAY),
    Answers::new("sendgrid", &["api_key"], SENDGRID),
    Answers::new("slack", &["bot_token", "user_token"], SLACK),
    Answers::new("stripe", &["secret_key"], STRIPE),
    Answers::new(
        "supabase",
        &["publishable_key", "anon_key", "service_role_key", "secret_key", "access_token"],
        SUPABASE,
    ),
    Answers::new("supabase", &["secret_key"], SUPABASE_SECRET),
    Answers::new("telegram", &["bot_token"], TELEGRAM),
];

const OPENAI: &[Told] = &[
    (200, &[], r#"{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}"#, VALID),
    (401, &[], r#"{"error":{"message":"Incorrect API key provided.","code":"invalid_api_key"}}"#, REJECTED),
    (
        401,
        &[],
        r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","code":null}}"#,
        LIMITED,
    ),
    (403, &[], r#"{"error":{"message":"Missing scopes: api.model.read","code":"missing_scope"}}"#, LIMITED),
    (401, &[], r#"{"error":{"message":"Your IP is not authorized.","code":"ip_not_authorized"}}"#, LIMITED),
    (403, &[], r#"{"error":{"message":"Country not supported","code":"unsupported_country_region_territory"}}"#, FAULT),
    (429, &[], r#"{"error":{"message":"You exceeded your current quota.","code":"insufficient_quota"}}"#, EXHAUSTED),
    (
        429,
        &[("retry-after", "1")],
        r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#,
        THROTTLED,
    ),
    (500, &[], r#"{"error":{"message":"The server had an error","type":"server_error","code":null}}"#, FAULT),
    (503, &[], "The engine is currently overloaded", FAULT),
];

const ANTHROPIC: &[Told] = &[
    (200, &[], r#"{"data":[{"type":"model","id":"claude-sonnet-4-5"}],"has_more":true}"#, VALID),
    (401, &[], r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#, REJECTED),
    (402, &[], r#"{"type":"error","error":{"type":"billing_error","message":"billing"}}"#, EXHAUSTED),
    (403, &[], r#"{"type":"error","error":{"type":"permission_error","message":"not allowed"}}"#, LIMITED),
    (404, &[], r#"{"type":"error","error":{"type":"not_found_error","message":"not found"}}"#, FAULT),
    (429, &[], r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#, THROTTLED),
    (500, &[], r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#, FAULT),
    (529, &[], r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, FAULT),
];

const CLOUDFLARE: &[Told] = &[
    (200, &[], r#"{"result":{"id":"x","status":"active"},"success":true,"errors":[]}"#, VALID),
    (200, &[], r#"{"result":{"id":"x","status":"disabled"},"success":true}"#, REJECTED),
    (200, &[], r#"{"result":{"id":"x","status":"expired"},"success":true}"#, REJECTED),
    (200, &[], r#"{"result":null,"success":false}"#, FAULT),
    (400, &[], r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers"}]}"#, REJECTED),
    (400, &[], r#"{"success":false,"errors":[{"code":7003,"message":"Could not route"}]}"#, FAULT),
    (401, &[], r#"{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}]}"#, REJECTED),
    (403, &[], r#"{"success":false,"errors":[{"code":9109,"message":"Invalid access token"}]}"#, REJECTED),
    (
        403,
        &[],
        r#"{"success":false,"errors":[{"code":9109,"message":"Cannot use the access token from location: 192.0.2.1"}]}"#,
        LIMITED,
    ),
    (429, &[], r#"{"success":false,"errors":[{"code":971,"message":"Please wait"}]}"#, THROTTLED),
    (502, &[], "<html>Bad gateway</html>", FAULT),
    (521, &[], "", FAULT),
];

const ELEVENLABS: &[Told] = &[
    (200, &[], r#"{"voices":[]}"#, VALID),
    (401, &[], r#"{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}"#, REJECTED),
    (400, &[], r#"{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}"#, REJECTED),
    (
        401,
        &[],
        r#"{"detail":{"status":"missing_permissions","message":"missing the permission voices_read"}}"#,
        LIMITED,
    ),
    (401, &[], r#"{"detail":{"status":"detected_unusual_activity","message":"Free Tier usage disabled"}}"#, LIMITED),
    (401, &[], r#"{"detail":{"status":"quota_exceeded","message":"This request exceeds your quota"}}"#, EXHAUSTED),
    (429, &[], r#"{"detail":{"status":"too_many_concurrent_requests","message":"slow down"}}"#, THROTTLED),
    (422, &[], r#"{"detail":[{"loc":["query"],"msg":"field required"}]}"#, FAULT),
    (500, &[], "Internal Server Error", FAULT),
];

const FAL_AI: &[Told] = &[
    (200, &[], r#"{"prices":[{"endpoint_id":"fal-ai/flux/dev","unit_price":0.025}]}"#, VALID),
    (401, &[], r#"{"error":{"type":"authorization_error","message":"Authentication required"}}"#, REJECTED),
    (403, &[], r#"{"detail":"User is locked. Reason: Exhausted balance. Top up your balance."}"#, EXHAUSTED),
    (403, &[], r#"{"error":{"type":"authorization_error","message":"Admin key required"}}"#, LIMITED),
    (404, &[], r#"{"error":{"type":"not_found","message":"Endpoint id not found"}}"#, FAULT),
    (429, &[], r#"{"error":{"type":"rate_limited","message":"Rate limit exceeded"}}"#, THROTTLED),
    (500, &[], "", FAULT),
];

const FIREFLIES: &[Told] = &[
    (200, &[], r#"{"data":{"user":{"email":"a@not-a-company.example"}}}"#, VALID),
    (200, &[], r#"{"errors":[{"code":"auth_failed","message":"Invalid API key"}],"data":null}"#, REJECTED),
    (401, &[], r#"{"errors":[{"message":"Invalid","extensions":{"code":"auth_failed","status":401}}]}"#, REJECTED),
    (401, &[], "Unauthorized", REJECTED),
    (500, &[], r#"{"errors":[{"message":"Invalid","extensions":{"code":"auth_failed"}}]}"#, REJECTED),
    (403, &[], r#"{"errors":[{"code":"paid_required","message":"Your plan does not allow this"}]}"#, LIMITED),
    (200, &[], r#"{"errors":[{"code":"require_elevated_privilege"}],"data":null}"#, LIMITED),
    (429, &[], r#"{"errors":[{"code":"too_many_requests","extensions":{"status":429}}]}"#, THROTTLED),
    (200, &[], r#"{"errors":[{"code":"too_many_requests"}],"data":null}"#, THROTTLED),
    (200, &[], r#"{"errors":[{"code":"object_not_found"}],"data":null}"#, FAULT),
    (500, &[], r#"{"errors":[{"code":"internal_error"}]}"#, FAULT),
];

const GITHUB: &[Told] = &[
    (200, &[("x-ratelimit-remaining", "0")], r#"{"login":"octocat"}"#, VALID),
    (403, &[("x-ratelimit-remaining", "59")], r#"{"message":"Resource not accessible by integration"}"#, VALID),
    (401, &[], r#"{"message":"Bad credentials","status":"401"}"#, REJECTED),
    (403, &[("x-ratelimit-remaining", "0")], r#"{"message":"API rate limit exceeded for user ID 1."}"#, THROTTLED),
    (403, &[], r#"{"message":"You have exceeded a secondary rate limit."}"#, THROTTLED),
    (429, &[("x-ratelimit-remaining", "0")], r#"{"message":"API rate limit exceeded"}"#, THROTTLED),
    (
        403,
        &[("x-ratelimit-remaining", "59")],
        r#"{"message":"Resource protected by organization SAML enforcement."}"#,
        LIMITED,
    ),
    (403, &[], r#"{"message":"Resource not accessible by personal access token"}"#, LIMITED),
    (500, &[], r#"{"message":"Server Error"}"#, FAULT),
    (503, &[], "", FAULT),
];

const HUBSPOT: &[Told] = &[
    (200, &[], r#"[{"name":"private-apps-api-calls-daily","usageLimit":650000,"currentUsage":2}]"#, VALID),
    (401, &[], r#"{"status":"error","category":"INVALID_AUTHENTICATION"}"#, REJECTED),
    (401, &[], r#"{"status":"error","category":"EXPIRED_AUTHENTICATION"}"#, REJECTED),
    (403, &[], r#"{"status":"error","category":"MISSING_SCOPES"}"#, LIMITED),
    (429, &[], r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"DAILY"}"#, EXHAUSTED),
    (429, &[], r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}"#, THROTTLED),
    (502, &[], "", FAULT),
];

const HUBSPOT_TOKEN: &[Told] = &[
    (200, &[], r#"{"access_token":"not-real","expires_in":1800,"token_type":"bearer"}"#, VALID),
    (200, &[], r#"{"token_type":"bearer"}"#, FAULT),
    (400, &[], r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#, REJECTED),
    (400, &[], r#"{"error":"invalid_grant"}"#, REJECTED),
    (400, &[], r#"{"status":"BAD_CLIENT_SECRET"}"#, REJECTED),
    (401, &[], r#"{"error":"invalid_client"}"#, REJECTED),
    (403, &[], r#"{"status":"error"}"#, FAULT),
    (429, &[], r#"{"status":"error","errorType":"RATE_LIMIT"}"#, THROTTLED),
    (503, &[], "", FAULT),
];

const REPLICATE: &[Told] = &[
    (200, &[], r#"{"type":"organization","username":"acme"}"#, VALID),
    (401, &[], r#"{"title":"Unauthenticated","detail":"You did not pass a valid token","status":401}"#, REJECTED),
    (402, &[], r#"{"title":"Insufficient credit","status":402}"#, EXHAUSTED),
    (403, &[], r#"{"detail":"not allowed","status":403}"#, LIMITED),
    (429, &[], r#"{"detail":"Request was throttled. Expected available in 1 second."}"#, THROTTLED),
    (500, &[], "", FAULT),
];

const RUNWAY: &[Told] = &[
    (200, &[], r#"{"creditBalance":1000,"tier":{"maxMonthlyCreditSpend":100}}"#, VALID),
    (200, &[], r#"{"creditBalance":0,"tier":{}}"#, EXHAUSTED),
    (401, &[], r#"{"error":"The API key is not valid"}"#, REJECTED),
    (403, &[], r#"{"error":"forbidden"}"#, LIMITED),
    (429, &[], r#"{"error":"too many requests"}"#, THROTTLED),
    (502, &[], "", FAULT),
];

const SENDGRID: &[Told] = &[
    (200, &[], r#"{"scopes":["mail.send"]}"#, VALID),
    (401, &[], r#"{"errors":[{"field":null,"message":"The provided authorization grant is invalid"}]}"#, REJECTED),
    (401, &[], r#"{"errors":[{"field":null,"message":"Maximum credits exceeded"}]}"#, EXHAUSTED),
    (403, &[], r#"{"errors":[{"field":null,"message":"access forbidden"}]}"#, LIMITED),
    (429, &[], r#"{"errors":[{"field":null,"message":"too many requests"}]}"#, THROTTLED),
    (500, &[], r#"{"errors":[{"message":"internal"}]}"#, FAULT),
];

const SLACK: &[Told] = &[
    (200, &[], r#"{"ok":true,"team":"acme","user":"robot"}"#, VALID),
    (200, &[], r#"{"ok":false,"error":"invalid_auth"}"#, REJECTED),
    (200, &[], r#"{"ok":false,"error":"token_revoked"}"#, REJECTED),
    (200, &[], r#"{"ok":false,"error":"token_expired"}"#, REJECTED),
    (200, &[], r#"{"ok":false,"error":"account_inactive"}"#, REJECTED),
    (200, &[], r#"{"ok":false,"error":"missing_scope","needed":"x"}"#, LIMITED),
    (200, &[], r#"{"ok":false,"error":"ratelimited"}"#, THROTTLED),
    (429, &[("retry-after", "30")], r#"{"ok":false,"error":"ratelimited"}"#, THROTTLED),
    (200, &[], r#"{"ok":false,"error":"internal_error"}"#, FAULT),
    (503, &[], r#"{"ok":false,"error":"service_unavailable"}"#, FAULT),
];

const STRIPE: &[Told] = &[
    (200, &[], r#"{"object":"balance","livemode":false}"#, VALID),
    (401, &[], r#"{"error":{"message":"Invalid API Key provided","type":"invalid_request_error"}}"#, REJECTED),
    (401, &[], r#"{"error":{"code":"api_key_expired","type":"invalid_request_error"}}"#, REJECTED),
    (403, &[], r#"{"error":{"message":"The provided key does not have the required permissions"}}"#, LIMITED),
    (429, &[], r#"{"error":{"code":"rate_limit","type":"invalid_request_error"}}"#, THROTTLED),
    (500, &[], r#"{"error":{"type":"api_error"}}"#, FAULT),
];

const SUPABASE: &[Told] = &[
    (200, &[], r#"{"external":{"email":true},"disable_signup":false}"#, VALID),
    (401, &[], r#"{"message":"Invalid API key","hint":"Double check your API key."}"#, REJECTED),
    (403, &[], r#"{"message":"Forbidden"}"#, LIMITED),
    (429, &[], r#"{"code":429,"error_code":"over_request_rate_limit"}"#, THROTTLED),
    (500, &[], r#"{"code":500,"error_code":"unexpected_failure"}"#, FAULT),
    (540, &[], r#"{"message":"Project paused"}"#, FAULT),
];

const SUPABASE_SECRET: &[Told] = &[(
    401,
    &[],
    r#"{"code":401,"error_code":"no_authorization","msg":"This endpoint requires a Bearer token"}"#,
    LIMITED,
)];

const TELEGRAM: &[Told] = &[
    (200, &[], r#"{"ok":true,"result":{"id":1,"is_bot":true}}"#, VALID),
    (401, &[], r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#, REJECTED),
    (404, &[], r#"{"ok":false,"error_code":404,"description":"Not Found"}"#, REJECTED),
    (409, &[], r#"{"ok":false,"error_code":409,"description":"Conflict"}"#, FAULT),
    (429, &[], r#"{"ok":false,"error_code":429,"parameters":{"retry_after":5}}"#, THROTTLED),
    (502, &[], "", FAULT),
];
