//! What a lead could say that has stolen the mesh's authority and means harm: about time, about itself, about what is sealed,
//! about how much will come. A follower is misled into nothing it would give out.

use aurora_mesh::crypto::scope_key::ScopeKey;
use aurora_mesh::crypto::sealing::{SealingKey, seal_scope_key};
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::model::number::{Generation, Revision};
use aurora_mesh::model::secret::Scope;
use aurora_mesh::store::handle::Store;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::wire::control::{self, Beacon, Goodbye, GoodbyeReason};
use aurora_mesh::wire::open::StreamKind;
use aurora_mesh::wire::record::{BodyFrame, RecordFrame, SealedFrame};
use aurora_mesh::wire::secret::ScopeKeyFrame;
use aurora_mesh::wire::subscription::{FromLead, ScopeKeys, SnapshotBegin, SnapshotEnd, SnapshotRecords};

use super::trap::{FalseLead, Held, Session, Trap, welcome};
use crate::support::callers::{environment, node, put, read};
use crate::support::log::Log;
use crate::support::mesh::{TestMesh, prod};
use crate::support::wait::eventually;

/// Ends a session in order: whoever has heard this has heard everything before it.
async fn dismissed(mut session: Session) {
    session.say(Goodbye { reason: GoodbyeReason::ShuttingDown }).await;
    session.ends(CloseCode::ShuttingDown, "the lead ended the session").await;
}

/// Answers nothing, and shows that somebody is there: a follower leaves a lead that it has not heard for five seconds.
async fn is_heard(session: &mut Session, at: Held) {
    session.say(beacon(u64::MAX, at)).await;
}

fn beacon(stamp: u64, at: Held) -> Beacon {
    Beacon { stamp, epoch: at.epoch, revision: at.revision, lead_time_ms: i64::MAX }
}

/// Before it is welcomed a follower ends a connection without a word to the other side. Why, its own log says.
async fn turned_from(log: &Log, why: &str) {
    let said = || log.lines_with("the lead cannot be reached").iter().any(|line| line.contains(why));
    eventually(why, || async { said().then_some(()) }).await;
}

