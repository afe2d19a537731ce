//! A follower of the version before, which has no stream of journals, replicates as it always did, and is heard
//! on what its version has.

use aurora_mesh::transport::error::TransportError;
use aurora_mesh::wire::control::{self, Hello};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::rules::{self, FollowRules, RulesHeld};
use aurora_mesh::wire::subscription::{self, Subscribe};

use crate::support::callers::put;
use crate::support::forge::join_by_hand;
use crate::support::intruder::Deed::Stream;
use crate::support::intruder::{Intruder, MEMBER, dial, name_stream, say};
use crate::support::mesh::{TestMesh, prod};

/// Follows the rules up to where they are complete, and says that it holds them; how many there were.
async fn follow_rules(older: &mut Intruder) -> usize {
    let follow = say::<rules::FromFollower>(FollowRules::from(None));
    older.act([Stream, name_stream(StreamKind::Rules), follow]).await;
    let mut count = 0;
    loop {
        let rules::FromLead::Articles(articles) = older.hears().await;
        count += articles.articles.len();
        if !articles.more {
            let held = RulesHeld { epoch: articles.epoch, revision: articles.revision };
            older.act([say::<rules::FromFollower>(held)]).await;
            return count;
        }
    }
}

/// The names of the records in the next snapshot or change that has any.
async fn records(older: &mut Intruder) -> Vec<String> {
    loop {
        let records = match older.hears().await {
            subscription::FromLead::SnapshotRecords(part) => part.records,
            subscription::FromLead::Change(change) => change.records,
            subscription::FromLead::SnapshotBegin(_)
            | subscription::FromLead::SnapshotEnd(_)
            | subscription::FromLead::ScopeKeys(_) => continue,
        };
        if !records.is_empty() {
            let name = |record: &aurora_mesh::wire::record::RecordFrame| {
                format!("{}/{} {}", record.secret.service, record.secret.key, record.version)
            };
            return records.iter().map(name).collect();
        }
    }
}

#[tokio::test]
async fn a_follower_of_the_version_before_still_has_records_and_rules() {
    let mesh = TestMesh::start().await;
    mesh.put(put("openai/api_key", "global", "one")).await;
    let papers = join_by_hand(&mesh, "older", prod(&[])).await;
    let address = mesh.lead.running().address().expect("the lead listens");
    let mut older = dial(address, MEMBER, Some(&papers)).await.expect("let in");
    let hello = Hello { versions: vec![5], build: "0.1.0".to_owned(), epoch: 0, revision: 0, boot_id: [1; 16] };
    older.act([Stream, name_stream(StreamKind::Control), say::<control::FromFollower>(hello)]).await;
    let control::FromLead::Welcome(welcome) = older.hears().await else { panic!("no welcome") };
    assert_eq!(welcome.version, 5);
    assert!(follow_rules(&mut older).await > 0);
    let subscribe = say::<subscription::FromFollower>(Subscribe { epoch: 0, revision: 0 });
    older.act([Stream, name_stream(StreamKind::Subscription), subscribe]).await;
    assert_eq!(records(&mut older).await, ["openai/api_key 1"]);
    mesh.put(put("openai/api_key", "global", "two")).await;
    assert_eq!(records(&mut older).await, ["openai/api_key 2"]);
    older.act([Stream, name_stream(StreamKind::Audit)]).await;
    let ended = older.ended().await;
    let TransportError::Closed { reason, .. } = &ended else { panic!("{ended:?}") };
    assert!(reason.contains("a stream that its version does not have"), "{ended:?}");
}
