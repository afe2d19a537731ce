//! The rules stream of one follower, on the lead: sends what concerns it of the rulebook, one step after the other is
//! acknowledged, and tells the record feed up to where that is so.
//!
//! The record feed waits for it: a deny is in force on a node before the value it is about gets there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::error::SessionError;
use super::lead_sessions::LeadSessions;
use crate::model::article::Edit;
use crate::model::name::NodeName;
use crate::model::number::{Position, Revision};
use crate::replication::feed::CHANGE_BYTES_MAX;
use crate::replication::rules_feed::{self, Cursor, Step};
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::error::WireError;
use crate::wire::rules::{ArticleFrame, Articles, FromFollower, FromLead};

/// A node that has not made the rules it was sent its own by then does not do so at all. It may have to write its file
/// anew for it, which takes as long as its disk.
pub(super) const TAKING_TIMEOUT: Duration = Duration::from_secs(60);

/// A frame that is not taken for this long belongs to a peer that does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Up to where the node of one session holds the rules that concern it; `None` until that is known.
pub(super) type Held = watch::Sender<Option<Position>>;

/// Serves one follower until it leaves or errs.
pub(super) async fn run(
    sender: FrameSender,
    mut receiver: FrameReceiver,
    sessions: Arc<LeadSessions>,
    node: NodeName,
    held: Arc<Held>,
) -> Result<(), SessionError> {
    let Some(FromFollower::FollowRules(follow)) = receiver.receive().await? else {
        return Err(SessionError::Unexpected("something else than what it holds of the rules"));
    };
    let told = watch::Sender::new(None);
    let acknowledged = watch::Sender::new(None);
    let cursor = Cursor::new(follow.position());
    let feed = RulesFeed { sender, sessions, node, cursor, told: &told, acknowledged: &acknowledged, held: &held };
    tokio::select! {
        ended = feed.run() => ended,
        ended = note_acknowledgements(receiver, &told, &acknowledged) => ended,
    }
}

async fn note_acknowledgements(mut receiver: FrameReceiver, told: &Held, noted: &Held) -> Result<(), SessionError> {
    while let Some(frame) = receiver.receive().await? {
        let FromFollower::RulesHeld(ack) = frame else {
            return Err(SessionError::Unexpected("a second time what it holds of the rules"));
        };
        // Believed, it would be sent values that a rule it lacks closes.
        if *told.borrow() != Some(ack.position()) {
            return Err(SessionError::Unexpected("an acknowledgement of rules that were not sent"));
        }
        noted.send_replace(Some(ack.position()));
    }
    Ok(())
}

struct RulesFeed<'session> {
    sender: FrameSender,
    sessions: Arc<LeadSessions>,
    node: NodeName,
    cursor: Cursor,
    told: &'session Held,
    acknowledged: &'session Held,
    held: &'session Held,
}

/// What the parts of one step say of themselves.
#[derive(Clone, Copy)]
struct Part {
    at: Position,
    previous: Revision,
    whole: bool,
}

impl RulesFeed<'_> {
    async fn run(mut self) -> Result<(), SessionError> {
        let mut moved = self.sessions.lead_board.governed.subscribe();
        loop {
            moved.mark_unchanged();
            let lead = self.sessions.lead_board.lead_view.load_full();
            let step = rules_feed::next(&lead, &self.node, self.cursor);
            drop(lead);
            match step {
                Step::Current { at } => {
                    self.cursor.looked = at;
                    self.held.send_replace(Some(at));
                    moved.changed().await.map_err(|_| SessionError::Stopping)?;
                }
                Step::Whole { at, articles } => {
                    let frames = articles.iter().map(ArticleFrame::put).collect::<Result<_, _>>()?;
                    self.tell(Part { at, previous: Revision(0), whole: true }, frames).await?;
                }
                Step::Delta { previous, at, edits } => {
                    let frames = edits.iter().map(frame).collect::<Result<_, _>>()?;
                    self.tell(Part { at, previous, whole: false }, frames).await?;
                }
                // The session sees it too, and says goodbye before any of its streams ends.
                Step::Expelled => std::future::pending().await,
            }
        }
    }

    /// Sends one step, and returns once the follower has made it its own.
    async fn tell(&mut self, part: Part, frames: Vec<ArticleFrame>) -> Result<(), SessionError> {
        let Part { at, previous, whole } = part;
        self.told.send_replace(Some(at));
        let mut chunks =
            rules_feed::chunks(frames, ArticleFrame::payload_bytes, CHANGE_BYTES_MAX).into_iter().peekable();
        while let Some(articles) = chunks.next() {
            let more = chunks.peek().is_some();
            let (epoch, previous, revision) = (at.epoch.get(), previous.get(), at.revision.get());
            let articles = FromLead::Articles(Articles { epoch, previous, revision, whole, more, articles });
            let sent = tokio::time::timeout(SEND_TIMEOUT, self.sender.send(&articles));
            sent.await.map_err(|_| SessionError::TooSlow)??;
        }
        let mut acknowledged = self.acknowledged.subscribe();
        let taken = tokio::time::timeout(TAKING_TIMEOUT, acknowledged.wait_for(|position| *position == Some(at)));
        drop(taken.await.map_err(|_| SessionError::WithoutRules)?.map_err(|_| SessionError::Stopping)?);
        self.cursor = Cursor::told(at);
        self.held.send_replace(Some(at));
        Ok(())
    }
}

fn frame(edit: &Edit) -> Result<ArticleFrame, WireError> {
    match edit {
        Edit::Put(article) => ArticleFrame::put(article),
        Edit::Drop(id) => Ok(ArticleFrame::gone(id)),
    }
}
