//! Many watchers, slow ones, and those who may not.

use std::time::Duration;

use aurora_mesh::model::number::{Epoch, Position, Revision};
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::request::WatchRequest;
use aurora_mesh::vault::watch::{News, Watch};

use crate::support::callers::{admin, agent, environment, node, place, put, secret, stranger};
use crate::support::mesh::{TestMesh, TestNode, entitlement, prod};

/// A change that takes longer than this is not told.
const PATIENCE: Duration = Duration::from_secs(20);

/// The revisions of so many changes, one after the other.
async fn hears(watch: &mut Watch, count: usize) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let next = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap_or_else(|_| panic!("only {heard:?}"));
        for news in next.expect("the node runs") {
            match news {
                News::Ready { .. } => {}
                News::Changed(change) => heard.push(change.told.revision.get()),
                News::Reset { .. } => panic!("{news:?}"),
            }
        }
    }
    heard
}

async fn everything(on: &TestNode) -> Watch {
    on.vault().watch(&agent(), WatchRequest::default()).await.expect("allowed")
}

/// A watcher is a cursor: what a thousand have not asked for is nowhere, and each of them gets all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_watchers_that_do_not_listen_miss_nothing() {
    let mesh = TestMesh::start().await;
    let follower = mesh.follower("vengeance", prod(&[])).await;
    let mut crowd = Vec::new();
    for _ in 0..500 {
        crowd.push(everything(&mesh.lead).await);
        crowd.push(everything(&follower).await);
    }
    let mut revisions = Vec::new();
    for number in 0..100 {
        let stored = mesh.put(put("hubspot/api_key", "global", &format!("not-a-real-key-{number}"))).await;
        follower.reaches(stored.revision).await;
        revisions.push(stored.revision.get());
    }
    for watch in &mut crowd {
        assert_eq!(hears(watch, 100).await, revisions);
    }
    // All asleep now, all wake.
    let last = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    for watch in &mut crowd {
        assert_eq!(hears(watch, 1).await, [last.revision.get()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_hears_of_what_it_could_not_ask_about() {
    let mesh = TestMesh::start().await;
    let pod = mesh.follower("runpod-tx", entitlement("prod", &[], &["openai/*"])).await;
    for ask in [WatchRequest::default(), WatchRequest { name: Some(secret("openai/api_key")), ..Default::default() }] {
        for on in [&mesh.lead, &pod] {
            let refused = on.vault().watch(&stranger(), ask.clone()).await;
            assert!(matches!(refused, Err(VaultError::Denied { .. })));
        }
    }
    let elsewhere = WatchRequest { node: Some(node("laptop")), ..WatchRequest::default() };
    assert!(matches!(pod.vault().watch(&agent(), elsewhere).await, Err(VaultError::NodeMismatch { .. })));
    let dev = || WatchRequest { environment: Some(environment("dev")), ..WatchRequest::default() };
    assert!(matches!(pod.vault().watch(&agent(), dev()).await, Err(VaultError::BadScope(_))));

    let mut program = everything(&mesh.lead).await;
    let mut on_pod = everything(&pod).await;
    let mut owner = mesh.lead.vault().watch(&admin(), WatchRequest::default()).await.expect("the owner");
    let mut owner_of_dev = mesh.lead.vault().watch(&admin(), dev()).await.expect("the owner");
    let hubspot = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await.revision.get();
    let laptop = mesh.put(put("openai/api_key", "node:laptop", "not-a-real-key")).await.revision.get();
    let mut in_dev = put("openai/api_key", "global", "not-a-real-key");
    in_dev.place.environment = Some(environment("dev"));
    let in_dev = mesh.put(in_dev).await.revision.get();
    let openai = mesh.put(put("openai/api_key", "global", "not-a-real-key")).await.revision.get();
    assert_eq!(hears(&mut program, 2).await, [hubspot, openai], "nothing for another node");
    assert_eq!(hears(&mut on_pod, 1).await, [openai], "nothing its globs leave out");
    assert_eq!(hears(&mut owner, 3).await, [hubspot, laptop, openai], "all of the environment");
    assert_eq!(hears(&mut owner_of_dev, 1).await, [in_dev]);
}

/// The audit has the beginning of each watch, and of each refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_is_in_the_journal_once() {
    let mesh = TestMesh::start().await;
    let one = WatchRequest { name: Some(secret("hubspot/api_key")), ..WatchRequest::default() };
    let mut watch = mesh.lead.vault().watch(&agent(), one.clone()).await.expect("allowed");
    mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await;
    mesh.delete(place("hubspot/api_key", "global")).await;
    hears(&mut watch, 2).await;
    drop(mesh.lead.vault().watch(&stranger(), one).await);
    let lines = mesh.lead.vault().audit_tail(&admin(), 100).await.expect("readable");
    let begun: Vec<&String> = lines.iter().filter(|line| line.contains("\"secret.info\"")).collect();
    assert_eq!(begun.len(), 2, "{lines:?}");
    assert!(begun[0].contains("\"outcome\":\"ok\"") && begun[0].contains("hubspot/api_key"), "{begun:?}");
    assert!(begun[1].contains("\"outcome\":\"denied\""), "{begun:?}");
}

/// What a follower was slow to hear of comes with the newest state, and with the place the watcher resumes from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_follower_missed_is_told_once_as_it_is_now() {
    let mesh = TestMesh::start().await;
    let mut follower = mesh.follower("vengeance", prod(&[])).await;
    let first = mesh.put(put("hubspot/api_key", "global", "not-a-real-key")).await.revision;
    follower.reaches(first).await;
    follower.stop().await;
    for number in 0..5 {
        mesh.put(put("hubspot/api_key", "global", &format!("not-a-real-key-{number}"))).await;
    }
    let other = mesh.put(put("openai/api_key", "global", "not-a-real-key")).await.revision;
    follower.start().await;
    follower.reaches(other).await;
    let after = Some(Position { epoch: Epoch(1), revision: Revision(first.get()) });
    let ask = WatchRequest { after, ..WatchRequest::default() };
    let mut watch = follower.vault().watch(&agent(), ask).await.expect("allowed");
    assert_eq!(hears(&mut watch, 2).await, [other.get() - 1, other.get()]);
}
