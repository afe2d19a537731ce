//! How the desk tells that something is wrong with a journal: as a line in the lead's own, and as an event.

use std::sync::Arc;
use std::time::Duration;

use super::audit_desk::{AuditDesk, lock};
use super::pace::{Measure, Pace};
use crate::audit::copies::node_dir;
use crate::audit::entry::Entry;
use crate::audit::gap::{Gap, GapBook};
use crate::model::event::Event;
use crate::model::name::NodeName;

/// What is told of one node: a node in an enemy's hands finds something else that is wrong in each frame, and each is a
/// line of the lead's own journal and a message to people.
const OF_A_NODE: Measure = Measure { burst: 20, one_each: Duration::from_secs(60) };

impl AuditDesk {
    /// Tells that something is wrong with a journal: once, until it is another thing or is over.
    pub(super) async fn tell(self: &Arc<Self>, node: &NodeName, gap: Gap) {
        let is_own = *node == self.parts.own.node;
        let audit_dir = &self.parts.audit_dir;
        let directory = if is_own { audit_dir.clone() } else { node_dir(audit_dir, node) };
        let turn = {
            let mut nodes = lock(&self.nodes);
            Arc::clone(nodes.entry(node.clone()).or_default())
        };
        let mut turn = turn.lock_owned().await;
        // The lead's own journal is not received from anybody.
        let mut own = None;
        let book = match turn.as_mut() {
            Some(receiving) => &mut receiving.gaps,
            None => match GapBook::open(&directory) {
                Ok(book) => own.insert(book),
                Err(error) => return tracing::error!(%node, %error, "what was told of a journal cannot be read"),
            },
        };
        if !book.is_news(&gap) {
            return;
        }
        let Some(untold) = self.may_tell(node) else { return };
        let mut detail = gap.detail.clone();
        if untold > 0 {
            detail.push_str(&format!(" ({untold} more that were wrong before it were not told: they came too fast)"));
        }
        tracing::warn!(%node, detail, "audit.gap");
        if let Err(error) = self.parts.journal.append(Entry::of_node("audit.gap", format!("{node}: {detail}"))).await {
            // It is told again when it shows again.
            return tracing::error!(%node, %error, "what is wrong with a journal could not be recorded");
        }
        self.parts.board.events.tell(Event::AuditGap { node: node.clone(), detail });
        if let Err(error) = book.note(gap) {
            tracing::warn!(%node, %error, "that it was told could not be kept: it is told again after a start");
        }
        lock(&self.standings).entry(node.clone()).or_default().gaps = book.told();
    }
    /// Whether something may be told of this node now, and how often it could not be since it last was.
    fn may_tell(&self, node: &NodeName) -> Option<u64> {
        let now = self.parts.clock.now().boot;
        lock(&self.paces).entry(node.clone()).or_insert_with(|| Pace::new(OF_A_NODE, now)).take(now)
    }
}
