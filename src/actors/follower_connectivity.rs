//! The stream of connectivity, on a follower: tells the lead what this node found out about APIs, and takes in what the
//! others did. What was taken in stays when the lead is lost, and grows old, until a lead tells all of it anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::connectivity_frames::{cells, incoming};
use super::error::SessionError;
use super::follower_session::FollowerSessions;
use crate::connectivity::difference::Difference;
use crate::connectivity::inbox::{Inbox, News};
use crate::connectivity::matrix::Row;
use crate::connectivity::outbox::{Outbox, Outgoing};
use crate::transport::connection::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::connectivity::{Digest, FromFollower, FromLead, TimeFrame};
use crate::wire::open::StreamKind;

/// How often the lead is told until when this node kept up its checks, and what changed that nobody waits for.
const ROUND_EVERY: Duration = Duration::from_secs(30);

/// Changes within this are told together: people wait for seconds, and a node that starts checks many APIs at once.
const TOGETHER: Duration = Duration::from_millis(100);

/// Runs as long as the session.
pub(super) async fn run(connection: &PeerConnection, sessions: &FollowerSessions) -> Result<(), SessionError> {
    let (sender, receiver) = connection.open_stream(StreamKind::Connectivity).await?;
    let again = Notify::new();
    let teller = Teller { sender, sessions, outbox: Outbox::default() };
    tokio::select! {
        ended = teller.run(&again) => ended,
        ended = hear(receiver, sessions, &again) => ended,
    }
}

struct Teller<'session> {
    sender: FrameSender,
    sessions: &'session FollowerSessions,
    outbox: Outbox,
}

impl Teller<'_> {
    async fn run(mut self, again: &Notify) -> Result<(), SessionError> {
        let mut moved = self.sessions.board.connectivity.moved();
        let mut rounds = tokio::time::interval(ROUND_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        rounds.reset();
        let mut told = self.tell_all().await?;
        loop {
            tokio::select! {
                changed = moved.changed() => {
                    changed.map_err(|_| SessionError::Stopping)?;
                    tokio::time::sleep(TOGETHER).await;
                    moved.mark_unchanged();
                    let row = self.row();
                    // Most changes are of other rows.
                    if row.as_ref().map(Arc::as_ptr) != told.as_ref().map(Arc::as_ptr) {
                        let outgoing = self.outbox.changes(row.as_deref(), Difference::Great);
                        self.tell(&outgoing, false).await?;
                        told = row;
                    }
                }
                _ = rounds.tick() => {
                    let row = self.row();
                    let outgoing = self.outbox.changes(row.as_deref(), Difference::Slight);
                    self.tell(&outgoing, false).await?;
                    self.tell_digest(row.as_deref()).await?;
                    told = row;
                }
                () = again.notified() => told = self.tell_all().await?,
            }
        }
    }

    fn row(&self) -> Option<Arc<Row>> {
        self.sessions.board.connectivity.matrix().row(&self.sessions.certificate.node).cloned()
    }

    async fn tell_all(&mut self) -> Result<Option<Arc<Row>>, SessionError> {
        let row = self.row();
        let outgoing = self.outbox.whole(row.as_deref());
        self.tell(&outgoing, true).await?;
        self.tell_digest(row.as_deref()).await?;
        Ok(row)
    }

    async fn tell(&mut self, outgoing: &Outgoing, whole: bool) -> Result<(), SessionError> {
        if outgoing.is_empty() && !whole {
            return Ok(());
        }
        for frame in cells(outgoing, whole) {
            self.sender.send(&FromFollower::Cells(frame)).await?;
        }
        Ok(())
    }

    async fn tell_digest(&mut self, row: Option<&Row>) -> Result<(), SessionError> {
        let now = self.sessions.clock.now().wall;
        let (cells, serials) = self.outbox.digest();
        let confirmed = TimeFrame::new(row.map_or(now, |row| row.confirmed_at), now);
        Ok(self.sender.send(&FromFollower::Digest(Digest { cells, serials, confirmed })).await?)
    }
}

/// Takes in what the lead tells.
async fn hear(mut receiver: FrameReceiver, sessions: &FollowerSessions, again: &Notify) -> Result<(), SessionError> {
    let mut inbox = Inbox::default();
    while let Some(frame) = receiver.receive::<FromLead>().await? {
        let now = sessions.clock.now().wall;
        match frame {
            FromLead::Rows(rows) => {
                let own = sessions.board.held.load().entitlement.environment.clone();
                if let Some(news) = inbox.take(incoming(rows, now)?, &own)? {
                    publish(sessions, news)?;
                }
            }
            FromLead::Again(_) => again.notify_one(),
            FromLead::Others(others) => sessions.board.connectivity.tell_elsewhere(others.read()?),
            FromLead::Confirmed(confirmed) => {
                let mut nodes = confirmed.read(now)?;
                nodes.retain(|(node, _)| *node != sessions.certificate.node);
                sessions.board.connectivity.confirm(&nodes);
            }
        }
    }
    Err(SessionError::Unexpected("the end of connectivity"))
}

/// Makes it what this node knows of the others; nothing of it, if the node was thrown out meanwhile.
fn publish(sessions: &FollowerSessions, news: News) -> Result<(), SessionError> {
    let mut taken = Ok(());
    sessions.board.connectivity.change_if(|matrix| {
        if sessions.board.banned.load().is_some() {
            return false;
        }
        taken = news.onto(matrix, &sessions.certificate.node);
        taken.is_ok()
    });
    Ok(taken?)
}
