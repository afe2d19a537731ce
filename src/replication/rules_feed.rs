//! The lead's side of the rulebook: what one follower must be told next of who may do what.
//!
//! As with records, a follower is only a cursor: each step is computed from the current view, filtered and narrowed to
//! what that node may know.

use std::collections::BTreeSet;

use super::view::LeadView;
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::freeze::FreezeTarget;
use crate::model::log::LogSubject;
use crate::model::name::NodeName;
use crate::model::number::{Position, Revision};
use crate::model::roster::RosterEntry;

/// Most articles of one mesh, and so of one step: each node holds those that concern it in memory, and every change of one
/// indexes them anew.
pub const ARTICLES_MAX: usize = 20_000;

/// Of these are kept for freezes: however full the rulebook is, it can be closed.
pub const FREEZES_RESERVED: usize = 1_000;

/// Of those are kept for freezes of anything but an agent: agents can be frozen by more people, under names that are none.
pub const WIDE_FREEZES_RESERVED: usize = 500;

/// A follower is told the bare number once so many changes went by that did not concern it: later the log may no longer
/// reach back to where it stands, and it would need all articles again.
pub const BARE_NUMBER_EVERY: u64 = 1024;

/// How far one follower is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Where its rulebook stands; `None` if it has none.
    pub held: Option<Position>,
    /// Up to here, and not before `held`, the log holds nothing that concerns it.
    pub looked: Position,
}

impl Cursor {
    /// A follower that says that its rulebook stands here.
    #[must_use]
    pub fn new(held: Option<Position>) -> Self {
        Self { held, looked: held.unwrap_or_default() }
    }

    /// It was told everything up to here.
    #[must_use]
    pub fn told(at: Position) -> Self {
        Self { held: Some(at), looked: at }
    }
}

/// What to send next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the follower's rules are those of this position.
    Current {
        /// The position.
        at: Position,
    },
    /// The follower's history does not lead here: replace all it has by what concerns it.
    Whole {
        /// The position it brings.
        at: Position,
        /// All articles, as this node may hold them.
        articles: Vec<Article>,
    },
    /// What changed since.
    Delta {
        /// Where the follower stands.
        previous: Revision,
        /// The position it brings.
        at: Position,
        /// What becomes of which article on this node; may be empty.
        edits: Vec<Edit>,
    },
    /// The node is not in the roster (any more).
    Expelled,
}

/// The next step for `node`.
#[must_use]
pub fn next(lead: &LeadView, node: &NodeName, cursor: Cursor) -> Step {
    let Some(entry) = lead.node(node).filter(|entry| entry.is_member()) else { return Step::Expelled };
    let here = lead.view.position;
    let Some(held) = cursor.held.filter(|held| follows_on(*held, entry, here)) else { return whole(lead, entry) };
    let looked = cursor.looked.max(held).revision;
    let Some(log) = lead.since(looked) else { return whole(lead, entry) };
    let changed = log.filter_map(|change| match &change.subject {
        LogSubject::Article(id) => Some(id),
        LogSubject::Secret { .. } | LogSubject::Node(_) | LogSubject::ScopeKey(_) => None,
    });
    let changed: BTreeSet<&ArticleId> = changed.filter(|id| may_concern(entry, id)).collect();
    let went_by = here.revision.get().saturating_sub(held.revision.get());
    if changed.len() > ARTICLES_MAX {
        return whole(lead, entry);
    }
    if changed.is_empty() && went_by < BARE_NUMBER_EVERY {
        return Step::Current { at: here };
    }
    let edits = changed.into_iter().map(|id| match as_held(lead, entry, id) {
        Some(article) => Edit::Put(article),
        None => Edit::Drop(id.clone()),
    });
    Step::Delta { previous: held.revision, at: here, edits: edits.collect() }
}

/// Whether what a follower holds at this position can be brought to today's by what changed since.
fn follows_on(held: Position, entry: &RosterEntry, here: Position) -> bool {
    held.epoch == here.epoch && held <= here && entry.changed_at <= held.revision
}

/// Whether a node that holds the rules up to here may be sent what this view holds: a deny has to be there before the value
/// it is about, and so has what narrows a right before what the right is about.
#[must_use]
pub fn suffices(held: Option<Position>, needed: Position) -> bool {
    held.is_some_and(|held| held.epoch == needed.epoch && held.revision >= needed.revision)
}

/// Up to which change of the rules a node must have them before it may be sent what this view holds: the last of any
/// article, and the last of what it is entitled to.
#[must_use]
pub fn needed(lead: &LeadView, entry: &RosterEntry) -> Position {
    let revision = lead.articles.changed_at().max(entry.changed_at);
    Position { revision, ..lead.view.position }
}

fn whole(lead: &LeadView, entry: &RosterEntry) -> Step {
    let articles = lead.articles.iter().filter_map(|article| article.for_node(&entry.name, &entry.entitlement));
    Step::Whole { at: lead.view.position, articles: articles.collect() }
}

fn as_held(lead: &LeadView, entry: &RosterEntry, id: &ArticleId) -> Option<Article> {
    lead.articles.get(id)?.for_node(&entry.name, &entry.entitlement)
}

/// Whether the node may hold, or have held, what has this id: a freeze says so by its name alone, and a node that must not
/// know a company is not told of one by its freeze being lifted.
fn may_concern(entry: &RosterEntry, id: &ArticleId) -> bool {
    match id {
        ArticleId::Freeze(FreezeTarget::Node(node)) => *node == entry.name,
        ArticleId::Freeze(FreezeTarget::Company(company)) => entry.entitlement.companies.contains(company),
        ArticleId::Freeze(FreezeTarget::Secret(name)) => entry.entitlement.covers_name(name),
        ArticleId::Freeze(FreezeTarget::Agent(_) | FreezeTarget::Mesh)
        | ArticleId::Grant(_)
        | ArticleId::Agent(_)
        | ArticleId::ApiKey(..) => true,
    }
}

/// Articles in groups of at most so many bytes each, by the caller's count; one larger travels alone. There is always one
/// group, for the message that says that this is all.
pub fn chunks<T>(items: Vec<T>, bytes: impl Fn(&T) -> usize, bytes_max: usize) -> Vec<Vec<T>> {
    let mut chunks = vec![Vec::new()];
    let mut filled = 0_usize;
    for item in items {
        let size = bytes(&item);
        filled = filled.saturating_add(size);
        match chunks.last_mut() {
            Some(chunk) if chunk.is_empty() || filled <= bytes_max => chunk.push(item),
            Some(_) | None => {
                filled = size;
                chunks.push(vec![item]);
            }
        }
    }
    chunks
}
