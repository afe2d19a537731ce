//! The rotation of keys as drafts plan it, step by step.

use std::sync::Arc;

use super::change::{Change, Committed, KeyStep, KeyTarget, NewValue, Rollback};
use super::draft_life::{Bench, NOW, at};
use super::error::CommitError;
use crate::crypto::plaintext::Plaintext;
use crate::model::change::ChangeKind;
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, Role, SealingPublicKey};
use crate::model::log::LogSubject;
use crate::model::name::{CompanyId, NodeName};
use crate::model::number::{Generation, Revision, Version};
use crate::model::patch::Patch;
use crate::model::record::{Record, RecordBody};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::secret::{KeyScope, Scope, ScopedSecret};
use crate::model::time::Timestamp;
use crate::store::blob::BlobName;
use crate::store::mutation::Mutation;

const SECOND: fn() -> Generation = || Generation::FIRST.next();

fn put(bench: &mut Bench, at: &ScopedSecret, value: &str) -> Record {
    let value = Plaintext::new(value.as_bytes().to_vec());
    let new = NewValue { at: at.clone(), value, patch: Patch::default(), cas: None };
    bench.plan(Change::Put(Box::new(new))).expect("stored");
    current(bench, at)
}

fn current(bench: &Bench, at: &ScopedSecret) -> Record {
    Record::clone(bench.draft.state.lead.view.get(at).expect("there"))
}

fn step(bench: &mut Bench, change: Change) -> KeyStep {
    let committed = bench.plan(change).expect("planned");
    let Committed::Keys(step) = committed else { panic!("{committed:?}") };
    step
}

fn begin(bench: &mut Bench) -> KeyStep {
    step(bench, Change::BeginRotation { scopes: vec![at().key_scope()] })
}

fn target(generation: Generation) -> KeyTarget {
    KeyTarget { at: at().key_scope(), generation }
}

fn opened(bench: &Bench, record: &Record) -> Vec<u8> {
    let sealed = record.kept().expect("a value");
    let key = bench.draft.state.keys.get(&record.at.key_scope(), sealed.generation).expect("its key");
    let mesh = &bench.sealer.mesh;
    crate::crypto::record::open(&key, mesh, &record.at, record.version, sealed).expect("opens").expose().to_vec()
}

fn finish(bench: &mut Bench, generation: Generation) -> Result<Committed, CommitError> {
    bench.plan(Change::FinishRotation { targets: vec![target(generation)] })
}

#[test]
fn a_rotation_seals_the_same_values_under_a_new_key_and_then_drops_the_old_one() {
    let mut bench = Bench::new();
    let before = put(&mut bench, &at(), "one");
    assert_eq!(begin(&mut bench), KeyStep::Begun(vec![target(SECOND())]));
    assert!(
        matches!(finish(&mut bench, SECOND()), Err(CommitError::GenerationInUse(scope)) if scope == at().key_scope())
    );
    assert_eq!(step(&mut bench, Change::Reseal { at: vec![at()] }), KeyStep::Resealed(1));
    let after = current(&bench, &at());
    assert_eq!(
        (after.version, after.updated_at, after.change),
        (before.version, before.updated_at, ChangeKind::Resealed)
    );
    assert!(after.revision > before.revision, "followers are told");
    assert_eq!(after.kept().map(|sealed| sealed.generation), Some(SECOND()));
    assert_eq!(opened(&bench, &after), b"one");
    assert_eq!(step(&mut bench, Change::Reseal { at: vec![at()] }), KeyStep::Resealed(0), "again changes nothing");
    assert!(!bench.draft.purges);
    assert!(matches!(finish(&mut bench, SECOND()), Ok(Committed::Keys(KeyStep::Finished(done))) if done.len() == 1));
    assert!(bench.draft.purges, "what the old key sealed must leave the file");
    assert_eq!(bench.draft.state.keys.unfinished().count(), 0);
    let drops = Mutation::DropGenerations { at: at().key_scope(), before: SECOND() };
    assert!(bench.draft.mutations.contains(&drops));
    assert!(matches!(finish(&mut bench, SECOND()), Ok(Committed::Keys(KeyStep::Finished(done))) if done.is_empty()));
}

#[test]
fn an_unfinished_rotation_is_gone_on_with_and_a_scope_without_a_key_has_none() {
    let mut bench = Bench::new();
    assert!(matches!(bench.plan(Change::BeginRotation { scopes: vec![at().key_scope()] }), Err(CommitError::NoKey)));
    put(&mut bench, &at(), "one");
    begin(&mut bench);
    let written = bench.draft.mutations.len();
    assert_eq!(begin(&mut bench), KeyStep::Begun(vec![target(SECOND())]));
    assert_eq!(bench.draft.mutations.len(), written, "nothing is to be written");
    assert_eq!(put(&mut bench, &at(), "two").kept().map(|sealed| sealed.generation), Some(SECOND()));
}

