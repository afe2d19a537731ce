//! A value is shown to its provider before it is stored.

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::model::connectivity::Validation;
use aurora_mesh::model::name::ServiceName;
use aurora_mesh::vault::answer_validation::Refused;
use aurora_mesh::vault::error::VaultError;

use super::Stage;
use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::wait::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_value_is_not_stored_unless_somebody_insists() {
    let stage = Stage::open().await;
    let vault = stage.mesh.lead.vault();
    stage.stores("openai/api_key", "global", "sk-the-old-key").await;
    stage.theatre.answers_when("openai", "sk-a-bad-key", 401, r#"{"error":{"code":"invalid_api_key"}}"#);
    let bad = || put("openai/api_key", "global", "sk-a-bad-key");
    let refused = vault.put_checked(&admin(), bad(), Refused::Stays).await.expect_err("refused");
    assert!(matches!(&refused, VaultError::CredentialRejected { .. }), "{refused:?}");
    assert!(!refused.to_string().contains("sk-a"), "{refused}");
    assert_eq!(stage.theatre.requests("openai").len(), 2, "one refusal is no proof");
    assert_eq!(stage.mesh.lead.value(read("openai/api_key", None)).await, Ok("sk-the-old-key".to_owned()));

    let forced = vault.put_checked(&admin(), bad(), Refused::GoesIn).await.expect("stored");
    assert_eq!((forced.stored.version.get(), forced.validated.status()), (2, Validation::Rejected));
    assert_eq!(stage.mesh.lead.value(read("openai/api_key", None)).await, Ok("sk-a-bad-key".to_owned()));
    let journal = stage.journal();
    assert!(
        journal.contains(r#""outcome":"credential_rejected""#) && journal.contains(r#""outcome":"asked""#),
        "{journal}"
    );
    assert!(!journal.contains("sk-"));
}

/// Fireflies allows fifty calls a day to the whole mesh: those that people asked for are gone too.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_somebody_asked_for_are_counted_and_told() {
    let stage = Stage::open().await;
    let vault = stage.mesh.lead.vault();
    stage.stores("fireflies/api_key", "global", "not-a-real-key").await;
    stage.theatre.answers("fireflies", 401, &[], "{}");
    stage.validate("fireflies", None).await.expect("validated");
    let stored = vault.put_checked(&admin(), put("fireflies/api_key", "global", "another"), Refused::Stays).await;
    assert!(stored.is_err(), "{stored:?}");
    let calls = u32::try_from(stage.theatre.requests("fireflies").len()).expect("few");
    assert_eq!(calls, 3);
    let (service, lead) = (ServiceName::parse("fireflies").expect("a name"), &stage.mesh.lead.config.node.name);
    eventually("the lead tells of the calls", || async {
        let matrix = stage.mesh.lead.running().connectivity().board().matrix();
        let cell = matrix.row(lead)?.cells.get(&service)?.clone();
        (cell.spent_today == calls).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_is_stored_and_says_so() {
    let stage = Stage::open().await;
    let vault = stage.mesh.lead.vault();
    stage.theatre.shut("openai").await;
    let away = vault.put_checked(&admin(), put("openai/api_key", "global", "sk-new"), Refused::Stays).await;
    assert_eq!(away.expect("stored").validated.status(), Validation::Unreachable);
    for name in ["midjourney/api_key", "hubspot/portal_id", "acme/anything"] {
        let stored = vault.put_checked(&admin(), put(name, "global", "not-a-real-value"), Refused::Stays).await;
        let stored = stored.expect(name);
        assert_eq!(stored.validated.status(), Validation::Unsupported, "{name}");
        assert!(!stored.validated.reason.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_may_have_credentials_checked_has_them_checked() {
    let stage = Stage::open().await;
    stage.theatre.answers("openai", 200, &[], "{}");
    let vault = stage.mesh.lead.vault();
    for caller in [agent(), stranger()] {
        let tried = vault.put_checked(&caller, put("openai/api_key", "global", "sk-x"), Refused::Stays).await;
        assert!(matches!(tried, Err(VaultError::Denied { .. } | VaultError::NoIdentity)), "{tried:?}");
    }
    assert_eq!(stage.theatre.connections("openai"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_value_of_several_fields_is_checked_with_its_own_fields() {
    let stage = Stage::open().await;
    stage.theatre.answers("google_oauth", 200, &[], r#"{"access_token":"ya29.not-real"}"#);
    let fields = ["client_id", "client_secret", "refresh_token"].map(|name| aurora_mesh::model::fields::Field {
        name: aurora_mesh::model::name::FieldName::parse(name).expect(name),
        kind: aurora_mesh::model::fields::FieldKind::Secret,
    });
    let fields = aurora_mesh::model::fields::Fields::new(fields.to_vec()).expect("fields");
    let mut ask = put("google_oauth/app", "global", "");
    ask.value = Plaintext::new(br#"{"client_id":"id-1","client_secret":"s-1","refresh_token":"r-1"}"#.to_vec());
    ask.patch.fields = aurora_mesh::model::patch::Wish::Set(fields);
    let stored = stage.mesh.lead.vault().put_checked(&admin(), ask, Refused::Stays).await.expect("stored");
    assert_eq!(stored.validated.status(), Validation::Valid, "{:?}", stored.validated);
    let seen = stage.theatre.requests("google_oauth");
    assert!(seen[0].body.contains("refresh_token=r-1") && seen[0].body.contains("client_secret=s-1"), "{seen:?}");
}
