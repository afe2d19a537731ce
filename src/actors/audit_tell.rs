//! How the desk tells that something is wrong with a journal: as a line in the lead's own, and as an event.

use std::sync::Arc;

use super::audit_desk::{AuditDesk, lock};
use crate::audit::copies::node_dir;
use crate::audit::entry::Entry;
use crate::audit::gap::{Gap, GapBook};
use crate::model::event::Event;
use crate::model::name::NodeName;

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
        let detail = gap.detail.clone();
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
}
