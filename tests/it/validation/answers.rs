//! What a provider answers, and what that comes to.

use super::{LATE, PathFault, Stage, Validation, Verdict};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_as_the_catalogue_reads_it() {
    let stage = Stage::open().await;
    for (name, value) in [
        ("openai/api_key", "sk-not-a-real-key"),
        ("slack/bot_token", "xoxb-not-a-real-token"),
        ("telegram/bot_token", "123:not-a-real-token"),
        ("stripe/secret_key", "sk_test_not-a-real-key"),
    ] {
        stage.stores(name, "global", value).await;
    }
    let scope_missing =
        r#"{"error":{"code":null,"message":"You have insufficient permissions. Missing scopes: api.model.read"}}"#;
    let quota = r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#;
    let table = [
        ("openai/api_key", 200, r#"{"object":"list","data":[]}"#, Verdict::Accepted),
        ("openai/api_key", 401, r#"{"error":{"code":"invalid_api_key","message":"no"}}"#, Verdict::Rejected),
        ("openai/api_key", 401, scope_missing, Verdict::Limited),
        ("openai/api_key", 429, quota, Verdict::Exhausted),
        ("openai/api_key", 429, "{}", Verdict::Throttled),
        ("openai/api_key", 503, "", Verdict::Fault),
        ("openai/api_key", 302, "", Verdict::Fault),
        ("slack/bot_token", 200, r#"{"ok":true}"#, Verdict::Accepted),
        ("slack/bot_token", 200, r#"{"ok":false,"error":"token_revoked"}"#, Verdict::Rejected),
        ("telegram/bot_token", 200, r#"{"ok":true,"result":{"id":1}}"#, Verdict::Accepted),
        ("telegram/bot_token", 401, r#"{"ok":false,"error_code":401}"#, Verdict::Rejected),
        ("stripe/secret_key", 403, r#"{"error":{"type":"invalid_request_error"}}"#, Verdict::Limited),
    ];
    for (name, status, body, wanted) in table {
        let (service, _) = name.split_once('/').expect("a name");
        stage.theatre.answers(service, status, &[], body);
        let found = stage.found(name, None).await;
        assert_eq!(found.verdict, Some(wanted), "{name} {status} {body}: {found:?}");
        assert_eq!(found.status(), wanted.validation());
        assert!(found.reason.contains(&status.to_string()) && found.response_time.is_some(), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_reached_says_nothing_about_the_key() {
    let stage = Stage::open().await;
    stage.stores("openai/api_key", "global", "sk-not-a-real-key").await;
    stage.theatre.closes("openai");
    let broken = stage.found("openai/api_key", None).await;
    assert!(matches!(broken.verdict, Some(Verdict::NoPath(_))), "{broken:?}");
    stage.theatre.shut("openai").await;
    let closed = stage.found("openai/api_key", None).await;
    assert_eq!(closed.verdict, Some(Verdict::NoPath(PathFault::Connect)), "{closed:?}");
    assert_eq!(closed.status(), Validation::Unreachable);
    stage.theatre.reopen("openai").await;
    stage.theatre.answers_late("openai", LATE, 200, "{}");
    let late = stage.found("openai/api_key", None).await;
    assert_eq!(late.verdict, Some(Verdict::Accepted));
    assert!(late.response_time.is_some_and(|time| time >= LATE), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_harmless_check_is_asked_nothing() {
    let stage = Stage::open().await;
    stage.stores("midjourney/api_key", "global", "not-a-real-key").await;
    let found = stage.found("midjourney/api_key", None).await;
    assert_eq!((found.status(), found.asked.as_str()), (Validation::Unsupported, ""));
    assert_eq!(stage.theatre.connections("midjourney"), 0);
    let field = stage.validate("openai", None).await.expect("nothing is stored");
    assert!(field.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_shows_its_refresh_token_to_the_token_endpoint_alone() {
    let stage = Stage::open().await;
    for (field, value) in [("client_id", "id-1"), ("client_secret", "not-a-secret"), ("refresh_token", "1//not-real")] {
        stage.stores(&format!("gmail/{field}"), "global", value).await;
    }
    stage.theatre.answers("gmail", 200, &[], r#"{"emailAddress":"a@not-a-company.example"}"#);
    stage.theatre.answers_at(
        "gmail",
        "/token",
        200,
        r#"{"access_token":"ya29.not-real","refresh_token_expires_in":604799}"#,
    );
    let found = stage.found("gmail/refresh_token", None).await;
    assert_eq!(found.verdict, Some(Verdict::Accepted), "{found:?}");
    assert!(found.expires.is_some(), "the refresh token was given for a week");
    let seen = stage.theatre.requests("gmail");
    assert_eq!(seen.len(), 2);
    assert!(seen[0].method == "POST" && seen[0].body.contains("refresh_token=1%2F%2Fnot-real"), "{seen:?}");
    assert_eq!(seen[1].header("authorization"), Some("Bearer ya29.not-real"));
    assert!(!seen[1].holds("not-a-secret") && !seen[1].holds("1//not-real"));

    stage.theatre.answers_at("gmail", "/token", 400, r#"{"error":"invalid_grant"}"#);
    let dead = stage.found("gmail/refresh_token", None).await;
    assert_eq!(dead.verdict, Some(Verdict::Rejected), "{dead:?}");
    assert!(dead.asked.ends_with("/token"), "{dead:?}");
    assert_eq!(stage.theatre.requests("gmail").len(), 3, "without a token nothing more is asked");

    let half = stage.mesh.delete(crate::support::callers::place("gmail/client_secret", "global")).await;
    assert!(half.changed);
    let lacking = stage.found("gmail/refresh_token", None).await;
    assert_eq!(lacking.verdict, Some(Verdict::NoCredential), "{lacking:?}");
    assert!(lacking.reason.contains("client_secret"), "{lacking:?}");
    assert_eq!(stage.theatre.requests("gmail").len(), 3, "what lacks a part is not sent");
}
