//! A false lead: what a follower does when whoever answers its dial is not, or no longer, to be followed.

mod lies;
mod rules;
mod trap;

use aurora_mesh::model::identity::Role;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::wire::control::{self, Beacon, Goodbye, GoodbyeReason};
use aurora_mesh::wire::record::RecordFrame;
use aurora_mesh::wire::secret::{ScopeFrame, ScopeKeyFrame, ScopeKind};
use aurora_mesh::wire::subscription::{FromLead, ScopeKeys, SnapshotBegin, SnapshotEnd, SnapshotRecords};

use crate::support::forge::Forge;
use crate::support::log::Log;
use crate::support::mesh::prod;
use crate::support::wait::eventually;
use trap::{FalseLead, Held, Trap, welcome};

#[tokio::test]
async fn whoever_cannot_prove_to_be_a_lead_of_this_mesh_is_not_followed() {
    let mut trap = Trap::set().await;
    let forge = &trap.forge;
    let elsewhere = Forge::impostor(forge.mesh);
    let cases = [
        ("a follower", forge.papers(Role::Follower, "mallory"), "the certificate's role does not fit"),
        ("another authority", elsewhere.papers(Role::Lead, "aurora"), "not of this mesh's authority"),
    ];
    for (what, papers, why) in cases {
        let log = Log::capture();
        let mut false_lead = FalseLead::listen(&trap.forge, &papers);
        trap.lure(false_lead.address()).await;
        eventually(what, || async { (!log.lines_with(why).is_empty()).then_some(()) }).await;
        let let_in = tokio::time::timeout(std::time::Duration::ZERO, false_lead.acceptor.accept()).await;
        assert!(let_in.is_err(), "{what} was given a connection");
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn records_and_keys_a_follower_may_not_take_end_the_session() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let (known, held) = (trap.known.clone(), trap.position());
    let of_another =
        RecordFrame { scope: ScopeFrame { kind: ScopeKind::Company, id: "other".into() }, ..known.clone() };
    let older = RecordFrame { version: 1, ..known.clone() };
    let elsewhere = RecordFrame {
        secret: {
            let mut secret = known.secret.clone();
            secret.environment = "dev".into();
            secret
        },
        ..known
    };
    let key = ScopeKeyFrame {
        environment: "prod".into(),
        scope: ScopeFrame { kind: ScopeKind::Global, id: String::new() },
        generation: 2,
        sealed: vec![7; 80],
    };
    let change = |record| held.change(held.revision, held.revision + 1, vec![record]);
    let cases = [
        (change(of_another), CloseCode::ProtocolViolation, "not entitled"),
        (change(elsewhere), CloseCode::ProtocolViolation, "not entitled"),
        (change(older), CloseCode::ProtocolViolation, "the store did not take the change"),
        (ScopeKeys { keys: vec![key] }.into(), CloseCode::ProtocolViolation, "does not open"),
    ];
    for (frame, code, why) in cases {
        let mut session = false_lead.session().await;
        session.send(frame).await;
        session.ends(code, why).await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn a_history_that_does_not_follow_on_ends_the_session() {
    let mut trap = Trap::set().await;
    let at = trap.position();
    let begin = |epoch, revision| SnapshotBegin { epoch, revision, entitlement: (&prod(&[])).into() };
    let lower = Held { epoch: at.epoch - 1, ..at };
    let higher = Held { epoch: at.epoch + 1, ..at };
    let cases: Vec<(Vec<FromLead>, &str)> = vec![
        (vec![at.change(at.revision + 5, at.revision + 6, vec![])], "a change follows revision"),
        (vec![at.change(at.revision, at.revision, vec![])], "was set back"),
        (vec![lower.change(at.revision, at.revision + 1, vec![])], "speaks for epoch"),
        (vec![higher.change(at.revision, at.revision + 1, vec![])], "came before its snapshot"),
        (vec![begin(at.epoch - 1, at.revision + 9).into()], "speaks for epoch"),
        (vec![begin(at.epoch, at.revision - 1).into()], "was set back"),
        (vec![SnapshotRecords { records: vec![] }.into()], "out of order"),
        (vec![begin(at.epoch, at.revision + 1).into(), SnapshotEnd { count: 3 }.into()], "of 3 records had 0"),
        (
            vec![begin(at.epoch, at.revision + 1).into(), at.change(at.revision, at.revision + 1, vec![])],
            "out of order",
        ),
    ];
    for (frames, why) in cases {
        let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
        trap.lure(false_lead.address()).await;
        let mut session = false_lead.session().await;
        for frame in frames {
            session.send(frame).await;
        }
        session.ends(CloseCode::ProtocolViolation, why).await;
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

#[tokio::test]
async fn a_lead_that_breaks_the_control_stream_is_left() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let mut session = false_lead.session().await;
    session.control.send(&control::FromLead::from(welcome("aurora"))).await.expect("sent");
    session.ends(CloseCode::ProtocolViolation, "a second welcome").await;
    let mut session = false_lead.session().await;
    let goodbye = Goodbye { reason: GoodbyeReason::ShuttingDown };
    session.control.send(&control::FromLead::from(goodbye)).await.expect("sent");
    session.ends(CloseCode::ShuttingDown, "the lead ended the session").await;
    let log = Log::capture();
    let (_kept, mut control, _receiver) = false_lead.greeted().await;
    control.send(&control::FromLead::from(welcome("somebody-else"))).await.expect("sent");
    let why = "calls itself by another name";
    eventually(why, || async { (!log.lines_with(why).is_empty()).then_some(()) }).await;
    trap.nothing_was_changed().await;
}

/// A beacon counts from the heartbeat it answers. One that answers none must not make an old cache young.
#[tokio::test]
async fn a_beacon_that_answers_no_heartbeat_vouches_for_nothing() {
    let mut trap = Trap::set().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.victim.clock.advance(trap.mesh.freshness.ttl * 2);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let beacon = |stamp| Beacon { stamp, epoch: at.epoch, revision: at.revision, lead_time_ms: 0 };
    let mut session = false_lead.session().await;
    for stamp in [0, 999, u64::MAX] {
        session.control.send(&control::FromLead::from(beacon(stamp))).await.expect("sent");
    }
    // Frames are heard in order: whoever has heard the goodbye has heard the beacons.
    let goodbye = Goodbye { reason: GoodbyeReason::ShuttingDown };
    session.control.send(&control::FromLead::from(goodbye)).await.expect("sent");
    session.ends(CloseCode::ShuttingDown, "the lead ended the session").await;
    assert_eq!(trap.victim.vault().health().freshness, "stale");
    let mut session = false_lead.session().await;
    let asked = session.asked().await;
    session.control.send(&control::FromLead::from(beacon(asked.stamp))).await.expect("sent");
    trap.victim.is_fresh().await;
}
