//! A rotation of keys survives `kill -9` at every step: nothing lost, nothing half done, and the same command finishes it.
//!
//! The steps are those of `store::failpoint`: the lead kills itself at each in turn, and is started again.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;

use aurora_mesh::model::number::Version;
use aurora_mesh::model::record::Record;
use aurora_mesh::model::secret::ScopedSecret;
use aurora_mesh::store::blob::BlobName;
use aurora_mesh::store::contents::Contents;
use aurora_mesh::store::failpoint::Failpoint;
use aurora_mesh::store::handle::Store;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::http;
use crate::support::process::{Node, directory};
use crate::support::wait::eventually;

/// More than fit one batch, so that a kill after the first leaves some of them under the old key.
const SECRETS: usize = 70;

/// The command that passes a step.
fn command(point: Failpoint) -> &'static [&'static str] {
    match point {
        Failpoint::RotationAnnounced
        | Failpoint::RotationBegun
        | Failpoint::ResealChosen
        | Failpoint::ResealDone
        | Failpoint::CurrentDone
        | Failpoint::OlderChosen
        | Failpoint::OlderDone
        | Failpoint::FinishChosen
        | Failpoint::PurgeBegun
        | Failpoint::FileCopied
        | Failpoint::FileNamed
        | Failpoint::PurgeDone
        | Failpoint::PurgeNoted => &["key", "rotate"],
        Failpoint::RootAnnounced | Failpoint::RootReplaced => &["key", "rotate-root"],
        Failpoint::ImportPlanned
        | Failpoint::ImportAnnounced
        | Failpoint::RowsWritten
        | Failpoint::ImportStored
        | Failpoint::KeyFileBegun
        | Failpoint::SnapshotWritten
        | Failpoint::SnapshotRestored
        | Failpoint::SnapshotProven
        | Failpoint::SnapshotNoted
        | Failpoint::SnapshotNamed
        | Failpoint::SnapshotUnpacked
        | Failpoint::StoreBuilt
        | Failpoint::StoreKept
        | Failpoint::StorePlaced
        | Failpoint::StoreReplaced => {
            panic!("{point:?} is no step of a rotation")
        }
    }
}

/// What lies in a store while no process has it open.
struct Laid {
    contents: Contents,
    older: Vec<Record>,
    bytes: Vec<u8>,
}

impl Laid {
    async fn of(node: &Node) -> Self {
        let path = node.state_dir().join("store.redb");
        let (store, contents) = Store::open(&path).await.expect("opens");
        let older = store.older(None, usize::MAX).await.expect("reads");
        store.close().await.expect("closes");
        Self { contents, older, bytes: std::fs::read(path).expect("reads") }
    }

    /// The ciphertext of every version of the global scope that has a value, with its generation.
    fn global(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let records = self.contents.records.iter().chain(&self.older);
        let global = records.filter(|record| record.at.scope.id().is_none());
        global.filter_map(|record| record.kept()).map(|sealed| (sealed.generation.get(), &*sealed.ciphertext))
    }

    fn generations(&self) -> Vec<u32> {
        let keys = self.contents.scope_keys.iter().filter(|key| key.at.scope.id().is_none());
        keys.map(|key| key.generation.get()).collect()
    }

    fn holds(&self, needle: &[u8]) -> bool {
        self.bytes.windows(needle.len()).any(|window| window == needle)
    }
}

/// A lead with several versions of many secrets, and a follower.
struct Mesh {
    _dir: TempDir,
    lead: Node,
    follower: Node,
    values: BTreeMap<(String, u64), String>,
}

impl Mesh {
    async fn start() -> Self {
        let dir = directory();
        let lead = Node::lead(dir.path()).await;
        let follower = lead.follower("vengeance", &["acme"]).await;
        let mut values = BTreeMap::new();
        for number in 0..SECRETS {
            let name = format!("service/key{number}");
            for version in 1..=2 {
                let value = format!("the value of {name} in version {version}");
                lead.put(&name, "global", &value).await;
                values.insert((name.clone(), version), value);
            }
        }
        lead.put("service/of_company", "company:acme", "untouched").await;
        lead.put("service/deleted", "global", "to be undeleted").await;
        http::ask(&lead.admin(), "DELETE", "/api/secrets/service/deleted", &[], "").await;
        Self { _dir: dir, lead, follower, values }
    }

    /// Runs the command of a step on a lead that kills itself there, and starts it again.
    async fn killed_at(&mut self, point: Failpoint) {
        self.lead.failpoint = Some(point.name());
        self.lead.start().await;
        let ran = self.lead.run(command(point), b"").await;
        assert_ne!(ran.code, Some(0), "{point:?}: it was told to be done: {ran:?}");
        let ended = self.lead.ended().await;
        assert_eq!(ended.signal(), Some(Signal::KILL.as_raw()), "{point:?} is not passed: {ran:?}");
        self.lead.failpoint = None;
        self.lead.start().await;
    }

    /// Every version reads as it was stored, and what was deleted can still be undeleted.
    async fn is_whole(&self, point: Failpoint) {
        for ((name, version), value) in &self.values {
            let answer = http::get(&self.lead.agent(), &format!("/api/secrets/{name}?version={version}")).await;
            assert_eq!(answer.status, 200, "{point:?}: {name} {version}: {}", answer.body);
            assert_eq!(answer.json()["key_value"], **value, "{point:?}: {name} {version}");
        }
        let undeleted = http::post(&self.lead.admin(), "/api/secrets/service/deleted/undelete", &Value::Null).await;
        assert_eq!(undeleted.status, 200, "{point:?}: {}", undeleted.body);
        http::ask(&self.lead.admin(), "DELETE", "/api/secrets/service/deleted", &[], "").await;
        let verdict = http::get(&self.lead.admin(), "/api/audit/verify").await.json();
        assert_eq!(verdict["valid"], true, "{point:?}: {verdict}");
    }

