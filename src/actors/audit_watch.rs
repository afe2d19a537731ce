//! What the lead does about journals by itself: seals its own, and notices nodes that prove nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;
use tokio::time::MissedTickBehavior;

use super::audit_desk::{AuditDesk, seal_own};
use super::board::LeadBoard;
use crate::audit::cursor::sync_newest;
use crate::audit::gap::{Cause, Gap};
use crate::audit::heads::{Heads, HeadsError};
use crate::audit::line::FORMAT;
use crate::model::identity::Role;
use crate::model::name::NodeName;
use crate::model::roster::{RosterEntry, Standing};
use crate::model::time::{BootTime, Moment};

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Between two seals of the lead's own journal: what could be rewritten unseen is what it wrote within this.
const SEAL_EVERY: Duration = Duration::from_secs(10);

/// A connected node proves the end of its journal each minute, or with each batch.
const SILENT_AFTER: Duration = Duration::from_secs(5 * 60);

/// A node that is away for so long has lines nobody else has.
const GONE_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The part that looks.
pub struct AuditWatch {
    /// Where journals come together.
    pub desk: Arc<AuditDesk>,
    /// Who is a member, and who was heard.
    pub lead_board: Arc<LeadBoard>,
}

impl AuditWatch {
    /// Goes on until it is stopped.
    pub(super) async fn keep_watching(self: Arc<Self>) -> Result<(), ActorProcessingErr> {
        let directory = self.desk.parts.audit_dir.clone();
        let mut heads = self.desk.off_thread(move || Heads::open(&directory)).await?;
        self.desk.own_seal.send_replace(heads.newest().cloned().map(Arc::new));
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut sealed_at, mut connected) = (None::<BootTime>, BTreeMap::new());
        loop {
            ticks.tick().await;
            let now = self.desk.parts.clock.now();
            let head = self.desk.parts.journal.head();
            let is_news = head.seq > 0 && heads.newest().is_none_or(|seal| *seal.chain_head() != head);
            if is_news && sealed_at.is_none_or(|at| now.boot.since(at) >= SEAL_EVERY) {
                sealed_at = Some(now.boot);
                heads = self.seal(heads).await?;
            }
            self.look(&now, &mut connected).await;
        }
    }

    /// Seals the end of the lead's own journal, and tells the followers.
    async fn seal(&self, mut heads: Heads) -> Result<Heads, ActorProcessingErr> {
        let parts = &self.desk.parts;
        let (head, directory) = (parts.journal.head(), parts.audit_dir.clone());
        // A line that followers know of and a power cut takes would look like a journal that was put back.
        self.desk.off_thread(move || sync_newest(&directory)).await?;
        let Some(seal) = seal_own(parts, head, FORMAT) else { return Ok(heads) };
        let told = Arc::new(seal.clone());
        let (heads, kept) = self
            .desk
            .off_thread(move || {
                let kept = heads.keep(seal);
                Ok((heads, kept))
            })
            .await?;
        match kept {
            Ok(()) => {
                self.desk.remember(head);
                self.desk.own_seal.send_replace(Some(told));
            }
            Err(HeadsError::Audit(error)) => return Err(error.into()),
            Err(refused @ (HeadsError::Back { .. } | HeadsError::Fork { .. })) => {
                let node = parts.own.node.clone();
                self.desk.tell(&node, Gap::new(Cause::Lead, told_once(&heads, &refused))).await;
                // Followers hear it too: what they remember must not depend on this lead.
                self.desk.own_seal.send_replace(Some(told));
            }
        }
        Ok(heads)
    }

    /// Tells of nodes that prove nothing. A lead whose reign is over does not: it sent them away itself, and they prove it to
    /// the present lead.
    async fn look(&self, now: &Moment, connected: &mut BTreeMap<NodeName, BootTime>) {
        if self.lead_board.ended_by.borrow().is_some() {
            return;
        }
        let lead_view = self.lead_board.lead_view.load_full();
        let presences = self.lead_board.presence.load_full();
        let standings = self.desk.standings();
        let followers = lead_view.nodes().filter(|entry| is_active(entry));
        for entry in followers {
            let node = &entry.name;
            let known = standings.get(node).cloned();
            let is_here = presences.get(node).is_some_and(|presence| presence.address.is_some());
            if is_here {
                let since = *connected.entry(node.clone()).or_insert(now.boot);
                let last = known.and_then(|standing| standing.proven).map_or(since, |proven| proven.max(since));
                if now.boot.since(last) >= SILENT_AFTER {
                    let detail = "it is connected, and has not proved the end of its journal for 5 minutes";
                    self.desk.tell(node, Gap::new(Cause::Silent, detail)).await;
                }
                continue;
            }
            connected.remove(node);
            let heard = presences.get(node).map(|presence| presence.heard.wall);
            let standing = match known {
                Some(standing) => standing,
                None => self.desk.recall(node).await,
            };
            let last = heard.into_iter().chain(standing.proven_at).max().unwrap_or(entry.joined_at);
            if now.wall.since(last).is_some_and(|away| away >= GONE_AFTER) {
                // Without the time, which differs over a restart: it is told once.
                let detail = "it was not heard for 24 hours: what it wrote since is nowhere else";
                self.desk.tell(node, Gap::new(Cause::Gone, detail)).await;
            }
        }
    }
}

/// Says it the same way while the journal goes on, so that it is told once.
fn told_once(heads: &Heads, refused: &HeadsError) -> String {
    match heads.newest().map(|seal| seal.chain_head().seq) {
        Some(known) => {
            format!("line {known} was sealed, and this journal is another one: it was put back or rewritten")
        }
        None => refused.to_string(),
    }
}

fn is_active(entry: &RosterEntry) -> bool {
    entry.role == Role::Follower && entry.standing == Standing::Active
}
