//! The subscription stream of one follower, on the lead: computes the next step from the current view and sends it.
//!
//! No record goes out before the rules that were there before it: what is sent is computed from a view whose rules the
//! node is known to hold. So a deny always arrives before the value it is about, and whoever acknowledges a revision holds
//! the rules up to it too.
//!
//! Nothing is queued for a follower. One that does not read is held back by flow control alone, and dropped when a single
//! frame takes too long; it comes back and catches up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::error::SessionError;
use super::heartbeat::Report;
use super::lead_rules::TAKING_TIMEOUT;
use super::lead_sessions::LeadSessions;
use crate::crypto::key_ring::KeyRing;
use crate::model::name::NodeName;
use crate::model::number::{Position, Revision};
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::replication::feed::{self, Step};
use crate::replication::rules_feed;
use crate::replication::sent_keys::SentKeys;
use crate::replication::view::LeadView;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::record::RecordFrame;
use crate::wire::secret::ScopeKeyFrame;
use crate::wire::subscription::{
    Change, FromFollower, FromLead, ScopeKeys, SnapshotBegin, SnapshotEnd, SnapshotRecords,
};

/// A frame of at most 1 MiB that is not taken for this long belongs to a peer that does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Feeds one follower until it leaves or errs.
pub(super) async fn run(
    sender: FrameSender,
    mut receiver: FrameReceiver,
    sessions: Arc<LeadSessions>,
    node: NodeName,
    rules: watch::Receiver<Option<Position>>,
) -> Result<(), SessionError> {
    let Some(FromFollower::Subscribe(subscribe)) = receiver.receive().await? else {
        return Err(SessionError::Unexpected("something else than subscribe"));
    };
    let feed = Feed {
        sender,
        sessions: Arc::clone(&sessions),
        node: node.clone(),
        at: subscribe.position(),
        sent_keys: SentKeys::default(),
        rules,
    };
    tokio::select! {
        ended = feed.run() => ended,
        ended = note_acknowledgements(receiver, &sessions, &node) => ended,
    }
}

async fn note_acknowledgements(
    mut receiver: FrameReceiver,
    sessions: &LeadSessions,
    node: &NodeName,
) -> Result<(), SessionError> {
    while let Some(frame) = receiver.receive().await? {
        let FromFollower::Ack(ack) = frame else { return Err(SessionError::Unexpected("a second subscribe")) };
        // Believed, it would show the node as holding every change to come.
        let here = sessions.lead_board.lead_view.load().view.position;
        if ack.position().epoch != here.epoch || ack.position() > here {
            return Err(SessionError::Unexpected("an acknowledgement of what was not sent"));
        }
        sessions.heartbeats.report(node.clone(), Report::Acknowledged(Revision(ack.revision)));
    }
    Ok(())
}

struct Feed {
    sender: FrameSender,
    sessions: Arc<LeadSessions>,
    node: NodeName,
    at: Position,
    sent_keys: SentKeys,
    /// Up to where the follower holds the rules.
    rules: watch::Receiver<Option<Position>>,
}

/// What one step is computed from.
struct Seen {
    lead: Arc<LeadView>,
    keys: Arc<KeyRing>,
}

impl Feed {
    async fn run(mut self) -> Result<(), SessionError> {
        let mut moved = self.sessions.lead_board.moved.subscribe();
        loop {
            moved.mark_unchanged();
            let seen = self.view().await?;
            match feed::next(&seen.lead, &self.node, self.at) {
                Step::Current => {
                    drop(seen);
                    moved.changed().await.map_err(|_| SessionError::Stopping)?;
                }
                Step::Snapshot { entry } => self.snapshot(&seen, &entry).await?,
                Step::Change { previous, revision, records } => self.change(&seen, previous, revision, records).await?,
                // The session sees it too, and says goodbye before any of its streams ends.
                Step::Expelled => std::future::pending().await,
            }
        }
    }

