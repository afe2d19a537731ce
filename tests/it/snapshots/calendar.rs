//! By the calendar: saved in time, examined, handed over, retired; and people are told once when nothing vouches any more.

use std::time::Duration;

use aurora_mesh::vault::snapshots::SnapshotList;

use super::saving::with_directory;
use crate::support::callers::{admin, put};
use crate::support::http;
use crate::support::mesh::TestMesh;
use crate::support::wait::eventually;

const HOUR: Duration = Duration::from_secs(3600);

async fn list(mesh: &TestMesh) -> SnapshotList {
    mesh.lead.vault().snapshots(&admin()).await.expect("listed")
}

/// Until there are so many, and the newest vouches.
async fn until(mesh: &TestMesh, count: usize) -> SnapshotList {
    eventually(&format!("{count} snapshots"), || async {
        let list = list(mesh).await;
        let vouches = list.kept.first().is_some_and(|kept| {
            kept.verified_at.is_some() && list.mark.verified.is_some_and(|it| it.position == kept.name.position)
        });
        (list.kept.len() == count && vouches).then_some(list)
    })
    .await
}

async fn stale(mesh: &TestMesh) -> Vec<serde_json::Value> {
    let admin = mesh.lead.agent_socket().with_file_name("admin.sock");
    let answer = http::get(&admin, "/api/events/history?limit=1000&type=backup.stale").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["events"].as_array().expect("events").clone()
}

async fn is_kept_as_told(mesh: &TestMesh) {
    eventually("it is kept that it was told", || async { list(mesh).await.mark.told.then_some(()) }).await;
}

async fn lines(mesh: &TestMesh, action: &str) -> Vec<serde_json::Value> {
    let admin = mesh.lead.agent_socket().with_file_name("admin.sock");
    let answer = http::get(&admin, &format!("/api/audit?action={action}&limit=1000")).await.json();
    let lines = answer["lines"].as_array().expect("lines");
    lines.iter().map(|line| serde_json::from_str(line.as_str().expect("text")).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_is_saved_each_time_it_is_due_and_keeps_as_many_as_it_was_told() {
    let mesh = with_directory(|section| {
        section.every = 6 * HOUR;
        section.keep = 3;
    })
    .await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let first = until(&mesh, 1).await;
    mesh.lead.clock.advance(5 * HOUR);
    mesh.lead.clock.advance(HOUR + Duration::from_secs(60));
    let second = until(&mesh, 2).await;
    assert_eq!(second.kept[1].name, first.kept[0].name);
    for _ in 0..3 {
        mesh.put(put("hubspot/api_key", "global", "not-a-real-key-either")).await;
        let newest = list(&mesh).await.kept[0].name.clone();
        mesh.lead.clock.advance(7 * HOUR);
        eventually("another one", || async { (list(&mesh).await.kept[0].name != newest).then_some(()) }).await;
    }
    let kept = until(&mesh, 3).await;
    assert!(kept.kept.iter().all(|kept| kept.name != first.kept[0].name), "the oldest went");
    eventually("what is past its time went twice", || async {
        (lines(&mesh, "backup.retired").await.len() >= 2).then_some(())
    })
    .await;
    let saves = lines(&mesh, "backup.save").await;
    let outcomes: Vec<&str> = saves.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "intent").count(), 5, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "ok").count(), 5, "{outcomes:?}");
    assert_eq!(stale(&mesh).await.len(), 0);
    let metrics = mesh.lead.vault().metrics(&admin()).await.expect("the owner may look");
    assert!(metrics.contains("aurora_snapshot_age_seconds "), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_without_a_snapshot_for_a_day_is_told_of_once_also_over_a_restart() {
    let mut mesh = TestMesh::start().await;
    mesh.lead.clock.advance(25 * HOUR);
    // Nothing is stored: nothing can be lost.
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let told = eventually("it is told", || async { Some(stale(&mesh).await).filter(|told| !told.is_empty()) }).await;
    assert_eq!(told[0]["data"]["last_backup"], serde_json::Value::Null, "{told:?}");
    let line = lines(&mesh, "backup.stale").await.remove(0).to_string();
    assert!(line.contains("aurora snapshot save FILE && aurora snapshot verify FILE"), "it has no place: {line}");
    // That it was told is kept behind the telling.
    is_kept_as_told(&mesh).await;
    mesh.lead.stop().await;
    mesh.lead.start().await;
    mesh.lead.clock.advance(30 * HOUR);
    let bytes = super::forger::saved(&mesh).await;
    assert_eq!(stale(&mesh).await.len(), 1, "it is told once");
    let from = aurora_mesh::vault::snapshots::SnapshotSource::Brought(Box::new(std::io::Cursor::new(bytes)));
    mesh.lead.vault().verify_snapshot(&admin(), from, None).await.expect("whole");
    mesh.lead.clock.advance(25 * HOUR);
    let again = eventually("it is told again, because something vouched between", || async {
        Some(stale(&mesh).await).filter(|told| told.len() == 2)
    })
    .await;
    assert!(again.iter().any(|told| told["data"]["last_backup"].is_string()), "{again:?}");
    is_kept_as_told(&mesh).await;
    assert_eq!(lines(&mesh, "backup.stale").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_gets_each_snapshot_and_one_that_fails_is_told_and_takes_nothing_back() {
    let copies = tempfile::tempdir().expect("a directory");
    let script = format!("cat > '{}'/\"$0\"", copies.path().display());
    let mesh =
        with_directory(|section| section.command = ["/bin/sh", "-c", &script, "{name}"].map(str::to_owned).into())
            .await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    let name = until(&mesh, 1).await.kept[0].name.clone();
    let (here, there) = (mesh.dir.path().join("snapshots").join(name.as_str()), copies.path().join(name.as_str()));
    eventually("it is there too", || async {
        let (here, there) = (std::fs::read(&here).ok()?, std::fs::read(&there).ok()?);
        (here == there).then_some(())
    })
    .await;
    let mesh = with_directory(|section| section.command = ["/bin/sh", "-c", "exit 9"].map(str::to_owned).into()).await;
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    until(&mesh, 1).await;
    let admin_socket = mesh.lead.agent_socket().with_file_name("admin.sock");
    eventually("somebody is told", || async {
        let answer = http::get(&admin_socket, "/api/events/history?limit=100&type=system.error").await;
        answer.body.contains("was not taken elsewhere").then_some(())
    })
    .await;
}
