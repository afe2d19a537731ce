//! What the lead vouched for of a follower's own journal, as the follower keeps it.

use std::path::Path;

use super::error::SessionError;
use super::follower_session::FollowerSessions;
use crate::audit::error::AuditError;
use crate::audit::head::Head;
use crate::audit::heads::{Heads, HeadsError};
use crate::audit::seal::{Author, Seal};

/// The seals of this node's own journal.
pub(super) struct Sealed {
    own: Author,
    /// Lent to a thread while it is written.
    heads: Option<Heads>,
}

impl Sealed {
    /// What is kept in the directory of a journal.
    pub(super) fn open(audit_dir: &Path, own: Author) -> Result<Self, AuditError> {
        Ok(Self { own, heads: Some(Heads::open(audit_dir)?) })
    }

    /// The newest.
    pub(super) fn newest(&self) -> Option<&Seal> {
        self.heads.as_ref().and_then(Heads::newest)
    }

    /// Keeps a seal, once it is known to be one of this journal; gives the end of the chain it is about.
    pub(super) async fn keep(&mut self, sessions: &FollowerSessions, seal: Seal) -> Result<Head, SessionError> {
        let head = *seal.chain_head();
        let checked = seal.check(&self.own, &sessions.forwarded.authority);
        if checked.is_err() || seal.head.statement.key != sessions.certificate.key.pin() {
            return Err(SessionError::Unexpected("a seal that is none of this node's journal"));
        }
        let Some(mut heads) = self.heads.take() else { return Err(SessionError::Stopping) };
        let kept = tokio::task::spawn_blocking(move || {
            let kept = heads.keep(seal);
            (heads, kept)
        });
        let (heads, kept) = kept.await.map_err(SessionError::Panicked)?;
        self.heads = Some(heads);
        match kept {
            // A journal that was begun anew, or put back, is sealed from its beginning.
            Ok(()) | Err(HeadsError::Back { .. }) => {}
            Err(refused @ HeadsError::Fork { .. }) => {
                tracing::error!(%refused, "this node's journal is another than the lead has sealed before");
            }
            Err(HeadsError::Audit(error)) => tracing::error!(%error, "a seal of the journal cannot be kept"),
        }
        Ok(head)
    }
}
