//! The read view: everything a node can answer from, as one immutable value that is published whole.
//!
//! Built on persistent maps, so publishing a change costs O(log n) and a reader's view never changes under it.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use rpds::{HashTrieMapSync, RedBlackTreeMapSync, RedBlackTreeSetSync};

use super::sealed_by::SealedBy;
use crate::model::article::Article;
use crate::model::change::ChangeKind;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::name::{EnvironmentName, NodeName, ServiceName};
use crate::model::number::{Position, Revision, Version};
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::model::secret::{Scope, ScopedSecret, SecretAddress, SecretName};

/// No name sorts before this one: names begin with a letter or a digit, and `0` is the least of them.
const FIRST_NAME: &str = "0/0";

use super::articles::Articles;
use super::history::{History, is_only_resealed};

/// The current record of every (secret, scope) a node holds, at one position.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The change this view ends with.
    pub position: Position,
    /// Where a read looks: a handful of steps, among a million records too. With the last change of each that anyone could
    /// see: sealing a value anew is none.
    records: HashTrieMapSync<ByAddress, Revision>,
    /// The same records in the order of their addresses.
    by_address: RedBlackTreeSetSync<ByAddress>,
    /// The same records in the order of their last changes, so that what changed after a revision is found without
    /// looking at the rest. The serial number tells records of one revision apart.
    by_change: RedBlackTreeMapSync<(Revision, u64), Arc<Record>>,
    /// How many of them each key seals.
    sealed_by: SealedBy,
    /// Each change a follower accepted lately; a lead has its log instead.
    pub(super) history: History,
}

/// A record where it is found by its address, which stands in the record alone.
#[derive(Debug, Clone)]
struct ByAddress(Arc<Record>);

impl Borrow<ScopedSecret> for ByAddress {
    fn borrow(&self) -> &ScopedSecret {
        &self.0.at
    }
}

impl Ord for ByAddress {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.at.cmp(&other.0.at)
    }
}

impl PartialOrd for ByAddress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.at == other.0.at
    }
}

impl Eq for ByAddress {}

/// As its address is hashed, which is what it is found by.
impl Hash for ByAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.at.hash(state);
    }
}

impl View {
    /// A view of these current records. Names are shared as far as they are among the records.
    #[must_use]
    pub fn new(position: Position, records: impl IntoIterator<Item = Record>) -> Self {
        let mut view = Self { position, history: History::from(position.revision), ..Self::default() };
        records.into_iter().for_each(|record| view.keep(record));
        view
    }

    /// Makes this the current record of its (secret, scope). It shares its names with what is there already: with the record
    /// it replaces, else with one beside it, which is often of the same service.
    pub fn insert(&mut self, mut record: Record) {
        let upto = ..=record.at.clone();
        if let Some(ByAddress(near)) = self.by_address.range(upto).next_back().or_else(|| self.by_address.first()) {
            let near = Arc::clone(near);
            record.at.share(&near.at);
        }
        self.keep(record);
    }

    fn keep(&mut self, record: Record) {
        let mut changed_at = record.revision;
        if let Some((ByAddress(before), before_at)) = self.records.get_key_value(&record.at) {
            if is_only_resealed(before, &record) {
                changed_at = *before_at;
            }
            self.by_change.remove_mut(&(*before_at, before.secret_id));
            self.sealed_by.replaced(Some(before), &record);
        } else {
            self.sealed_by.replaced(None, &record);
        }
        let record = Arc::new(record);
        self.by_change.insert_mut((changed_at, record.secret_id), Arc::clone(&record));
        self.by_address.insert_mut(ByAddress(Arc::clone(&record)));
        self.records.insert_mut(ByAddress(record), changed_at);
    }

    /// Takes in what a follower accepted, records [as it keeps them](super::history::as_kept), and remembers each change
    /// for whoever watches. A record may be ahead of the position it comes with: the lead sends the newest it has.
    pub fn accept(&mut self, position: Position, records: Vec<Record>) {
        for record in records {
            if record.revision > self.position.revision {
                self.history.note(&record);
            }
            self.insert(record);
        }
        self.position = position;
    }

    /// The view of a follower whose cache became exactly these records. What is news among them is remembered like any
    /// other change; an old record that the node may hold only from now on is none.
    #[must_use]
    pub fn replaced(&self, position: Position, records: Vec<Record>) -> Self {
        if self.position.epoch != position.epoch {
            return Self::new(position, records);
        }
        let mut view = Self { position: self.position, history: self.history.clone(), ..Self::default() };
        view.accept(position, records);
        view
    }

    /// The records whose last change came after `after`, up to and with `until`, in the order of these changes.
    pub(super) fn changed(&self, after: Revision, until: Revision) -> impl Iterator<Item = (Revision, &Arc<Record>)> {
        let between = (Bound::Excluded((after, u64::MAX)), Bound::Included((until, u64::MAX)));
        // A range that ends before it begins would be a panic.
        let found = (after < until).then(|| self.by_change.range(between).map(|((at, _), record)| (*at, record)));
        found.into_iter().flatten()
    }

    /// The current record, deleted ones included.
    #[must_use]
    pub fn get(&self, at: &ScopedSecret) -> Option<&Arc<Record>> {
        self.records.get_key_value(at).map(|(ByAddress(record), _)| record)
    }

