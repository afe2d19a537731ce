//! Where events come from that must not be lost: the history of secrets, the roster and the rulebook. Nobody calls back when
//! they change; what is published is compared with what was told, and what was told is kept in the same write as the events.
//!
//! So an event outlives a crash between a commit and its telling, and is not told twice. What came and went between two looks,
//! such as a freeze that was lifted at once, is told by the journal alone.

use std::sync::Arc;
use std::time::Duration;

use super::board::{Board, LeadBoard};
use super::event_log::EventLog;
use crate::crypto::digest::sha256;
use crate::events::standing::{Hearing, Membership, Standing};
use crate::model::agent::{Agent, AgentState};
use crate::model::article::Article;
use crate::model::event::Event;
use crate::model::hex::hex;
use crate::model::identity::Role;
use crate::model::number::{Epoch, Position, Revision};
use crate::model::roster::Standing as RosterStanding;
use crate::model::time::{BootTime, Clock};
use crate::replication::liveness::{LOST_AFTER, Liveness, judge};
use crate::replication::watch::{Break, Cursor, Past, Step, next};
use crate::store::error::StoreError;
use crate::store::rows::{RowTable, RowWrite};
use crate::wire::article::encode;

/// The row of how far the history of secrets was told.
const SECRETS_ROW: &[u8] = b"events.secrets";

/// The row of how nodes, freezes and agents stood.
const STANDING_ROW: &[u8] = b"events.standing";

/// After a start of the lead, before a node that does not come back is lost: followers dial again within seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// What is compared with what.
pub(super) struct EventSources {
    log: EventLog,
    board: Arc<Board>,
    lead_board: Option<Arc<LeadBoard>>,
    clock: Arc<dyn Clock>,
    began: BootTime,
    secrets: Option<Cursor>,
    standing: Option<Standing>,
}

impl EventSources {
    /// Goes on where it was left.
    ///
    /// # Errors
    /// [`StoreError`]: the file of events cannot be read.
    pub(super) async fn open(
        log: EventLog,
        board: Arc<Board>,
        lead_board: Option<Arc<LeadBoard>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let row = async |key: &[u8]| log.rows().get(RowTable::Progress, key.to_vec()).await;
        let secrets = row(SECRETS_ROW).await?.and_then(|row| position(&row)).map(Cursor::new);
        let standing = row(STANDING_ROW).await?.and_then(|row| Standing::parse(&row));
        let began = clock.now().boot;
        Ok(Self { log, board, lead_board, clock, began, secrets, standing })
    }

    /// Tells what is new. What changes while that is written is for the next look, so that under a stream of changes not each
    /// write brings about another.
    ///
    /// # Errors
    /// [`StoreError`]: it could not be kept, and will be told later.
    pub(super) async fn look(&mut self) -> Result<(), StoreError> {
        let upto = self.position();
        while self.tell_secrets().await? && self.secrets.is_none_or(|told| told.at < upto) {}
        self.tell_standing().await
    }

    /// Whether it is known from where on changes of secrets are news.
    pub(super) fn has_begun(&self) -> bool {
        self.secrets.is_some_and(|told| self.begins_at(told.at))
    }

    /// What a node finds when it first looks, or is given when it joins, is no news. A new lead finds nothing: its first
    /// secret is news.
    fn begins_at(&self, at: Position) -> bool {
        at != Position::default() || self.lead_board.is_some()
    }

    fn position(&self) -> Position {
        match &self.lead_board {
            Some(lead) => lead.lead_view.load().view.position,
            None => self.board.held.load().view.position,
        }
    }

    /// The next changes of secrets; false when all were told.
    async fn tell_secrets(&mut self) -> Result<bool, StoreError> {
        let held = self.board.held.load_full();
        let lead_view = self.lead_board.as_ref().map(|lead| lead.lead_view.load_full());
        let past = lead_view.as_deref().map_or(Past::Follower(&held.view), Past::Lead);
        let here = past.position();
        let Some(cursor) = self.secrets.filter(|cursor| self.begins_at(cursor.at)) else {
            if self.begins_at(here) {
                self.keep_secrets(&[], Cursor::new(here)).await?;
            }
            return Ok(false);
        };
        match next(past, cursor, |_| true) {
            Step::Current => Ok(false),
            Step::Changes { changes, cursor } => {
                let event = |told: crate::replication::history::Told| Event::SecretChanged {
                    at: told.at,
                    change: told.change,
                    version: told.version,
                };
                let events: Vec<Event> = changes.into_iter().map(event).collect();
                self.keep_secrets(&events, cursor).await?;
                Ok(true)
            }
            Step::Reset { reason: Break::Trimmed, cursor } => {
                self.secrets = Some(cursor);
                Ok(true)
            }
            Step::Reset { reason: Break::Epoch | Break::Ahead, .. } => {
                let detail = format!("the history of secrets goes on from another place: epoch {}", here.epoch);
                self.keep_secrets(&[Event::SystemMaintenance { detail }], Cursor::new(here)).await?;
                Ok(false)
            }
        }
    }

