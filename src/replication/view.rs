//! The read view: everything a node can answer from, as one immutable value that is published whole.
//!
//! Built on persistent maps, so publishing a change costs O(log n) and a reader's view never changes under it.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::model::log::LogEntry;
use crate::model::name::{EnvironmentName, NodeName, ServiceName};
use crate::model::number::{Position, Revision};
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};

/// No name sorts before this one: names begin with a letter or a digit, and `0` is the least of them.
const FIRST_NAME: &str = "0/0";

/// The current record of every (secret, scope) a node holds, at one position.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The change this view ends with.
    pub position: Position,
    records: RedBlackTreeMapSync<ScopedSecret, Arc<Record>>,
}

impl View {
    /// A view of these current records.
    #[must_use]
    pub fn new(position: Position, records: impl IntoIterator<Item = Record>) -> Self {
        let mut view = Self { position, records: RedBlackTreeMapSync::default() };
        records.into_iter().for_each(|record| view.insert(record));
        view
    }

    /// Makes this the current record of its (secret, scope).
    pub fn insert(&mut self, record: Record) {
        self.records.insert_mut(record.at.clone(), Arc::new(record));
    }

    /// The current record, deleted ones included.
    #[must_use]
    pub fn get(&self, at: &ScopedSecret) -> Option<&Arc<Record>> {
        self.records.get(at)
    }

    /// All records in address order, starting after `cursor` if there is one.
    pub fn after<'view>(
        &'view self,
        cursor: Option<&ScopedSecret>,
    ) -> impl Iterator<Item = &'view Arc<Record>> + use<'view> {
        let start = cursor.map_or(Bound::Unbounded, |at| Bound::Excluded(at.clone()));
        self.records.range((start, Bound::Unbounded)).map(|(_, record)| record)
    }

    /// The records of one environment in address order: those of `first` and the services after it, or all of them, and
    /// of these the ones after `cursor`.
    pub fn within<'view>(
        &'view self,
        environment: &'view EnvironmentName,
        first: Option<&ServiceName>,
        cursor: Option<&ScopedSecret>,
    ) -> impl Iterator<Item = &'view Arc<Record>> + use<'view> {
        let mut name = SecretName::parse(FIRST_NAME).expect("the first name there can be is a name");
        if let Some(service) = first {
            name.service = service.clone();
        }
        let first = SecretAddress { environment: environment.clone(), name }.within(Scope::Global);
        let start = match cursor {
            Some(cursor) if *cursor >= first => Bound::Excluded(cursor.clone()),
            Some(_) | None => Bound::Included(first),
        };
        let records = self.records.range((start, Bound::Unbounded)).map(|(_, record)| record);
        records.take_while(move |record| record.at.secret.environment == *environment)
    }

    /// How many records there are, deleted ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.size()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// What the lead answers and feeds its followers from.
#[derive(Debug, Clone, Default)]
pub struct LeadView {
    /// The records.
    pub view: View,
    roster: RedBlackTreeMapSync<NodeName, Arc<RosterEntry>>,
    log: RedBlackTreeMapSync<Revision, Arc<LogEntry>>,
}

impl LeadView {
    /// A lead's view from what its store holds.
    #[must_use]
    pub fn new(view: View, roster: Vec<RosterEntry>, log: Vec<LogEntry>) -> Self {
        let mut lead = Self { view, ..Self::default() };
        roster.into_iter().for_each(|entry| lead.enrol(entry));
        for entry in log {
            lead.log.insert_mut(entry.revision, Arc::new(entry));
        }
        lead
    }

    /// Adds or replaces a node.
    pub fn enrol(&mut self, entry: RosterEntry) {
        self.roster.insert_mut(entry.name.clone(), Arc::new(entry));
    }

    /// The roster entry of a node.
    #[must_use]
    pub fn node(&self, name: &NodeName) -> Option<&Arc<RosterEntry>> {
        self.roster.get(name)
    }

    /// All nodes, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<RosterEntry>> {
        self.roster.values()
    }

    /// Appends to the change log, keeping at most `keep` entries, and moves the view to that revision.
    pub fn record_change(&mut self, entry: LogEntry, keep: usize) {
        self.view.position.revision = entry.revision;
        self.log.insert_mut(entry.revision, Arc::new(entry));
        while self.log.size() > keep {
            let Some(oldest) = self.log.first().map(|(revision, _)| *revision) else { break };
            self.log.remove_mut(&oldest);
        }
    }

    /// The log entries after `revision`, oldest first; `None` if some of them were trimmed away.
    pub fn since(&self, revision: Revision) -> Option<impl Iterator<Item = &Arc<LogEntry>>> {
        let unbroken = match self.log.first() {
            Some((oldest, _)) => *oldest <= revision.next(),
            None => revision == self.view.position.revision,
        };
        unbroken.then(|| self.log.range((Bound::Excluded(revision), Bound::Unbounded)).map(|(_, entry)| entry))
    }
}