    /// What was begun is finished without anybody asking.
    async fn finishes_by_itself(&self, point: Failpoint) {
        eventually(&format!("the lead finishes what was begun before {point:?}"), || async {
            let keys = http::get(&self.lead.admin(), "/api/keys").await.json();
            let keys = keys["keys"].as_array()?;
            keys.iter().all(|key| key["unfinished"] == false).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_rotation_that_was_killed_at_any_step_is_finished_and_loses_nothing() {
    let mut mesh = Mesh::start().await;
    mesh.lead.end(Signal::TERM).await;
    for point in Failpoint::OF_ROTATION {
        let before = Laid::of(&mesh.lead).await;
        mesh.killed_at(point).await;
        mesh.is_whole(point).await;
        mesh.finishes_by_itself(point).await;
        mesh.lead.run(command(point), b"").await.text();
        mesh.is_whole(point).await;
        mesh.lead.end(Signal::TERM).await;
        let after = Laid::of(&mesh.lead).await;
        assert!(!after.contents.blobs.contains_key(&BlobName::RebuildDue), "{point:?}");
        match command(point) {
            ["key", "rotate"] => is_rotated(point, &before, &after),
            _ => is_rewrapped(point, &before, &after),
        }
    }
    mesh.lead.start().await;
    follows(&mesh).await;
}

/// Everything is under one new key, and neither the old keys nor what they sealed is in the file.
fn is_rotated(point: Failpoint, before: &Laid, after: &Laid) {
    let (old, new) = (before.generations(), after.generations());
    assert_eq!(new.len(), 1, "{point:?}: {new:?}");
    assert!(new > old, "{point:?}: {old:?} became {new:?}");
    assert!(after.global().all(|(generation, _)| [generation] == *new), "{point:?}");
    assert_eq!(after.global().count(), before.global().count(), "{point:?}");
    for (_, ciphertext) in before.global() {
        assert!(before.holds(ciphertext), "{point:?}: the search finds what is there");
        assert!(!after.holds(ciphertext), "{point:?}: bytes under the old key are in the file");
    }
    for key in before.contents.scope_keys.iter().filter(|key| key.at.scope.id().is_none()) {
        assert!(before.holds(&key.sealed) && !after.holds(&key.sealed), "{point:?}: the old key is in the file");
    }
}

/// Nothing that the old root key wrapped is in the file, nor the old root key.
fn is_rewrapped(point: Failpoint, before: &Laid, after: &Laid) {
    let wrapped = before.contents.blobs.iter().filter(|(name, _)| name.is_wrapped() || **name == BlobName::RootKey);
    let keys = before.contents.scope_keys.iter().map(|key| &key.sealed);
    for bytes in wrapped.map(|(_, bytes)| bytes).chain(keys) {
        assert!(before.holds(bytes), "{point:?}: the search finds what is there");
        assert!(!after.holds(bytes), "{point:?}: something wrapped by the old root key is in the file");
    }
    assert!(after.contents.blobs.contains_key(&BlobName::RootRotated), "{point:?}");
    let values = |laid: &Laid| -> BTreeMap<(ScopedSecret, Version), Record> {
        let records = laid.contents.records.iter().chain(&laid.older);
        records.map(|record| ((record.at.clone(), record.version), record.clone())).collect()
    };
    let same = |(at, record): (&(ScopedSecret, Version), &Record)| values(before)[at].kept() == record.kept();
    assert!(values(after).iter().all(same), "{point:?}: values were touched");
}

/// The follower has every current value under the newest key, and nothing of the keys before it in its file.
async fn follows(mesh: &Mesh) {
    let revision = mesh.lead.health().await["revision"].as_u64().expect("a revision");
    mesh.follower.reaches(revision).await;
    for ((name, _), value) in mesh.values.iter().filter(|((_, version), _)| *version == 2) {
        let answer = http::get(&mesh.follower.agent(), &format!("/api/secrets/{name}")).await;
        assert_eq!(answer.json()["key_value"], **value, "{name}");
    }
    let of_company = [("X-Company-Id", "acme")];
    let answer = http::ask(&mesh.follower.agent(), "GET", "/api/secrets/service/of_company", &of_company, "").await;
    assert_eq!(answer.json()["key_value"], "untouched");
}

#[tokio::test]
async fn a_follower_ends_old_keys_and_what_they_sealed_once_nothing_needs_them() {
    let dir = directory();
    let lead = Node::lead(dir.path()).await;
    let mut follower = lead.follower("vengeance", &[]).await;
    for number in 0..3 {
        lead.put(&format!("service/key{number}"), "global", &format!("value {number}")).await;
    }
    let revision = lead.health().await["revision"].as_u64().expect("a revision");
    follower.reaches(revision).await;
    follower.end(Signal::TERM).await;
    let before = Laid::of(&follower).await;
    assert_eq!(before.generations(), [1]);
    follower.start().await;
    lead.run(&["key", "rotate"], b"").await.text();
    let revision = lead.health().await["revision"].as_u64().expect("a revision");
    follower.reaches(revision).await;
    let file = follower.state_dir().join("store.redb");
    eventually("no byte under the old key is in the follower's file", || {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let gone = before.global().all(|(_, needle)| !holds(&bytes, needle));
        async move { gone.then_some(()) }
    })
    .await;
    follower.end(Signal::TERM).await;
    assert_eq!(Laid::of(&follower).await.generations(), [2]);
    follower.start().await;
    let read = follower.run(&["get", "service/key1"], b"").await;
    assert_eq!(read.text(), "value 1");
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
