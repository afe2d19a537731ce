//! Each provider of the build, played with its true answers: valid, rejected, restricted, out of quota, throttled, at fault,
//! slow, shut, with a bad certificate, and sending elsewhere. Each credential is found to be what the catalogue says, and is
//! called bad only by an answer that says so.

use std::collections::{BTreeMap, BTreeSet};

use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::model::connectivity::Cause;
use tokio::task::JoinSet;

use super::service_account::ServiceAccount;
use super::true_answers::{self, Answers, Comes, REJECTED, THROTTLED, VALID};
use super::{PathFault, Stage, Validated, Validation, Verdict, request};
use crate::support::authority::Shown;
use crate::support::callers::admin;

/// What a token endpoint gives where something else is to be tested.
const GRANTED: &str = r#"{"access_token":"ya29.not-real","expires_in":3599}"#;

/// All that can be checked.
const CREDENTIALS: usize = 33;

/// Every field of every provider has a value: the key file of a service account is a true one.
async fn every_field() -> (Stage, Catalogue, ServiceAccount) {
    let (stage, account) = (Stage::open().await, ServiceAccount::new());
    let catalogue = Catalogue::embedded().expect("the files of the build");
    for provider in catalogue.providers() {
        for field in &provider.fields {
            let name = format!("{}/{}", provider.name, field.name);
            let value = if field.name.as_str() == "service_account" { account.file() } else { "not-a-real-value" };
            stage.stores(&name, "global", value).await;
        }
        if let Some(token) = &provider.token {
            stage.theatre.answers_at(provider.name.as_str(), &token.origin.prefix, 200, GRANTED);
        }
    }
    (stage, catalogue, account)
}

/// The names of all credentials that can be checked.
fn credentials(catalogue: &Catalogue) -> Vec<String> {
    let of = |provider: &aurora_mesh::catalogue::provider::Provider| {
        let name = provider.name.clone();
        provider.probes.iter().map(|probe| format!("{name}/{}", probe.credential)).collect::<Vec<_>>()
    };
    let names: Vec<String> = catalogue.providers().flat_map(of).collect();
    assert_eq!(names.len(), CREDENTIALS);
    names
}

