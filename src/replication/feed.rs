//! The lead's side: what one follower must be told next.
//!
//! A follower is only a cursor. Nothing is queued for it: each step is computed from the current view, so a slow follower
//! costs no memory, hears the newest state instead of every state, and falls back to a snapshot when the log no longer
//! reaches it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::view::LeadView;
use crate::model::log::LogSubject;
use crate::model::name::NodeName;
use crate::model::number::{Position, Revision};
use crate::model::record::Record;
use crate::model::roster::RosterEntry;

/// Most bytes in one change or chunk, by [`payload_bytes`]: well under the frame limit. One larger record travels alone.
pub const CHANGE_BYTES_MAX: usize = 256 * 1024;

/// Most log entries folded into one change, so that one step never holds up the session.
pub const CHANGE_ENTRIES_MAX: usize = 4096;

/// Most records in one change or chunk: a decoder's memory is limited, and a record is wider than its bytes.
pub const CHANGE_RECORDS_MAX: usize = 512;

/// What a record takes on the wire besides its texts and its value: names, numbers, times, nonce.
const RECORD_OVERHEAD_BYTES: usize = 512;

/// What to send next.
#[derive(Debug, Clone)]
pub enum Step {
    /// Nothing: the follower has everything.
    Current,
    /// The follower's history does not lead here: replace its cache by all it is entitled to.
    Snapshot {
        /// The roster entry to filter by.
        entry: Arc<RosterEntry>,
    },
    /// Everything in (`previous`, `revision`] that concerns this follower; often nothing but the number.
    Change {
        /// Where the follower stands.
        previous: Revision,
        /// Where this brings it.
        revision: Revision,
        /// The current records of what changed.
        records: Vec<Arc<Record>>,
    },
    /// The node is not a member (any more).
    Expelled,
}

/// The next step for `node`, which stands at `at`.
#[must_use]
pub fn next(lead: &LeadView, node: &NodeName, at: Position) -> Step {
    let Some(entry) = lead.node(node).filter(|entry| entry.is_member()) else { return Step::Expelled };
    let here = lead.view.position;
    let snapshot = || Step::Snapshot { entry: Arc::clone(entry) };
    if at.epoch != here.epoch || at.revision > here.revision || entry.changed_at > at.revision {
        return snapshot();
    }
    if at.revision == here.revision {
        return Step::Current;
    }
    let Some(entries) = lead.since(at.revision) else { return snapshot() };
    let mut revision = at.revision;
    let mut records: Vec<Arc<Record>> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut bytes = 0;
    for change in entries.take(CHANGE_ENTRIES_MAX) {
        let record = entitled_record(lead, entry, &change.subject).filter(|record| !seen.contains(&record.at));
        if let Some(record) = record {
            bytes += payload_bytes(record);
            if !records.is_empty() && (bytes > CHANGE_BYTES_MAX || records.len() >= CHANGE_RECORDS_MAX) {
                break;
            }
            seen.insert(&record.at);
            records.push(Arc::clone(record));
        }
        revision = change.revision;
    }
    Step::Change { previous: at.revision, revision, records }
}

/// All records a node is entitled to, in chunks that each fit a frame.
pub fn snapshot_chunks<'lead>(
    lead: &'lead LeadView,
    entry: &'lead RosterEntry,
) -> impl Iterator<Item = Vec<Arc<Record>>> + 'lead {
    let covers = |record: &&Arc<Record>| entry.entitlement.covers(&entry.name, &record.at);
    #[cfg(feature = "seeded_bugs")]
    let covers = move |record: &&Arc<Record>| crate::model::seeded::bug(20) || covers(record);
    let mut records = lead.view.after(None).filter(covers).peekable();
    std::iter::from_fn(move || {
        let mut chunk = vec![Arc::clone(records.next()?)];
        let mut bytes = chunk.first().map_or(0, payload_bytes);
        while chunk.len() < CHANGE_RECORDS_MAX {
            let Some(record) = records.next_if(|next| bytes + payload_bytes(next) <= CHANGE_BYTES_MAX) else { break };
            bytes += payload_bytes(record);
            chunk.push(Arc::clone(record));
        }
        Some(chunk)
    })
}

fn entitled_record<'lead>(
    lead: &'lead LeadView,
    entry: &RosterEntry,
    subject: &LogSubject,
) -> Option<&'lead Arc<Record>> {
    match subject {
        LogSubject::Node(_) | LogSubject::ScopeKey(_) | LogSubject::Article(_) => None,
        #[cfg(feature = "seeded_bugs")]
        LogSubject::Secret { at, .. } if crate::model::seeded::bug(20) => lead.view.get(at),
        LogSubject::Secret { at, .. } => lead.view.get(at).filter(|_| entry.entitlement.covers(&entry.name, at)),
    }
}

/// An upper bound of a record's bytes on the wire.
fn payload_bytes(record: &Arc<Record>) -> usize {
    let metadata = &record.metadata;
    let texts = [&metadata.description, &metadata.owner, &metadata.contact, &metadata.note, &metadata.provider];
    let text_bytes: usize = texts.into_iter().flatten().chain(&metadata.tags).map(String::len).sum();
    let value_bytes = record.sealed().map_or(0, |sealed| sealed.ciphertext.len());
    let field_bytes: usize = record.fields.iter().map(|field| field.name.as_str().len() + 2).sum();
    RECORD_OVERHEAD_BYTES + text_bytes + field_bytes + value_bytes
}
