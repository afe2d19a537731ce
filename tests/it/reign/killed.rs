//! `kill -9` at every step of a promotion and of a restore: there is the old store or the new one, and the same command again does the rest.

use std::path::{Path, PathBuf};

use aurora_mesh::store::failpoint::Failpoint;
use aurora_mesh::store::handle::Store;
use rustix::process::Signal;
use serde_json::json;

use crate::support::http;
use crate::support::process::{Ended, Node, aurora, directory, run};
use crate::support::snapshot::save_files;

/// Puts the files of a directory into another, which is made anew.
fn copy(from: &Path, to: &Path) {
    let _absent = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("made");
    std::fs::set_permissions(to, std::fs::metadata(from).expect("there").permissions()).expect("private");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).expect("copied");
        }
    }
}

/// A lead and a follower that are stopped, and a snapshot of the lead.
struct Stage {
    _dir: tempfile::TempDir,
    lead: Node,
    follower: Node,
    snapshot: PathBuf,
    kept: PathBuf,
}

impl Stage {
    async fn set() -> Self {
        let dir = directory();
        let mut lead = Node::lead(dir.path()).await;
        let mut follower = lead.follower("vengeance", &[]).await;
        let secret = json!({"service": "hubspot", "key_name": "api_key", "key_value": "not-a-real-key"});
        assert_eq!(http::post(&lead.admin(), "/api/secrets", &secret).await.status, 200);
        follower.end(Signal::TERM).await;
        lead.end(Signal::TERM).await;
        let snapshot = dir.path().join("mesh.aurora-snapshot");
        let (store, key) = (lead.state_dir().join("store.redb"), lead.state_dir().join("unseal.key"));
        save_files((&store, &key), &snapshot, &[]).await;
        let kept = dir.path().join("kept");
        copy(&follower.state_dir(), &kept);
        std::fs::copy(follower.config_file(), kept.join("node.toml")).expect("copied");
        Self { _dir: dir, lead, follower, snapshot, kept }
    }

    /// The follower as it was.
    fn again(&self) {
        copy(&self.kept, &self.follower.state_dir());
        std::fs::rename(self.follower.state_dir().join("node.toml"), self.follower.config_file()).expect("put back");
        let _absent = std::fs::remove_file(self.follower.config_file().with_extension("toml.before-promotion"));
    }

    async fn restore(&self, failpoint: Option<Failpoint>, more: &[&str]) -> Ended {
        let mut command = aurora(&self.lead.dir, ["snapshot", "restore"]);
        command.arg(&self.snapshot).arg("--config").arg(self.lead.config_file()).args(more);
        command.envs(failpoint.map(|point| ("AURORA_FAILPOINT", point.name())));
        run(&mut command, b"").await
    }

    async fn promote(&self, failpoint: Option<Failpoint>) -> Ended {
        let mut command =
            aurora(&self.follower.dir, ["promote", "--yes", "--trust-members", "--listen", "127.0.0.1:0"]);
        command.arg("--snapshot").arg(&self.snapshot).arg("--config").arg(self.follower.config_file());
        command.arg("--key-file").arg(self.lead.state_dir().join("unseal.key"));
        command.envs(failpoint.map(|point| ("AURORA_FAILPOINT", point.name())));
        run(&mut command, b"").await
    }
}

#[tokio::test]
async fn a_promotion_that_is_killed_at_any_step_is_finished_by_the_same_command() {
    let mut stage = Stage::set().await;
    for point in Failpoint::OF_REPLACEMENT {
        stage.again();
        let killed = stage.promote(Some(point)).await;
        assert_eq!(killed.code, None, "{} is passed: {killed:?}", point.name());
        let place = stage.follower.state_dir().join("store.redb");
        let (store, contents) = Store::open(&place).await.expect("there is a store, whole");
        store.close().await.expect("closes");
        let epoch = contents.position.epoch.get();
        assert_eq!(epoch, if matches!(point, Failpoint::StorePlaced | Failpoint::StoreReplaced) { 2 } else { 1 });
        let finished = stage.promote(None).await;
        assert_eq!(finished.code, Some(0), "{}: {finished:?}", point.name());
        stage.follower.start().await;
        let health = http::get(&stage.follower.agent(), "/health").await.json();
        assert_eq!((health["role"].as_str(), health["epoch"].as_u64()), (Some("lead"), Some(2)), "{health}");
        let read = http::get(&stage.follower.agent(), "/api/secrets/hubspot/api_key").await;
        assert_eq!(read.json()["key_value"], "not-a-real-key", "{}", read.body);
        stage.follower.end(Signal::TERM).await;
    }
}

#[tokio::test]
async fn a_restore_that_is_killed_at_any_step_is_finished_by_the_same_command() {
    let mut stage = Stage::set().await;
    let asked = stage.restore(None, &[]).await;
    assert_eq!(asked.code, Some(1), "without a terminal nobody says yes: {asked:?}");
    assert!(asked.err.contains("--yes"), "{asked:?}");
    let rehearsed = stage.restore(None, &["--dry-run"]).await;
    assert_eq!(rehearsed.text(), "Nothing was changed.\n");
    assert!(rehearsed.err.contains("revision"), "it says what it would change: {rehearsed:?}");
    let mut epoch = 1;
    for point in Failpoint::OF_REPLACEMENT {
        let killed = stage.restore(Some(point), &["--yes"]).await;
        assert_eq!(killed.code, None, "{} is passed: {killed:?}", point.name());
        let place = stage.lead.state_dir().join("store.redb");
        let (store, contents) = Store::open(&place).await.expect("there is a store, whole");
        store.close().await.expect("closes");
        epoch += u64::from(matches!(point, Failpoint::StorePlaced | Failpoint::StoreReplaced));
        assert_eq!(contents.position.epoch.get(), epoch, "{}", point.name());
        let finished = stage.restore(None, &["--yes"]).await;
        assert_eq!(finished.code, Some(0), "{}: {finished:?}", point.name());
        epoch += 1;
        stage.lead.start().await;
        let running = stage.restore(None, &["--yes"]).await;
        assert_eq!(running.code, Some(1), "it runs: {running:?}");
        assert!(running.err.contains("stop the node first"), "{running:?}");
        assert_eq!(stage.lead.health().await["epoch"].as_u64(), Some(epoch));
        let read = http::get(&stage.lead.agent(), "/api/secrets/hubspot/api_key").await;
        assert_eq!(read.json()["key_value"], "not-a-real-key", "{}", read.body);
        stage.lead.end(Signal::TERM).await;
    }
}
