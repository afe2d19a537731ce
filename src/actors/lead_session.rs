//! One follower's connection, on the lead: greets it, answers its heartbeats and questions, feeds it changes.
//!
//! A session owns no state but its cursor. Whatever the peer does wrong ends this session with a typed reason and touches
//! no other.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::admission;
use super::audit_desk::Sender;
use super::board::Presence;
use super::error::SessionError;
use super::heartbeat::Report;
use super::lead_audit;
use super::lead_connectivity;
use super::lead_feed;
use super::lead_requests;
use super::lead_rules;
use super::lead_sessions::LeadSessions;
use super::limit_board::Told;
use super::tally;
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::transport::connection::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::control::{self, Beacon, Goodbye, GoodbyeReason, Welcome};
use crate::wire::entitlement::EntitlementFrame;
use crate::wire::open::StreamKind;
use crate::wire::version::{self, AUDIT_SINCE, ProtocolVersion, SUCCESSION_SINCE};

/// A member that says nothing for this long after it connected has nothing to say.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// A node that was thrown out is told so in a last frame. One that does not take it learns it at its next handshake.
const GOODBYE_TIMEOUT: Duration = Duration::from_millis(500);

/// Serves one follower until it leaves, errs, or is a member no more.
pub(super) async fn run(connection: Arc<PeerConnection>, sessions: Arc<LeadSessions>) -> Result<(), SessionError> {
    let node = connection.identity().node.clone();
    let outcome = serve(&connection, &sessions, &node).await;
    if matches!(outcome, Err(SessionError::Expelled)) {
        tracing::info!(%node, "a node that is no member was sent away");
    }
    sessions.heartbeats.report(node, Report::Gone);
    if let Err(error) = &outcome {
        connection.close(error.close_code(), &error.to_string());
    }
    outcome
}

async fn serve(
    connection: &Arc<PeerConnection>,
    sessions: &Arc<LeadSessions>,
    node: &NodeName,
) -> Result<(), SessionError> {
    let greeted = tokio::time::timeout(GREETING_TIMEOUT, greet(connection, sessions, node));
    let (version, mut sender, receiver) = greeted.await.map_err(|_| SessionError::Silent)??;
    let rules = Arc::new(lead_rules::Held::new(None));
    let mut streams = Streams { version, running: JoinSet::new(), opened: vec![StreamKind::Control], rules };
    let ended = tokio::select! {
        ended = serve_streams(&mut sender, receiver, &mut streams, connection, sessions, node) => ended,
        () = admission::expelled(&sessions.lead_board, connection) => Err(SessionError::Expelled),
        () = sessions.throne.ends() => Err(SessionError::SteppedDown),
    };
    if let Some(reason) = last_word(&ended) {
        // The feeds have nothing more to send to a node that is no member here. They end after the last word: a node that sees
        // them end first takes that for the end of the session.
        say_goodbye(sender, reason).await;
        streams.running.abort_all();
    }
    ended
}

/// What a node is told that is sent away.
fn last_word(ended: &Result<(), SessionError>) -> Option<GoodbyeReason> {
    match ended {
        Err(SessionError::Expelled) => Some(GoodbyeReason::Banned),
        Err(SessionError::SteppedDown) => Some(GoodbyeReason::NotLead),
        Ok(()) | Err(_) => None,
    }
}

/// Tells the node over the connection on which this lead has proved itself. Whether it hears is its own affair.
async fn say_goodbye(mut sender: FrameSender, reason: GoodbyeReason) {
    let goodbye = control::FromLead::from(Goodbye { reason });
    let told = async {
        sender.send(&goodbye).await?;
        sender.finish_and_wait().await
    };
    if !matches!(tokio::time::timeout(GOODBYE_TIMEOUT, told).await, Ok(Ok(()))) {
        tracing::debug!("a node that was sent away did not take its goodbye");
    }
}

async fn serve_streams(
    sender: &mut FrameSender,
    receiver: FrameReceiver,
    streams: &mut Streams,
    connection: &Arc<PeerConnection>,
    sessions: &Arc<LeadSessions>,
    node: &NodeName,
) -> Result<(), SessionError> {
    let version = streams.version;
    let answering = answer_heartbeats(sender, receiver, (connection, version), sessions, node);
    tokio::pin!(answering);
    // Accepting must not be cancelled half way, so one future does it and is only ever replaced once it is done.
    let accepting = connection.accept_stream();
    tokio::pin!(accepting);
    loop {
        tokio::select! {
            ended = &mut answering => return ended,
            Some(ended) = streams.running.join_next() => ended.map_err(SessionError::Panicked)??,
            accepted = &mut accepting => {
                streams.start(accepted?, connection, sessions, node)?;
                accepting.set(connection.accept_stream());
            }
        }
    }
}

/// The streams a follower opened besides control: one of each kind.
struct Streams {
    version: ProtocolVersion,
    running: JoinSet<Result<(), SessionError>>,
    opened: Vec<StreamKind>,
    /// Up to where the follower holds the rules: what it waits for that feeds it records.
    rules: Arc<lead_rules::Held>,
}

