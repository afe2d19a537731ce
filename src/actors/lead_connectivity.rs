//! The stream of connectivity of one follower, on the lead: takes in what the follower found out, and tells it what the
//! others did. The row of a follower that is away stays, and grows old.
//!
//! Nothing is queued for a follower: it is a cursor, and what it is told is made of the newest matrix. What a follower
//! sends is read at a pace, so that one that never stops is held back by flow control.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::board::Board;
use super::connectivity_frames::{self, RowFrames};
use super::error::SessionError;
use super::lead_sessions::LeadSessions;
use crate::connectivity::allowance::Allowance;
use crate::connectivity::changes::Asked;
use crate::connectivity::feed::{Cursor, Told, Viewer};
use crate::connectivity::intake::{Incoming, Intake, News, Reporter};
use crate::connectivity::matrix::Matrix;
use crate::model::api_check::Elsewhere;
use crate::model::name::{NodeName, ServiceName};
use crate::model::number::Revision;
use crate::model::roster::RosterEntry;
use crate::model::time::BootTime;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::connectivity::{Again, Cells, Digest, FromFollower, FromLead, Others};

/// How often a follower is told until when the others kept up their checks, and what changed that nobody waits for.
const ROUND_EVERY: Duration = Duration::from_secs(30);

/// Changes within this are told together: people wait for seconds, and a thousand nodes may see the same change.
const TOGETHER: Duration = Duration::from_millis(100);

/// Between two frames of one follower. It tells ten times a second at most; all it knows may take many frames.
const INTAKE_PAUSE: Duration = Duration::from_millis(20);

/// A follower whose digest does not fit is asked for all it knows at most so often.
const AGAIN_EVERY: Duration = Duration::from_secs(5);

/// Serves one follower until it leaves or errs.
pub(super) async fn run(
    sender: FrameSender,
    receiver: FrameReceiver,
    sessions: Arc<LeadSessions>,
    node: NodeName,
) -> Result<(), SessionError> {
    let again = Notify::new();
    let feed = Feed { sender, sessions: &sessions, node: &node, told: None, elsewhere: BTreeMap::new(), asked: None };
    tokio::select! {
        ended = feed.run(&again) => ended,
        ended = take_in(receiver, &sessions, &node, &again) => ended,
    }
}

