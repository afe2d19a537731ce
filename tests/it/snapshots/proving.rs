//! What an examination finds: everything that would keep a snapshot from being restored, also where every signature fits.

use std::fs;

use aurora_mesh::daemon::restore::{Configured, RestoreOptions, restore};
use aurora_mesh::daemon::taken::{Opener, Secret};
use aurora_mesh::model::number::Revision;
use aurora_mesh::replication::reign_members::Trust;
use aurora_mesh::snapshot::read::Reader;
use aurora_mesh::store::table::Table;
use aurora_mesh::transport::authority::Authority;
use aurora_mesh::vault::backup_error::BackupError;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::snapshots::SnapshotSource;

use super::forger::{Forger, saved};
use super::saving::with_directory;
use crate::support::callers::{admin, put};
use crate::support::mesh::TestMesh;
use crate::support::wait::eventually;

/// A lead with two secrets, of which one has three versions and one was deleted.
async fn mesh() -> TestMesh {
    let mesh = TestMesh::start().await;
    for value in ["one", "two", "three"] {
        mesh.put(put("hubspot/api_key", "global", value)).await;
    }
    mesh.put(put("openai/api_key", "company:acme", "not-a-real-key")).await;
    mesh.delete(crate::support::callers::place("openai/api_key", "company:acme")).await;
    mesh
}

