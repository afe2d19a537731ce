//! The connection to the lead, on a follower: greets, beats, applies what comes, asks what is to be asked.

use std::sync::Arc;
use std::time::Duration;

use super::board::Board;
use super::certificate::FollowerCertificate;
use super::error::SessionError;
use super::follower_audit::{self, Forwarded};
use super::follower_connectivity;
use super::follower_requests;
use super::follower_succession::{FollowerSuccession, Welcomed};
use super::secret_follower::FollowerSecrets;
use super::tally;
use super::unanswered::Unanswered;
use crate::model::article::Edit;
use crate::model::caller::LeadAddress;
use crate::model::freshness::FreshnessPolicy;
use crate::model::name::NodeName;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::record::{Record, SealedScopeKey};
use crate::model::time::{Clock, Moment};
use crate::replication::acceptance::Incoming;
use crate::replication::rules_acceptance::{self, Head};
use crate::transport::connection::PeerConnection;
use crate::transport::stream::{FrameReceiver, FrameSender};
use crate::wire::control::{self, Heartbeat, Hello, Promise, Welcome};
use crate::wire::open::StreamKind;
use crate::wire::rules::{self, FollowRules, RulesHeld};
use crate::wire::subscription::{self, Ack, Subscribe};
use crate::wire::version::{self, ProtocolVersion, SUCCESSION_SINCE};

/// A lead that took the connection answers a hello at once.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);

/// A heartbeat a second: the lead suspects a node after four seconds, and freshness is a matter of seconds.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// A lead answers every heartbeat at once; one that has answered none of five is gone, or no longer itself. Far shorter
/// than the connection's idle timeout, because a lead that was killed and is back again should be found within seconds.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A goodbye of the lead is on its way, or was lost, by the time its other streams have ended.
const LAST_WORD_TIMEOUT: Duration = Duration::from_millis(500);

/// A lead that is shown that its reign is over says goodbye; on a busy machine not at once.
const STEPPING_DOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// What every session to the lead uses.
pub struct FollowerSessions {
    /// Applies what comes.
    pub secrets: FollowerSecrets,
    /// What reads are answered from.
    pub board: Arc<Board>,
    /// This node's certificate.
    pub certificate: FollowerCertificate,
    /// Who reigns, as far as this node knows.
    pub succession: FollowerSuccession,
    /// What goes to the lead of the journal.
    pub forwarded: Forwarded,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The node's own freshness durations: the lead tells people when this node stops by itself.
    pub freshness: FreshnessPolicy,
    /// How busy this machine is, in thousandths of a waiting process.
    pub load_milli: fn() -> u32,
    /// When the node started.
    pub started: Moment,
    /// The version of this program.
    pub build: &'static str,
    /// Which versions of the protocol it speaks, newest first.
    pub speaks: &'static [ProtocolVersion],
}

/// A connection over which the lead has welcomed this node.
pub(super) struct Session {
    connection: PeerConnection,
    sender: FrameSender,
    receiver: FrameReceiver,
    sessions: Arc<FollowerSessions>,
    position: Position,
    rules: Option<Position>,
    version: ProtocolVersion,
    unanswered: Unanswered,
}

/// Greets the lead. Only its welcome shows that it takes this node: until then TLS has proved one side only.
pub(super) async fn greet(
    connection: PeerConnection,
    sessions: Arc<FollowerSessions>,
) -> Result<Session, SessionError> {
    let (position, rules) = sessions.secrets.begin().await?;
    sessions.board.limits.begin();
    let (mut sender, mut receiver) = connection.open_stream(StreamKind::Control).await?;
    let now = sessions.clock.now();
    let hello = Hello {
        versions: version::offered_of(sessions.speaks),
        build: sessions.build.to_owned(),
        epoch: position.epoch.get(),
        revision: position.revision.get(),
        boot_id: now.boot_id.0,
    };
    sender.send(&control::FromFollower::Hello(hello)).await?;
    let answer = tokio::time::timeout(WELCOME_TIMEOUT, receiver.receive::<control::FromLead>());
    let welcome = match answer.await.map_err(|_| SessionError::Silent)?? {
        Some(control::FromLead::Welcome(welcome)) => welcome,
        Some(control::FromLead::Goodbye(goodbye)) => return Err(SessionError::Dismissed(goodbye.reason)),
        Some(control::FromLead::Beacon(_) | control::FromLead::Tallies(_) | control::FromLead::SuccessionFrame(_))
        | None => return Err(SessionError::Unexpected("no welcome")),
    };
    // A lead chooses among what it was offered: anything else would be a way down to what is spoken no more.
    let version = version::choose_of(sessions.speaks, &[welcome.version]).ok_or(SessionError::NoCommonVersion)?;
    let lead = lead_name(&connection, &welcome)?;
    let by = Welcomed { lead: &lead, epoch: Epoch(welcome.epoch) };
    if version < SUCCESSION_SINCE {
        sessions.succession.meet_without(by.epoch)?;
    } else {
        meet(&sessions.succession, (&mut sender, &mut receiver), by, position.epoch).await?;
    }
    let address = Some(connection.remote_address().to_string());
    sessions.board.lead.store(Arc::new(LeadAddress { name: Some(lead), address }));
    sender.send(&control::FromFollower::Promise(Promise::from(sessions.freshness))).await?;
    let unanswered = Unanswered::default();
    Ok(Session { connection, sender, receiver, sessions, position, rules, version, unanswered })
}

