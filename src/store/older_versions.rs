//! What becomes of older versions: trimmed, destroyed, sealed anew.

use super::mutation::Mutation;
use super::test_support::{at, numbers, place, put, record, scope_key, store, version};
use crate::model::number::Generation;
use crate::model::record::RecordBody;

#[tokio::test]
async fn older_versions_are_trimmed_in_the_transaction_that_adds_one() {
    let (store, _disk) = store().await;
    for number in 1..=15 {
        store.commit(vec![put(number), Mutation::TrimVersions { at: place(), keep: 10 }]).await.expect("committed");
    }
    assert_eq!(numbers(&store).await, (5..=15).rev().collect::<Vec<_>>());
    let old = store.version(place(), version(7)).await.expect("read").expect("kept");
    assert_eq!(old.sealed().expect("sealed").ciphertext, 7_u64.to_be_bytes());
    assert_eq!(store.version(place(), version(4)).await.expect("read"), None);
    assert_eq!(store.versions(at("prod", "openai/api_key", "node:x")).await.expect("read"), []);
    store.commit(vec![Mutation::TrimVersions { at: place(), keep: 0 }]).await.expect("committed");
    assert_eq!(numbers(&store).await, [15]);
}

#[tokio::test]
async fn a_destroyed_version_keeps_its_number_and_loses_its_value() {
    let (store, _disk) = store().await;
    store.commit(vec![put(1), put(2), put(3)]).await.expect("committed");
    let destroy = Mutation::DestroyVersions { at: place(), versions: vec![version(1), version(3), version(9)] };
    store.commit(vec![destroy]).await.expect("committed");
    assert_eq!(numbers(&store).await, [3, 2, 1]);
    let body = |number| {
        let read = store.version(place(), version(number));
        async move { read.await.expect("read").expect("kept").body }
    };
    assert_eq!(body(1).await, RecordBody::Destroyed);
    assert!(matches!(body(2).await, RecordBody::Sealed(_)));
    assert!(matches!(body(3).await, RecordBody::Sealed(_)), "the current one is not among the older");
}

#[tokio::test]
async fn an_older_version_is_sealed_anew_only_if_it_is_still_what_was_read() {
    let (store, _disk) = store().await;
    store.commit(vec![put(1), put(2), put(3)]).await.expect("committed");
    let read = store.older(None, 10).await.expect("read");
    assert_eq!(read.iter().map(|record| record.version.get()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(store.older(Some((place(), version(1))), 1).await.expect("read"), read[1..]);
    let newer = Generation::FIRST.next();
    let anew = |number| {
        let mut record = record("openai/api_key", "global", number, b"anew");
        let RecordBody::Sealed(sealed) = &mut record.body else { panic!("sealed") };
        sealed.generation = newer;
        record
    };
    let gone = Mutation::DestroyVersions { at: place(), versions: vec![version(1)] };
    let replace = |number, expecting| Mutation::ReplaceVersion { record: anew(number), expecting };
    let first = Generation::FIRST;
    store.commit(vec![gone, replace(1, first), replace(2, newer), replace(7, first)]).await.expect("committed");
    assert_eq!(store.older(None, 10).await.expect("read")[1], read[1], "it has another generation than expected");
    store.commit(vec![replace(2, first)]).await.expect("committed");
    let after = store.older(None, 10).await.expect("read");
    assert_eq!((after[0].body.clone(), &after[1]), (RecordBody::Destroyed, &anew(2)));
}

#[tokio::test]
async fn only_the_generations_before_the_named_one_are_dropped() {
    let (store, _disk) = store().await;
    let keys = [scope_key("global", 1, b"1"), scope_key("global", 2, b"2"), scope_key("node:x", 1, b"x")];
    store.commit(keys.iter().cloned().map(Mutation::PutScopeKey).collect()).await.expect("committed");
    let drop = Mutation::DropGenerations { at: keys[0].at.clone(), before: keys[1].generation };
    store.commit(vec![drop]).await.expect("committed");
    assert_eq!(store.snapshot().await.expect("snapshot").scope_keys, keys[1..]);
}