#[test]
fn a_deleted_value_is_sealed_anew_and_can_still_be_undeleted() {
    let mut bench = Bench::new();
    put(&mut bench, &at(), "one");
    bench.plan(Change::Delete { at: at() }).expect("deleted");
    begin(&mut bench);
    assert!(finish(&mut bench, SECOND()).is_err(), "an undeletion would need the old key");
    step(&mut bench, Change::Reseal { at: vec![at()] });
    assert!(matches!(current(&bench, &at()).body, RecordBody::Deleted { kept: Some(_) }));
    finish(&mut bench, SECOND()).expect("finished");
    bench.plan(Change::Undelete { at: at() }).expect("undeleted");
    assert_eq!(opened(&bench, &current(&bench, &at())), b"one");
}

#[test]
fn an_older_version_is_sealed_anew_where_it_lies_and_rolled_back_to_after_a_second_look() {
    let mut bench = Bench::new();
    let older = put(&mut bench, &at(), "one");
    put(&mut bench, &at(), "two");
    begin(&mut bench);
    assert_eq!(step(&mut bench, Change::ResealOlder { versions: vec![older.clone()] }), KeyStep::Resealed(1));
    let Some(Mutation::ReplaceVersion { record, expecting }) = bench.draft.mutations.last().cloned() else {
        panic!("replaced")
    };
    assert_eq!(
        (record.version, expecting, opened(&bench, &record)),
        (Version::FIRST, Generation::FIRST, b"one".into())
    );
    assert_eq!(Record { body: older.body.clone(), ..record.clone() }, older, "nothing else of it changes");
    step(&mut bench, Change::Reseal { at: vec![at()] });
    finish(&mut bench, SECOND()).expect("finished");
    let seen = current(&bench, &at()).revision;
    let back = |from: &Record| Change::Rollback(Box::new(Rollback { from: from.clone(), seen }));
    let as_it_was = bench.plan(back(&older));
    assert!(matches!(as_it_was, Err(CommitError::Moved)), "it was read before it was sealed anew: {as_it_was:?}");
    bench.plan(back(&record)).expect("rolled back");
    assert_eq!(opened(&bench, &current(&bench, &at())), b"one");
}

/// A rotation that drops what comes before the newest generation would lose the older versions that were sealed for the
/// one it worked towards, when another began meanwhile.
#[test]
fn a_generation_that_came_while_values_were_on_their_way_to_another_keeps_both() {
    let mut bench = Bench::new();
    put(&mut bench, &at(), "one");
    begin(&mut bench);
    step(&mut bench, Change::Reseal { at: vec![at()] });
    enrol(&mut bench, &["acme"]);
    let third = SECOND().next();
    bench.draft.state.keys = {
        let mut keys = (*bench.draft.state.keys).clone();
        let key = crate::crypto::scope_key::ScopeKey::generate(&*bench.sealer.entropy).expect("a key");
        keys.insert(at().key_scope(), third, key, None);
        Arc::new(keys)
    };
    finish(&mut bench, SECOND()).expect("the first goes");
    let unfinished: Vec<_> = bench.draft.state.keys.unfinished().map(|(_, newest)| newest).collect();
    assert_eq!(unfinished, [third], "the second stays until the values are under the third");
    assert_eq!(opened(&bench, &current(&bench, &at())), b"one");
}

fn company(id: &str) -> Scope {
    Scope::Company(CompanyId::parse(id).expect("id"))
}

fn entitlement(companies: &[&str]) -> Entitlement {
    let companies = companies.iter().map(|id| CompanyId::parse(id).expect("id")).collect();
    Entitlement {
        environment: at().secret.environment,
        companies: Companies::Only(companies),
        globs: vec![SecretGlob::everything()],
    }
}

fn enrol(bench: &mut Bench, companies: &[&str]) -> NodeName {
    let name = NodeName::parse("vengeance").expect("name");
    bench.draft.state.lead.enrol(RosterEntry {
        name: name.clone(),
        role: Role::Follower,
        pin: KeyPin([1; 32]),
        sealing_key: SealingPublicKey([2; 32]),
        entitlement: entitlement(companies),
        history: EntitlementHistory::beginning(Timestamp(0)),
        joined_at: Timestamp(0),
        standing: Standing::Active,
        changed_at: Revision(0),
    });
    name
}