/// Shows the lead what reign this node knows of, and judges the one it states. A lead whose reign is over gets the time to
/// learn that before the connection ends.
async fn meet(
    succession: &FollowerSuccession,
    (sender, receiver): (&mut FrameSender, &mut FrameReceiver),
    by: Welcomed<'_>,
    cache: Epoch,
) -> Result<(), SessionError> {
    let shown = succession.shown();
    if let Some(shown) = &shown {
        sender.send(&control::FromFollower::from(shown.clone())).await?;
    }
    let stated = tokio::time::timeout(WELCOME_TIMEOUT, receiver.receive::<control::FromLead>());
    let frame = match stated.await.map_err(|_| SessionError::Silent)?? {
        Some(control::FromLead::SuccessionFrame(frame)) => frame,
        Some(control::FromLead::Goodbye(goodbye)) => return Err(SessionError::Dismissed(goodbye.reason)),
        Some(control::FromLead::Beacon(_) | control::FromLead::Tallies(_) | control::FromLead::Welcome(_)) | None => {
            return Err(SessionError::Unexpected("no succession after its welcome"));
        }
    };
    let met = succession.meet(frame, by, cache).await;
    if matches!(met, Err(SessionError::Disowned(_))) && shown.is_some() {
        // Whatever it says then, it is not followed.
        drop(tokio::time::timeout(STEPPING_DOWN_TIMEOUT, receiver.receive::<control::FromLead>()).await);
    }
    met
}

fn lead_name(connection: &PeerConnection, welcome: &Welcome) -> Result<NodeName, SessionError> {
    let name = welcome.lead_name()?;
    if connection.identity().node != name {
        return Err(SessionError::Unexpected("a lead that calls itself by another name than its certificate"));
    }
    Ok(name)
}

impl Session {
    /// Runs until the connection ends, and says why it did.
    pub(super) async fn run(self) -> SessionError {
        let Self { connection, sender, receiver, sessions, position, rules, version, unanswered } = self;
        let hearing = hear(receiver, &sessions, &unanswered);
        tokio::pin!(hearing);
        let mut heard_out = false;
        let ended = tokio::select! {
            ended = beat(sender, &sessions, &unanswered) => ended,
            ended = &mut hearing => {
                heard_out = true;
                ended
            }
            ended = follow_rules(&connection, &sessions, rules) => ended,
            ended = follow(&connection, &sessions, position) => ended,
            ended = follower_connectivity::run(&connection, &sessions) => ended,
            ended = follower_audit::run(&connection, &sessions, version) => ended,
            ended = follower_requests::run(&connection, &sessions, version) => ended,
        };
        let mut reason = ended.err().unwrap_or(SessionError::Stopping);
        // A lead that sends this node away ends its other streams too, and those may be seen to end first.
        if !heard_out
            && let Ok(Err(last_word @ SessionError::Dismissed(_))) =
                tokio::time::timeout(LAST_WORD_TIMEOUT, hearing).await
        {
            reason = last_word;
        }
        connection.close(reason.close_code(), &reason.to_string());
        reason
    }
}

async fn beat(
    mut sender: FrameSender,
    sessions: &FollowerSessions,
    unanswered: &Unanswered,
) -> Result<(), SessionError> {
    let mut ticks = tokio::time::interval(HEARTBEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = sessions.board.ask_now.notified(), if unanswered.has_room() => {}
        }
        let now = sessions.clock.now();
        let heartbeat = heartbeat(sessions, unanswered.sent(now), &now);
        sender.send(&control::FromFollower::Heartbeat(heartbeat)).await?;
        for tally in tally::to_tell(&sessions.board, &now) {
            sender.send(&control::FromFollower::Tally(tally)).await?;
        }
    }
}

fn heartbeat(sessions: &FollowerSessions, stamp: u64, now: &Moment) -> Heartbeat {
    let view = &sessions.board.held.load().view;
    Heartbeat {
        stamp,
        revision: view.position.revision.get(),
        cache_entries: u64::try_from(view.len()).unwrap_or(u64::MAX),
        load_milli: (sessions.load_milli)(),
        uptime_ms: u64::try_from(now.boot.since(sessions.started.boot).as_millis()).unwrap_or(u64::MAX),
    }
}