    async fn keep_secrets(&mut self, events: &[Event], cursor: Cursor) -> Result<(), StoreError> {
        let Position { epoch, revision } = cursor.at;
        let row = [epoch.get().to_be_bytes(), revision.get().to_be_bytes()].concat();
        let progress = RowWrite::Put(RowTable::Progress, SECRETS_ROW.to_vec(), row);
        self.log.keep(events, vec![progress]).await?;
        self.secrets = Some(cursor);
        Ok(())
    }

    /// What stands otherwise than before. A lead whose reign is over tells none of it: it sent its followers away itself, and
    /// how they stand is for the present lead to say.
    async fn tell_standing(&mut self) -> Result<(), StoreError> {
        if self.lead_board.as_ref().is_some_and(|lead| lead.ended_by.borrow().is_some()) {
            return Ok(());
        }
        let Some(mut now) = self.stands() else { return Ok(()) };
        let before = self.standing.clone();
        let hearing = |node: &str| self.hearing(node);
        let events = now.news(&before.clone().unwrap_or_default(), hearing);
        // What a node finds when it first looks is no news.
        let events = if before.is_some() { events } else { Vec::new() };
        if before.as_ref() == Some(&now) {
            return Ok(());
        }
        let progress = RowWrite::Put(RowTable::Progress, STANDING_ROW.to_vec(), now.to_bytes());
        self.log.keep(&events, vec![progress]).await?;
        self.standing = Some(now);
        Ok(())
    }

    /// How things stand; unknown on a follower that was told no rules yet. Nodes and agents are the lead's to tell.
    fn stands(&self) -> Option<Standing> {
        let mut standing = Standing::default();
        let rules = self.board.rules.load();
        if !rules.is_known() {
            return None;
        }
        for freeze in rules.freezes() {
            standing.freeze(&freeze.target, freeze.level, &freeze.reason);
        }
        let Some(lead) = &self.lead_board else { return Some(standing) };
        for agent in rules.agents() {
            standing.agent(&agent.name, agent.state == AgentState::Active, mark(agent));
        }
        let view = lead.lead_view.load();
        for entry in view.nodes().filter(|entry| entry.role == Role::Follower) {
            let membership = match entry.standing {
                RosterStanding::Pending => Membership::Pending,
                RosterStanding::Active => Membership::Active,
                RosterStanding::Banned { .. } => Membership::Banned,
            };
            standing.node(&entry.name, &entry.entitlement.environment, membership, entry.joined_at);
        }
        Some(standing)
    }

    fn hearing(&self, node: &str) -> Hearing {
        let Some(lead) = &self.lead_board else { return Hearing::Unknown };
        let now = self.clock.now().boot;
        let presences = lead.presence.load();
        let known = presences.iter().find(|(name, _)| name.as_str() == node).map(|(_, presence)| presence);
        match known {
            Some(presence) => match judge(now.since(presence.heard.boot)) {
                Liveness::Alive | Liveness::Suspect => Hearing::Heard,
                Liveness::Lost => Hearing::Lost(Some(presence.heard.wall)),
            },
            None if now.since(self.began) >= SETTLED_AFTER.max(LOST_AFTER) => Hearing::Lost(None),
            None => Hearing::Unknown,
        }
    }
}

/// Differs whenever anything about an agent does.
fn mark(agent: &Agent) -> String {
    let bytes = encode(&Article::Agent(agent.clone())).unwrap_or_default();
    hex(&sha256(&bytes)[..8])
}

