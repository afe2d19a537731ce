//! A node possesses only ciphertext it is entitled to: the lead decides before it sends, and what is taken away leaves the
//! file. Shown by looking for the very bytes of the lead's record in the raw bytes of a follower's store.

mod stage;

use aurora_mesh::store::blob::BlobName;
use aurora_mesh::store::mutation::Mutation;
use aurora_mesh::vault::answer::Served;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Place;

use crate::support::callers::{admin, node, put, read, scope, secret};
use crate::support::mesh::{TestMesh, entitlement, prod};
use crate::support::raw::{ciphertexts, holds, holds_none_eventually};
use crate::support::wait::eventually;
use stage::{contents, entitle, key_scopes, write};

const COMPANY: &str = "company-town-foods";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_never_holds_a_ciphertext_it_is_not_entitled_to() {
    let mesh = TestMesh::start().await;
    let both = prod(&[COMPANY, "bisla-farms"]);
    let mut entitled = mesh.follower("vengeance", both).await;
    let mut without_company = mesh.follower("without-company", prod(&["bisla-farms"])).await;
    let mut left_out = mesh.follower("left-out", entitlement("prod", &[COMPANY], &["openai/*", "hubspot/api"])).await;
    let mut elsewhere = mesh.follower("elsewhere", entitlement("dev", &[COMPANY], &["*"])).await;
    let of_company = write(&mesh, "prod", "hubspot/api_key", &format!("company:{COMPANY}")).await;
    let of_node = write(&mesh, "prod", "openai/api_key", "node:vengeance").await;
    let of_all = write(&mesh, "prod", "openai/api_key", "global").await;
    let of_dev = write(&mesh, "dev", "openai/api_key", "global").await;
    // A joiner's first snapshot is chosen like every later change.
    let mut late = mesh.follower("late", entitlement("prod", &[], &["hubspot/*"])).await;
    for (follower, may_hold, may_not_hold) in [
        (&mut entitled, vec![&of_company, &of_node, &of_all], vec![&of_dev]),
        (&mut without_company, vec![&of_all], vec![&of_company, &of_node, &of_dev]),
        (&mut left_out, vec![&of_all], vec![&of_company, &of_node, &of_dev]),
        (&mut elsewhere, vec![&of_dev], vec![&of_company, &of_node, &of_all]),
        (&mut late, vec![], vec![&of_company, &of_node, &of_all, &of_dev]),
    ] {
        follower.reaches(of_dev.revision).await;
        follower.is_fresh().await;
        follower.stop().await;
        let name = follower.config.node.name.to_string();
        for written in may_hold {
            assert!(holds(follower, written.newest()), "{name} holds {}", written.at);
        }
        for written in may_not_hold {
            assert!(!written.ciphertexts.iter().any(|bytes| holds(follower, bytes)), "{name} lacks {}", written.at);
        }
    }
    assert_eq!(key_scopes(&entitled).await, ["company:company-town-foods", "global", "node:vengeance"]);
    assert_eq!(key_scopes(&without_company).await, ["global"]);
    assert_eq!(key_scopes(&late).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_from_a_follower_leaves_its_file_and_cannot_be_read() {
    let mesh = TestMesh::start().await;
    let mut vengeance = mesh.follower("vengeance", prod(&[COMPANY])).await;
    let scope = format!("company:{COMPANY}");
    let first = mesh.put(put("hubspot/api_key", &scope, "a first value, which the follower has on its own")).await;
    vengeance.reaches(first.revision).await;
    let of_company = write(&mesh, "prod", "hubspot/api_key", &scope).await;
    let of_all = write(&mesh, "prod", "hubspot/api_key", "global").await;
    vengeance.reaches(of_all.revision).await;
    vengeance.is_fresh().await;
    let ask = || read("hubspot/api_key", Some(COMPANY));
    assert_eq!(vengeance.value(ask()).await.expect("readable"), of_company.value);
    assert!(holds(&vengeance, of_company.newest()), "the search finds it");
    let sealed_keys = stage::sealed_keys(&mut vengeance, &of_company.at).await;
    assert!(sealed_keys.len() == 1 && holds(&vengeance, &sealed_keys[0]), "the search finds the key while it is there");

    let taken = entitle(&mesh, "vengeance", prod(&[])).await;
    vengeance.reaches(taken).await;
    let refused = vengeance.value(ask()).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    assert_eq!(vengeance.value(read("hubspot/api_key", None)).await.expect("still its own"), of_all.value);
    let gone: Vec<Vec<u8>> = of_company.ciphertexts.iter().chain(&sealed_keys).cloned().collect();
    holds_none_eventually(&vengeance, &gone).await;
    vengeance.stop().await;
    assert!(!gone.iter().any(|bytes| holds(&vengeance, bytes)), "nor after a stop");
    assert!(holds(&vengeance, of_all.newest()), "the rest is still there");
    assert_eq!(key_scopes(&vengeance).await, ["global"]);

    vengeance.start().await;
    let given = entitle(&mesh, "vengeance", prod(&[COMPANY])).await;
    vengeance.reaches(given).await;
    vengeance.is_fresh().await;
    assert_eq!(vengeance.value(ask()).await.expect("given back"), of_company.value);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glob_taken_from_a_follower_takes_its_records_and_leaves_the_others() {
    let mesh = TestMesh::start().await;
    let mut vengeance = mesh.follower("vengeance", entitlement("prod", &[], &["hubspot/*", "openai/*"])).await;
    let taken = write(&mesh, "prod", "hubspot/api_key", "node:vengeance").await;
    let kept = write(&mesh, "prod", "openai/api_key", "node:vengeance").await;
    vengeance.reaches(kept.revision).await;
    assert!(holds(&vengeance, taken.newest()) && holds(&vengeance, kept.newest()), "the search finds both");
    let revision = entitle(&mesh, "vengeance", entitlement("prod", &[], &["openai/*"])).await;
    vengeance.reaches(revision).await;
    vengeance.is_fresh().await;
    let refused = vengeance.value(read("hubspot/api_key", None)).await;
    assert!(matches!(refused, Err(VaultError::NotFound { .. })), "{refused:?}");
    assert_eq!(vengeance.value(read("openai/api_key", None)).await.expect("kept"), kept.value);
    holds_none_eventually(&vengeance, &taken.ciphertexts).await;
    vengeance.stop().await;
    assert!(!taken.ciphertexts.iter().any(|bytes| holds(&vengeance, bytes)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_while_a_follower_is_away_leaves_its_file_when_it_returns() {
    let mesh = TestMesh::start().await;
    let mut vengeance = mesh.follower("vengeance", prod(&[COMPANY])).await;
    let of_company = write(&mesh, "prod", "hubspot/api_key", &format!("company:{COMPANY}")).await;
    vengeance.reaches(of_company.revision).await;
    vengeance.stop().await;
    let taken = entitle(&mesh, "vengeance", prod(&[])).await;
    // The log says nothing to it after this: it must not take the number for the whole story.
    let later = mesh.put(put("openai/api_key", "node:aurora", "not for it")).await;
    assert!(holds(&vengeance, of_company.newest()), "nobody can reach a file that is away");
    vengeance.start().await;
    vengeance.reaches(taken.max(later.revision)).await;
    let refused = vengeance.value(read("hubspot/api_key", Some(COMPANY))).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    holds_none_eventually(&vengeance, &of_company.ciphertexts).await;
    vengeance.stop().await;
    assert!(!of_company.ciphertexts.iter().any(|bytes| holds(&vengeance, bytes)));
    assert_eq!(key_scopes(&vengeance).await, [""; 0]);
}

/// A follower that lost an entitlement and died before its file was written anew kept the ciphertext in freed pages for
/// good. What such a death leaves on the disk is made here by hand, with the mark that the removal writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_died_before_its_file_was_written_anew_finishes_at_its_next_start() {
    let mut mesh = TestMesh::start().await;
    let mut vengeance = mesh.follower("vengeance", prod(&[COMPANY])).await;
    // Values of a page each, so that the few pages the dropping itself writes cannot fall on all of them.
    let mut dropped = vec![Mutation::PutBlob(BlobName::RebuildDue, Vec::new())];
    let mut gone = Vec::new();
    for number in 0..8 {
        let stored =
            mesh.put(put(&format!("bulk/key{number}"), &format!("company:{COMPANY}"), &"v".repeat(3000))).await;
        vengeance.reaches(stored.revision).await;
        gone.extend(ciphertexts(&mesh, &stored.at).await);
        dropped.push(Mutation::DropScopeKey(stored.at.key_scope()));
        dropped.push(Mutation::DropRecord(stored.at));
    }
    mesh.lead.stop().await;
    vengeance.stop().await;
    let (store, _) = stage::open(&vengeance).await;
    store.commit(dropped).await.expect("dropped");
    store.close().await.expect("closed");
    assert!(gone.iter().any(|bytes| holds(&vengeance, bytes)), "dropping alone leaves bytes behind");
    vengeance.start().await;
    holds_none_eventually(&vengeance, &gone).await;
    vengeance.stop().await;
    assert!(!contents(&vengeance).await.blobs.contains_key(&BlobName::RebuildDue), "and the mark is gone");
}

/// The value a deletion keeps for an undo stays on the lead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_joins_after_a_deletion_never_holds_what_was_deleted() {
    let mesh = TestMesh::start().await;
    let written = write(&mesh, "prod", "hubspot/api_key", "global").await;
    let deleted = mesh.delete(crate::support::callers::place("hubspot/api_key", "global")).await;
    let mut vengeance = mesh.follower("vengeance", prod(&[])).await;
    vengeance.reaches(deleted.revision).await;
    let other = write(&mesh, "prod", "openai/api_key", "global").await;
    vengeance.reaches(other.revision).await;
    vengeance.is_fresh().await;
    assert_eq!(vengeance.read(read("openai/api_key", None)).await.expect("readable").freshness.served, Served::Hit);
    vengeance.stop().await;
    assert!(holds(&vengeance, other.newest()), "the search works");
    assert!(!written.ciphertexts.iter().any(|bytes| holds(&vengeance, bytes)));
    assert!(ciphertexts(&mesh, &written.at).await.len() < written.ciphertexts.len(), "the lead tells it is deleted");
}

/// The lead said yes and meant it only after its next start; a follower of another environment answered from nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_lead_nor_the_environment_of_a_node_can_be_entitled_anew() {
    let mesh = TestMesh::start().await;
    let _vengeance = mesh.follower("vengeance", prod(&[])).await;
    for (name, wanted) in [("aurora", prod(&["acme"])), ("vengeance", entitlement("dev", &[], &["*"]))] {
        let refused = mesh.lead.vault().entitle(&admin(), node(name), wanted).await;
        assert!(matches!(refused, Err(VaultError::BadScope(_))), "{refused:?}");
    }
}

/// Its acknowledgement was newer than the record, which it had not been sent because it was not entitled to it then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_away_does_not_hold_what_it_was_entitled_to_since() {
    let mesh = TestMesh::start().await;
    let mut vengeance = mesh.follower("vengeance", prod(&[])).await;
    write(&mesh, "prod", "hubspot/api_key", "company:company-town-foods").await;
    let last = write(&mesh, "prod", "openai/api_key", "global").await;
    vengeance.reaches(last.revision).await;
    let holds_current = || async {
        let (name, scope) = (secret("hubspot/api_key"), scope("company:company-town-foods"));
        let ask = Place { name, scope, environment: None, node: None, reason: None };
        let versions = mesh.lead.vault().versions(&admin(), ask).await.expect("listed");
        versions.holders.into_iter().find(|holder| holder.node == node("vengeance")).and_then(|holder| holder.current)
    };
    eventually("its acknowledgement has come", || async {
        let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
        nodes
            .iter()
            .any(|line| line.acknowledged == Some(last.revision) && line.name == node("vengeance"))
            .then_some(())
    })
    .await;
    vengeance.stop().await;
    entitle(&mesh, "vengeance", prod(&[COMPANY])).await;
    assert_eq!(holds_current().await, Some(false));
    vengeance.start().await;
    eventually("it holds it now", || async { (holds_current().await == Some(true)).then_some(()) }).await;
}
