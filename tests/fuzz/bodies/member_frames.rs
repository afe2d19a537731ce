//! Frames as a member could send them, in either direction: what is decoded is encoded again, and its fields are read.

use aurora_mesh::model::api_check::Cell;
use aurora_mesh::model::article::Edit;
use aurora_mesh::model::entitlement::Entitlement;
use aurora_mesh::model::name::{EnvironmentName, NodeName};
use aurora_mesh::model::record::{Record, SealedScopeKey};
use aurora_mesh::model::reign::Succession;
use aurora_mesh::model::time::Timestamp;
use aurora_mesh::wire::frame::{FRAME_BYTES_MAX, Frame, LENGTH_BYTES, decode, encode, parse_length};
use aurora_mesh::wire::record::RecordFrame;
use aurora_mesh::wire::rules::ArticleFrame;
use aurora_mesh::wire::secret::ScopeKeyFrame;
use aurora_mesh::wire::{audit, connectivity, control, open, request, rules, subscription, tally};

use super::came;

/// Times at which what came could be read.
const NOWS: [Timestamp; 3] = [Timestamp(i64::MIN), Timestamp(1_795_248_000_123), Timestamp(i64::MAX)];

/// Takes the first byte for the stream and the direction, and the rest for what follows a length.
pub fn run(data: &[u8]) {
    if let Some((header, _)) = data.split_first_chunk::<LENGTH_BYTES>() {
        assert!(
            parse_length(*header, FRAME_BYTES_MAX).is_ok_and(|length| length <= FRAME_BYTES_MAX)
                == (3..=FRAME_BYTES_MAX).contains(&usize::try_from(u32::from_be_bytes(*header)).unwrap_or(usize::MAX))
        );
    }
    let Some((stream, frame)) = data.split_first() else { return };
    match stream % 13 {
        0 => control_of_follower(frame),
        1 => control_of_lead(frame),
        2 => came(decoded::<subscription::FromFollower>(frame)),
        3 => records_of_lead(frame),
        4 => came(decoded::<rules::FromFollower>(frame)),
        5 => rules_of_lead(frame),
        6 => asked_by_follower(frame),
        7 => answered_by_lead(frame),
        8 => connectivity_of_follower(frame),
        9 => connectivity_of_lead(frame),
        10 => audit_of_follower(frame),
        11 => audit_of_lead(frame),
        _ => came(decoded::<open::Opening>(frame)),
    }
}

/// The frame, if it is one; then it is encoded as one that is the same.
pub(super) fn decoded<F: Frame + PartialEq + std::fmt::Debug>(frame: &[u8]) -> Option<F> {
    match decode::<F>(frame) {
        Ok(read) => {
            let bytes = encode(&read).expect("what was read fits");
            assert!(bytes.len() <= frame.len() + LENGTH_BYTES, "it grew: {read:?}");
            assert_eq!(decode::<F>(&bytes[LENGTH_BYTES..]).expect("what was written reads"), read);
            Some(read)
        }
        Err(error) => {
            super::assert_printable(&error.to_string());
            None
        }
    }
}

fn control_of_follower(frame: &[u8]) {
    match decoded(frame) {
        Some(control::FromFollower::Hello(hello)) => came((hello.check(), hello.position())),
        Some(control::FromFollower::Tally(told)) => {
            came(tally::read(&told.buckets, 1_795_248_000));
            came((tally::read(&told.buckets, 0), tally::read(&told.buckets, u64::MAX), told.uses()));
        }
        Some(control::FromFollower::Promise(promise)) => came(promise.freshness().ttl + promise.freshness().max_stale),
        Some(control::FromFollower::SuccessionFrame(shown)) => came(Succession::try_from(shown)),
        Some(control::FromFollower::Heartbeat(_)) | None => {}
    }
}

fn control_of_lead(frame: &[u8]) {
    match decoded(frame) {
        Some(control::FromLead::Welcome(welcome)) => {
            came((welcome.lead_name(), Entitlement::try_from(welcome.entitlement)));
        }
        Some(control::FromLead::Tallies(told)) => came(tally::read(&told.buckets, 7)),
        Some(control::FromLead::Beacon(beacon)) => came(beacon.position()),
        Some(control::FromLead::SuccessionFrame(shown)) => came(Succession::try_from(shown)),
        Some(control::FromLead::Goodbye(_)) | None => {}
    }
}

