//! What a follower is told of the rulebook, and when it may be told of records.

use super::rules_feed::{ARTICLES_MAX, BARE_NUMBER_EVERY, Cursor, Step, chunks, needed, next, suffices};
use super::view::{LeadView, View};
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::company::Companies;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::EntitlementHistory;
use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
use crate::model::glob::SecretGlob;
use crate::model::identity::{KeyPin, Role, SealingPublicKey};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::number::{Epoch, Position, Revision};
use crate::model::roster::{RosterEntry, Standing};
use crate::model::time::Timestamp;

const LOG_KEEP: usize = 10;

fn at(revision: u64) -> Position {
    Position { epoch: Epoch(2), revision: Revision(revision) }
}

fn node() -> NodeName {
    NodeName::parse("vengeance").expect("name")
}

fn freeze(target: &str) -> Article {
    Article::Freeze(Freeze {
        target: FreezeTarget::parse(target).expect(target),
        level: FreezeLevel::All,
        reason: "test".to_owned(),
        frozen_by: "admin".to_owned(),
        frozen_at: Timestamp(0),
    })
}

fn entry(changed_at: u64) -> RosterEntry {
    RosterEntry {
        name: node(),
        role: Role::Follower,
        pin: KeyPin([1; 32]),
        sealing_key: SealingPublicKey([1; 32]),
        entitlement: Entitlement {
            environment: EnvironmentName::parse("prod").expect("environment"),
            companies: Companies::Only([CompanyId::parse("acme").expect("company")].into()),
            globs: vec![SecretGlob::parse("openai/*").expect("glob")],
        },
        history: EntitlementHistory::beginning(Timestamp(0)),
        joined_at: Timestamp(0),
        standing: Standing::Active,
        changed_at: Revision(changed_at),
    }
}

/// At epoch 2, revision 20, with a node that joined at 1, and one freeze since 11.
fn lead() -> LeadView {
    let mut lead = LeadView::new(View::new(at(10), []), Vec::new(), vec![entry(1)], Vec::new());
    edit(&mut lead, Edit::Put(freeze("mesh")));
    (0..9).for_each(|_| elsewhere(&mut lead));
    assert_eq!(lead.view.position, at(20));
    lead
}

fn log(lead: &mut LeadView, subject: LogSubject) {
    let revision = lead.view.position.revision.next();
    lead.record_change(LogEntry { revision, at: Timestamp(0), audit_seq: 0, subject }, LOG_KEEP);
}

fn elsewhere(lead: &mut LeadView) {
    log(lead, LogSubject::Node(NodeName::parse("elsewhere").expect("name")));
}

fn edit(lead: &mut LeadView, edit: Edit) {
    let id = edit.id();
    lead.articles.edit(edit, lead.view.position.revision.next());
    log(lead, LogSubject::Article(id));
}

fn step(lead: &LeadView, held: Option<Position>) -> Step {
    next(lead, &node(), Cursor::new(held))
}

fn whole() -> Step {
    Step::Whole { at: at(20), articles: vec![freeze("mesh")] }
}

#[test]
fn a_node_that_holds_everything_that_concerns_it_is_told_nothing() {
    let mut lead = lead();
    for held in [11, 15, 20] {
        assert_eq!(step(&lead, Some(at(held))), Step::Current { at: at(20) });
    }
    for stranger in ["company:globex", "node:laptop", "secret:hubspot/api_key"] {
        edit(&mut lead, Edit::Put(freeze(stranger)));
        edit(&mut lead, Edit::Drop(freeze(stranger).id()));
    }
    assert_eq!(step(&lead, Some(at(20))), Step::Current { at: at(26) }, "not even that there was one");
}

