//! Saving: one moment of the store while everybody writes, and what a kill leaves.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aurora_mesh::snapshot::name::SnapshotName;
use aurora_mesh::store::table::Table;
use aurora_mesh::vault::backup_error::BackupError;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::snapshots::SnapshotSource;
use tokio::task::JoinSet;

use super::forger::saved;
use crate::support::callers::{admin, put};
use crate::support::mesh::TestMesh;

/// A lead that saves into a directory of its own.
pub async fn with_directory(edit: impl FnOnce(&mut aurora_mesh::config::node_config::SnapshotSection)) -> TestMesh {
    let mut mesh = TestMesh::start().await;
    mesh.lead.stop().await;
    mesh.lead.config.snapshot.directory = Some(mesh.dir.path().join("snapshots"));
    edit(&mut mesh.lead.config.snapshot);
    mesh.lead.start().await;
    mesh
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_one_revision_however_much_is_written_while_it_is_taken() {
    let mesh = TestMesh::start().await;
    mesh.put(put("first/key", "global", "x")).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (vault, stop) = (mesh.lead.vault().clone(), Arc::clone(&stop));
        writers.spawn(async move {
            let mut written = 0_u32;
            while written < 50 || !stop.load(Ordering::Relaxed) {
                let request = put(&format!("stream/w{writer}"), "global", &format!("{writer} {written}"));
                vault.put(&admin(), request).await.expect("writes go on");
                written += 1;
            }
            written
        });
    }
    let mut revisions = BTreeSet::new();
    for _ in 0..6 {
        let bytes = saved(&mesh).await;
        let from = SnapshotSource::Brought(Box::new(std::io::Cursor::new(bytes)));
        let proof = mesh.lead.vault().verify_snapshot(&admin(), from, None).await.expect("whole");
        let revision = proof.header.position.revision;
        assert_eq!(proof.counts.of(Table::Log.number()), revision.0, "every change up to it, and none after it");
        revisions.insert(revision);
    }
    stop.store(true, Ordering::Relaxed);
    let mut written = 0;
    while let Some(done) = writers.join_next().await {
        written += done.expect("no writer was refused");
    }
    assert!(written >= 200 && revisions.len() > 1, "{written} writes, at {revisions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_lead_saves_by_itself_is_whole_once_it_has_its_name() {
    let mesh = with_directory(|_| ()).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let directory = mesh.dir.path().join("snapshots");
    crate::support::wait::eventually("the calendar is done with its first one", || async {
        let list = mesh.lead.vault().snapshots(&admin()).await.expect("listed");
        (!list.kept.is_empty()).then_some(())
    })
    .await;
    let saved = crate::support::wait::eventually("nothing else is under way", || async {
        match mesh.lead.vault().save_snapshot(&admin(), Some("before the move")).await {
            Err(VaultError::Backup(BackupError::Busy)) => None,
            done => Some(done.expect("saved")),
        }
    })
    .await;
    assert_eq!((saved.proof.current, saved.not_taken.as_ref()), (1, None));
    let list = mesh.lead.vault().snapshots(&admin()).await.expect("listed");
    assert_eq!(list.kept[0].name, saved.name);
    assert!(list.kept.iter().all(|kept| kept.verified_at.is_some()));
    let path = directory.join(saved.name.as_str());
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    let again = mesh.lead.vault().verify_snapshot(&admin(), SnapshotSource::Kept(saved.name.clone()), None).await;
    assert_eq!(again.expect("whole").header, saved.proof.header);

    let mut bytes = fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("written");
    let damaged = mesh.lead.vault().verify_snapshot(&admin(), SnapshotSource::Kept(saved.name.clone()), None).await;
    assert!(matches!(damaged, Err(VaultError::Backup(BackupError::Unsound { .. }))), "{damaged:?}");
    let list = mesh.lead.vault().snapshots(&admin()).await.expect("listed");
    assert_eq!(list.kept[0].verified_at, None, "what was said of it is taken back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_place_the_lead_says_so_and_a_name_that_is_not_there_is_not_found() {
    let mesh = TestMesh::start().await;
    let nowhere = mesh.lead.vault().save_snapshot(&admin(), None).await;
    assert!(matches!(nowhere, Err(VaultError::Backup(BackupError::NoPlace))), "{nowhere:?}");
    let mesh = with_directory(|_| ()).await;
    let name = SnapshotName::parse("aurora-20200101T000000Z-e1-r1.aurora-snapshot").expect("a name");
    let absent = mesh.lead.vault().verify_snapshot(&admin(), SnapshotSource::Kept(name), None).await;
    let absent = absent.expect_err("there is none");
    assert!(matches!(absent, VaultError::Backup(BackupError::NoSuch | BackupError::Busy)), "{absent:?}");
}

/// A kill leaves an unfinished file, what a snapshot was restored into, or a note about a file that never came. None of it has
/// the name of a snapshot, and the next start takes it away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_kill_leaves_is_no_snapshot_and_goes_with_the_next_start() {
    let mut mesh = with_directory(|_| ()).await;
    let id = mesh.lead.vault().mesh();
    mesh.lead.stop().await;
    let directory = mesh.dir.path().join("snapshots");
    let scratch = mesh.lead.config.node.state_dir.join("snapshot-scratch/7");
    let name = "aurora-20200101T000000Z-e1-r1.aurora-snapshot";
    fs::create_dir_all(&directory).expect("made");
    fs::create_dir_all(&scratch).expect("made");
    fs::write(scratch.join("store.redb"), b"half a store").expect("written");
    fs::write(directory.join(format!(".{name}.{id}.tmp")), b"half a snapshot").expect("written");
    fs::write(directory.join(format!("{name}.verified")), format!("2020-01-01T00:00:00Z\n{id}\n")).expect("written");
    mesh.lead.start().await;
    assert!(!scratch.exists());
    assert!(
        !directory.join(format!(".{name}.{id}.tmp")).exists() && !directory.join(format!("{name}.verified")).exists()
    );
    let list = mesh.lead.vault().snapshots(&admin()).await.expect("listed");
    assert!(list.kept.iter().all(|kept| kept.name.as_str() != name), "{list:?}");
}