fn position(row: &[u8]) -> Option<Position> {
    let (epoch, revision) = row.split_first_chunk::<8>()?;
    let (epoch, revision) = (u64::from_be_bytes(*epoch), u64::from_be_bytes(revision.try_into().ok()?));
    Some(Position { epoch: Epoch(epoch), revision: Revision(revision) })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::actors::board::Presence;
    use crate::crypto::key_ring::KeyRing;
    use crate::crypto::system_entropy::SystemEntropy;
    use crate::events::subject::Home;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::entitlement_history::EntitlementHistory;
    use crate::model::identity::{KeyPin, MeshId, SealingPublicKey, StoreId};
    use crate::model::name::{EnvironmentName, NodeName};
    use crate::model::reign::Reign;
    use crate::model::roster::RosterEntry;
    use crate::model::time::{BootId, Moment, Timestamp};
    use crate::policy::rulebook::Rulebook;
    use crate::replication::view::{LeadView, View};
    use crate::store::ground::Ground;
    use crate::store::rows::Rows;
    use crate::wire::version::SPOKEN;

    struct Hands(Mutex<Duration>);

    impl Clock for Hands {
        fn now(&self) -> Moment {
            let passed = *self.0.lock().expect("held");
            Moment { wall: Timestamp(0).plus(passed), boot: BootTime(passed), boot_id: BootId::default() }
        }
    }

    fn name(text: &str) -> NodeName {
        NodeName::parse(text).expect("a name")
    }

    fn follower() -> RosterEntry {
        let environment = EnvironmentName::parse("prod").expect("a name");
        RosterEntry {
            name: name("vengeance"),
            role: Role::Follower,
            pin: KeyPin([1; 32]),
            sealing_key: SealingPublicKey([2; 32]),
            entitlement: Entitlement { environment, companies: Companies::Only([].into()), globs: Vec::new() },
            history: EntitlementHistory::beginning(Timestamp(0)),
            joined_at: Timestamp(0),
            standing: RosterStanding::Active,
            changed_at: Revision(0),
        }
    }

    /// A lead that heard its one follower, and what it tells of it after an hour of silence.
    async fn told_after_an_hour(directory: &Path, is_over: impl FnOnce(&LeadBoard)) -> Vec<String> {
        let clock = Arc::new(Hands(Mutex::default()));
        let now = clock.now();
        let home = Home { node: name("aurora"), environment: EnvironmentName::parse("prod").expect("a name") };
        let rows = Rows::open(&Ground::machine(), &directory.join("events.redb")).await.expect("a file");
        let log = EventLog::open(rows, home, Arc::clone(&clock) as _, Arc::new(SystemEntropy)).await.expect("a log");
        let (rules, held) = (Rulebook::new([]), follower().entitlement);
        let board = Arc::new(Board::new(View::default(), rules, KeyRing::default(), held, None));
        let view = LeadView::new(View::default(), Vec::new(), vec![follower()], Vec::new());
        let lead = Arc::new(LeadBoard::new(view, Arc::default(), Timestamp(0), false));
        let presence = Presence {
            heard: now,
            acknowledged: None,
            cache_entries: 0,
            load_milli: 0,
            uptime_ms: 0,
            promise: None,
            protocol: SPOKEN[0],
            address: None,
        };
        lead.presence.store(Arc::new([(name("vengeance"), presence)].into_iter().collect()));
        let mut sources = EventSources::open(log.clone(), board, Some(Arc::clone(&lead)), Arc::clone(&clock) as _)
            .await
            .expect("open");
        sources.look().await.expect("looked");
        is_over(&lead);
        *clock.0.lock().expect("held") = Duration::from_secs(3600);
        sources.look().await.expect("looked");
        log.after(0, 9).await.expect("read").into_iter().map(|event| event.body).collect()
    }

    /// A lead that stepped down sends its followers away, and told a while later that each of them was lost.
    #[tokio::test]
    async fn a_lead_whose_reign_is_over_misses_nobody_it_sent_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let told = told_after_an_hour(directory.path(), |_| ()).await;
        assert!(told.len() == 1 && told[0].contains("node.lost"), "{told:?}");
        let directory = tempfile::tempdir().expect("a directory");
        let reign = Reign {
            mesh: MeshId([7; 16]),
            store: StoreId([9; 16]),
            epoch: Epoch(2),
            lead: name("usurper"),
            begins_at: Timestamp(0),
        };
        let ended = |lead: &LeadBoard| drop(lead.ended_by.send_replace(Some(Arc::new(reign))));
        assert_eq!(told_after_an_hour(directory.path(), ended).await, [""; 0]);
    }
}
