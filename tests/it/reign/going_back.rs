//! The secrets of a mesh back to what they were at a revision, as new versions.

use aurora_mesh::model::number::Revision;
use aurora_mesh::vault::back_error::BackError;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::go_back::{GoBackRequest, Went};
use serde_json::json;

use crate::support::callers::{admin, agent, place, put, read};
use crate::support::http;
use crate::support::mesh::{TestMesh, TestNode, prod};

fn ask(to: Revision, rehearse: bool) -> GoBackRequest {
    GoBackRequest { to, rehearse, reason: None }
}

async fn value(node: &TestNode, name: &str) -> Option<String> {
    match node.value(read(name, None)).await {
        Ok(value) => Some(value),
        Err(VaultError::NotFound { .. }) => None,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_secret_has_the_value_it_had_and_a_number_it_never_had() {
    let mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("a/replaced", "global", "not-a-real-one")).await;
    mesh.put(put("a/deleted", "global", "not-a-real-one")).await;
    mesh.put(put("a/same", "global", "not-a-real-one")).await;
    let then = mesh.put(put("a/untouched", "global", "not-a-real-one")).await.revision;
    mesh.put(put("a/replaced", "global", "not-a-real-two")).await;
    mesh.put(put("a/same", "global", "not-a-real-two")).await;
    mesh.put(put("a/same", "global", "not-a-real-one")).await;
    mesh.delete(place("a/deleted", "global")).await;
    let last = mesh.put(put("a/new", "global", "not-a-real-one")).await;
    let vault = mesh.lead.vault();
    let rehearsed = vault.go_back(&admin(), ask(then, true)).await.expect("it can be done");
    assert_eq!(vault.health().revision, last.revision, "a rehearsal changes nothing");
    let went = vault.go_back(&admin(), ask(then, false)).await.expect("done");
    assert_eq!(went, rehearsed);
    let outcomes: Vec<(String, Went, u64)> = went
        .secrets
        .iter()
        .map(|secret| (secret.at.secret.name.to_string(), secret.went, secret.version.get()))
        .collect();
    let expected = [("a/deleted", Went::Undeleted, 1), ("a/new", Went::Away, 1), ("a/replaced", Went::Back, 3)];
    assert_eq!(outcomes, expected.map(|(name, went, version)| (name.to_owned(), went, version)));
    alpha.reaches(went.revision).await;
    for node in [&mesh.lead, &alpha] {
        for name in ["a/replaced", "a/deleted", "a/same", "a/untouched"] {
            assert_eq!(value(node, name).await.as_deref(), Some("not-a-real-one"), "{name}");
        }
        assert_eq!(value(node, "a/new").await, None);
    }
    let again = vault.go_back(&admin(), ask(then, false)).await.expect("there is nothing to do");
    assert!(again.secrets.is_empty() && again.revision == went.revision);
}

#[tokio::test]
async fn what_cannot_go_back_is_named_and_nothing_goes_back() {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    mesh.lead.config.limits.versions_kept = 2;
    mesh.lead.config.limits.log_revisions = 8;
    mesh.lead.start().await;
    mesh.put(put("a/trimmed", "global", "not-a-real-one")).await;
    mesh.put(put("a/destroyed", "global", "not-a-real-one")).await;
    let then = mesh.put(put("a/fine", "global", "not-a-real-one")).await.revision;
    mesh.put(put("a/fine", "global", "not-a-real-two")).await;
    for value in ["two", "three", "four"] {
        mesh.put(put("a/trimmed", "global", value)).await;
    }
    mesh.lead.vault().destroy(&admin(), place("a/destroyed", "global"), None).await.expect("destroyed");
    let vault = mesh.lead.vault();
    let refused = vault.go_back(&admin(), ask(then, false)).await.expect_err("two are gone");
    let VaultError::Back(BackError::Stuck { stuck, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(
        stuck.iter().map(|(at, _)| at.secret.name.to_string()).collect::<Vec<_>>(),
        ["a/destroyed", "a/trimmed"]
    );
    assert!(refused.to_string().contains("a/trimmed") && refused.to_string().contains("destroyed"), "{refused}");
    assert_eq!(value(&mesh.lead, "a/fine").await.as_deref(), Some("not-a-real-two"));
    let future = vault.go_back(&admin(), ask(Revision(1_000), false)).await;
    assert!(matches!(future, Err(VaultError::Back(BackError::NotReached { .. }))), "{future:?}");
    for value in 0..8 {
        mesh.put(put("a/fine", "global", &format!("not-a-real-{value}"))).await;
    }
    let trimmed = mesh.lead.vault().go_back(&admin(), ask(then, false)).await;
    assert!(matches!(trimmed, Err(VaultError::Back(BackError::LogTooShort { .. }))), "{trimmed:?}");
}

#[tokio::test]
async fn only_an_administrator_goes_back_and_it_is_written_down_before() {
    let mesh = TestMesh::start().await;
    let then = mesh.put(put("a/b", "global", "not-a-real-one")).await.revision;
    mesh.put(put("a/b", "global", "not-a-real-two")).await;
    let denied = mesh.lead.vault().go_back(&agent(), ask(then, false)).await;
    assert!(matches!(denied, Err(VaultError::Denied { .. })), "{denied:?}");
    let body = json!({"to_revision": then.get(), "reason": "a bad deploy"});
    let admin_socket = mesh.lead.config.api.socket_dir.join("admin.sock");
    let answer = http::post(&admin_socket, "/api/rollback", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["secrets"][0]["outcome"], "restored");
    let lines = mesh.lead.vault().audit_tail(&admin(), 20).await.expect("the journal");
    let at = |text: &str| lines.iter().position(|line| line.contains("\"backup.manage\"") && line.contains(text));
    let (planned, intent, ok) = (at("\"planned\""), at("\"intent\""), at("\"ok\""));
    assert!(planned < intent && intent < ok && planned.is_some(), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.contains("a bad deploy") && line.contains("go back to revision")),
        "{lines:?}"
    );
    // A reason is a line of the journal, wherever it is said.
    for reason in ["a\nb", &"x".repeat(257)] {
        let body = json!({"to_revision": then.get(), "reason": reason});
        let refused = http::post(&admin_socket, "/api/rollback", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "bad_value"), "{}", refused.body);
    }
    let short = http::post(&admin_socket, "/api/rollback", &json!({"to_revision": 99})).await;
    assert_eq!((short.status, short.code().as_str()), (404, "no_such_revision"), "{}", short.body);
}

/// Nobody looked at the query: every secret went back, when somebody wanted to know which would.
#[tokio::test]
async fn it_is_a_rehearsal_if_the_query_says_so_or_the_body() {
    let mesh = TestMesh::start().await;
    let then = mesh.put(put("a/b", "global", "not-a-real-one")).await.revision;
    let last = mesh.put(put("a/b", "global", "not-a-real-two")).await.revision;
    let admin_socket = mesh.lead.config.api.socket_dir.join("admin.sock");
    let plain = json!({"to_revision": then.get()});
    let dry = json!({"to_revision": then.get(), "dry_run": true});
    for (query, body) in [("?dry_run=true", &plain), ("?dry_run=true", &dry), ("?dry_run=false", &dry), ("", &dry)] {
        let rehearsed = http::post(&admin_socket, &format!("/api/rollback{query}"), body).await;
        assert_eq!((rehearsed.status, &rehearsed.json()["dry_run"]), (200, &json!(true)), "{}", rehearsed.body);
        assert_eq!(mesh.lead.vault().health().revision, last, "{query} {body}: a rehearsal changes nothing");
    }
    for (query, code) in [("?dry_run=maybe", "bad_value"), ("?dryrun=true", "unknown_field")] {
        let refused = http::post(&admin_socket, &format!("/api/rollback{query}"), &plain).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{}", refused.body);
    }
    assert_eq!(value(&mesh.lead, "a/b").await.as_deref(), Some("not-a-real-two"));
    let went = http::post(&admin_socket, "/api/rollback?dry_run=false", &plain).await;
    assert_eq!((went.status, &went.json()["dry_run"]), (200, &json!(false)), "{}", went.body);
    assert_eq!(value(&mesh.lead, "a/b").await.as_deref(), Some("not-a-real-one"));
}

/// The owner of the mesh may do what a freeze holds up by unfreezing first, and not by the way back.
#[tokio::test]
async fn what_is_frozen_does_not_go_back() {
    let mesh = TestMesh::start().await;
    let then = mesh.put(put("a/b", "global", "not-a-real-one")).await.revision;
    mesh.put(put("a/b", "global", "not-a-real-two")).await;
    let admin_socket = mesh.lead.config.api.socket_dir.join("admin.sock");
    for target in ["secret:a/b", "mesh"] {
        let freeze = json!({"target": target, "level": "write", "reason": "incident"});
        assert_eq!(http::post(&admin_socket, "/api/freezes", &freeze).await.status, 200);
        for rehearse in [true, false] {
            let refused = mesh.lead.vault().go_back(&admin(), ask(then, rehearse)).await;
            assert!(matches!(refused, Err(VaultError::Frozen(_))), "{target}: {refused:?}");
        }
        let lifted = http::ask(&admin_socket, "DELETE", &format!("/api/freezes?target={target}"), &[], "").await;
        assert_eq!(lifted.status, 200, "{}", lifted.body);
    }
    assert_eq!(value(&mesh.lead, "a/b").await.as_deref(), Some("not-a-real-two"));
    mesh.lead.vault().go_back(&admin(), ask(then, false)).await.expect("nothing is frozen");
}
