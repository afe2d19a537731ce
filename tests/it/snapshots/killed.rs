//! `kill -9` of the lead at every step of saving itself: whatever has the name of a snapshot afterwards can be restored.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use aurora_mesh::snapshot::name::SnapshotName;
use aurora_mesh::store::failpoint::Failpoint;
use rustix::process::Signal;

use crate::support::process::{Node, directory, run};
use crate::support::wait::eventually;

/// What is in the directory: snapshots, and files that are left over.
fn found(directory: &Path) -> (Vec<String>, Vec<String>) {
    let items = std::fs::read_dir(directory).into_iter().flatten().map(|item| item.expect("an item").file_name());
    let names = items.map(|name| name.into_string().expect("text"));
    let is_of_one = |name: &String| SnapshotName::parse(name.trim_end_matches(".verified")).is_some();
    let (of_one, rest): (Vec<_>, Vec<_>) = names.partition(is_of_one);
    let snapshots: Vec<String> = of_one.iter().filter(|name| !name.ends_with(".verified")).cloned().collect();
    let orphans = of_one.iter().filter(|name| {
        name.strip_suffix(".verified").is_some_and(|snapshot| !snapshots.iter().any(|found| found == snapshot))
    });
    (snapshots.clone(), rest.into_iter().chain(orphans.cloned()).collect())
}

#[tokio::test]
async fn a_lead_that_is_killed_at_any_step_of_saving_leaves_only_snapshots_that_restore() {
    let dir = directory();
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    let place = dir.path().join("snapshots");
    lead.configure(
        "# directory = \"/var/lib/aurora-snapshots\"",
        &format!("directory = {:?}", place.display().to_string()),
    );
    lead.configure("every = \"1d\"", "every = \"30d\"");
    lead.start().await;
    lead.put("hubspot/api_key", "global", "not-a-real-key").await;
    eventually("the calendar is done with its first one", || async { (found(&place).0.len() == 1).then_some(()) })
        .await;
    let mut before = 1;
    for point in Failpoint::OF_SNAPSHOT {
        lead.end(Signal::TERM).await;
        lead.failpoint = Some(point.name());
        lead.start().await;
        let cut = run(&mut lead.aurora(&["snapshot", "save"]), b"").await;
        assert_ne!(cut.code, Some(0), "{point:?}: it was told to be done: {cut:?}");
        let ended = lead.ended().await;
        assert_eq!(ended.signal(), Some(Signal::KILL.as_raw()), "{point:?} is not passed: {cut:?}");
        lead.failpoint = None;
        lead.start().await;
        let (snapshots, left_over) = found(&place);
        assert_eq!(left_over, [""; 0], "{point:?}");
        before += usize::from(point == Failpoint::SnapshotNamed);
        assert_eq!(snapshots.len(), before, "{point:?}");
        assert!(!lead.state_dir().join("snapshot-scratch").exists(), "{point:?}");
        for name in &snapshots {
            let verified = run(&mut lead.aurora(&["snapshot", "verify", name]), b"").await;
            assert_eq!(verified.code, Some(0), "{point:?}: {name}: {verified:?}");
        }
    }
}
