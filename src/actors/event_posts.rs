//! What programs tell: taken in once, however often they try. On a follower it is kept here, and goes to the lead as well: at
//! once, or when the lead is back, in the order it was told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::sync::{Mutex as Held, PoisonError};
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::sync::{Mutex, Notify};

use super::board::Board;
use super::event_log::{EventLog, KEPT_FOR, row_key, row_number};
use super::lead_line::{LeadAnswer, LeadQuestion, NoAnswer};
use super::pace::{Measure, Pace};
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::journal::Journal;
use crate::crypto::digest::sha256;
use crate::events::id::EventId;
use crate::events::posting::{self, PostProblem};
use crate::model::actions::Action;
use crate::model::event::{Event, Post};
use crate::model::identity::Role;
use crate::model::name::NodeName;
use crate::model::roster::RosterEntry;
use crate::model::time::{Moment, Timestamp};
use crate::store::error::StoreError;
use crate::store::rows::{Order, RowTable, RowWrite};

/// Most events that wait for the lead: of the largest, 160 MB of the history that holds them anyway.
const OUTBOX_MAX: u64 = 10_000;

/// Rows that are looked at at once.
const PAGE: usize = 64;

/// The pause before the lead is asked again when it could not be.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What one member may tell: an outage at once, and then ten a second. Each is a line of the lead's journal.
const OF_A_MEMBER: Measure = Measure { burst: 1000, one_each: Duration::from_millis(100) };

/// How far a member's clock is believed to be ahead.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why an event of a program was not kept.
#[derive(Debug, thiserror::Error)]
pub enum PostRefused {
    /// It may not be told.
    #[error(transparent)]
    Problem(#[from] PostProblem),
    /// Too many wait for the lead.
    #[error("{OUTBOX_MAX} events wait for the lead, and no more are taken in until it is back")]
    Full,
    /// A member tells more than any does: it tells it again later.
    #[error("more events than a node may tell at once")]
    TooFast,
    /// The journal cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of an event that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// What it is called.
    pub id: EventId,
    /// Whether it was not told before.
    pub is_new: bool,
}

/// The place where programs' events come in.
pub struct EventPosts {
    log: EventLog,
    journal: Journal,
    role: Role,
    turn: Mutex<()>,
    paces: Held<BTreeMap<NodeName, Pace>>,
    waiting: AtomicU64,
    more: Notify,
}

impl EventPosts {
    /// The place of a node of this role, with what waits for the lead since before it was started.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read.
    pub async fn open(log: EventLog, journal: Journal, role: Role) -> Result<Self, StoreError> {
        let most = usize::try_from(OUTBOX_MAX).unwrap_or(usize::MAX);
        let waiting = log.rows().page(RowTable::Outbox, None, Order::Up, most).await?.len();
        let waiting = AtomicU64::new(u64::try_from(waiting).unwrap_or(OUTBOX_MAX));
        Ok(Self { log, journal, role, turn: Mutex::new(()), paces: Held::default(), waiting, more: Notify::new() })
    }

    /// Takes in what a program of this node tells; the door has checked and accounted for it.
    ///
    /// # Errors
    /// [`PostRefused`]; then nothing was kept.
    pub async fn post(&self, post: Post) -> Result<Taken, PostRefused> {
        self.take_in(post, None).await
    }

    /// How many events wait for the lead.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Atomic::Relaxed)
    }

    /// Takes in what a program of this member told there, under the name it has there. Written into the journal here.
    ///
    /// # Errors
    /// [`PostRefused`]; then nothing was kept. When it says that it happened is believed within bounds: what was told in the
    /// year 10000 would never be forgotten, nor could it be mailed.
    pub(super) async fn post_from(&self, member: &RosterEntry, event: &str, post: Post) -> Result<Taken, PostRefused> {
        let id = EventId::parse(event).ok_or(PostProblem::Key)?;
        let data = posting::text(&post.data)?;
        posting::kind(post.kind.as_str())?;
        let now = self.log.now();
        self.check_pace(&member.name, &now)?;
        let at = believed(post.at, now.wall);
        self.take_in(Post { data, at, ..post }, Some((id, member))).await
    }