    /// What may be sent now: the newest view, or, as soon as the follower holds the rules of one it had to wait for, at
    /// least that one. Rules that change all the time do not hold up the records for ever.
    async fn view(&mut self) -> Result<Seen, SessionError> {
        loop {
            let seen = self.look();
            let Some(entry) = seen.lead.node(&self.node) else { return Ok(seen) };
            let needed = rules_feed::needed(&seen.lead, entry);
            if rules_feed::suffices(*self.rules.borrow(), needed) {
                return Ok(seen);
            }
            let taken = self.rules.wait_for(|held| rules_feed::suffices(*held, needed));
            let taken = tokio::time::timeout(TAKING_TIMEOUT, taken).await.map_err(|_| SessionError::WithoutRules)?;
            let held = *taken.map_err(|_| SessionError::Stopping)?;
            let newest = self.look();
            let Some(now) = newest.lead.node(&self.node) else { return Ok(newest) };
            if rules_feed::suffices(held, rules_feed::needed(&newest.lead, now)) {
                return Ok(newest);
            }
            // What the node may not hold any more is not sent, however old the view.
            if now.changed_at == entry.changed_at {
                return Ok(seen);
            }
        }
    }

    /// The records, and keys that open all of them. Keys are published first, so those loaded while the records stayed the
    /// same are theirs, or are newer by one change; and the change that drops a key comes after the last that needs it.
    fn look(&self) -> Seen {
        let LeadSessions { board, lead_board, .. } = &*self.sessions;
        let mut lead = lead_board.lead_view.load_full();
        loop {
            let keys = board.keys.load_full();
            let after = lead_board.lead_view.load_full();
            if Arc::ptr_eq(&lead, &after) {
                return Seen { lead, keys };
            }
            lead = after;
        }
    }

    async fn snapshot(&mut self, seen: &Seen, entry: &RosterEntry) -> Result<(), SessionError> {
        let lead = &seen.lead;
        let position = lead.view.position;
        let begin = SnapshotBegin {
            epoch: position.epoch.get(),
            revision: position.revision.get(),
            entitlement: (&entry.entitlement).into(),
        };
        let mut count = 0_u64;
        let mut begun = false;
        // A follower that loses a scope forgets its key, so keys are sent again with every snapshot.
        self.sent_keys.forget();
        for chunk in feed::snapshot_chunks(lead, entry) {
            self.send_keys(seen, &chunk).await?;
            if !begun {
                self.send(&FromLead::SnapshotBegin(begin.clone())).await?;
                begun = true;
            }
            count += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            let records = chunk.iter().map(|record| RecordFrame::from(&**record)).collect();
            self.send(&FromLead::SnapshotRecords(SnapshotRecords { records })).await?;
        }
        if !begun {
            self.send(&FromLead::SnapshotBegin(begin)).await?;
        }
        self.send(&FromLead::SnapshotEnd(SnapshotEnd { count })).await?;
        self.sent_keys.applied();
        self.at = position;
        Ok(())
    }

    async fn change(
        &mut self,
        seen: &Seen,
        previous: Revision,
        revision: Revision,
        records: Vec<Arc<Record>>,
    ) -> Result<(), SessionError> {
        self.send_keys(seen, &records).await?;
        let epoch = seen.lead.view.position.epoch;
        let records = records.iter().map(|record| RecordFrame::from(&**record)).collect();
        let change = Change { epoch: epoch.get(), previous: previous.get(), revision: revision.get(), records };
        let only_a_number = change.records.is_empty();
        self.send(&FromLead::Change(change)).await?;
        if !only_a_number {
            self.sent_keys.applied();
        }
        self.at = Position { epoch, revision };
        Ok(())
    }

    /// Sends the keys these records need and the follower may lack, always before the first record they open.
    async fn send_keys(&mut self, seen: &Seen, records: &[Arc<Record>]) -> Result<(), SessionError> {
        let entry = seen.lead.node(&self.node).ok_or(SessionError::Expelled)?;
        let needed = self.sent_keys.lacking(records);
        if needed.is_empty() {
            return Ok(());
        }
        let sealer = &self.sessions.sealer;
        let keys = needed.iter().map(|(at, generation)| sealer.seal(entry, &seen.keys, at, *generation));
        let keys = keys.collect::<Result<Vec<ScopeKeyFrame>, SessionError>>()?;
        self.send(&FromLead::ScopeKeys(ScopeKeys { keys })).await?;
        self.sent_keys.sent(needed);
        Ok(())
    }

    async fn send(&mut self, frame: &FromLead) -> Result<(), SessionError> {
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.sender.send(frame));
        Ok(sent.await.map_err(|_| SessionError::TooSlow)??)
    }
}