/// Why the lead would not restore it.
async fn refused(mesh: &TestMesh, bytes: Vec<u8>) -> String {
    let from = SnapshotSource::Brought(Box::new(std::io::Cursor::new(bytes)));
    match mesh.lead.vault().verify_snapshot(&admin(), from, None).await {
        Err(VaultError::Backup(BackupError::Unsound { reason })) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_whole_is_restored_and_every_value_in_it_opens() {
    let mesh = mesh().await;
    let bytes = saved(&mesh).await;
    let from = SnapshotSource::Brought(Box::new(std::io::Cursor::new(bytes.clone())));
    let proof = mesh.lead.vault().verify_snapshot(&admin(), from, None).await.expect("whole");
    assert_eq!((proof.current, proof.older), (2, 2), "the value that the deletion keeps is one of them");
    assert_eq!(proof.header.position.revision, Revision(5));
    assert_eq!(proof.counts.of(Table::Records.number()), 2);
    assert_eq!(proof.counts.of(Table::Log.number()), 5);
    assert_eq!(proof.journals, 1, "the lead's own journal has the line the snapshot knows");
    let marked = mesh.lead.vault().snapshots(&admin()).await.expect("listed").mark.verified.expect("it vouches");
    assert_eq!(marked.position, proof.header.position);
    let scratch = mesh.lead.config.node.state_dir.join("snapshot-scratch");
    assert_eq!(fs::read_dir(scratch).expect("there").count(), 0, "nothing of it stays");
    let header = Reader::open(bytes.as_slice()).expect("opened").header().clone();
    assert_ne!(header.store.0, [0; 16], "it says of which life of the store it is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_missing_are_found_though_the_signature_fits() {
    let mesh = mesh().await;
    let tables = [
        (Table::Records, "has no row"),
        (Table::HighWater, "damaged"),
        (Table::ScopeKeys, "the key of one of its values is missing"),
        (Table::Log, "its log ends before its last change"),
        (Table::Migrations, "damaged"),
        (Table::Meta, ""),
    ];
    for (table, expected) in tables {
        let mut forged = Forger::of(&mesh).await;
        forged.lose_one(table);
        let reason = refused(&mesh, forged.forge()).await;
        assert!(reason.contains(expected), "{table:?}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_does_not_open_is_found_and_named_by_its_secret_alone() {
    let mesh = mesh().await;
    for (table, name) in [(Table::Records, "hubspot/api_key"), (Table::Versions, "hubspot/api_key")] {
        let mut forged = Forger::of(&mesh).await;
        // Nonce and ciphertext are what looks most like chance in a row; what is not a row any more was another part of it.
        let high = |window: &[u8]| window.iter().filter(|byte| **byte > 0x7f).count();
        let row = &forged.table(table).next().expect("a row").row;
        let (at, _) = row.windows(40).enumerate().max_by_key(|(_, window)| high(window)).expect("a long row");
        let mut reason = String::new();
        for offset in (20..40).chain(0..20) {
            forged.table(table).next().expect("a row").row[at + offset] ^= 1;
            reason = refused(&mesh, forged.forge()).await;
            if !reason.contains("damaged") {
                break;
            }
            forged.table(table).next().expect("a row").row[at + offset] ^= 1;
        }
        assert!(reason.contains(name), "{reason}");
        assert!(!reason.contains("three"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_mesh_another_authority_and_a_later_schema_are_refused_as_what_they_are() {
    let (mesh, other) = (mesh().await, TestMesh::start().await);
    assert!(refused(&mesh, saved(&other).await).await.contains("of the mesh"));
    let forged = Forger::of(&mesh).await;
    let foreign = Forger::of(&other).await;
    let stranger = Authority::generate(&forged.header.mesh, forged.header.taken_at).expect("an authority");
    assert!(refused(&mesh, forged.forge_signed_by(&stranger)).await.contains("signature"));
    let mut named = Forger::of(&mesh).await;
    named.header.authority = foreign.header.authority.clone();
    assert!(refused(&mesh, named.forge()).await.contains("another authority"));
    let mut later = Forger::of(&mesh).await;
    later.header.schema += 1;
    assert!(refused(&mesh, later.forge()).await.contains("schema"));
    let mut moved = Forger::of(&mesh).await;
    moved.header.position.revision = Revision(99);
    assert!(refused(&mesh, moved.forge()).await.contains("its revision"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_knows_another_journal_is_refused() {
    let mesh = mesh().await;
    let mut forged = Forger::of(&mesh).await;
    forged.header.heads[0].hash[0] ^= 1;
    assert!(refused(&mesh, forged.forge()).await.contains("journal"));
    let mut ahead = Forger::of(&mesh).await;
    ahead.header.heads[0].seq += 1_000_000;
    assert!(refused(&mesh, ahead.forge()).await.contains("journal"));
}

/// The machine burned down, and its journal with it. The snapshots that were kept elsewhere were called unsound on the new
/// machine, whose journal begins at line 1, and the notes that they are whole were taken away, which keep them from going.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_before_the_machine_was_lost_is_still_whole_on_the_new_one() {
    let mut mesh = with_directory(|_| ()).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let saved = eventually("nothing else is under way", || async {
        match mesh.lead.vault().save_snapshot(&admin(), None).await {
            Err(VaultError::Backup(BackupError::Busy)) => None,
            done => Some(done.expect("saved")),
        }
    })
    .await;
    assert_eq!(saved.proof.journals, 1);
    mesh.lead.stop().await;
    let home = mesh.lead.config.node.state_dir.clone();
    for gone in ["audit", "store.redb", "events.redb"] {
        let gone = home.join(gone);
        if gone.is_dir() { fs::remove_dir_all(gone) } else { fs::remove_file(gone) }.expect("burned");
    }
    let options = RestoreOptions {
        file: mesh.dir.path().join("snapshots").join(saved.name.as_str()),
        configured: Configured::File(Box::new(mesh.lead.config.clone())),
        opener: Opener::Source(&mesh.lead.config.unseal, Secret::None),
        brought: None,
        authority: None,
        epoch: None,
        trust: Trust::Members,
        by: "a test".to_owned(),
    };
    restore(&options, &|_| Ok(true), &mesh.lead.seams()).await.expect("restored");
    mesh.lead.start().await;
    let proof = eventually("nothing else is under way", || async {
        let from = SnapshotSource::Kept(saved.name.clone());
        match mesh.lead.vault().verify_snapshot(&admin(), from, None).await {
            Err(VaultError::Backup(BackupError::Busy)) => None,
            done => Some(done.expect("it restores: it just did")),
        }
    })
    .await;
    assert_eq!((proof.journals, proof.header.position), (0, saved.proof.header.position));
    let list = mesh.lead.vault().snapshots(&admin()).await.expect("listed");
    let kept = list.kept.iter().find(|kept| kept.name == saved.name).expect("it is there");
    assert!(kept.verified_at.is_some(), "the note that it is whole stays");
}

/// One of another life of the store, or an old one, may be whole; but it does not vouch for what is stored now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_snapshot_is_whole_and_vouches_for_nothing() {
    let mesh = mesh().await;
    let bytes = saved(&mesh).await;
    mesh.lead.clock.advance(std::time::Duration::from_secs(25 * 3600));
    let from = SnapshotSource::Brought(Box::new(std::io::Cursor::new(bytes)));
    mesh.lead.vault().verify_snapshot(&admin(), from, None).await.expect("whole");
    assert_eq!(mesh.lead.vault().snapshots(&admin()).await.expect("listed").mark.verified, None);
}