fn comes(found: &Validated) -> (&'static str, &'static str) {
    let cause = found.verdict.and_then(Verdict::cause);
    (found.status().as_str(), cause.map_or("", Cause::as_str))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_true_answer_of_every_provider_comes_to_what_the_catalogue_says() {
    let (stage, catalogue, _) = every_field().await;
    let (mut shown, mut wrong) = (BTreeMap::<String, BTreeSet<Comes>>::new(), Vec::new());
    for Answers { service, credentials, at, told } in true_answers::all() {
        for (credential, (status, headers, body, wanted)) in
            credentials.iter().flat_map(|credential| told.iter().map(move |told| (credential, told)))
        {
            if at.is_empty() {
                stage.theatre.answers(service, *status, headers, body);
            } else {
                stage.theatre.answers_at(service, at, *status, body);
            }
            let name = format!("{service}/{credential}");
            let found = stage.found(&name, None).await;
            if comes(&found) != *wanted {
                wrong.push(format!("{name} {status} {body}: {:?} and not {wanted:?}", comes(&found)));
            }
            assert!(found.reason.contains(&status.to_string()), "{name}: {found:?}");
            assert!(found.response_time.is_some() && !found.reason.contains("not-a-real"), "{name}: {found:?}");
            shown.entry(name).or_default().insert(*wanted);
        }
        if *at == "/token" {
            stage.theatre.answers_at(service, at, 200, GRANTED);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(shown.keys().collect::<BTreeSet<_>>(), credentials(&catalogue).iter().collect(), "all are shown");
    for (name, shown) in &shown {
        for always in [VALID, REJECTED, THROTTLED, true_answers::FAULT] {
            assert!(shown.contains(&always), "{name} is never {always:?}");
        }
    }
    let limited = shown.values().filter(|shown| shown.contains(&true_answers::LIMITED)).count();
    assert_eq!(limited, CREDENTIALS - 2, "a token of HubSpot is given or not, and a bot of Telegram may do all it can");
    assert_eq!(stage.theatre.connections("midjourney"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_sends_elsewhere_is_a_fault_and_nothing_is_sent_there() {
    let (stage, catalogue, _) = every_field().await;
    let elsewhere = format!("https://localhost:{}/midjourney/", stage.theatre.port("midjourney"));
    for name in credentials(&catalogue) {
        let service = name.split('/').next().expect("a service");
        for status in [301, 302, 303, 307, 308] {
            stage.theatre.answers(service, status, &[("location", &elsewhere)], "");
            if let Some(token) = &catalogue.providers().find(|it| it.name.as_str() == service).expect("known").token {
                // Where a token is asked for, that call is sent elsewhere; for all others nothing changes.
                stage.theatre.redirects_at(service, &token.origin.prefix, status, &elsewhere);
            }
            let found = stage.found(&name, None).await;
            assert_eq!(comes(&found), true_answers::FAULT, "{name} {status}: {found:?}");
        }
    }
    assert_eq!(stage.theatre.connections("midjourney"), 0, "nobody went there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_reached_or_not_itself_says_nothing_of_any_key() {
    let (stage, catalogue, _) = every_field().await;
    let shown = [Shown::OtherName, Shown::UnknownAuthority, Shown::Expired, Shown::NotYet, Shown::Impostor];
    for (name, shown) in credentials(&catalogue).iter().zip(shown.iter().cycle()) {
        let service = name.split('/').next().expect("a service");
        let before = stage.theatre.requests(service).len();
        stage.theatre.shows(service, *shown);
        let found = stage.found(name, None).await;
        assert_eq!(found.verdict, Some(Verdict::NoPath(PathFault::Tls)), "{name} {shown:?}: {found:?}");
        stage.theatre.shows(service, Shown::Good);
        stage.theatre.closes(service);
        stage.theatre.shut(service).await;
        let found = stage.found(name, None).await;
        assert_eq!(found.verdict, Some(Verdict::NoPath(PathFault::Connect)), "{name}: {found:?}");
        assert_eq!(found.status(), Validation::Unreachable);
        stage.theatre.reopen(service).await;
        assert_eq!(stage.theatre.requests(service).len(), before, "{name}: no byte of it came through");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_longer_than_five_seconds_is_not_reached() {
    let (stage, catalogue, _) = every_field().await;
    let mut checks = JoinSet::new();
    for name in credentials(&catalogue) {
        let service = name.split('/').next().expect("a service").to_owned();
        stage.theatre.hangs(&service);
        if let Some(token) = &catalogue.providers().find(|it| it.name.as_str() == service).expect("known").token {
            stage.theatre.hangs_at(&service, &token.origin.prefix);
        }
        let vault = stage.mesh.lead.vault().clone();
        checks.spawn(async move { (vault.validate(&admin(), request(&name, None)).await, name) });
    }
    while let Some(checked) = checks.join_next().await {
        let (found, name) = checked.expect("no panic");
        let found = found.expect("validated").remove(0);
        assert_eq!(found.verdict, Some(Verdict::NoPath(PathFault::Timeout)), "{name}: {found:?}");
        assert_eq!(found.status(), Validation::Unreachable, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_harmless_check_has_no_probe_and_is_called_by_nobody() {
    let (stage, catalogue, _) = every_field().await;
    let unprobed: Vec<_> = catalogue.providers().filter(|provider| provider.probes.is_empty()).collect();
    assert_eq!(unprobed.iter().map(|provider| provider.name.as_str()).collect::<Vec<_>>(), ["midjourney"]);
    for name in ["midjourney/api_key", "midjourney"] {
        let found = stage.found(name, None).await;
        assert_eq!((comes(&found), found.asked.as_str()), (("unsupported", ""), ""), "{name}");
        assert_eq!(found.credential.map(|it| it.to_string()).as_deref(), Some("midjourney/api_key"));
    }
    assert_eq!(stage.theatre.connections("midjourney"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assertion_of_a_service_account_is_signed_by_its_key_and_meant_for_the_token_endpoint_alone() {
    let (stage, _, account) = every_field().await;
    stage.stores("google_workspace/admin_email", "global", "admin@not-a-company.example").await;
    let found = stage.found("google_workspace/service_account", None).await;
    assert_eq!(comes(&found), VALID, "{found:?}");
    let seen = stage.theatre.requests("google_workspace");
    assert_eq!((seen.len(), seen[0].method.as_str(), seen[0].path.as_str()), (1, "POST", "/token"));
    let claims = account.claims(&seen[0].body);
    let endpoint = format!("https://localhost:{}/google_workspace/token", stage.theatre.port("google_workspace"));
    assert_eq!(
        (claims["aud"].as_str(), claims["iss"].as_str()),
        (Some(endpoint.as_str()), Some(ServiceAccount::EMAIL))
    );
    assert_eq!(claims["sub"], "admin@not-a-company.example");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/admin.directory.user.readonly");
    let lasts = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(end, start)| end - start);
    assert_eq!(lasts, Some(300), "{claims}");
    assert!(!seen[0].holds("PRIVATE"), "the key itself stays");
}
