//! What every provider of the build has in common: a key is called bad only by an answer that says so.

use aurora_mesh::catalogue::lookup::Catalogue;
use aurora_mesh::catalogue::probe::Authenticate;
use aurora_mesh::catalogue::provider::Provider;

use super::{PathFault, Stage, Validation, Verdict};
use crate::support::authority::Shown;

/// The usual credential of a provider; of two in Google Workspace the one that is no key file.
fn usual(provider: &Provider) -> Option<String> {
    let is_text = |authenticate: &Authenticate| !matches!(authenticate, Authenticate::ServiceAccount);
    let probe = provider.probes.iter().find(|probe| is_text(&probe.authenticate))?;
    Some(format!("{}/{}", provider.name, probe.credential))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_provider_is_said_to_refuse_a_key_that_it_did_not_speak_of() {
    let stage = Stage::open().await;
    let catalogue = Catalogue::embedded().expect("the files of the build");
    let (mut checked, mut unprobed) = (0, 0);
    for provider in catalogue.providers() {
        for field in &provider.fields {
            stage.stores(&format!("{}/{}", provider.name, field.name), "global", "not-a-real-value").await;
        }
        let service = provider.name.as_str();
        let Some(name) = usual(provider) else {
            assert_eq!(
                stage.found(&format!("{service}/{}", provider.fields[0].name), None).await.status(),
                Validation::Unsupported
            );
            unprobed += 1;
            continue;
        };
        let elsewhere = [("location", "https://evil.example/")];
        for (status, headers, wanted) in [
            (302, &elsewhere[..], Verdict::Fault),
            (418, &[], Verdict::Fault),
            (429, &[], Verdict::Throttled),
            (503, &[], Verdict::Fault),
        ] {
            stage.theatre.answers(service, status, headers, "{}");
            let found = stage.found(&name, None).await;
            assert_eq!(found.verdict, Some(wanted), "{name} {status}: {found:?}");
        }
        stage.theatre.shows(service, Shown::OtherName);
        let found = stage.found(&name, None).await;
        assert!(matches!(found.verdict, Some(Verdict::NoPath(_))), "{name}: {found:?}");
        stage.theatre.shut(service).await;
        let found = stage.found(&name, None).await;
        assert_eq!(found.verdict, Some(Verdict::NoPath(PathFault::Connect)), "{name}: {found:?}");
        assert_eq!(found.status(), Validation::Unreachable);
        checked += 1;
    }
    assert_eq!((checked, unprobed), (21, 1));
}

/// A token that was given out counted as proof, whatever it allows: a sheet could not be read with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_for_what_is_wanted_is_told_apart() {
    let stage = Stage::open().await;
    for field in ["client_id", "client_secret", "refresh_token"] {
        stage.stores(&format!("google_sheets/{field}"), "global", "not-a-real-value").await;
    }
    for (scope, wanted) in [("auth/spreadsheets", Verdict::Accepted), ("auth/gmail.readonly", Verdict::Limited)] {
        let body = format!(r#"{{"access_token":"ya29.not-real","scope":"https://www.googleapis.com/{scope}"}}"#);
        stage.theatre.answers("google_sheets", 200, &[], &body);
        let found = stage.found("google_sheets/refresh_token", None).await;
        assert_eq!(found.verdict, Some(wanted), "{scope}: {found:?}");
    }
}
