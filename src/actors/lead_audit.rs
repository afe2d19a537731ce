//! The stream of audit of one follower, on the lead: hands what comes to the desk, and answers; tells the seals of the lead's
//! own journal. What the follower holds of those is compared with the journal there is.

use std::sync::Arc;

use super::audit_desk::{Answer, AuditDesk, REST_AFTER, Sender, Sent};
use super::audit_frames::{seal, seal_frame, signed_head};
use super::error::SessionError;
use crate::audit::cursor::{Cursor, CursorError};
use crate::audit::error::AuditError;
use crate::audit::gap::{Cause, Gap};
use crate::audit::head::Head;
use crate::audit::seal::Seal;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::audit::{FromFollower, FromLead, LeadHead, NotTaken, SendFrom, Taken};

/// Serves one follower until it leaves or errs.
pub(super) async fn run(
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    desk: Arc<AuditDesk>,
    from: Sender,
) -> Result<(), SessionError> {
    let ended = serve(&mut sender, &mut receiver, &desk, &from).await;
    desk.rest(&from.node).await;
    ended
}

async fn serve(
    sender: &mut FrameSender,
    receiver: &mut FrameReceiver,
    desk: &Arc<AuditDesk>,
    from: &Sender,
) -> Result<(), SessionError> {
    let mut own = desk.own_seals();
    own.mark_changed();
    let mut rests = false;
    loop {
        tokio::select! {
            frame = receiver.receive::<FromFollower>() => {
                let Some(frame) = frame? else { return Ok(()) };
                rests = false;
                if let Some(answer) = answer(desk, from, frame).await? {
                    sender.send(&answer).await?;
                }
            }
            changed = own.changed() => {
                changed.map_err(|_| SessionError::Stopping)?;
                let seal = own.borrow_and_update().clone();
                if let Some(seal) = seal {
                    sender.send(&FromLead::from(LeadHead { seal: seal_frame(&seal) })).await?;
                }
            }
            () = tokio::time::sleep(REST_AFTER), if !rests => {
                rests = true;
                desk.rest(&from.node).await;
            }
        }
    }
}

async fn answer(desk: &Arc<AuditDesk>, from: &Sender, frame: FromFollower) -> Result<Option<FromLead>, SessionError> {
    let sent = match frame {
        FromFollower::Offer(offer) => {
            offer.check()?;
            if let Some(held) = offer.lead.map(|held| seal(*held)).transpose()? {
                compare(desk, from, &held).await;
            }
            let before = Head { seq: offer.before_seq, hash: offer.before_hash };
            let sealed = offer.sealed.map(|sealed| seal(*sealed).map(Box::new)).transpose()?;
            Sent::Offer { before, head: signed_head(offer.head)?, sealed }
        }
        FromFollower::Lines(lines) => {
            lines.check()?;
            Sent::Lines { first: lines.first_seq, lines: lines.lines, head: signed_head(lines.head)? }
        }
        FromFollower::Alive(alive) => Sent::Alive { head: signed_head(alive.head)? },
        FromFollower::Broken(broken) => Sent::Broken { detail: broken.read()? },
    };
    Ok(match desk.take(from, sent).await {
        Answer::Taken(seal) => Some(Taken { seal: seal_frame(&seal) }.into()),
        Answer::From(head) => Some(SendFrom { seq: head.seq, hash: head.hash }.into()),
        Answer::NotTaken(reason) => Some(NotTaken { reason }.into()),
        Answer::Nothing => None,
    })
}

/// Compares the seal of the lead's own journal that a follower holds with that journal. A follower cannot forge one.
async fn compare(desk: &Arc<AuditDesk>, from: &Sender, held: &Seal) {
    let own = desk.own().node.clone();
    if !desk.is_ours(held, &own) {
        let detail = "it holds a seal of the lead's journal that the lead's authority did not make";
        return desk.tell(&from.node, Gap::new(Cause::Signature, detail)).await;
    }
    let sealed = *held.chain_head();
    let told = match own_line(desk, sealed.seq).await {
        Ok(Some(hash)) if hash == sealed.hash => return,
        // Neither which follower nor how long the journal is by now: every one that connects would be news for ever.
        Ok(Some(_)) => format!(
            "a follower holds a seal of line {} that says something else than this journal: it was rewritten",
            sealed.seq
        ),
        Ok(None) if sealed.seq > desk.parts.journal.head().seq => format!(
            "a follower holds a seal of line {}, and this journal ends before it: it was put back, or its end was removed",
            sealed.seq
        ),
        // It is older than what is kept here.
        Ok(None) => return,
        Err(error) => return tracing::warn!(%error, "the lead's own journal cannot be compared with its seals"),
    };
    desk.tell(&own, Gap::new(Cause::Held, told)).await;
}

/// The hash of a line of the lead's own journal; none if it is not there.
async fn own_line(desk: &Arc<AuditDesk>, seq: u64) -> Result<Option<[u8; 32]>, AuditError> {
    let head = desk.parts.journal.head();
    if seq > head.seq {
        return Ok(None);
    }
    if seq == head.seq {
        return Ok(Some(head.hash));
    }
    if let Some(hash) = desk.looked_up(seq) {
        return Ok(Some(hash));
    }
    let (directory, node) = (desk.parts.audit_dir.clone(), desk.own().node.clone());
    let looked = desk.off_thread(move || match Cursor::behind(&directory, &node, seq) {
        Ok(cursor) => Ok(Some(cursor.tip().head)),
        Err(CursorError::Missing { .. }) => Ok(None),
        // A journal that does not follow itself up to there is another one than was sealed.
        Err(CursorError::Broken { .. }) => Ok(Some(Head { seq, hash: [0; 32] })),
        Err(CursorError::Audit(error)) => Err(error),
    });
    let found = looked.await?;
    if let Some(head) = found {
        desk.remember(head);
    }
    Ok(found.map(|head| head.hash))
}