#[test]
fn a_company_that_is_taken_from_a_node_gets_a_key_the_node_never_saw_in_the_same_transaction() {
    let mut bench = Bench::new();
    let [kept, lost] = ["acme", "town"].map(|id| at().secret.within(company(id)));
    for place in [&at(), &kept, &lost] {
        put(&mut bench, place, "one");
    }
    let node = enrol(&mut bench, &["acme", "town"]);
    let newest = |bench: &Bench, scope: &KeyScope| bench.draft.state.keys.newest(scope).expect("a key").0;
    // It may have been sent the key of a rotation under way, so that one does not do.
    step(&mut bench, Change::BeginRotation { scopes: vec![lost.key_scope()] });
    bench.plan(Change::Entitle { node: node.clone(), entitlement: entitlement(&["acme"]) }).expect("entitled");
    assert_eq!(newest(&bench, &lost.key_scope()), SECOND().next());
    assert_eq!(newest(&bench, &kept.key_scope()), Generation::FIRST);
    assert_eq!(newest(&bench, &at().key_scope()), Generation::FIRST);
    let entry = bench.draft.state.lead.node(&node).expect("there");
    assert_eq!(entry.changed_at, bench.draft.state.lead.view.position.revision, "the roster is told last");
    let mut scope_keys = bench.draft.mutations.iter().filter_map(|mutation| {
        let Mutation::AppendLog(entry) = mutation else { return None };
        matches!(entry.subject, LogSubject::ScopeKey(_)).then(|| entry.subject.clone())
    });
    let logged = scope_keys.next_back();
    assert_eq!(logged, Some(LogSubject::ScopeKey(lost.key_scope())));
    let before = bench.draft.mutations.len();
    bench.plan(Change::Entitle { node, entitlement: entitlement(&["acme", "town"]) }).expect("entitled");
    let keys = bench.draft.mutations[before..].iter().filter(|made| matches!(made, Mutation::PutScopeKey(_)));
    assert_eq!(keys.count(), 0, "who gains a company needs no new key");
}

#[test]
fn a_new_root_key_wraps_everything_the_old_one_wrapped_and_the_old_one_opens_none_of_it() {
    let mut bench = Bench::new();
    put(&mut bench, &at(), "one");
    begin(&mut bench);
    let (old, mesh) = (Arc::clone(&bench.draft.state.root), bench.sealer.mesh);
    let entropy = Arc::clone(&bench.sealer.entropy);
    let secret = Plaintext::new(b"identity".to_vec());
    let label = BlobName::Identity.as_str();
    let wrapped = old.wrap(&mesh, label, &secret, &*entropy).expect("wrapped");
    bench.draft.state.wrapped = Arc::new([(BlobName::Identity, wrapped)].into());
    let before = bench.draft.mutations.len();
    let later = Timestamp(NOW.0 + 5);
    bench.plan_at(later, Change::RotateRoot).expect("rotated");
    assert_eq!(bench.draft.state.root_since, later);
    assert!(bench.draft.purges);
    let new = Arc::clone(&bench.draft.state.root);
    let mut keys = 0;
    for mutation in &bench.draft.mutations[before..] {
        if let Mutation::PutScopeKey(wrapped) = mutation {
            assert!(new.unwrap_scope_key(&mesh, wrapped).is_ok() && old.unwrap_scope_key(&mesh, wrapped).is_err());
            assert_eq!(wrapped.made_at, Some(NOW), "it is the same key");
            keys += 1;
            continue;
        }
        let Mutation::PutBlob(name, bytes) = mutation else { panic!("{mutation:?}") };
        if *name == BlobName::Identity {
            assert_eq!(new.unwrap(&mesh, label, bytes).expect("opens").expose(), b"identity");
            assert!(old.unwrap(&mesh, label, bytes).is_err());
        } else if *name == BlobName::RootKey {
            assert!(bench.sealer.unseal.unwrap_root(&mesh, bytes).is_ok());
        } else {
            assert!(matches!(name, BlobName::RootRotated | BlobName::RebuildDue), "{name:?}");
        }
    }
    assert_eq!(keys, 2, "every generation");
    let company = at().secret.within(company("acme"));
    put(&mut bench, &company, "two");
    let Some(Mutation::PutScopeKey(wrapped)) =
        bench.draft.mutations.iter().rev().find(|mutation| matches!(mutation, Mutation::PutScopeKey(_)))
    else {
        panic!("a key")
    };
    assert!(new.unwrap_scope_key(&mesh, wrapped).is_ok(), "a later change uses it");
}

#[test]
fn a_root_key_is_not_replaced_while_something_it_wraps_does_not_open() {
    let mut bench = Bench::new();
    bench.draft.state.wrapped = Arc::new([(BlobName::Identity, vec![1; 60])].into());
    assert!(matches!(bench.plan(Change::RotateRoot), Err(CommitError::Wrapped(_))));
    assert!(bench.draft.mutations.is_empty() && !bench.draft.purges);
}
