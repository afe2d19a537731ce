//! The life of a secret as drafts plan it, change by change, with a bench the other tests of drafts share.

use std::sync::Arc;

use super::change::{Change, Committed, CommittedSecret, Declaration, NewValue, Rollback};
use super::draft::{Draft, LeadState, Sealer};
use super::error::CommitError;
use crate::crypto::key_ring::KeyRing;
use crate::crypto::plaintext::Plaintext;
use crate::crypto::root::RootKey;
use crate::crypto::system_entropy::SystemEntropy;
use crate::crypto::unseal::UnsealKey;
use crate::model::change::ChangeKind;
use crate::model::fields::{Field, FieldKind, Fields};
use crate::model::identity::MeshId;
use crate::model::metadata::{Metadata, SecretOptions};
use crate::model::name::{EnvironmentName, FieldName};
use crate::model::number::{FirstNumbers, Generation, Revision, Version};
use crate::model::patch::{Patch, Wish};
use crate::model::record::{Record, RecordBody};
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};
use crate::model::time::Timestamp;
use crate::replication::view::LeadView;
use crate::store::mutation::Mutation;

/// When everything happens.
pub(super) const NOW: Timestamp = Timestamp(1_000);

/// A draft on an empty lead, and what it seals with.
pub(super) struct Bench {
    pub(super) draft: Draft,
    pub(super) sealer: Sealer,
    audit_seq: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        let root = RootKey::generate(&SystemEntropy).expect("random bytes");
        let key_file = UnsealKey::generate_key_file(&SystemEntropy).expect("random bytes");
        let unseal = UnsealKey::from_key_file(&key_file).expect("a key");
        let state = LeadState {
            lead: LeadView::default(),
            keys: Arc::new(KeyRing::default()),
            root: Arc::new(root),
            root_since: NOW,
            signing: Arc::default(),
            wrapped: Arc::default(),
            tokens: Arc::default(),
            next_secret_id: 1,
            first: FirstNumbers::default(),
        };
        let sealer = Sealer {
            mesh: MeshId([7; 16]),
            unseal: Arc::new(unseal),
            entropy: Arc::new(SystemEntropy),
            log_keep: 3,
            versions_kept: 10,
        };
        Self { draft: Draft::new(&state), sealer, audit_seq: 0 }
    }

    pub(super) fn plan_at(&mut self, now: Timestamp, change: Change) -> Result<Committed, CommitError> {
        self.audit_seq += 1;
        self.draft.plan(change, self.audit_seq, &self.sealer, now)
    }

    pub(super) fn plan(&mut self, change: Change) -> Result<Committed, CommitError> {
        self.plan_at(NOW, change)
    }

    fn refused(&mut self, change: Change) -> CommitError {
        let before = (self.draft.mutations.len(), self.draft.state.lead.view.position, self.draft.purges);
        let refusal = self.plan(change).expect_err("refused");
        let after = (self.draft.mutations.len(), self.draft.state.lead.view.position, self.draft.purges);
        assert_eq!(before, after, "a refusal leaves the draft as it was");
        refusal
    }

    fn secret(&mut self, change: Change) -> CommittedSecret {
        let planned = self.plan(change).expect("planned");
        let Committed::Secret(secret) = planned else { panic!("{planned:?}") };
        secret
    }

    fn put(&mut self, value: &str) -> u64 {
        self.secret(put(value, None)).version.get()
    }

    fn current(&self) -> Record {
        Record::clone(self.draft.state.lead.view.get(&at()).expect("current"))
    }
}

pub(super) fn at() -> ScopedSecret {
    let environment = EnvironmentName::parse("prod").expect("name");
    let name = SecretName::parse("openai/api_key").expect("name");
    SecretAddress { environment, name }.within(Scope::Global)
}

fn new_value(value: &str, cas: Option<u64>, patch: Patch) -> NewValue {
    NewValue { at: at(), value: Plaintext::new(value.as_bytes().to_vec()), patch, cas }
}

fn put(value: &str, cas: Option<u64>) -> Change {
    Change::Put(Box::new(new_value(value, cas, Patch::default())))
}

fn describing(text: &str) -> Patch {
    Patch { description: Wish::Set(text.to_owned()), ..Patch::default() }
}

fn destroy(current: Option<u64>, older: &[u64]) -> Change {
    let version = |number: u64| Version::new(number).expect("positive");
    let older = older.iter().map(|number| version(*number)).collect();
    Change::Destroy { at: at(), current: current.map(version), older }
}

