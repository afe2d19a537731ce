//! A lead that is restored over a store that is not what it seems, into a directory of somebody else, or from a snapshot of
//! whoever made one.

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

use std::os::unix::fs::{MetadataExt, chown};

use aurora_mesh::daemon::restore::Outcome;
use aurora_mesh::model::number::Version;
use aurora_mesh::model::roster::Standing;
use aurora_mesh::replication::reign_members::Trust;
use aurora_mesh::vault::request::ExposureOf;
use serde_json::{Value, json};

use super::stage::{done, is_in_epoch, key_of_robot, owner, read_with, restored, snapshot};
use crate::support::callers::{admin, node, put};
use crate::support::mesh::{TestMesh, prod};
use crate::support::process::{Ended, Node, aurora, directory, run};
use crate::support::snapshot::save;

/// No user of any machine.
const SOMEBODY: u32 = 61_235;

/// A copy of the disk from before was put back, and then the snapshot restored: it was taken for the present that knows
/// everything, so who was banned after the copy came back, and numbers were given out twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_older_than_the_snapshot_brings_nobody_back() {
    let mut mesh = TestMesh::start().await;
    let alpha = mesh.follower("alpha", prod(&[])).await;
    let _beta = mesh.follower("beta", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let revoked = key_of_robot(&mesh.lead, "revoked", true).await;
    mesh.lead.stop().await;
    let copy = mesh.dir.path().join("copy.redb");
    std::fs::copy(mesh.lead.store_file(), &copy).expect("copied");
    mesh.lead.start().await;
    mesh.lead.vault().ban(&admin(), node("beta"), "stolen".to_owned()).await.expect("banned");
    owner(&mesh.lead, "DELETE", "/api/agents/robot/keys/revoked", &Value::Null).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-two")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    let last = mesh.put(put("hubspot/api_key", "global", "not-a-real-three")).await;
    alpha.reaches(last.revision).await;
    mesh.lead.stop().await;
    std::fs::copy(&copy, mesh.lead.store_file()).expect("put back");
    let (report, _) = done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    assert!(report.to_string().contains("is not wholly known here"), "{report}");
    mesh.lead.start().await;
    let nodes = mesh.lead.vault().nodes(&admin()).await.expect("listed");
    let standing = |name| nodes.iter().find(|line| line.name == node(name)).map(|line| line.standing.clone());
    assert!(matches!(standing("beta"), Some(Standing::Banned { .. })), "{nodes:?}");
    assert_eq!(standing("alpha"), Some(Standing::Pending), "who was banned after the snapshot nobody knows");
    assert_eq!(read_with(&mesh.lead, &revoked).await.status, 401);
    let again = mesh.put(put("hubspot/api_key", "global", "not-a-real-four")).await;
    assert!(again.version > Version::new(1_000_000).expect("positive"), "{}", again.version);
}

/// What a node could have read is asked for after an incident, and an incident is when leads are restored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_could_have_read_stays_known_while_it_waits_and_when_it_is_banned_or_approved() {
    let mut mesh = TestMesh::start().await;
    let _alpha = mesh.follower("alpha", prod(&[])).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.lead.stop().await;
    std::fs::remove_file(mesh.lead.store_file()).expect("lost");
    done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    mesh.lead.start().await;
    let of_alpha = ExposureOf::Node(node("alpha"));
    // The restored value is the one it had, under another number.
    let both = [1_000_000, 1].map(|number| Version::new(number).expect("positive"));
    let waiting = mesh.lead.vault().exposure(&admin(), &of_alpha).await.expect("told");
    assert_eq!(waiting.values.iter().map(|value| value.version).collect::<Vec<_>>(), both, "{waiting:?}");
    mesh.put(put("hubspot/api_key", "global", "not-a-real-two")).await;
    mesh.lead.vault().ban(&admin(), node("alpha"), "stolen".to_owned()).await.expect("banned");
    let banned = mesh.lead.vault().exposure(&admin(), &of_alpha).await.expect("told");
    assert_eq!(banned.values.iter().map(|value| value.version).collect::<Vec<_>>(), both, "{banned:?}");
}

fn may_give_files_away() -> bool {
    let may = rustix::process::geteuid().is_root();
    if !may {
        eprintln!("skipped: only root can give files away");
    }
    may
}