    fn check_pace(&self, member: &NodeName, now: &Moment) -> Result<(), PostRefused> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(member.clone()).or_insert_with(|| Pace::new(OF_A_MEMBER, now.boot));
        let refused = pace.take(now.boot).ok_or(PostRefused::TooFast)?;
        if refused > 0 {
            tracing::warn!(node = %member, refused, "a node told more events than it may, and tells them later");
        }
        Ok(())
    }

    async fn take_in(&self, post: Post, from: Option<(EventId, &RosterEntry)>) -> Result<Taken, PostRefused> {
        let _turn = self.turn.lock().await;
        let tried = post.key.as_ref().map(|key| sha256(format!("{}\n{}\n{key}", post.node, post.by).as_bytes()));
        if let Some(row) = &tried
            && let Some(known) = self.log.rows().get(RowTable::Posted, row.to_vec()).await?
            && let Some(kept) = self.log.get(row_number(&known).unwrap_or(0)).await?
        {
            return Ok(Taken { id: kept.id, is_new: false });
        }
        if self.role == Role::Follower && self.waiting() >= OUTBOX_MAX {
            return Err(PostRefused::Full);
        }
        if let Some((_, member)) = from {
            self.journal.append(line(member, &post)).await?;
        }
        let goes_on = self.role == Role::Follower;
        let event = (Event::Posted(Box::new(post)), from.map(|(id, _)| id));
        let kept = self.log.keep_as(vec![event], |kept| {
            let number = kept.first().map_or(0, |event| event.number);
            let key = tried.map(|row| RowWrite::Put(RowTable::Posted, row.to_vec(), row_key(number)));
            let outbox = goes_on.then(|| RowWrite::Put(RowTable::Outbox, row_key(number), Vec::new()));
            key.into_iter().chain(outbox).collect()
        });
        let kept = kept.await?;
        if goes_on {
            self.waiting.fetch_add(1, Atomic::Relaxed);
            self.more.notify_one();
        }
        kept.first().map(|event| Taken { id: event.id, is_new: true }).ok_or(PostRefused::Store(StoreError::Closed))
    }

    /// Sends what waits to the lead, and does not end by itself. On a lead there is nothing to send.
    pub(super) async fn keep_sending(&self, board: &Board) -> Result<(), ActorProcessingErr> {
        if self.role == Role::Lead {
            return std::future::pending().await;
        }
        loop {
            let page = self.log.rows().page(RowTable::Outbox, None, Order::Up, PAGE).await?;
            if page.is_empty() {
                self.more.notified().await;
                continue;
            }
            for (key, _) in page {
                if !self.send(board, row_number(&key).unwrap_or(0)).await? {
                    tokio::time::sleep(ASK_AGAIN).await;
                    break;
                }
                self.log.rows().write(vec![RowWrite::Drop(RowTable::Outbox, key)]).await?;
                self.waiting.fetch_sub(1, Atomic::Relaxed);
            }
        }
    }

    /// Sends one event, and says whether that is done: it was taken, or never will be.
    async fn send(&self, board: &Board, number: u64) -> Result<bool, StoreError> {
        // What the history has forgotten meanwhile is too old for the lead too.
        let Some(kept) = self.log.get(number).await? else { return Ok(true) };
        let Some(post) = kept.post() else { return Ok(true) };
        let question = LeadQuestion::Publish { event: kept.id.to_string(), post: Box::new(post) };
        match board.lead_line.ask(question).await {
            Ok(LeadAnswer::Taken) => Ok(true),
            Ok(LeadAnswer::Noted(_) | LeadAnswer::Requests(_) | LeadAnswer::Left) => Ok(false),
            Err(NoAnswer::NotEntitled) => {
                tracing::warn!(event = %kept.id, "the lead does not take an event of this node");
                Ok(true)
            }
            Err(
                NoAnswer::NoLead | NoAnswer::OlderLead | NoAnswer::Busy | NoAnswer::TooMany | NoAnswer::Unavailable,
            ) => Ok(false),
        }
    }

    /// Forgets the keys of events that are gone.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be read or written.
    pub(super) async fn forget_old(&self) -> Result<(), StoreError> {
        let oldest = self.log.after(0, 1).await?.first().map_or(u64::MAX, |event| event.number);
        let mut from = None;
        loop {
            let page = self.log.rows().page(RowTable::Posted, from, Order::Up, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            from = Some([last.as_slice(), &[0]].concat());
            let old = page.iter().filter(|(_, number)| row_number(number).is_none_or(|number| number < oldest));
            let drops: Vec<_> = old.map(|(key, _)| RowWrite::Drop(RowTable::Posted, key.clone())).collect();
            if !drops.is_empty() {
                self.log.rows().write(drops).await?;
            }
        }
    }
}

/// When something happened, if it is when it can have.
fn believed(at: Timestamp, now: Timestamp) -> Timestamp {
    at.clamp(now.minus(KEPT_FOR), now.plus(AHEAD_MAX))
}

/// What the journal of the lead says of an event that came from a follower.
fn line(member: &RosterEntry, post: &Post) -> Entry {
    Entry {
        principal: format!("node:{}", member.name).into(),
        established: "certificate",
        environment: Some(post.environment.clone()),
        company: post.company.clone(),
        rule: "roster".into(),
        ..Entry::of_node(Action::EventPublish.as_str(), format!("{} by {}", post.kind, post.by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_not_believed_and_one_of_a_clock_that_goes_wrong_is() {
        let now = Timestamp::parse("2026-11-21T08:00:00Z").expect("a time");
        for at in [now.minus(Duration::from_secs(60)), now, now.plus(Duration::from_secs(60))] {
            assert_eq!(believed(at, now), at);
        }
        assert_eq!(believed(Timestamp(i64::MAX), now), now.plus(AHEAD_MAX));
        assert_eq!(believed(Timestamp(i64::MIN), now), now.minus(KEPT_FOR));
    }
}