#[test]
fn versions_count_on_after_a_deletion_and_one_key_seals_a_scope() {
    let mut bench = Bench::new();
    assert_eq!(bench.put("one"), 1);
    assert_eq!(bench.secret(Change::Delete { at: at() }).version.get(), 1);
    assert_eq!(bench.put("one"), 2, "what is deleted is not there to be the same");
    assert_eq!(bench.draft.state.keys.len(), 1);
    assert_eq!(bench.draft.state.lead.view.position.revision, Revision(3));
    assert_eq!((bench.current().secret_id, bench.current().revision), (1, Revision(3)));
}

#[test]
fn the_same_value_again_changes_nothing_and_new_words_about_it_change_no_version() {
    let mut bench = Bench::new();
    bench.put("one");
    let written = bench.draft.mutations.len();
    let again = bench.secret(put("one", None));
    assert_eq!((again.version.get(), again.revision, again.changed), (1, Revision(1), false));
    assert_eq!(bench.draft.mutations.len(), written);
    let described = Change::Put(Box::new(new_value("one", None, describing("invoices"))));
    let described = bench.secret(described);
    assert_eq!((described.version.get(), described.revision, described.changed), (1, Revision(2), true));
    assert_eq!(bench.current().change, ChangeKind::Described);
    assert_eq!(bench.put("two"), 2);
    assert_eq!(bench.current().metadata.description.as_deref(), Some("invoices"), "a new value keeps the words");
}

#[test]
fn check_and_set_compares_with_the_live_version_and_a_refusal_changes_nothing() {
    let mut bench = Bench::new();
    assert!(matches!(bench.refused(put("a", Some(1))), CommitError::Conflict { current: None }));
    assert_eq!(bench.secret(put("a", Some(0))).version.get(), 1);
    assert!(matches!(bench.refused(put("b", Some(0))), CommitError::Conflict { current: Some(Version::FIRST) }));
    assert_eq!(bench.secret(put("b", Some(1))).version.get(), 2);
}

#[test]
fn a_deletion_can_be_undone_once_and_nothing_is_deleted_twice() {
    let mut bench = Bench::new();
    assert!(matches!(bench.refused(Change::Undelete { at: at() }), CommitError::NoSuchSecret));
    bench.put("one");
    assert!(matches!(bench.refused(Change::Undelete { at: at() }), CommitError::NotDeleted));
    let sealed = bench.current().sealed().cloned();
    bench.secret(Change::Delete { at: at() });
    assert!(matches!(bench.current().body, RecordBody::Deleted { kept: Some(_) }));
    assert!(matches!(bench.refused(Change::Delete { at: at() }), CommitError::NoSuchSecret));
    let undeleted = bench.secret(Change::Undelete { at: at() });
    assert_eq!((undeleted.version.get(), undeleted.revision), (1, Revision(3)));
    assert_eq!(bench.current().sealed(), sealed.as_ref(), "the same value under the same number");
}

#[test]
fn what_is_destroyed_never_comes_back_and_its_number_is_not_given_again() {
    let mut bench = Bench::new();
    assert!(matches!(bench.refused(destroy(None, &[1])), CommitError::NoSuchSecret));
    bench.put("one");
    bench.put("two");
    assert!(matches!(bench.refused(destroy(Some(1), &[])), CommitError::Moved), "another version became current");
    assert!(!bench.draft.purges);
    bench.secret(destroy(Some(2), &[1]));
    assert!(bench.draft.purges, "its bytes must leave the file");
    assert_eq!((bench.current().body, bench.current().purged), (RecordBody::Destroyed, Some(Revision(3))));
    assert!(matches!(bench.refused(Change::Undelete { at: at() }), CommitError::Destroyed(_)));
    assert!(!bench.secret(destroy(Some(2), &[])).changed, "again changes nothing");
    assert_eq!(bench.put("two"), 3);
    assert_eq!(bench.current().purged, Some(Revision(3)), "who held the destroyed one can still be told");
}

#[test]
fn a_rollback_is_a_new_version_with_the_old_value_and_sees_every_change_before_it() {
    let mut bench = Bench::new();
    bench.put("one");
    let from = bench.current();
    bench.put("two");
    let seen = bench.current().revision;
    let back = |seen| Change::Rollback(Box::new(Rollback { from: from.clone(), seen }));
    assert!(matches!(bench.refused(back(Revision(1))), CommitError::Moved));
    assert_eq!(bench.secret(back(seen)).version.get(), 3);
    assert!(!bench.secret(put("one", None)).changed, "the value is the old one");
    let seen = bench.current().revision;
    assert!(!bench.secret(back(seen)).changed, "and rolling back to it again changes nothing");
}

