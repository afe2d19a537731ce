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

    /// Tells what is new. Returns when there is nothing more.
    ///
    /// # Errors
    /// [`StoreError`]: it could not be kept, and will be told later.
    pub(super) async fn look(&mut self) -> Result<(), StoreError> {
        while self.tell_secrets().await? {}
        self.tell_standing().await
    }

    /// The next changes of secrets; false when all were told.
    async fn tell_secrets(&mut self) -> Result<bool, StoreError> {
        let held = self.board.held.load_full();
        let lead_view = self.lead_board.as_ref().map(|lead| lead.lead_view.load_full());
        let past = lead_view.as_deref().map_or(Past::Follower(&held.view), Past::Lead);
        let here = past.position();
        // What a node finds when it first looks, or is given when it joins, is no news. A new lead finds nothing: its first
        // secret is news.
        let has_begun = |at: Position| at != Position::default() || self.lead_board.is_some();
        let Some(cursor) = self.secrets.filter(|cursor| has_begun(cursor.at)) else {
            if has_begun(here) {
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

    /// What stands otherwise than before.
    async fn tell_standing(&mut self) -> Result<(), StoreError> {
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
    sha256(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn position(row: &[u8]) -> Option<Position> {
    let (epoch, revision) = row.split_first_chunk::<8>()?;
    let (epoch, revision) = (u64::from_be_bytes(*epoch), u64::from_be_bytes(revision.try_into().ok()?));
    Some(Position { epoch: Epoch(epoch), revision: Revision(revision) })
}
