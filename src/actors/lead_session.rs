//! One follower's connection, on the lead: greets it, answers its heartbeats, feeds it changes, renews its certificate.
//!
//! A session owns no state but its cursor. Whatever the peer does wrong ends this session with a typed reason and touches
//! no other.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::board::{Board, LeadBoard, Presence};
use super::error::SessionError;
use super::heartbeat::{Heartbeats, Report};
use super::lead_feed::{self, ScopeSealer};
use crate::model::name::NodeName;
use crate::model::number::Revision;
use crate::model::time::Clock;
use crate::transport::authority::Authority;
use crate::transport::endpoint::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::control::{self, Beacon, Welcome};
use crate::wire::entitlement::EntitlementFrame;
use crate::wire::open::{Opening, StreamKind};
use crate::wire::request::{self, FailureReason, Renewed};
use crate::wire::version;

/// A member that says nothing for this long after it connected has nothing to say.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// What all sessions share.
pub struct LeadSessions {
    /// The lead's name.
    pub lead: NodeName,
    /// What reads are answered from: the open scope keys.
    pub board: Arc<Board>,
    /// What sessions are fed from.
    pub lead_board: Arc<LeadBoard>,
    /// Who was heard when.
    pub heartbeats: Heartbeats,
    /// Seals scope keys to nodes.
    pub sealer: ScopeSealer,
    /// Issues certificates.
    pub authority: Arc<Authority>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Serves one follower until it leaves or errs.
pub(super) async fn run(connection: PeerConnection, sessions: Arc<LeadSessions>) -> Result<(), SessionError> {
    let connection = Arc::new(connection);
    let node = connection.identity().node.clone();
    let outcome = serve(&connection, &sessions, &node).await;
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
    let (sender, receiver) = greeted.await.map_err(|_| SessionError::Silent)??;
    let mut streams = JoinSet::new();
    let answering = answer_heartbeats(sender, receiver, connection, sessions, node);
    tokio::pin!(answering);
    let mut subscribed = false;
    let mut requesting = false;
    loop {
        tokio::select! {
            ended = &mut answering => return ended,
            Some(ended) = streams.join_next() => match ended {
                Ok(outcome) => outcome?,
                Err(panicked) => return Err(SessionError::Panicked(panicked)),
            },
            accepted = connection.accept_stream() => {
                let (sender, mut receiver) = accepted?;
                let kind = opening(&mut receiver).await?;
                let (sessions, node) = (Arc::clone(sessions), node.clone());
                match kind {
                    StreamKind::Subscription if !subscribed => {
                        subscribed = true;
                        streams.spawn(lead_feed::run(sender, receiver, sessions, node));
                    }
                    StreamKind::Request if !requesting => {
                        requesting = true;
                        streams.spawn(answer_requests(sender, receiver, sessions, Arc::clone(connection)));
                    }
                    StreamKind::Control | StreamKind::Subscription | StreamKind::Request => {
                        return Err(SessionError::Unexpected("a second stream of one kind"));
                    }
                }
            }
        }
    }
}

async fn opening(receiver: &mut FrameReceiver) -> Result<StreamKind, SessionError> {
    let first = tokio::time::timeout(GREETING_TIMEOUT, receiver.receive::<Opening>());
    match first.await.map_err(|_| SessionError::Silent)?? {
        Some(Opening::Open(open)) => Ok(open.kind),
        None => Err(SessionError::Unexpected("an empty stream")),
    }
}

async fn greet(
    connection: &PeerConnection,
    sessions: &LeadSessions,
    node: &NodeName,
) -> Result<(FrameSender, FrameReceiver), SessionError> {
    let (mut sender, mut receiver) = connection.accept_stream().await?;
    if opening(&mut receiver).await? != StreamKind::Control {
        return Err(SessionError::Unexpected("another stream before control"));
    }
    let Some(control::FromFollower::Hello(hello)) = receiver.receive().await? else {
        return Err(SessionError::Unexpected("something else than hello"));
    };
    hello.check()?;
    let chosen = version::choose(&hello.versions).ok_or(SessionError::NoCommonVersion)?;
    let lead_view = sessions.lead_board.lead_view.load_full();
    let entry = lead_view.node(node).ok_or(SessionError::Expelled)?;
    tracing::info!(node = %node, build = %hello.build, revision = hello.revision, "a follower connected");
    let welcome = Welcome {
        version: chosen.0,
        epoch: lead_view.view.position.epoch.get(),
        lead: sessions.lead.to_string(),
        entitlement: EntitlementFrame::from(&entry.entitlement),
    };
    sender.send(&control::FromLead::Welcome(welcome)).await?;
    Ok((sender, receiver))
}

/// Each heartbeat is noted and answered by a beacon that echoes its stamp.
async fn answer_heartbeats(
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    connection: &PeerConnection,
    sessions: &LeadSessions,
    node: &NodeName,
) -> Result<(), SessionError> {
    while let Some(frame) = receiver.receive().await? {
        let control::FromFollower::Heartbeat(heartbeat) = frame else {
            return Err(SessionError::Unexpected("a second hello"));
        };
        let now = sessions.clock.now();
        let position = sessions.lead_board.lead_view.load().view.position;
        let beacon = Beacon {
            stamp: heartbeat.stamp,
            epoch: position.epoch.get(),
            revision: position.revision.get(),
            lead_time_ms: now.wall.0,
        };
        sender.send(&control::FromLead::Beacon(beacon)).await?;
        let presence = Presence {
            heard: now,
            acknowledged: Some(Revision(heartbeat.revision)),
            cache_entries: heartbeat.cache_entries,
            uptime_ms: heartbeat.uptime_ms,
            address: Some(connection.remote_address().to_string()),
        };
        sessions.heartbeats.report(node.clone(), Report::Heartbeat(presence));
    }
    Ok(())
}

async fn answer_requests(
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    sessions: Arc<LeadSessions>,
    connection: Arc<PeerConnection>,
) -> Result<(), SessionError> {
    while let Some(frame) = receiver.receive().await? {
        let request::FromFollower::Renew(renew) = frame;
        let now = sessions.clock.now().wall;
        let issued = sessions.authority.renew(&renew.csr, connection.identity(), connection.pin(), now);
        let answer = match issued {
            Ok(certificate) => request::FromLead::Renewed(Renewed { id: renew.id, chain: vec![certificate] }),
            Err(error) => {
                tracing::warn!(node = %connection.identity().node, %error, "a certificate was not renewed");
                request::FromLead::Failed(request::Failed { id: renew.id, reason: FailureReason::BadRequest })
            }
        };
        sender.send(&answer).await?;
    }
    Ok(())
}