/// As root in a directory of the node's own user, everything was root's afterwards, and the node did not start.
#[tokio::test]
async fn a_store_that_root_restores_belongs_to_who_runs_the_node() {
    if !may_give_files_away() {
        return;
    }
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.lead.stop().await;
    let home = mesh.lead.config.node.state_dir.clone();
    chown(&home, Some(SOMEBODY), Some(SOMEBODY)).expect("given away");
    for entry in std::fs::read_dir(&home).expect("listed") {
        chown(entry.expect("an entry").path(), Some(SOMEBODY), Some(SOMEBODY)).expect("given away");
    }
    let (_, kept) = done(restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored"));
    for path in [mesh.lead.store_file(), kept.expect("kept")] {
        let found = std::fs::metadata(&path).expect("there");
        assert_eq!((found.uid(), found.gid()), (SOMEBODY, SOMEBODY), "{}", path.display());
    }
}

/// The first restore was never started, so no journal had it.
#[tokio::test]
async fn a_restore_that_was_never_started_is_written_down_with_the_next() {
    let mut mesh = TestMesh::start().await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-one")).await;
    let file = snapshot(&mesh);
    save(&mut mesh.lead, &file, &[]).await;
    mesh.lead.stop().await;
    for _ in 0..2 {
        let outcome = restored(&mesh.lead, &file, Trust::Nobody, None).await.expect("restored");
        assert!(matches!(outcome, Outcome::Done(..)));
    }
    mesh.lead.start().await;
    is_in_epoch(&mesh.lead, 3).await;
    let lines = mesh.lead.vault().audit_tail(&admin(), 50).await.expect("the journal");
    let both = |line: &&String| line.contains("epoch 1 to 3") && line.contains("epoch 1 to 2");
    assert_eq!(lines.iter().filter(both).count(), 1, "{lines:?}");
}

/// Who has the public half of a recovery key can seal a snapshot of a mesh of their own to it.
#[tokio::test]
async fn an_authority_that_nothing_here_knows_must_be_named() {
    let dir = directory();
    let key = dir.path().join("recovery.key").display().to_string();
    let made = run(&mut aurora(dir.path(), ["snapshot", "keygen", &key]), b"").await;
    let mut lead = Node::new(dir.path(), "aurora", "info");
    lead.init().await;
    lead.configure("# recipients = [\"aurora-recovery-...\"]", &format!("recipients = [\"{}\"]", made.text().trim()));
    lead.start().await;
    let secret = json!({"service": "hubspot", "key_name": "api_key", "key_value": "not-a-real-key"});
    assert_eq!(crate::support::http::post(&lead.admin(), "/api/secrets", &secret).await.status, 200);
    let file = dir.path().join("a.aurora-snapshot").display().to_string();
    let saved = run(&mut lead.aurora(&["snapshot", "save", &file]), b"").await;
    assert_eq!(saved.code, Some(0), "{saved:?}");
    let verified = run(&mut lead.aurora(&["snapshot", "verify", &file, "-o", "json"]), b"").await;
    let authority = verified.json()["authority"].as_str().expect("a pin").to_owned();
    lead.end(rustix::process::Signal::TERM).await;
    std::fs::remove_dir_all(lead.state_dir()).expect("burned");
    let restore = async |more: &[&str]| -> Ended {
        let mut command = aurora(dir.path(), ["snapshot", "restore", &file, "--yes", "--recovery-key", &key]);
        command.arg("--config").arg(lead.config_file()).args(more);
        run(&mut command, b"").await
    };
    let unnamed = restore(&[]).await;
    assert!(unnamed.code == Some(1) && unnamed.err.contains(&authority), "{unnamed:?}");
    assert!(unnamed.err.contains("--authority"), "{unnamed:?}");
    let other = format!("sha256:{}", "0".repeat(64));
    let another = restore(&["--authority", &other]).await;
    assert!(another.code == Some(1) && another.err.contains(&other), "{another:?}");
    assert!(!lead.state_dir().join("store.redb").exists());
    let named = restore(&["--authority", &authority]).await;
    assert_eq!(named.code, Some(0), "{named:?}");
    // The store says it now.
    let again = restore(&[]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
}