    /// All records in address order, starting after `cursor` if there is one.
    pub fn after<'view>(
        &'view self,
        cursor: Option<&ScopedSecret>,
    ) -> impl Iterator<Item = &'view Arc<Record>> + use<'view> {
        let start = cursor.map_or(Bound::Unbounded, |at| Bound::Excluded(at.clone()));
        self.by_address.range((start, Bound::Unbounded)).map(|ByAddress(record)| record)
    }

    /// How many records each key seals.
    #[must_use]
    pub fn sealed_by(&self) -> &SealedBy {
        &self.sealed_by
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
        let records = self.by_address.range((start, Bound::Unbounded)).map(|ByAddress(record)| record);
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
    /// Who may do what.
    pub articles: Articles,
    roster: RedBlackTreeMapSync<NodeName, Arc<RosterEntry>>,
    log: RedBlackTreeMapSync<Revision, Arc<LogEntry>>,
}

impl LeadView {
    /// A lead's view from what its store holds.
    #[must_use]
    pub fn new(view: View, articles: Vec<Article>, roster: Vec<RosterEntry>, log: Vec<LogEntry>) -> Self {
        let mut lead = Self { view, articles: Articles::new(articles, &log), ..Self::default() };
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

    /// Takes a node out.
    pub fn strike(&mut self, name: &NodeName) {
        self.roster.remove_mut(name);
    }

    /// The nodes that may hold anything, by name: neither those that wait for approval nor those that were banned.
    pub fn members(&self) -> impl Iterator<Item = &Arc<RosterEntry>> {
        self.roster.values().filter(|entry| entry.is_member())
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

    /// The change log as far as it is kept, oldest first.
    pub fn log(&self) -> impl Iterator<Item = &Arc<LogEntry>> {
        self.log.values()
    }

    /// The log entries after `revision`, oldest first; `None` if some of them were trimmed away.
    pub fn since(&self, revision: Revision) -> Option<impl Iterator<Item = &Arc<LogEntry>>> {
        let unbroken = match self.log.first() {
            Some((oldest, _)) => *oldest <= revision.next(),
            None => revision == self.view.position.revision,
        };
        unbroken.then(|| self.log.range((Bound::Excluded(revision), Bound::Unbounded)).map(|(_, entry)| entry))
    }

    /// The logged changes of one secret, oldest first. Looks at the whole log.
    pub(super) fn changes_of(&self, at: &ScopedSecret) -> impl Iterator<Item = (Revision, ChangeKind, Version)> {
        self.log.values().filter_map(move |entry| match &entry.subject {
            LogSubject::Secret { at: changed, change, version } if changed == at => {
                Some((entry.revision, *change, *version))
            }
            LogSubject::Secret { .. } | LogSubject::Node(_) | LogSubject::ScopeKey(_) | LogSubject::Article(_) => None,
        })
    }

    /// The first revision that is still logged.
    #[must_use]
    pub fn logged_from(&self) -> Option<Revision> {
        self.log.first().map(|(revision, _)| *revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::number::Generation;

    fn record(name: &str, scope: &str, revision: u64) -> Record {
        let environment = EnvironmentName::parse("prod").expect("name");
        let secret = SecretAddress { environment, name: SecretName::parse(name).expect("name") };
        let at = secret.within(Scope::parse(scope).expect("scope"));
        Record { secret_id: revision, revision: Revision(revision), ..Record::sample(at, Generation::FIRST, vec![1]) }
    }

    fn shared(one: &str, other: &str) -> bool {
        std::ptr::eq(one, other)
    }

    #[test]
    fn names_that_several_records_have_are_in_memory_once() {
        let mut view = View::default();
        for (number, name) in (1..).zip(["stripe/b", "openai/api_key", "stripe/c", "stripe/a"]) {
            view.insert(record(name, "global", number));
        }
        view.insert(record("stripe/b", "company:acme", 5));
        let held: Vec<_> = view.after(None).map(|record| &record.at.secret).collect();
        let [openai, _, b, acme, c] = &held[..] else { panic!("{held:?}") };
        assert!(held.iter().all(|at| shared(at.environment.as_str(), openai.environment.as_str())));
        for other in [acme, c] {
            assert!(shared(b.name.service.as_str(), other.name.service.as_str()));
        }
        assert!(shared(b.name.key.as_str(), acme.name.key.as_str()));
    }

    #[test]
    fn a_record_that_is_replaced_is_found_as_it_is_now() {
        let mut view = View::new(Position::default(), [record("a/a", "global", 1), record("a/b", "global", 2)]);
        let before = view.clone();
        view.insert(Record { secret_id: 1, ..record("a/a", "global", 3) });
        let at = record("a/a", "global", 1).at;
        let revision = |view: &View| view.get(&at).map(|record| record.revision);
        assert_eq!((revision(&before), revision(&view)), (Some(Revision(1)), Some(Revision(3))));
        assert_eq!(view.after(None).map(|record| record.revision.get()).collect::<Vec<_>>(), [3, 2]);
        let changes: Vec<_> = view.changed(Revision(0), Revision(9)).map(|(at, _)| at.get()).collect();
        assert_eq!((changes, view.len()), (vec![2, 3], 2), "the older one is no change any more");
    }
}