/// Takes in what the follower tells, and asks for all of it when its digest does not fit.
async fn take_in(
    mut receiver: FrameReceiver,
    sessions: &LeadSessions,
    node: &NodeName,
    again: &Notify,
) -> Result<(), SessionError> {
    let (mut intake, mut allowance) = (Intake::default(), Allowance::default());
    while let Some(frame) = receiver.receive().await? {
        let mut pause = INTAKE_PAUSE;
        match frame {
            FromFollower::Cells(cells) => {
                let incoming = incoming(cells)?;
                pause = pause.max(allowance.pause_after(incoming.count(), sessions.clock.now().boot));
                if let Some(news) = intake.take(incoming)? {
                    publish(sessions, node, news);
                }
            }
            FromFollower::Digest(digest) => {
                if !confirm(sessions, node, &intake, &digest) {
                    again.notify_one();
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

fn incoming(cells: Cells) -> Result<Incoming, SessionError> {
    let (whole, more) = (cells.whole, cells.more);
    let (cells, gone) = cells.read()?;
    Ok(Incoming { whole, more, cells, gone })
}

/// Makes it the row of the node, as far as it is believed.
fn publish(sessions: &LeadSessions, node: &NodeName, news: News) {
    let now = sessions.clock.now().wall;
    sessions.board.connectivity.change_if(|matrix| {
        // Looked at while nobody else writes the matrix: whoever keeps it to its members comes before or after this.
        let lead = sessions.lead_board.lead_view.load();
        let Some(entry) = lead.node(node).filter(|entry| entry.is_member()) else { return false };
        let reporter = Reporter { node, entitlement: &entry.entitlement };
        let row = news.onto(matrix.row(node).map(|row| &**row), reporter, now);
        matrix.put(node.clone(), row);
        true
    });
}

/// Notes until when the node kept up its checks; `false` if it knows something else than it told.
fn confirm(sessions: &LeadSessions, node: &NodeName, intake: &Intake, digest: &Digest) -> bool {
    let Digest { cells, serials, confirmed } = digest;
    let board = &sessions.board.connectivity;
    let is_known = *cells == 0 || board.matrix().row(node).is_some();
    board.confirm(&[(node.clone(), confirmed.here(sessions.clock.now().wall))]);
    is_known && intake.fits(*cells, *serials)
}

struct Feed<'session> {
    sender: FrameSender,
    sessions: &'session LeadSessions,
    node: &'session NodeName,
    /// Up to where the follower was told, and as whom.
    told: Option<(Cursor, Revision)>,
    /// What it was told of nodes that it may not know of.
    elsewhere: BTreeMap<ServiceName, Elsewhere>,
    asked: Option<BootTime>,
}

impl Feed<'_> {
    async fn run(mut self, again: &Notify) -> Result<(), SessionError> {
        let mut moved = self.sessions.board.connectivity.moved();
        let mut roster = self.sessions.lead_board.governed.subscribe();
        let mut rounds = tokio::time::interval(ROUND_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        rounds.reset();
        let mut asked = Asked::Great;
        loop {
            moved.mark_unchanged();
            roster.mark_unchanged();
            self.tell(asked).await?;
            self.tell_elsewhere(asked).await?;
            if asked == Asked::Every {
                self.tell_confirmed().await?;
            }
            asked = Asked::Great;
            tokio::select! {
                changed = moved.changed() => {
                    changed.map_err(|_| SessionError::Stopping)?;
                    tokio::time::sleep(TOGETHER).await;
                }
                changed = roster.changed() => changed.map_err(|_| SessionError::Stopping)?,
                _ = rounds.tick() => asked = Asked::Every,
                () = again.notified() => {
                    let now = self.sessions.clock.now().boot;
                    // A digest that never fits must not keep both busy.
                    if self.asked.is_none_or(|at| now.since(at) >= AGAIN_EVERY) {
                        self.asked = Some(now);
                        self.ask_again().await?;
                    }
                }
            }
        }
    }

    /// What it may hold, as long as it is a member.
    async fn entry(&self) -> Arc<RosterEntry> {
        let entry = self.sessions.lead_board.lead_view.load().node(self.node).cloned();
        match entry.filter(|entry| entry.is_member()) {
            Some(entry) => entry,
            // The session sees it too, and says goodbye before any of its streams ends.
            None => std::future::pending().await,
        }
    }

    async fn tell(&mut self, asked: Asked) -> Result<(), SessionError> {
        let entry = self.entry().await;
        let matrix = self.sessions.board.connectivity.matrix();
        let viewer = Viewer { node: self.node, entitlement: &entry.entitlement };
        let known = self.told.filter(|(_, entitled)| *entitled == entry.changed_at);
        let changes = known.and_then(|(cursor, _)| viewer.changes(&matrix, cursor, asked));
        if self.told.is_some() && known.is_none() {
            // It may hold something else now, of which nothing was believed before.
            self.ask_again().await?;
        }
        let cursor = match changes {
            Some((told, cursor)) => {
                self.send(told.into_iter(), false).await?;
                cursor
            }
            None => {
                self.send(viewer.whole(&matrix), true).await?;
                Cursor::after(&matrix)
            }
        };
        self.told = Some((cursor, entry.changed_at));
        Ok(())
    }

    async fn send(&mut self, told: impl Iterator<Item = Told>, whole: bool) -> Result<(), SessionError> {
        for frame in RowFrames::new(told, whole, self.sessions.clock.now().wall) {
            self.sender.send(&FromLead::Rows(frame)).await?;
        }
        Ok(())
    }

    /// How many nodes of other environments call what it watches: as soon as it watches something else, and with the
    /// rounds.
    async fn tell_elsewhere(&mut self, asked: Asked) -> Result<(), SessionError> {
        let Board { connectivity, .. } = &*self.sessions.board;
        let matrix = connectivity.matrix();
        let Some(row) = matrix.row(self.node) else { return Ok(()) };
        if asked == Asked::Great && row.cells.keys().eq(self.elsewhere.keys()) {
            return Ok(());
        }
        let told = connectivity.tally(&self.sessions.clock.now()).elsewhere(self.node, row);
        if told != self.elsewhere {
            self.sender.send(&FromLead::Others(Others::new(&told))).await?;
            self.elsewhere = told;
        }
        Ok(())
    }

    async fn tell_confirmed(&mut self) -> Result<(), SessionError> {
        let entry = self.entry().await;
        let matrix: Arc<Matrix> = self.sessions.board.connectivity.matrix();
        let confirmed = Viewer { node: self.node, entitlement: &entry.entitlement }.confirmed(&matrix);
        for frame in connectivity_frames::confirmed(&confirmed, self.sessions.clock.now().wall) {
            self.sender.send(&FromLead::Confirmed(frame)).await?;
        }
        Ok(())
    }

    /// Asks for all the follower knows.
    async fn ask_again(&mut self) -> Result<(), SessionError> {
        Ok(self.sender.send(&FromLead::Again(Again)).await?)
    }
}
