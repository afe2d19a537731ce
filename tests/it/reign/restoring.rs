//! A lead that goes back to a snapshot.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aurora_mesh::crypto::recovery::RecoveryKey;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::daemon::restore::{Configured, RestoreOptions, restore};
use aurora_mesh::daemon::taken::Opener;
use aurora_mesh::model::roster::Standing;
use aurora_mesh::replication::reign_members::Trust;
use aurora_mesh::store::contents::Contents;
use aurora_mesh::store::handle::Store;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::Approval;
use serde_json::{Value, json};

use super::stage::{done, is_in_epoch, key_of_robot, names, owner, read_with, restored, restored_as, snapshot};
use crate::support::callers::{admin, node, place, put, read};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, TestNode, prod};
use crate::support::snapshot::{save, save_stopped};
use crate::support::wait::eventually;

/// Everything a store that nobody has open holds.
async fn contents(path: &Path) -> Contents {
    let (store, contents) = Store::open(path).await.expect("opens");
    store.close().await.expect("closes");
    contents
}

/// The value and the version that a program on this node gets.
async fn held(node: &TestNode, name: &str) -> (String, u64) {
    let answer = node.read(read(name, None)).await.expect("readable");
    (String::from_utf8(answer.value.expose().to_vec()).expect("text"), answer.record.version.get())
}