#[test]
fn a_node_hears_of_what_changed_once_and_as_it_is_now() {
    let mut lead = lead();
    edit(&mut lead, Edit::Put(freeze("company:acme")));
    edit(&mut lead, Edit::Put(freeze("secret:openai/api_key")));
    edit(&mut lead, Edit::Drop(freeze("company:acme").id()));
    let edits = vec![Edit::Put(freeze("secret:openai/api_key")), Edit::Drop(freeze("company:acme").id())];
    assert_eq!(step(&lead, Some(at(20))), Step::Delta { previous: Revision(20), at: at(23), edits });
}

#[test]
fn a_node_gets_everything_when_its_history_does_not_lead_here() {
    let lead = lead();
    assert_eq!(step(&lead, None), whole(), "it has nothing");
    assert_eq!(step(&lead, Some(at(5))), whole(), "the log does not reach back so far");
    assert_eq!(step(&lead, Some(at(21))), whole(), "it is ahead of the lead");
    assert_eq!(step(&lead, Some(Position { epoch: Epoch(1), ..at(20) })), whole(), "another reign");
    let mut entitled = lead.clone();
    entitled.enrol(entry(20));
    assert_eq!(step(&entitled, Some(at(19))), whole(), "it may hold something else now");
    assert_eq!(step(&entitled, Some(at(20))), Step::Current { at: at(20) });
    let stranger = NodeName::parse("stranger").expect("name");
    assert_eq!(next(&lead, &stranger, Cursor::new(None)), Step::Expelled);
}

/// While a session lasts the lead remembers how far it looked, so the log may be cut behind that.
#[test]
fn a_node_that_nothing_concerned_for_long_is_told_the_bare_number_before_the_log_forgets_it() {
    let mut lead = lead();
    let mut cursor = Cursor::told(at(20));
    for _ in 1..BARE_NUMBER_EVERY {
        elsewhere(&mut lead);
        let Step::Current { at } = next(&lead, &node(), cursor) else { panic!("nothing concerns it") };
        cursor.looked = at;
    }
    elsewhere(&mut lead);
    let here = at(20 + BARE_NUMBER_EVERY);
    let bare = Step::Delta { previous: Revision(20), at: here, edits: Vec::new() };
    assert_eq!(next(&lead, &node(), cursor), bare);
}

#[test]
fn more_changes_than_there_may_be_articles_are_told_as_a_whole() {
    let mut lead = lead();
    for number in 0..=ARTICLES_MAX {
        let id = ArticleId::Freeze(FreezeTarget::parse(&format!("agent:a{number}")).expect("target"));
        let revision = lead.view.position.revision.next();
        let entry = LogEntry { revision, at: Timestamp(0), audit_seq: 0, subject: LogSubject::Article(id) };
        lead.record_change(entry, ARTICLES_MAX * 2);
    }
    assert!(matches!(step(&lead, Some(at(20))), Step::Whole { .. }));
}

#[test]
fn records_wait_for_the_last_change_of_a_rule_and_of_what_the_node_may_hold() {
    let mut lead = lead();
    let of = |lead: &LeadView| needed(lead, lead.node(&node()).expect("enrolled"));
    assert_eq!(of(&lead), at(11));
    lead.enrol(entry(17));
    assert_eq!(of(&lead), at(17));
    for (held, enough) in [(None, false), (Some(at(16)), false), (Some(at(17)), true), (Some(at(20)), true)] {
        assert_eq!(suffices(held, at(17)), enough);
    }
    let other = Position { epoch: Epoch(1), revision: Revision(99) };
    assert!(!suffices(Some(other), at(17)), "of another reign");
    assert!(!suffices(None, Position::default()), "a lead that forgot when its rules changed still waits for the node");
}

#[test]
fn parts_hold_everything_in_order_within_their_bound_and_there_is_always_one() {
    let sizes = |items: Vec<usize>| chunks(items, |size| *size, 10);
    assert_eq!(sizes(vec![]), [Vec::<usize>::new()]);
    assert_eq!(sizes(vec![4, 6, 1]), [vec![4, 6], vec![1]]);
    assert_eq!(sizes(vec![99, 1, 99]), [vec![99], vec![1], vec![99]]);
}