impl Streams {
    fn start(
        &mut self,
        (kind, sender, receiver): (StreamKind, FrameSender, FrameReceiver),
        connection: &Arc<PeerConnection>,
        sessions: &Arc<LeadSessions>,
        node: &NodeName,
    ) -> Result<(), SessionError> {
        if self.opened.contains(&kind) {
            return Err(SessionError::Unexpected("a second stream of one kind"));
        }
        self.opened.push(kind);
        let (connection, sessions) = (Arc::clone(connection), Arc::clone(sessions));
        match kind {
            StreamKind::Control => {}
            StreamKind::Subscription => {
                let rules = self.rules.subscribe();
                self.running.spawn(lead_feed::run(sender, receiver, sessions, node.clone(), rules));
            }
            StreamKind::Rules => {
                let rules = Arc::clone(&self.rules);
                self.running.spawn(lead_rules::run(sender, receiver, sessions, node.clone(), rules));
            }
            StreamKind::Connectivity => {
                self.running.spawn(lead_connectivity::run(sender, receiver, sessions, node.clone()));
            }
            StreamKind::Audit if self.version < AUDIT_SINCE => {
                return Err(SessionError::Unexpected("a stream that its version does not have"));
            }
            StreamKind::Audit => {
                let from = Sender { node: node.clone(), key: *connection.pin() };
                self.running.spawn(lead_audit::run(sender, receiver, Arc::clone(&sessions.audit), from));
            }
            StreamKind::Request => {
                let asked = lead_requests::Asked { sessions, connection };
                self.running.spawn(lead_requests::run(sender, receiver, asked));
            }
        }
        Ok(())
    }
}

async fn greet(
    connection: &PeerConnection,
    sessions: &LeadSessions,
    node: &NodeName,
) -> Result<(ProtocolVersion, FrameSender, FrameReceiver), SessionError> {
    let (kind, mut sender, mut receiver) = connection.accept_stream().await?;
    if kind != StreamKind::Control {
        return Err(SessionError::Unexpected("another stream before control"));
    }
    let Some(control::FromFollower::Hello(hello)) = receiver.receive().await? else {
        return Err(SessionError::Unexpected("something else than hello"));
    };
    hello.check()?;
    let chosen = version::choose_of(sessions.speaks, &hello.versions).ok_or(SessionError::NoCommonVersion)?;
    let lead_view = sessions.lead_board.lead_view.load_full();
    let entry = admission::member(&lead_view, connection)?;
    if sessions.throne.is_over() {
        say_goodbye(sender, GoodbyeReason::NotLead).await;
        return Err(SessionError::SteppedDown);
    }
    tracing::info!(node = %node, build = %hello.build, revision = hello.revision, "a follower connected");
    let welcome = Welcome {
        version: chosen.0,
        epoch: lead_view.view.position.epoch.get(),
        lead: sessions.lead.to_string(),
        entitlement: EntitlementFrame::from(&entry.entitlement),
    };
    sender.send(&control::FromLead::Welcome(welcome)).await?;
    if chosen >= SUCCESSION_SINCE {
        sender.send(&control::FromLead::from(sessions.throne.stated())).await?;
    }
    Ok((chosen, sender, receiver))
}

/// Each heartbeat is noted and answered by a beacon that echoes its stamp.
async fn answer_heartbeats(
    sender: &mut FrameSender,
    mut receiver: FrameReceiver,
    (connection, protocol): (&PeerConnection, ProtocolVersion),
    sessions: &LeadSessions,
    node: &NodeName,
) -> Result<(), SessionError> {
    let (mut promise, mut told) = (None, Told::new());
    while let Some(frame) = receiver.receive().await? {
        let now = sessions.clock.now();
        let heartbeat = match frame {
            control::FromFollower::Heartbeat(heartbeat) => heartbeat,
            control::FromFollower::Promise(given) => {
                promise = Some(given.freshness());
                continue;
            }
            control::FromFollower::SuccessionFrame(frame) => {
                sessions.throne.hear(node, frame).await?;
                continue;
            }
            control::FromFollower::Tally(tally) => {
                let lead_view = sessions.lead_board.lead_view.load_full();
                let Ok(member) = admission::member(&lead_view, connection) else {
                    // The session sees it too, and says goodbye before any of its streams ends.
                    return std::future::pending().await;
                };
                let tallies = tally::answer(&sessions.board, member, &tally, &mut told, &now)?;
                sender.send(&control::FromLead::Tallies(tallies)).await?;
                continue;
            }
            control::FromFollower::Hello(_) => return Err(SessionError::Unexpected("a second hello")),
        };
        let position = sessions.lead_board.lead_view.load().view.position;
        let beacon = Beacon {
            stamp: heartbeat.stamp,
            epoch: position.epoch.get(),
            revision: position.revision.get(),
            lead_time_ms: now.wall.0,
        };
        sender.send(&control::FromLead::Beacon(beacon)).await?;
        if let Some(tallies) = tally::news(&sessions.board, node, &mut told, &now) {
            sender.send(&control::FromLead::Tallies(tallies)).await?;
        }
        let presence = Presence {
            heard: now,
            // A node ahead of this lead holds something else than this lead's history.
            acknowledged: Some(Revision(heartbeat.revision)).filter(|claimed| *claimed <= position.revision),
            cache_entries: heartbeat.cache_entries,
            load_milli: heartbeat.load_milli,
            uptime_ms: heartbeat.uptime_ms,
            promise,
            protocol,
            address: Some(connection.remote_address().to_string()),
        };
        sessions.heartbeats.report(node.clone(), Report::Heartbeat(presence));
    }
    Ok(())
}