#[test]
fn a_declared_secret_has_no_value_and_its_first_value_takes_its_number() {
    let mut bench = Bench::new();
    let declaration = Declaration {
        at: at(),
        metadata: Metadata { owner: Some("ops".to_owned()), ..Metadata::default() },
        options: SecretOptions::default(),
        fields: Fields::default(),
    };
    let declare = || Change::Declare(vec![declaration.clone()]);
    assert!(matches!(bench.plan(declare()), Ok(Committed::Secrets(made)) if made[0].changed));
    assert_eq!(bench.current().body, RecordBody::Unset);
    assert!(matches!(bench.refused(Change::Delete { at: at() }), CommitError::NoSuchSecret));
    assert_eq!(bench.secret(put("one", Some(0))).version.get(), 1);
    assert_eq!(bench.current().metadata.owner.as_deref(), Some("ops"));
    assert!(matches!(bench.plan(declare()), Ok(Committed::Secrets(made)) if !made[0].changed));
    assert!(bench.current().sealed().is_some(), "what is known stays as it is");
}

/// A lead that began its reign without knowing what was given out before gave version 1 to a secret that a follower
/// remembered with version 3: the follower refused it, and with it everything that came after.
#[test]
fn new_secrets_and_new_scopes_begin_where_the_reign_does() {
    let mut bench = Bench::new();
    let first = FirstNumbers {
        version: Version::new(2_000_000).expect("positive"),
        generation: Generation::new(2_000).expect("positive"),
    };
    bench.draft.state.first = first;
    assert_eq!(bench.put("one"), 2_000_000);
    assert_eq!(bench.current().sealed().map(|sealed| sealed.generation), Some(first.generation));
    assert_eq!(bench.put("two"), 2_000_001);
    let mut bench = Bench::new();
    bench.draft.state.first = first;
    let declaration = Declaration {
        at: at(),
        metadata: Metadata::default(),
        options: SecretOptions::default(),
        fields: Fields::default(),
    };
    bench.plan(Change::Declare(vec![declaration])).expect("declared");
    assert_eq!(bench.current().version, first.version);
}

#[test]
fn of_several_values_all_are_stored_or_none() {
    let mut bench = Bench::new();
    let good = || new_value("one", None, Patch::default());
    let bad = new_value("two", Some(7), Patch::default());
    let refusal = bench.refused(Change::Import(vec![good(), bad]));
    assert!(matches!(refusal, CommitError::OfSecret { cause, .. } if matches!(*cause, CommitError::Conflict { .. })));
    assert!(bench.draft.state.keys.is_empty());
    let Ok(Committed::Secrets(made)) = bench.plan(Change::Import(vec![good(), good()])) else { panic!("stored") };
    assert_eq!((made[0].changed, made[1].changed), (true, false));
}

#[test]
fn a_value_with_fields_has_exactly_those() {
    let mut bench = Bench::new();
    let field = |name| Field { name: FieldName::parse(name).expect("name"), kind: FieldKind::Text };
    let fields = Wish::Set(Fields::new(vec![field("client_id")]).expect("one"));
    let patch = || Patch { fields: fields.clone(), ..Patch::default() };
    let plain = Change::Put(Box::new(new_value("plain", None, patch())));
    assert!(matches!(bench.refused(plain), CommitError::Fields(_)));
    bench.secret(Change::Put(Box::new(new_value(r#"{"client_id":"x"}"#, None, patch()))));
    assert!(matches!(bench.refused(put("plain", None)), CommitError::Fields(_)), "the fields stay declared");
    let cleared = Patch { fields: Wish::Clear, ..Patch::default() };
    bench.secret(Change::Describe { at: at(), patch: Box::new(cleared) });
    assert_eq!(bench.put("plain"), 2);
    let declared = Change::Describe { at: at(), patch: Box::new(patch()) };
    assert!(matches!(bench.refused(declared), CommitError::Fields(_)), "the value there has no such field");
}

#[test]
fn only_a_new_version_trims_the_older_ones() {
    let mut bench = Bench::new();
    let trims = |bench: &Bench| {
        let trim = |mutation: &&Mutation| matches!(mutation, Mutation::TrimVersions { keep: 9, .. });
        bench.draft.mutations.iter().filter(trim).count()
    };
    for number in 1..=10 {
        bench.put(&number.to_string());
    }
    assert_eq!(trims(&bench), 0, "ten are kept");
    bench.put("eleven");
    bench.secret(Change::Delete { at: at() });
    bench.secret(Change::Undelete { at: at() });
    assert_eq!(trims(&bench), 1);
}
