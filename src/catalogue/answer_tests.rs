//! What each provider really answers, judged by the catalogue of this build.

use super::answer::{Answer, expiry, judge};
use super::lookup::Catalogue;
use super::probe::AnswerRule;
use crate::model::api_check::ExpirySource;
use crate::model::connectivity::Verdict;
use crate::model::connectivity::Verdict::{Accepted, Exhausted, Fault, Limited, Rejected, Throttled};
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

/// Which credential, the code, a header and the body, and what that means. `token:` asks about the token endpoint.
type Case = (&'static str, u16, &'static str, &'static str, Verdict);

const GOOGLE_REASON: &str =
    r#"{"error":{"code":403,"errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded"}]}}"#;

const CASES: &[Case] = &[
    ("openai/api_key", 200, "", r#"{"object":"list","data":[]}"#, Accepted),
    (
        "openai/api_key",
        401,
        "",
        r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
        Rejected,
    ),
    (
        "openai/api_key",
        401,
        "",
        r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read.","code":null}}"#,
        Limited,
    ),
    ("openai/api_key", 403, "", r#"{"error":{"code":"unsupported_country_region_territory"}}"#, Fault),
    ("openai/api_key", 429, "", r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#, Exhausted),
    ("openai/api_key", 429, "", r#"{"error":{"code":"rate_limit_exceeded"}}"#, Throttled),
    ("anthropic/api_key", 200, "", r#"{"data":[],"has_more":false}"#, Accepted),
    (
        "anthropic/api_key",
        401,
        "",
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
        Rejected,
    ),
    ("anthropic/api_key", 403, "", r#"{"type":"error","error":{"type":"permission_error"}}"#, Limited),
    ("anthropic/api_key", 400, "", r#"{"type":"error","error":{"type":"invalid_request_error"}}"#, Fault),
    ("anthropic/api_key", 404, "", r#"{"type":"error","error":{"type":"not_found_error"}}"#, Fault),
    ("anthropic/api_key", 529, "", r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Fault),
    ("anthropic/auth_token", 200, "", "{}", Accepted),
    ("anthropic/auth_token", 401, "", r#"{"error":{"type":"authentication_error"}}"#, Rejected),
    ("google_ai/api_key", 200, "", r#"{"models":[]}"#, Accepted),
    (
        "google_ai/api_key",
        400,
        "",
        r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
        Rejected,
    ),
    (
        "google_ai/api_key",
        400,
        "",
        r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"Multiple authentication credentials received"}}"#,
        Fault,
    ),
    ("google_ai/api_key", 401, "", r#"{"error":{"details":[{"reason":"ACCESS_TOKEN_TYPE_UNSUPPORTED"}]}}"#, Rejected),
    (
        "google_ai/api_key",
        403,
        "",
        r#"{"error":{"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#,
        Limited,
    ),
    ("google_ai/api_key", 429, "", r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#, Throttled),
    ("replicate/api_token", 200, "", r#"{"type":"user","username":"somebody"}"#, Accepted),
    ("replicate/api_token", 401, "", r#"{"title":"Unauthenticated","status":401}"#, Rejected),
    ("replicate/api_token", 402, "", "{}", Exhausted),
    ("fal_ai/api_key", 200, "", r#"{"prices":[]}"#, Accepted),
    ("fal_ai/api_key", 401, "", r#"{"detail":"Authentication is required"}"#, Rejected),
    ("fal_ai/api_key", 403, "", r#"{"detail":"User is locked. Reason: Exhausted balance."}"#, Exhausted),
    ("fal_ai/key_secret", 403, "", r#"{"detail":"Forbidden"}"#, Limited),
    ("elevenlabs/api_key", 200, "", r#"{"voices":[]}"#, Accepted),
    ("elevenlabs/api_key", 401, "", r#"{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}"#, Rejected),
    ("elevenlabs/api_key", 400, "", r#"{"detail":{"status":"invalid_api_key"}}"#, Rejected),
    (
        "elevenlabs/api_key",
        401,
        "",
        r#"{"detail":{"status":"missing_permissions","message":"lacks voices_read"}}"#,
        Limited,
    ),
    ("elevenlabs/api_key", 401, "", r#"{"detail":{"status":"quota_exceeded"}}"#, Exhausted),
    (
        "token:google_oauth",
        200,
        "",
        r#"{"access_token":"not-a-real-token","expires_in":3599,"scope":"openid","token_type":"Bearer"}"#,
        Accepted,
    ),
    (
        "token:google_oauth",
        400,
        "",
        r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
        Rejected,
    ),
    ("token:google_oauth", 401, "", r#"{"error":"invalid_client"}"#, Rejected),
    ("token:google_oauth", 400, "", r#"{"error":"invalid_request"}"#, Fault),
    ("token:google_drive", 400, "", r#"{"error":"invalid_grant"}"#, Rejected),
    ("google_drive/refresh_token", 200, "", r#"{"user":{}}"#, Accepted),
    ("google_drive/refresh_token", 400, "", r#"{"error":{"code":400}}"#, Fault),
    ("google_drive/refresh_token", 403, "", r#"{"error":{"errors":[{"reason":"insufficientPermissions"}]}}"#, Limited),
    ("google_drive/access_token", 401, "", r#"{"error":{"code":401}}"#, Rejected),
    ("google_drive/access_token", 403, "", GOOGLE_REASON, Throttled),
    ("google_drive/access_token", 403, "", r#"{"error":{"errors":[{"reason":"dailyLimitExceeded"}]}}"#, Exhausted),
    (
        "token:google_sheets",
        200,
        "",
        r#"{"access_token":"x","scope":"https://www.googleapis.com/auth/spreadsheets.readonly"}"#,
        Accepted,
    ),
    (
        "token:google_sheets",
        200,
        "",
        r#"{"access_token":"x","scope":"openid https://www.googleapis.com/auth/drive"}"#,
        Accepted,
    ),
    ("token:google_sheets", 200, "", r#"{"access_token":"x","scope":"openid email"}"#, Limited),
    ("token:google_sheets", 400, "", r#"{"error":"invalid_grant"}"#, Rejected),
    ("token:gmail", 400, "", r#"{"error":"invalid_grant"}"#, Rejected),
    ("gmail/refresh_token", 200, "", r#"{"emailAddress":"somebody@example.com"}"#, Accepted),
    ("gmail/refresh_token", 401, "", r#"{"error":{"code":401}}"#, Rejected),
    ("gmail/refresh_token", 403, "", r#"{"error":{"errors":[{"reason":"insufficientPermissions"}]}}"#, Limited),
    ("github/token", 200, "", r#"{"login":"somebody"}"#, Accepted),
    ("github/token", 401, "", r#"{"message":"Bad credentials"}"#, Rejected),
    ("github/token", 403, "x-ratelimit-remaining: 0", r#"{"message":"API rate limit exceeded"}"#, Throttled),
    (
        "github/token",
        403,
        "x-ratelimit-remaining: 12",
        r#"{"message":"You have exceeded a secondary rate limit"}"#,
        Throttled,
    ),
    (
        "github/token",
        403,
        "x-ratelimit-remaining: 12",
        r#"{"message":"Resource not accessible by integration"}"#,
        Accepted,
    ),
    ("github/token", 403, "", r#"{"message":"Resource not accessible by personal access token"}"#, Limited),
    ("telegram/bot_token", 200, "", r#"{"ok":true,"result":{"id":1}}"#, Accepted),
    ("telegram/bot_token", 200, "", r#"{"ok":false}"#, Fault),
    ("telegram/bot_token", 401, "", r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#, Rejected),
    ("telegram/bot_token", 404, "", r#"{"ok":false,"error_code":404,"description":"Not Found"}"#, Rejected),
    ("telegram/bot_token", 429, "", r#"{"ok":false,"parameters":{"retry_after":3}}"#, Throttled),
    ("sendgrid/api_key", 200, "", r#"{"scopes":["mail.send"]}"#, Accepted),
    (
        "sendgrid/api_key",
        401,
        "",
        r#"{"errors":[{"message":"The provided authorization grant is invalid, expired, or revoked"}]}"#,
        Rejected,
    ),
    ("sendgrid/api_key", 401, "", r#"{"errors":[{"message":"Maximum credits exceeded"}]}"#, Exhausted),
    ("sendgrid/api_key", 403, "", r#"{"errors":[{"message":"access forbidden"}]}"#, Limited),
    ("cloudflare/api_token", 200, "", r#"{"success":true,"result":{"id":"1","status":"active"}}"#, Accepted),
    ("cloudflare/api_token", 200, "", r#"{"success":true,"result":{"id":"1","status":"disabled"}}"#, Rejected),
    ("cloudflare/api_token", 200, "", r#"{"success":true,"result":{"id":"1","status":"expired"}}"#, Rejected),
    ("cloudflare/api_token", 200, "", r#"{"success":true}"#, Fault),
    (
        "cloudflare/api_token",
        400,
        "",
        r#"{"success":false,"errors":[{"code":6003,"message":"Invalid request headers"}]}"#,
        Rejected,
    ),
    ("cloudflare/api_token", 400, "", r#"{"success":false,"errors":[{"code":7003}]}"#, Fault),
    ("cloudflare/api_token", 401, "", r#"{"errors":[{"code":1000,"message":"Invalid API Token"}]}"#, Rejected),
    ("cloudflare/api_token", 403, "", r#"{"errors":[{"code":9109}]}"#, Rejected),
    ("cloudflare/account_token", 200, "", r#"{"result":{"status":"active"}}"#, Accepted),
    ("supabase/publishable_key", 200, "", r#"{"external":{}}"#, Accepted),
    ("supabase/anon_key", 401, "", r#"{"message":"Invalid API key"}"#, Rejected),
    ("supabase/service_role_key", 200, "", "{}", Accepted),
    ("supabase/secret_key", 200, "", r#"{"users":[]}"#, Accepted),
    ("supabase/secret_key", 401, "", r#"{"message":"Invalid API key"}"#, Rejected),
    ("supabase/secret_key", 403, "", r#"{"error_code":"not_admin"}"#, Limited),
    ("supabase/anon_key", 540, "", "", Fault),
    ("supabase/access_token", 200, "", "[]", Accepted),
    ("supabase/access_token", 401, "", r#"{"message":"Unauthorized"}"#, Rejected),
    ("stripe/secret_key", 200, "", r#"{"object":"balance"}"#, Accepted),
    ("stripe/secret_key", 401, "", r#"{"error":{"message":"Invalid API Key provided"}}"#, Rejected),
    (
        "stripe/secret_key",
        403,
        "",
        r#"{"error":{"message":"The provided key does not have the required permissions"}}"#,
        Limited,
    ),
    ("runway/api_key", 200, "", r#"{"creditBalance":120,"tier":{},"usage":{}}"#, Accepted),
    ("runway/api_key", 200, "", r#"{"creditBalance":0,"tier":{},"usage":{}}"#, Exhausted),
    ("runway/api_key", 401, "", r#"{"error":"Unauthorized"}"#, Rejected),
    ("hubspot/api_key", 200, "", r#"[{"name":"private-apps-api-calls-daily"}]"#, Accepted),
    ("hubspot/access_token", 401, "", r#"{"status":"error","category":"INVALID_AUTHENTICATION"}"#, Rejected),
    ("hubspot/api_key", 403, "", r#"{"status":"error","category":"MISSING_SCOPES"}"#, Limited),
    ("hubspot/api_key", 429, "", r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"DAILY"}"#, Exhausted),
    (
        "hubspot/api_key",
        429,
        "",
        r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING"}"#,
        Throttled,
    ),
    ("token:hubspot", 200, "", r#"{"access_token":"x","refresh_token":"y","expires_in":1800}"#, Accepted),
    (
        "token:hubspot",
        400,
        "",
        r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#,
        Rejected,
    ),
    ("token:hubspot", 400, "", r#"{"status":"BAD_CLIENT_SECRET"}"#, Rejected),
    ("token:google_workspace", 200, "", r#"{"access_token":"x","expires_in":3599}"#, Accepted),
    (
        "token:google_workspace",
        400,
        "",
        r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#,
        Rejected,
    ),
    (
        "token:google_workspace",
        400,
        "",
        r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}"#,
        Fault,
    ),
    (
        "token:google_workspace",
        401,
        "",
        r#"{"error":"unauthorized_client","error_description":"Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested."}"#,
        Limited,
    ),
    ("fireflies/api_key", 200, "", r#"{"data":{"user":{"email":"somebody@example.com"}}}"#, Accepted),
    (
        "fireflies/api_key",
        200,
        "",
        r#"{"errors":[{"code":"auth_failed","message":"Invalid or missing API key"}]}"#,
        Rejected,
    ),
    ("fireflies/api_key", 401, "", r#"{"errors":[{"code":"auth_failed"}]}"#, Rejected),
    ("fireflies/api_key", 429, "", r#"{"errors":[{"code":"too_many_requests"}]}"#, Throttled),
    ("fireflies/api_key", 403, "", r#"{"errors":[{"code":"account_cancelled"}]}"#, Limited),
    ("slack/bot_token", 200, "", r#"{"ok":true,"team":"x"}"#, Accepted),
    ("slack/bot_token", 200, "", r#"{"ok":false,"error":"invalid_auth"}"#, Rejected),
    ("slack/user_token", 200, "", r#"{"ok":false,"error":"token_revoked"}"#, Rejected),
    ("slack/bot_token", 200, "", r#"{"ok":false,"error":"account_inactive"}"#, Rejected),
    ("slack/bot_token", 200, "", r#"{"ok":false,"error":"token_expired"}"#, Rejected),
    ("slack/bot_token", 200, "", r#"{"ok":false,"error":"missing_scope"}"#, Limited),
    ("slack/bot_token", 200, "", r#"{"ok":false,"error":"internal_error"}"#, Fault),
    ("slack/bot_token", 429, "retry-after: 30", "", Throttled),
];

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap_or_else(|problems| panic!("{problems}"))
}

fn rules(catalogue: &Catalogue, about: &str) -> Vec<AnswerRule> {
    if let Some(service) = about.strip_prefix("token:") {
        let provider = catalogue.providers().find(|provider| provider.name.as_str() == service).expect(service);
        return provider.token.clone().expect(service).answers;
    }
    let (_, probe) = catalogue.probe(&SecretName::parse(about).expect(about)).expect(about);
    probe.answers.clone()
}

fn headers(line: &str) -> Vec<(String, String)> {
    line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect()
}

#[test]
fn what_the_providers_really_answer_is_judged_as_they_mean_it() {
    let catalogue = catalogue();
    for &(about, status, header, body, verdict) in CASES {
        let answer = Answer { status, headers: &headers(header), body: body.as_bytes() };
        assert_eq!(judge(&rules(&catalogue, about), &answer).verdict, verdict, "{about} {status} {header} {body}");
    }
}

/// A provider without a case here is one whose answers nobody looked at.
#[test]
fn every_provider_but_the_one_that_is_never_asked_has_cases_of_a_good_and_a_bad_key() {
    let catalogue = catalogue();
    assert_eq!(catalogue.providers().len(), 22);
    for provider in catalogue.providers().filter(|provider| provider.name.as_str() != "midjourney") {
        let name = provider.name.as_str();
        let of = |about: &str| about.strip_prefix("token:").unwrap_or(about).split('/').next() == Some(name);
        for wanted in [Accepted, Rejected] {
            assert!(CASES.iter().any(|(about, _, _, _, verdict)| of(about) && *verdict == wanted), "{name} {wanted:?}");
        }
        for probe in &provider.probes {
            let decided = probe.request.is_some() || provider.token.is_some();
            assert!(decided && provider.host.is_some(), "{name}/{}", probe.credential);
        }
    }
}

#[test]
fn the_provider_without_a_public_api_is_never_asked() {
    let catalogue = catalogue();
    let provider = catalogue.providers().find(|provider| provider.name.as_str() == "midjourney").expect("there");
    assert!(provider.probes.is_empty() && provider.host.is_none() && provider.unprobed.is_some());
    assert!(catalogue.probe(&SecretName::parse("midjourney/api_key").expect("name")).is_none());
}

/// Of every credential there is: nobody may be told that a key is bad because a provider, or what is on the way to it, is.
#[test]
fn a_fault_of_the_provider_a_redirect_and_too_many_calls_never_speak_against_a_key() {
    let catalogue = catalogue();
    let page = b"<html><body>not what you asked for</body></html>";
    for provider in catalogue.providers() {
        let of_probes = provider.probes.iter().map(|probe| &probe.answers).filter(|answers| !answers.is_empty());
        let of_token = provider.token.iter().map(|token| &token.answers);
        for rules in of_probes.chain(of_token) {
            let said = |status| judge(rules, &Answer { status, headers: &[], body: page });
            for status in [500, 502, 503, 504, 520, 529] {
                let judged = said(status);
                let note = judged.note.as_deref();
                assert_eq!(
                    (judged.verdict, note),
                    (Fault, Some("a fault of the provider")),
                    "{} {status}",
                    provider.name
                );
            }
            for status in [301, 302, 303, 307, 308] {
                let judged = said(status);
                let note = judged.note.as_deref();
                assert_eq!(
                    (judged.verdict, note),
                    (Fault, Some("a redirect, which is not followed")),
                    "{}",
                    provider.name
                );
            }
            assert_eq!(said(429).verdict, Throttled, "{}", provider.name);
            let odd = said(418);
            assert_eq!((odd.verdict, odd.note.as_deref()), (Fault, Some("an answer that nobody expects")));
        }
    }
}

/// A page of some network's own, with the code of success, is no answer of the provider where the body decides.
#[test]
fn a_body_that_is_no_json_fits_no_rule_about_the_body() {
    let catalogue = catalogue();
    for about in ["telegram/bot_token", "slack/bot_token", "fireflies/api_key", "cloudflare/api_token", "token:gmail"] {
        for body in [&b""[..], b"<html>", b"{\"ok\":tru", b"\xff\xfe"] {
            let judged = judge(&rules(&catalogue, about), &Answer { status: 200, headers: &[], body });
            assert_eq!(judged.verdict, Fault, "{about} {body:?}");
        }
    }
}

/// An answer may be built to be expensive: nested too deep to be read, or as long as one may be.
#[test]
fn a_hostile_body_is_a_fault_and_no_crash() {
    let catalogue = catalogue();
    let rules = rules(&catalogue, "slack/bot_token");
    for body in ["[".repeat(1 << 20), format!("{}1{}", "[".repeat(1 << 19), "]".repeat(1 << 19)), "9".repeat(1 << 20)] {
        assert_eq!(judge(&rules, &Answer { status: 200, headers: &[], body: body.as_bytes() }).verdict, Fault);
    }
}

#[test]
fn the_end_of_a_credential_is_read_from_where_its_provider_says_it() {
    let catalogue = catalogue();
    let now = Timestamp::parse("2026-11-21T08:00:00Z").expect("time");
    let said = |about: &str, header: &str, body: &str| {
        let (_, probe) = catalogue.probe(&SecretName::parse(about).expect(about)).expect(about);
        let headers = headers(header);
        let found = expiry(&probe.expires, &Answer { status: 200, headers: &headers, body: body.as_bytes() }, now);
        found.map(|end| (end.at.to_string(), end.source))
    };
    let end = |text: &str, source| Some((text.to_owned(), source));
    const GITHUB: &str = "github-authentication-token-expiration: ";
    let github = |time: &str| said("github/token", &format!("{GITHUB}{time}"), "");
    assert_eq!(github("2026-12-31 08:00:00 UTC"), end("2026-12-31T08:00:00.000Z", ExpirySource::Header));
    assert_eq!(github("2026-12-31 08:00:00 +0100"), end("2026-12-31T07:00:00.000Z", ExpirySource::Header));
    assert_eq!(github("2026-12-31T08:00:00Z"), end("2026-12-31T08:00:00.000Z", ExpirySource::Header));
    assert_eq!(github("soon"), None);
    assert_eq!(said("github/token", "", ""), None);
    let google = |body: &str| said("google_oauth/refresh_token", "", body);
    let week = end("2026-11-28T08:00:00.000Z", ExpirySource::Answer);
    assert_eq!(google(r#"{"expires_in":3599,"refresh_token_expires_in":604800}"#), week);
    assert_eq!(google(r#"{"refresh_token_expires_in":"604800"}"#), week);
    // That the access token ends in an hour says nothing about the refresh token.
    for body in [r#"{"expires_in":3599}"#, r#"{"refresh_token_expires_in":-1}"#, "no json"] {
        assert_eq!(google(body), None, "{body}");
    }
    assert_eq!(google(&format!(r#"{{"refresh_token_expires_in":{}}}"#, u64::MAX)), None);
    let cloudflare = said("cloudflare/api_token", "", r#"{"result":{"expires_on":"2026-12-31T08:00:00Z"}}"#);
    assert_eq!(cloudflare, end("2026-12-31T08:00:00.000Z", ExpirySource::Answer));
    assert_eq!(said("cloudflare/api_token", "", r#"{"result":{"expires_on":null}}"#), None);
}
