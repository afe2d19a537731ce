//! What a follower remembers of its lead's journal: seals, so that the lead cannot rewrite it unseen either.
//!
//! They only go forward. One that goes back, or says something else about a line, is proof against whoever made it: it is
//! not kept, and told here, where the lead has no say.

use std::path::Path;
use std::sync::Arc;

use super::error::SessionError;
use super::follower_audit::off_thread;
use super::follower_session::FollowerSessions;
use crate::audit::copies::{lead_dir, set_lead_aside};
use crate::audit::entry::Entry;
use crate::audit::error::AuditError;
use crate::audit::gap::{Cause, Gap, GapBook};
use crate::audit::heads::{Heads, HeadsError};
use crate::audit::seal::{Author, Seal};
use crate::model::event::Event;

/// The seals of one lead's journal.
pub(super) struct Witness {
    lead: Author,
    /// Lent to a thread while it is written.
    kept: Option<(Heads, GapBook)>,
}

impl Witness {
    /// What is kept below an audit directory.
    pub(super) fn open(audit_dir: &Path, lead: Author) -> Result<Self, AuditError> {
        let directory = lead_dir(audit_dir);
        let mut heads = Heads::open(&directory)?;
        // A lead that took another's place has a journal of its own, which neither went back nor was rewritten.
        let former = heads.newest().map(|seal| &seal.head.statement).filter(|statement| statement.node != lead.node);
        if let Some(former) = former {
            set_lead_aside(audit_dir, &former.node, former.head.seq)?;
            heads = Heads::open(&directory)?;
        }
        Ok(Self { lead, kept: Some((heads, GapBook::open(&directory)?)) })
    }

    /// The newest seal.
    pub(super) fn newest(&self) -> Option<&Seal> {
        self.kept.as_ref().and_then(|(heads, _)| heads.newest())
    }

    /// Keeps a seal, or tells why it cannot be true.
    pub(super) async fn hear(&mut self, sessions: &Arc<FollowerSessions>, seal: Seal) -> Result<(), SessionError> {
        if seal.check(&self.lead, &sessions.forwarded.authority).is_err() {
            return Err(SessionError::Unexpected("a seal that is none of its journal"));
        }
        let Some((mut heads, book)) = self.kept.take() else { return Err(SessionError::Stopping) };
        let kept = tokio::task::spawn_blocking(move || {
            let kept = heads.keep(seal);
            (heads, kept)
        });
        let (heads, kept) = kept.await.map_err(SessionError::Panicked)?;
        let book = match kept {
            Ok(()) => book,
            Err(HeadsError::Audit(error)) => {
                tracing::error!(%error, "a seal of the lead's journal cannot be kept");
                book
            }
            Err(refused @ (HeadsError::Back { .. } | HeadsError::Fork { .. })) => {
                self.tell(sessions, book, &refused).await
            }
        };
        self.kept = Some((heads, book));
        Ok(())
    }

    async fn tell(&self, sessions: &Arc<FollowerSessions>, mut book: GapBook, refused: &HeadsError) -> GapBook {
        let (lead, detail) = (self.lead.node.clone(), refused.to_string());
        // The numbers grow while the lead goes on; that it went back at all is the news.
        let gap = match refused {
            HeadsError::Back { known, .. } => Gap::new(Cause::Lead, format!("went back behind line {known}")),
            HeadsError::Fork { .. } | HeadsError::Audit(_) => Gap::new(Cause::Fork, detail.clone()),
        };
        if !book.is_news(&gap) {
            return book;
        }
        tracing::error!(%lead, detail, "audit.gap");
        let entry = Entry::of_node("audit.gap", format!("{lead}: {detail}"));
        if let Err(error) = sessions.forwarded.journal.append(entry).await {
            tracing::error!(%error, "what is wrong with the lead's journal could not be recorded");
            return book;
        }
        sessions.board.events.tell(Event::AuditGap { node: lead, detail });
        let noted = off_thread(move || {
            let noted = book.note(gap);
            Ok((book, noted))
        });
        match noted.await {
            Ok((book, Ok(()))) => book,
            Ok((book, Err(error))) => {
                tracing::warn!(%error, "that it was told could not be kept: it is told again after a start");
                book
            }
            Err(error) => {
                tracing::error!(%error, "what was told is not known any more");
                GapBook::empty(&lead_dir(&sessions.forwarded.audit_dir))
            }
        }
    }
}
