//! What is destroyed is gone: from every answer, and from the raw files of the lead and of a follower that held it.

use aurora_mesh::model::number::Version;
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::ReadRequest;

use crate::support::callers::{admin, place, put, read};
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::raw::{ciphertexts, holds, holds_none_eventually};

const NAME: &str = "hubspot/api_key";

fn version(number: u64) -> Version {
    Version::new(number).expect("positive")
}

/// Three versions on the lead, the last of them on a follower, and the sealed bytes of each, newest first.
async fn three_versions() -> (TestMesh, TestNode, ScopedSecret, Vec<Vec<u8>>) {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let mut last = mesh.put(put(NAME, "global", "the first value of three that are not for ever")).await;
    for text in ["the second value of three that are not for ever", "the third value of three that are not for ever"] {
        follower.reaches(last.revision).await;
        last = mesh.put(put(NAME, "global", text)).await;
    }
    follower.reaches(last.revision).await;
    follower.is_fresh().await;
    let bytes = ciphertexts(&mesh, &last.at).await;
    assert_eq!(bytes.len(), 3);
    (mesh, follower, last.at, bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_version_is_in_no_file_and_the_others_stay() {
    let (mesh, follower, at, bytes) = three_versions().await;
    assert!(bytes.iter().all(|bytes| holds(&mesh.lead, bytes)), "the search finds them on the lead");
    assert!(holds(&follower, &bytes[0]), "and the current one on the follower");
    let destroyed = mesh.lead.vault().destroy(&admin(), place(NAME, "global"), Some(vec![version(2)])).await;
    let destroyed = destroyed.expect("destroyed");
    assert!(!holds(&mesh.lead, &bytes[1]), "when it is answered, the lead's file has none of it");
    assert!(holds(&mesh.lead, &bytes[0]) && holds(&mesh.lead, &bytes[2]), "and still has the others");
    follower.reaches(destroyed.revision).await;
    holds_none_eventually(&follower, &bytes[1..]).await;
    assert_eq!(ciphertexts(&mesh, &at).await, [bytes[0].clone(), bytes[2].clone()]);
    let gone = mesh.lead.value(ReadRequest { version: Some(version(2)), ..read(NAME, None) }).await;
    assert!(matches!(gone, Err(VaultError::Destroyed { .. })), "{gone:?}");
    for node in [&mesh.lead, &follower] {
        let value = node.value(read(NAME, None)).await.expect("the current one is as it was");
        assert_eq!(value, "the third value of three that are not for ever");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_destroyed_while_a_follower_is_away_leaves_its_file_when_it_comes_back() {
    let (mut mesh, mut follower, _, bytes) = three_versions().await;
    follower.stop().await;
    mesh.lead.vault().destroy(&admin(), place(NAME, "global"), None).await.expect("destroyed");
    assert!(!bytes.iter().any(|bytes| holds(&mesh.lead, bytes)));
    assert!(holds(&follower, &bytes[0]), "it has not heard of it");
    follower.start().await;
    follower.reaches(mesh.lead.vault().health().revision).await;
    holds_none_eventually(&follower, &bytes).await;
    follower.is_fresh().await;
    let gone = follower.value(read(NAME, None)).await;
    assert!(matches!(gone, Err(VaultError::Destroyed { .. })), "{gone:?}");
    mesh.lead.stop().await;
    follower.stop().await;
    for node in [&mesh.lead, &follower] {
        assert!(!bytes.iter().any(|bytes| holds(node, bytes)), "nor after a stop");
    }
    mesh.lead.start().await;
    let again = mesh.put(put(NAME, "global", "another value")).await;
    assert_eq!(again.version, version(4), "the numbers of the destroyed are not given again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_could_not_leave_the_file_are_told_of_and_leave_it_with_the_next_change() {
    let (mesh, _follower, at, bytes) = three_versions().await;
    // What stands where the new file would be written keeps it from being written.
    let in_the_way = mesh.lead.store_file().with_extension("redb.rebuild");
    std::fs::create_dir_all(in_the_way.join("full")).expect("made");
    let refused = mesh.lead.vault().destroy(&admin(), place(NAME, "global"), Some(vec![version(1)])).await;
    assert_eq!(refused.map(|stored| stored.version), Err(VaultError::PurgeDue));
    assert_eq!(ciphertexts(&mesh, &at).await.len(), 2, "it is destroyed all the same");
    assert!(holds(&mesh.lead, &bytes[2]), "and its bytes are still there");
    std::fs::remove_dir_all(&in_the_way).expect("removed");
    mesh.put(put("other/key", "global", "a value")).await;
    assert!(!holds(&mesh.lead, &bytes[2]));
    mesh.lead.vault().destroy(&admin(), place(NAME, "global"), Some(vec![version(2)])).await.expect("as ever");
}