async fn hear(
    mut receiver: FrameReceiver,
    sessions: &FollowerSessions,
    unanswered: &Unanswered,
) -> Result<(), SessionError> {
    loop {
        let heard = tokio::time::timeout(SILENCE_MAX, receiver.receive());
        let Some(frame) = heard.await.map_err(|_| SessionError::Silent)?? else {
            return Err(SessionError::Unexpected("the end of the control stream"));
        };
        match frame {
            control::FromLead::Beacon(beacon) => {
                if let Some(asked) = unanswered.answered(beacon.stamp) {
                    let ahead = beacon.lead_time_ms.saturating_sub(sessions.clock.now().wall.0);
                    sessions.board.lead_ahead_ms.store(Some(Arc::new(ahead)));
                    sessions.secrets.beacon(asked, beacon.position()).await?;
                    sessions.board.limits.lead_heard(asked.boot);
                }
            }
            control::FromLead::Tallies(tallies) => {
                let now = sessions.clock.now().boot;
                sessions.board.limits.others_heard(now, tally::told(&tallies, now)?);
            }
            control::FromLead::Goodbye(goodbye) => return Err(SessionError::Dismissed(goodbye.reason)),
            control::FromLead::Welcome(_) => return Err(SessionError::Unexpected("a second welcome")),
            control::FromLead::SuccessionFrame(_) => return Err(SessionError::Unexpected("a second succession")),
        }
    }
}

/// Takes in the rules, and tells the lead each time they are in force: it sends no records beyond them.
async fn follow_rules(
    connection: &PeerConnection,
    sessions: &FollowerSessions,
    held: Option<Position>,
) -> Result<(), SessionError> {
    let (mut sender, mut receiver) = connection.open_stream(StreamKind::Rules).await?;
    sender.send(&rules::FromFollower::FollowRules(FollowRules::from(held))).await?;
    while let Some(rules::FromLead::Articles(articles)) = receiver.receive().await? {
        let head = Head { position: articles.position(), previous: Revision(articles.previous), whole: articles.whole };
        let edits = articles.articles.into_iter().map(Edit::try_from).collect::<Result<_, _>>()?;
        let incoming = rules_acceptance::Incoming { head, more: articles.more, edits };
        if let Some(position) = sessions.secrets.rules(incoming).await? {
            let held = RulesHeld { epoch: position.epoch.get(), revision: position.revision.get() };
            sender.send(&rules::FromFollower::RulesHeld(held)).await?;
        }
    }
    Err(SessionError::Unexpected("the end of the rules"))
}

async fn follow(
    connection: &PeerConnection,
    sessions: &FollowerSessions,
    position: Position,
) -> Result<(), SessionError> {
    let (mut sender, mut receiver) = connection.open_stream(StreamKind::Subscription).await?;
    let subscribe = Subscribe { epoch: position.epoch.get(), revision: position.revision.get() };
    sender.send(&subscription::FromFollower::Subscribe(subscribe)).await?;
    // Where the cache stands, not what the lead was told: a node that was thrown out and taken back asks for everything, and
    // acknowledges nothing before it has it. An old position would end the session, each time.
    let mut acknowledged = sessions.board.held.load().view.position;
    while let Some(frame) = receiver.receive::<subscription::FromLead>().await? {
        let durable = apply(sessions, frame).await?;
        if durable != acknowledged {
            let ack = Ack { epoch: durable.epoch.get(), revision: durable.revision.get() };
            sender.send(&subscription::FromFollower::Ack(ack)).await?;
            acknowledged = durable;
        }
    }
    Err(SessionError::Unexpected("the end of the subscription"))
}

async fn apply(sessions: &FollowerSessions, frame: subscription::FromLead) -> Result<Position, SessionError> {
    let incoming = match frame {
        subscription::FromLead::ScopeKeys(keys) => {
            let keys = keys.keys.into_iter().map(SealedScopeKey::try_from).collect::<Result<Vec<_>, _>>()?;
            return Ok(sessions.secrets.scope_keys(keys).await?);
        }
        subscription::FromLead::SnapshotBegin(begin) => {
            Incoming::SnapshotBegin { position: begin.position(), entitlement: begin.entitlement.try_into()? }
        }
        subscription::FromLead::SnapshotRecords(part) => Incoming::SnapshotRecords(records(part.records)?),
        subscription::FromLead::SnapshotEnd(end) => Incoming::SnapshotEnd { count: end.count },
        subscription::FromLead::Change(change) => Incoming::Change {
            epoch: change.position().epoch,
            previous: Revision(change.previous),
            revision: change.position().revision,
            records: records(change.records)?,
        },
    };
    Ok(sessions.secrets.incoming(incoming).await?)
}

fn records(frames: Vec<crate::wire::record::RecordFrame>) -> Result<Vec<Record>, SessionError> {
    Ok(frames.into_iter().map(Record::try_from).collect::<Result<Vec<_>, _>>()?)
}
