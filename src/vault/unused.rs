//! The secrets that nobody has read for long: candidates for being taken out, at the provider first.
//!
//! Drawn up from the journals this node has: its own and, on the lead, the copies of the others'. It says which nodes those
//! are, for another may have served reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::actors::board::Held;
use crate::audit::copies::journals;
use crate::audit::error::AuditError;
use crate::audit::reads::{begins, reads};
use crate::config::duration;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::record::{Record, RecordState};
use crate::model::secret::ScopedSecret;
use crate::model::time::Timestamp;

use super::account::Account;
use super::answer_connectivity::{Unused, UnusedSecret};
use super::error::VaultError;
use super::off_thread::off_thread;
use super::parts::Vault;
use super::request::Context;

/// Most secrets in one list: bounds the memory of one answer. Those that were not read for longest come first.
const UNUSED_MAX: usize = 10_000;

impl Vault {
    /// The secrets with a value here, older than this long, that nobody was given for this long.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not read the journal.
    pub async fn unused(&self, caller: &Caller, context: &Context, span: Duration) -> Result<Unused, VaultError> {
        let mut account = Account::open(caller, Action::AuditRead, self.parts.clock.now());
        account.reason(Some(&format!("secrets unused for {}", duration::print(span))));
        let permitted = self.node_permit(caller, Action::AuditRead, &mut account);
        let permitted = permitted.and_then(|()| self.check_node(context)).and_then(|()| self.check_standing());
        // The line is written before the work, which only reads: it may take a while.
        self.settle(&account, permitted).await?;
        let (held, directory) = (self.parts.board.held.load_full(), self.parts.audit_dir.clone());
        let (now, node) = (self.parts.clock.now().wall, self.parts.node.clone());
        off_thread(move || {
            let mut last = LastReads::of(&held, now.minus(span));
            let failed = |error: AuditError| VaultError::Internal(error.to_string());
            let (mut unreadable_lines, mut journal_since, mut covers) = (0_u64, None, BTreeSet::new());
            for journal in journals(&directory, &node).map_err(failed)? {
                let unreadable = reads(&journal.path, |read| last.note(&read.at, read.time)).map_err(failed)?;
                unreadable_lines = unreadable_lines.saturating_add(unreadable);
                let begun = begins(&journal.path).map_err(failed)?;
                journal_since = begun.into_iter().chain(journal_since).min();
                covers.insert(journal.node);
            }
            let covers = covers.into_iter().collect();
            let (secrets, complete) = last.unused();
            Ok(Unused { secrets, covers, journal_since, complete, unreadable_lines, now })
        })
        .await
    }
}

/// The secrets in question, and when each was last read.
struct LastReads<'a> {
    secrets: BTreeMap<&'a ScopedSecret, (&'a Arc<Record>, Option<Timestamp>)>,
    since: Timestamp,
}

impl<'a> LastReads<'a> {
    fn of(held: &'a Held, since: Timestamp) -> Self {
        let old = |record: &&Arc<Record>| record.state() == RecordState::Live && record.created_at <= since;
        let records = held.view.after(None).filter(old);
        Self { secrets: records.map(|record| (&record.at, (record, None))).collect(), since }
    }

    fn note(&mut self, at: &ScopedSecret, time: Timestamp) {
        if let Some((_, last)) = self.secrets.get_mut(at) {
            *last = (*last).max(Some(time));
        }
    }

    /// Those that were not read since, the longest first; and whether that is all of them.
    fn unused(self) -> (Vec<UnusedSecret>, bool) {
        let unused = self.secrets.into_values().filter(|(_, last)| last.is_none_or(|last| last < self.since));
        let mut unused: Vec<(&Arc<Record>, Option<Timestamp>)> = unused.collect();
        unused.sort_by_key(|(_, last)| *last);
        let complete = unused.len() <= UNUSED_MAX;
        let secret = |(record, last_read): (&Arc<Record>, _)| UnusedSecret { record: Arc::clone(record), last_read };
        (unused.into_iter().take(UNUSED_MAX).map(secret).collect(), complete)
    }
}