/// A follower speaks what it offered. A lead that names something older, or newer, is not spoken to.
#[tokio::test]
async fn a_version_that_was_not_offered_is_not_spoken() {
    let mut trap = Trap::set().await;
    for version in [0, 1, 4, 7, u16::MAX] {
        let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
        let log = Log::capture();
        trap.lure(false_lead.address()).await;
        let (_victim, mut control, _receiver) = false_lead.greeted().await;
        let chosen = control::Welcome { version, ..welcome("aurora") };
        control.send(&control::FromLead::from(chosen)).await.expect("sent");
        turned_from(&log, "none of our protocol versions").await;
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn a_lead_whose_name_is_none_or_another_than_its_certificate_says_is_not_followed() {
    let mut trap = Trap::set().await;
    let (none, another) = ("is not a node name", "by another name than its certificate");
    let long = "a".repeat(64);
    let names = ["", "../aurora", "AURORA", "aurora\n", "a\u{1b}[2J", &long].map(|name| (name, none));
    for (name, why) in names.into_iter().chain([("aurora-2", another)]) {
        let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
        let log = Log::capture();
        trap.lure(false_lead.address()).await;
        let (_victim, mut control, _receiver) = false_lead.greeted().await;
        control.send(&control::FromLead::from(welcome(name))).await.expect("sent");
        turned_from(&log, why).await;
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

/// The heartbeat is true and the answer is not: a position that this cache has not reached, one that it has left behind, another
/// reign. None makes an old cache young.
#[tokio::test]
async fn a_beacon_of_what_did_not_come_or_is_over_vouches_for_nothing() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.victim.clock.advance(trap.mesh.freshness.ttl * 2);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let mut session = false_lead.session().await;
    let lies = [
        Held { revision: at.revision + 1, ..at },
        Held { revision: u64::MAX, ..at },
        Held { revision: at.revision - 1, ..at },
        Held { revision: 0, ..at },
        Held { epoch: at.epoch + 1, ..at },
        Held { epoch: at.epoch - 1, revision: u64::MAX },
        Held { epoch: u64::MAX, revision: u64::MAX },
    ];
    for lie in lies {
        let asked = session.asked().await;
        session.say(beacon(asked.stamp, lie)).await;
    }
    dismissed(session).await;
    assert_eq!(trap.victim.vault().health().freshness, "stale");
    trap.nothing_was_changed().await;
}

/// A beacon counts once. Kept and said again when the cache has grown old, it vouches for nothing; nor does it in another session.
#[tokio::test]
async fn a_beacon_that_is_said_again_vouches_for_nothing() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let mut session = false_lead.session().await;
    let asked = session.asked().await;
    session.say(beacon(asked.stamp, at)).await;
    trap.victim.is_fresh().await;
    trap.victim.clock.advance(trap.mesh.freshness.ttl * 2);
    for _ in 0..50 {
        session.say(beacon(asked.stamp, at)).await;
    }
    dismissed(session).await;
    assert_eq!(trap.victim.vault().health().freshness, "stale");
    let mut session = false_lead.session().await;
    for stamp in asked.stamp + 100..asked.stamp + 150 {
        session.say(beacon(stamp, at)).await;
    }
    dismissed(session).await;
    assert_eq!(trap.victim.vault().health().freshness, "stale");
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn counts_that_make_no_sense_end_the_session_and_change_nothing() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let begin = || {
        FromLead::from(SnapshotBegin { epoch: at.epoch, revision: at.revision + 1, entitlement: (&prod(&[])).into() })
    };
    let records = |count: usize| FromLead::from(SnapshotRecords { records: vec![trap.known.clone(); count] });
    let end = |count| FromLead::from(SnapshotEnd { count });
    let cases = [
        (vec![begin(), end(u64::MAX)], "of 18446744073709551615 records had 0"),
        (vec![begin(), records(3), end(2)], "of 2 records had 3"),
        (vec![begin(), records(1), end(u64::MAX)], "of 18446744073709551615 records had 1"),
        (vec![begin(), begin()], "out of order"),
        (vec![end(0)], "out of order"),
    ];
    for (frames, why) in cases {
        let mut session = false_lead.session().await;
        for frame in frames {
            session.send(frame).await;
        }
        session.ends(CloseCode::ProtocolViolation, why).await;
    }
    trap.nothing_was_changed().await;
}

/// Parts of a snapshot without end cost what they hold, and nothing of them is there when the lead goes away.
#[tokio::test]
async fn a_snapshot_that_never_ends_is_nothing() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let mut session = false_lead.session().await;
    let entitlement = (&prod(&[])).into();
    session.send(SnapshotBegin { epoch: at.epoch, revision: at.revision + 7, entitlement }.into()).await;
    for count in 0..2_000 {
        if count % 100 == 0 {
            is_heard(&mut session, at).await;
        }
        session.send(SnapshotRecords { records: Vec::new() }.into()).await;
    }
    for version in 10..60 {
        is_heard(&mut session, at).await;
        let record = RecordFrame { version, ..trap.known.clone() };
        session.send(SnapshotRecords { records: vec![record; 20] }.into()).await;
    }
    let asked = session.asked().await;
    session.say(beacon(asked.stamp, at)).await;
    dismissed(session).await;
    trap.nothing_was_changed().await;
}

/// The ciphertext of another mesh, of another place, or none: it may be taken in, for only a key shows what it is; it is given to
/// nobody.
#[tokio::test]
async fn what_was_sealed_elsewhere_is_given_to_nobody() {
    let elsewhere = TestMesh::start().await;
    elsewhere.put(put("hubspot/api_key", "global", "not-a-real-key-of-another-mesh")).await;
    let foreign = elsewhere.lead.read(read("hubspot/api_key", None)).await.expect("readable");
    let BodyFrame::Sealed(foreign) = RecordFrame::from(&*foreign.record).body else { panic!("a value") };
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    let at = trap.position();
    let BodyFrame::Sealed(own) = trap.known.body.clone() else { panic!("a value") };
    let altered = SealedFrame { ciphertext: own.ciphertext.iter().map(|byte| byte ^ 1).collect(), ..own.clone() };
    let short = SealedFrame { ciphertext: vec![1, 2, 3], ..own.clone() };
    trap.lure(false_lead.address()).await;
    let mut session = false_lead.session().await;
    let mut revision = at.revision;
    // The last is the true ciphertext of the version before, said to be of a later one.
    for (version, sealed) in (trap.known.version + 1..).zip([foreign, altered, short, own]) {
        let record =
            RecordFrame { version, revision: revision + 1, body: BodyFrame::Sealed(sealed), ..trap.known.clone() };
        is_heard(&mut session, at).await;
        session.send(at.change(revision, revision + 1, vec![record])).await;
        revision += 1;
        trap.victim.reaches(Revision(revision)).await;
        is_heard(&mut session, at).await;
        let refused = trap.victim.read(read("hubspot/api_key", None)).await;
        assert!(refused.is_err(), "version {version} was given out");
    }
    assert!(trap.victim.is_running() && session.victim.identity().node == node("victim"));
}

/// A key of a scope counts if the mesh's own sealing key sealed it to this node: another sender's does not open.
#[tokio::test]
async fn a_scope_key_sealed_by_another_ends_the_session() {
    let mut trap = Trap::set().await;
    trap.mesh.lead.stop().await;
    let (store, contents) = Store::open(&trap.mesh.lead.store_file()).await.expect("opens");
    store.close().await.expect("closes");
    trap.mesh.lead.start().await;
    let to = contents.roster.iter().find(|entry| entry.name == node("victim")).expect("known").sealing_key;
    let mesh = contents.facts.mesh;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let (sender, key) =
        (SealingKey::generate(&SystemEntropy).expect("a key"), ScopeKey::generate(&SystemEntropy).expect("a key"));
    for generation in [1, 2, u32::MAX] {
        let at = aurora_mesh::model::secret::KeyScope { environment: environment("prod"), scope: Scope::Global };
        let number = Generation::new(generation).expect("positive");
        let sealed =
            seal_scope_key(&sender, &to, &mesh, &node("victim"), &at, number, &key, &SystemEntropy).expect("sealed");
        let mut session = false_lead.session().await;
        session.send(ScopeKeys { keys: vec![ScopeKeyFrame::from(&sealed); 3] }.into()).await;
        session.ends(CloseCode::ProtocolViolation, "does not open").await;
    }
    trap.nothing_was_changed().await;
}

/// A follower opens the streams. What a lead opens is nothing it waits for.
#[tokio::test]
async fn streams_that_the_lead_opens_are_not_listened_to() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.victim.clock.advance(trap.mesh.freshness.ttl * 2);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let mut session = false_lead.session().await;
    let asked = session.asked().await;
    let mut opened = Vec::new();
    for kind in
        [StreamKind::Control, StreamKind::Subscription, StreamKind::Rules, StreamKind::Request, StreamKind::Audit]
    {
        let (mut sender, receiver) = session.victim.open_stream(kind).await.expect("there is room for it");
        // On the stream that the follower opened, this very answer would make its cache fresh.
        sender.send(&control::FromLead::from(beacon(asked.stamp, at))).await.expect("sent");
        opened.push((sender, receiver));
    }
    dismissed(session).await;
    assert_eq!(trap.victim.vault().health().freshness, "stale");
    // The control: the same answer where it is waited for.
    let mut session = false_lead.session().await;
    let asked = session.asked().await;
    session.say(beacon(asked.stamp, at)).await;
    trap.victim.is_fresh().await;
    dismissed(session).await;
    trap.nothing_was_changed().await;
}