fn standing(lead: &[aurora_mesh::vault::answer::NodeLine], name: &str) -> Option<Standing> {
    lead.iter().find(|line| line.name == node(name)).map(|line| line.standing.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_go_on_with_a_restored_lead_and_see_nothing_older() {
    let mut mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    mesh.put(put("stripe/api_key", "global", "not-a-real-stripe")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-two")).await;
    mesh.put(put("openai/api_key", "global", "not-a-real-openai")).await;
    let last = mesh.delete(place("stripe/api_key", "global")).await;
    alpha.reaches(last.revision).await;
    assert_eq!(held(&alpha, "hubspot/api_key").await, ("not-a-real-two".to_owned(), 2));
    mesh.lead.stop().await;
    let before = contents(&mesh.lead.store_file()).await;
    let (report, kept) = done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    assert_eq!(names(&report.set_back), ["hubspot/api_key"]);
    assert_eq!(names(&report.lost), ["openai/api_key"]);
    assert_eq!(names(&report.back), ["stripe/api_key"]);
    assert_eq!((report.pending, report.secrets), (0, 2));
    let shown = report.to_string();
    for line in ["go back to an older value (1):", "will be gone (1):", "come back (1):", "stay as they are now"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let kept = kept.expect("the old store is kept");
    assert_eq!(std::fs::metadata(&kept).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(contents(&kept).await, before);
    mesh.lead.start().await;
    is_in_epoch(&mesh.lead, 2).await;
    is_in_epoch(&alpha, 2).await;
    alpha.is_fresh().await;
    for node in [&mesh.lead, &alpha] {
        assert_eq!(held(node, "hubspot/api_key").await, ("not-a-real-one".to_owned(), 3));
        assert_eq!(held(node, "stripe/api_key").await, ("not-a-real-stripe".to_owned(), 2));
        let gone = node.value(read("openai/api_key", None)).await;
        assert!(matches!(gone, Err(VaultError::NotFound { .. })), "{gone:?}");
    }
    // What the snapshot did not know counts on from where it was, and every follower takes it.
    let again = mesh.put(put("openai/api_key", "global", "not-a-real-second")).await;
    assert_eq!(again.version.get(), 3);
    alpha.reaches(again.revision).await;
    assert_eq!(held(&alpha, "openai/api_key").await, ("not-a-real-second".to_owned(), 3));
    let lines = mesh.lead.vault().audit_tail(&admin(), 50).await.expect("the journal");
    let noted = |line: &&String| line.contains("\"snapshot.restore\"") && line.contains("epoch 1 to 2");
    assert_eq!(lines.iter().filter(noted).count(), 1, "{lines:?}");
    mesh.lead.stop().await;
    mesh.lead.start().await;
    let lines = mesh.lead.vault().audit_tail(&admin(), 50).await.expect("the journal");
    assert_eq!(lines.iter().filter(noted).count(), 1, "it is written down once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_shut_out_after_the_snapshot_stays_out() {
    let mut mesh = TestMesh::start().await;
    let beta = mesh.follower("beta", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let kept_key = key_of_robot(&mesh.lead, "kept", true).await;
    let revoked_key = key_of_robot(&mesh.lead, "revoked", false).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    let gamma = mesh.follower("gamma", prod(&[])).await;
    mesh.lead.vault().ban(&admin(), node("beta"), "stolen".to_owned()).await.expect("banned");
    owner(&mesh.lead, "DELETE", "/api/agents/robot/keys/revoked", &Value::Null).await;
    owner(
        &mesh.lead,
        "POST",
        "/api/freezes",
        &json!({"target": "secret:stripe/api_key", "level": "write", "reason": "incident"}),
    )
    .await;
    eventually("beta knows that it is out", || async { (beta.vault().health().freshness == "banned").then_some(()) })
        .await;
    mesh.lead.stop().await;
    done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    mesh.lead.start().await;
    let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    assert!(matches!(standing(&nodes, "beta"), Some(Standing::Banned { .. })), "{nodes:?}");
    assert_eq!(standing(&nodes, "gamma"), Some(Standing::Active), "who joined since is a member");
    is_in_epoch(&gamma, 2).await;
    let refused = read_with(&mesh.lead, &revoked_key).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(read_with(&mesh.lead, &kept_key).await.status, 200);
    let frozen = mesh.lead.vault().put(&admin(), put("stripe/api_key", "global", "not-a-real-one")).await;
    assert!(matches!(frozen, Err(VaultError::Frozen(_))), "{frozen:?}");
    let back = beta.value(read("hubspot/api_key", None)).await;
    assert!(matches!(back, Err(VaultError::Banned { .. })), "{back:?}");
}

/// The machine burned down. What is left is the file, the key, and followers that have seen more than the file knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_comes_back_from_a_snapshot_and_its_key_alone() {
    let mut mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let key = key_of_robot(&mesh.lead, "ci", true).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    for value in ["not-a-real-two", "not-a-real-three"] {
        mesh.put(put("hubspot/api_key", "global", value)).await;
    }
    let last = mesh.put(put("openai/api_key", "global", "not-a-real-openai")).await;
    alpha.reaches(last.revision).await;
    mesh.lead.stop().await;
    let home = mesh.lead.config.node.state_dir.clone();
    let key_file = std::fs::read(home.join("unseal.key")).expect("a key");
    std::fs::remove_dir_all(&home).expect("burned");
    std::fs::remove_file(mesh.lead.config_file()).expect("burned");
    std::fs::create_dir(&home).expect("a new machine");
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).expect("private");
    std::fs::write(home.join("unseal.key"), key_file).expect("the key is brought");
    std::fs::set_permissions(home.join("unseal.key"), std::fs::Permissions::from_mode(0o600)).expect("private");
    let lost = Configured::Lost(Box::new(mesh.lead.config.clone()), mesh.lead.config_file());
    let outcome = restored_as(&mesh.lead, &file, lost, Trust::Nobody, None).await.expect("restored");
    let (report, kept) = done(outcome);
    assert_eq!((report.pending, kept), (1, None));
    assert!(mesh.lead.config_file().exists(), "the configuration is written again");
    mesh.lead.start().await;
    assert_eq!(read_with(&mesh.lead, &key).await.status, 401, "nobody vouches for the key");
    let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    assert_eq!(standing(&nodes, "alpha"), Some(Standing::Pending));
    let fingerprint = nodes.iter().find(|line| line.name == node("alpha")).expect("listed").pin.fingerprint();
    assert_eq!(held(&alpha, "hubspot/api_key").await.0, "not-a-real-three", "it serves what it has");
    mesh.lead.vault().approve(&admin(), node("alpha"), Approval { fingerprint }).await.expect("approved");
    is_in_epoch(&alpha, 2).await;
    alpha.is_fresh().await;
    assert_eq!(held(&alpha, "hubspot/api_key").await, ("not-a-real-one".to_owned(), 1_000_000));
    let again = mesh.put(put("openai/api_key", "global", "not-a-real-second")).await;
    alpha.reaches(again.revision).await;
    assert_eq!(held(&alpha, "openai/api_key").await, ("not-a-real-second".to_owned(), 1_000_000));
}

/// The unseal key burned with the machine. Whoever keeps the recovery key brings the lead back, under a new key file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_key_brings_a_lead_back_whose_unseal_key_is_lost() {
    let mut mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let recovery = RecoveryKey::generate(&SystemEntropy).expect("a key");
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[recovery.recipient().expect("its public half")]).await;
    mesh.lead.stop().await;
    std::fs::remove_dir_all(&mesh.lead.config.node.state_dir).expect("burned");
    let refused = restored(&mesh.lead, &file, Trust::Members, None).await.err().expect("nothing opens it");
    assert!(format!("{refused:#}").contains("key file"), "{refused:#}");
    let options = RestoreOptions {
        file,
        configured: Configured::File(Box::new(mesh.lead.config.clone())),
        opener: Opener::Recovery(&recovery),
        brought: None,
        authority: None,
        epoch: None,
        trust: Trust::Members,
        by: "a test".to_owned(),
    };
    done(restore(&options, &|_| Ok(true), &mesh.lead.seams()).await.expect("restored"));
    mesh.lead.start().await;
    is_in_epoch(&alpha, 2).await;
    assert_eq!(held(&alpha, "hubspot/api_key").await, ("not-a-real-one".to_owned(), 1_000_000));
    let other = RecoveryKey::generate(&SystemEntropy).expect("a key");
    let options = RestoreOptions { opener: Opener::Recovery(&other), ..options };
    mesh.lead.stop().await;
    let refused = restore(&options, &|_| Ok(true), &mesh.lead.seams()).await.err().expect("not for this key");
    assert!(format!("{refused:#}").contains("does not open"), "{refused:#}");
}

/// The same file twice: the second reign has the epoch of the first, which its followers remember of another store.
#[tokio::test]
async fn a_second_reign_of_the_same_epoch_is_not_followed_until_it_is_begun_above_it() {
    let mut mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.lead.stop().await;
    std::fs::remove_file(mesh.lead.store_file()).expect("lost");
    done(restored(&mesh.lead, &file, Trust::Members, None).await.expect("restored"));
    mesh.lead.start().await;
    is_in_epoch(&alpha, 2).await;
    let first = mesh.put(put("hubspot/api_key", "global", "not-a-real-two")).await;
    alpha.reaches(first.revision).await;
    mesh.lead.stop().await;
    std::fs::remove_file(mesh.lead.store_file()).expect("lost again");
    done(restored(&mesh.lead, &file, Trust::Members, None).await.expect("restored"));
    let log = Log::capture();
    mesh.lead.start().await;
    eventually("alpha says that there are two", || async {
        log.lines_with("two leads speak for epoch 2").first().map(drop)
    })
    .await;
    assert_eq!(held(&alpha, "hubspot/api_key").await.0, "not-a-real-two", "it keeps to the one it knows");
    mesh.lead.stop().await;
    std::fs::remove_file(mesh.lead.store_file()).expect("put away");
    done(restored(&mesh.lead, &file, Trust::Members, Some(2)).await.expect("restored"));
    mesh.lead.start().await;
    is_in_epoch(&alpha, 3).await;
    assert_eq!(held(&alpha, "hubspot/api_key").await, ("not-a-real-one".to_owned(), 2_000_000));
}

#[tokio::test]
async fn a_restore_that_is_not_wanted_or_not_possible_changes_nothing() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    let running = restored(&mesh.lead, &file, Trust::Nobody, None).await.err().expect("it runs");
    assert!(format!("{running:#}").contains("stop the node first"), "{running:#}");
    mesh.lead.stop().await;
    let bytes = |path: &Path| std::fs::read(path).expect("a file");
    let before = contents(&mesh.lead.store_file()).await;
    let mut cut = bytes(&file);
    cut.pop();
    let broken = mesh.dir.path().join("broken.aurora-snapshot");
    for at in [0, 40, cut.len() / 2, cut.len() - 8] {
        let mut changed = bytes(&file);
        changed[at] ^= 1;
        std::fs::write(&broken, changed).expect("written");
        restored(&mesh.lead, &broken, Trust::Nobody, None).await.err().expect("altered");
    }
    std::fs::write(&broken, cut).expect("written");
    restored(&mesh.lead, &broken, Trust::Nobody, None).await.err().expect("cut off");
    let mut other = TestMesh::start().await;
    let foreign = snapshot(&other);
    save(&mut other.lead, &foreign, &[]).await;
    let refused = restored(&mesh.lead, &foreign, Trust::Nobody, None).await.err().expect("another mesh");
    assert!(format!("{refused:#}").contains("does not open"), "{refused:#}");
    assert_eq!(contents(&mesh.lead.store_file()).await, before, "the store is what it was");
    let home = std::fs::read_dir(&mesh.lead.config.node.state_dir).expect("listed");
    let names: Vec<String> =
        home.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.iter().any(|name| name.starts_with("store.redb.")), "nothing is left lying: {names:?}");
}

/// What an attempt that was killed leaves behind: a store in the making, an unpacked snapshot, a second name of the store.
#[tokio::test]
async fn a_restore_that_was_cut_short_is_finished_by_the_next() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    mesh.lead.stop().await;
    let file = snapshot(&mesh);
    save_stopped(&mesh.lead, &file, &[]).await;
    let store = mesh.lead.store_file();
    let beside = |suffix: &str| store.with_file_name(format!("store.redb{suffix}"));
    std::fs::write(beside(".restoring"), "half a store").expect("written");
    std::fs::write(beside(".snapshot"), "half a snapshot").expect("written");
    std::fs::hard_link(&store, beside(".before-restore-20260101T000000000Z")).expect("linked");
    let (_, kept) = done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    let home = std::fs::read_dir(&mesh.lead.config.node.state_dir).expect("listed");
    let mut names: Vec<String> = home
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("store.redb"))
        .collect();
    names.sort();
    let kept = kept.expect("kept").file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(names, ["store.redb".to_owned(), kept]);
    mesh.lead.start().await;
    assert_eq!(held(&mesh.lead, "hubspot/api_key").await, ("not-a-real-one".to_owned(), 2));
}