fn records_of_lead(frame: &[u8]) {
    match decoded(frame) {
        Some(subscription::FromLead::SnapshotBegin(begin)) => came(Entitlement::try_from(begin.entitlement)),
        Some(subscription::FromLead::SnapshotRecords(part)) => part.records.into_iter().for_each(record),
        Some(subscription::FromLead::Change(change)) => change.records.into_iter().for_each(record),
        Some(subscription::FromLead::ScopeKeys(sent)) => sent.keys.into_iter().for_each(scope_key),
        Some(subscription::FromLead::SnapshotEnd(_)) | None => {}
    }
}

/// A record that is taken in travels on as the same.
fn record(frame: RecordFrame) {
    if let Ok(read) = Record::try_from(frame.clone()) {
        assert_eq!(RecordFrame::from(&read), frame);
    }
}

fn scope_key(frame: ScopeKeyFrame) {
    if let Ok(read) = SealedScopeKey::try_from(frame.clone()) {
        assert_eq!(ScopeKeyFrame::from(&read), frame);
    }
}

fn rules_of_lead(frame: &[u8]) {
    let Some(rules::FromLead::Articles(articles)) = decoded(frame) else { return };
    for article in articles.articles {
        let Ok(edit) = Edit::try_from(article.clone()) else { continue };
        let again = match &edit {
            Edit::Put(article) => ArticleFrame::put(article).expect("what was read is written"),
            Edit::Drop(id) => ArticleFrame::gone(id),
        };
        assert_eq!(again.id, article.id);
        assert_eq!(Edit::try_from(again).expect("what was written reads"), edit);
    }
}

fn asked_by_follower(frame: &[u8]) {
    let node = NodeName::parse("vengeance").expect("a name");
    let environment = EnvironmentName::parse("prod").expect("a name");
    match decoded(frame) {
        Some(request::FromFollower::AskAccess(ask)) => came(ask.read(&node)),
        Some(request::FromFollower::ListAccess(ask)) => came(ask.principal()),
        Some(request::FromFollower::PublishEvent(event)) => came(event.read(&node, &environment)),
        // The signing request in it is what `joiner_frames` looks into.
        Some(request::FromFollower::Renew(_) | request::FromFollower::Leave(_)) | None => {}
    }
}

fn answered_by_lead(frame: &[u8]) {
    let Some(answer) = decoded::<request::FromLead>(frame) else { return };
    let _id = answer.id();
    if let request::FromLead::AccessList(list) = answer {
        let node = NodeName::parse("vengeance").expect("a name");
        list.requests.into_iter().for_each(|listed| came(listed.read(&node)));
    }
}

fn connectivity_of_follower(frame: &[u8]) {
    match decoded(frame) {
        Some(connectivity::FromFollower::Cells(cells)) => {
            let Ok((cells, _)) = cells.read() else { return };
            for (serial, cell) in cells {
                let frame = aurora_mesh::wire::api_check::CellFrame::new(&cell, serial);
                assert_eq!(Cell::try_from(frame).expect("what was read is written"), cell);
            }
        }
        Some(connectivity::FromFollower::Digest(digest)) => {
            NOWS.iter().for_each(|now| came(digest.confirmed.here(*now)));
        }
        None => {}
    }
}

fn connectivity_of_lead(frame: &[u8]) {
    match decoded(frame) {
        Some(connectivity::FromLead::Rows(rows)) => NOWS.iter().for_each(|now| came(rows.clone().read(*now))),
        Some(connectivity::FromLead::Confirmed(told)) => NOWS.iter().for_each(|now| came(told.read(*now))),
        Some(connectivity::FromLead::Others(told)) => came(told.read()),
        Some(connectivity::FromLead::Again(_)) | None => {}
    }
}

fn audit_of_follower(frame: &[u8]) {
    match decoded(frame) {
        Some(audit::FromFollower::Offer(offer)) => came(offer.check()),
        Some(audit::FromFollower::Lines(lines)) => came(lines.check()),
        Some(audit::FromFollower::Alive(alive)) => came(alive.head.check()),
        Some(audit::FromFollower::Broken(broken)) => {
            if let Ok(detail) = broken.read() {
                assert!(!detail.contains(char::is_control), "{detail:?}");
            }
        }
        None => {}
    }
}

fn audit_of_lead(frame: &[u8]) {
    match decoded(frame) {
        Some(audit::FromLead::Taken(taken)) => came(taken.seal.check()),
        Some(audit::FromLead::LeadHead(told)) => came(told.seal.check()),
        Some(audit::FromLead::SendFrom(_) | audit::FromLead::NotTaken(_)) | None => {}
    }
}
