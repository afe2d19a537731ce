//! Whoever is not known, or not allowed, gets nothing and learns nothing; and it is written down.

pub mod by_route;
mod every_action;

use aurora_mesh::model::caller::{Caller, UID_NOBODY};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::{Context, ExportRequest};

use crate::support::callers::{admin, agent, put, read, stranger};
use crate::support::mesh::TestMesh;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_cannot_tell_a_secret_that_is_there_from_one_that_is_not() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let vault = mesh.lead.vault();
    let present = vault.read(&stranger(), read("hubspot/api_key", None)).await.expect_err("refused");
    let absent = vault.read(&stranger(), read("hubspot/no_such_key", None)).await.expect_err("refused");
    assert_eq!((present.code(), present.to_string()), (absent.code(), absent.to_string()));
    assert_eq!(present.code(), "denied");
    let lines = vault.audit_tail(&admin(), 3).await.expect("the owner may read the journal");
    let denials: Vec<&String> = lines.iter().filter(|line| line.contains(r#""decision":"deny""#)).collect();
    assert_eq!(denials.len(), 2, "{lines:?}");
    assert!(denials.iter().all(|line| line.contains("user:54321") && line.contains(r#""rule":"default-deny""#)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_not_identified_through_either_door() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    for door in [agent(), admin()] {
        let nobody = Caller { uid: UID_NOBODY, ..door };
        let refused = mesh.lead.vault().read(&nobody, read("hubspot/api_key", None)).await;
        assert!(matches!(refused, Err(VaultError::NoIdentity)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_can_neither_import_nor_export_and_a_reader_cannot_import() {
    let mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let vault = mesh.lead.vault();
    let everything = ExportRequest { context: Context::default(), scope: None, prefix: None, cursor: None };
    let refused = vault.export(&stranger(), &everything).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    assert_eq!(vault.export(&agent(), &everything).await.expect("a reader may").answers.len(), 1);
    for caller in [stranger(), agent()] {
        let refused = vault.may_import(&caller).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
        for rehearse in [true, false] {
            let entries = vec![put("hubspot/api_key", "global", "another")];
            let refused = vault.import(&caller, entries, rehearse, None).await;
            assert!(matches!(refused, Err(VaultError::Denied { .. })), "a rehearsal compares values: {refused:?}");
        }
    }
    let lines = vault.audit_tail(&admin(), 20).await.expect("the owner may read the journal");
    assert_eq!(lines.iter().filter(|line| line.contains(r#""decision":"deny""#)).count(), 7, "{lines:?}");
    assert_eq!(vault.health().revision.get(), 1, "nothing was stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_may_not_write_and_the_admin_door_alone_makes_no_admin() {
    let mesh = TestMesh::start().await;
    let vault = mesh.lead.vault();
    let refused = vault.put(&agent(), put("hubspot/api_key", "global", "not-a-real-key")).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    let intruder = Caller { uid: 54_321, gid: 54_321, ..admin() };
    let refused = vault.put(&intruder, put("hubspot/api_key", "global", "not-a-real-key")).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    assert_eq!(vault.health().revision.get(), 0, "nothing was stored");
}
