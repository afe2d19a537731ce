//! What a watcher is told next.
//!
//! A watcher is only a cursor. Nothing is queued for it: each step is computed from the current view, so a thousand slow
//! watchers cost no memory. On a lead a watcher hears each change of the log. On a follower it hears each change that the
//! follower accepted, as long as that is remembered; of what came before, and of what a lead no longer has in its log, it
//! hears the newest state of each secret that changed. Whatever it hears, it hears once and in the order of revisions.

use std::sync::Arc;

use super::history::Told;
use super::view::{LeadView, View};
use crate::model::change::ChangeKind;
use crate::model::log::{LogEntry, LogSubject};
use crate::model::number::{Position, Revision};
use crate::model::record::Record;
use crate::model::secret::ScopedSecret;

/// Most changes in one step: what is in memory for one watcher that does not read, about 16 KiB as text.
pub const CHANGES_MAX: usize = 32;

/// Most changes one step looks at, whether it tells them or not, so that a watcher of something rare is fair to others.
const EXAMINED_MAX: usize = 1024;

/// What a node knows of the past.
#[derive(Debug, Clone, Copy)]
pub enum Past<'node> {
    /// A lead: its records and its log.
    Lead(&'node LeadView),
    /// A follower: its records and what it remembers.
    Follower(&'node View),
}

impl Past<'_> {
    /// Where the node stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.view().position
    }

    fn view(&self) -> &View {
        match self {
            Self::Lead(lead) => &lead.view,
            Self::Follower(view) => view,
        }
    }
}

/// Where a watcher stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here was told.
    pub at: Position,
    /// Up to here newest states are told instead of changes.
    states_until: Revision,
}

impl Cursor {
    /// A watcher that knows everything up to this position.
    #[must_use]
    pub fn new(at: Position) -> Self {
        Self { at, states_until: Revision::default() }
    }

    fn moved_to(self, revision: Revision) -> Self {
        Self { at: Position { revision, ..self.at }, ..self }
    }
}

/// Why what follows does not continue what a watcher knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// It is from another epoch: the state of everything follows.
    Epoch,
    /// It is from a history this node has not seen: the state of everything follows.
    Ahead,
    /// The changes since then are no longer logged: the state of all that changed since then follows.
    Trimmed,
}

/// What to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the watcher knows everything.
    Current,
    /// These changes, perhaps none of them wanted; then the watcher stands there.
    Changes {
        /// In the order of their revisions.
        changes: Vec<Told>,
        /// Where that brings the watcher.
        cursor: Cursor,
    },
    /// That the thread is broken, and from where it goes on.
    Reset {
        /// Why.
        reason: Break,
        /// Where the watcher stands now.
        cursor: Cursor,
    },
}

/// The next step for a watcher of what is `wanted`.
#[must_use]
pub fn next(past: Past<'_>, cursor: Cursor, wanted: impl Fn(&ScopedSecret) -> bool) -> Step {
    let here = past.position();
    let anew = Cursor { at: Position { epoch: here.epoch, ..Position::default() }, states_until: here.revision };
    // Whoever began to watch a follower that had never heard of its lead knows nothing, and breaks with nothing.
    let cursor = if cursor.at == Position::default() { Cursor::new(anew.at) } else { cursor };
    if cursor.at.epoch != here.epoch {
        return Step::Reset { reason: Break::Epoch, cursor: anew };
    }
    let after = cursor.at.revision;
    if after > here.revision {
        return Step::Reset { reason: Break::Ahead, cursor: anew };
    }
    if after == here.revision {
        return Step::Current;
    }
    let state = |(at, record): (Revision, &Arc<Record>)| (at, wanted(&record.at).then(|| Told::of(record, at)));
    let states = |until| gather(past.view().changed(after, until).map(state), cursor, until);
    match past {
        Past::Lead(_) | Past::Follower(_) if after < cursor.states_until => states(cursor.states_until),
        Past::Lead(lead) => match lead.since(after) {
            Some(entries) => {
                gather(entries.map(|entry| (entry.revision, logged(entry, &wanted))), cursor, here.revision)
            }
            None => Step::Reset { reason: Break::Trimmed, cursor: Cursor { states_until: here.revision, ..cursor } },
        },
        Past::Follower(view) if after < view.history.begins() => states(view.history.begins().min(here.revision)),
        Past::Follower(view) => {
            // What is ahead of the position is told when the position comes there: it may change again before that.
            let accepted = view.history.since(after).take_while(|told| told.revision <= here.revision);
            let told = accepted.map(|told| (told.revision, wanted(&told.at).then(|| Told::clone(told))));
            gather(told, cursor, here.revision)
        }
    }
}

/// What a log entry says of a secret that is wanted. Sealing anew is no change of a secret.
fn logged(entry: &LogEntry, wanted: impl Fn(&ScopedSecret) -> bool) -> Option<Told> {
    match &entry.subject {
        LogSubject::Node(_) | LogSubject::ScopeKey(_) | LogSubject::Article(_) => None,
        LogSubject::Secret { change: ChangeKind::Resealed, .. } => None,
        LogSubject::Secret { at, change, version } => wanted(at).then(|| Told {
            at: at.clone(),
            change: *change,
            version: *version,
            revision: entry.revision,
            made_at: entry.at,
        }),
    }
}

/// As many of these as one step tells. A watcher stands between revisions, so changes of one revision go together.
fn gather(entries: impl Iterator<Item = (Revision, Option<Told>)>, cursor: Cursor, end: Revision) -> Step {
    let mut changes = Vec::new();
    let mut last = cursor.at.revision;
    for (examined, (revision, told)) in entries.enumerate() {
        if revision > last && (changes.len() >= CHANGES_MAX || examined >= EXAMINED_MAX) {
            return Step::Changes { changes, cursor: cursor.moved_to(last) };
        }
        last = revision;
        changes.extend(told);
    }
    Step::Changes { changes, cursor: cursor.moved_to(end) }
}
