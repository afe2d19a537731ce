//! The rulebook of a follower: what it was sent of it, and how a message of the lead changes memory and disk. Nothing is
//! in force before it is on disk, and everything of one step at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::board::Board;
use super::error::ApplyError;
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::number::{Epoch, Position, Revision};
use crate::policy::rulebook::Rulebook;
use crate::replication::lingering::Lingering;
use crate::replication::rules_acceptance::{Acceptance, Accepted, Incoming};
use crate::store::blob::BlobName;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

/// The rules of a follower as its store holds them.
#[derive(Debug, Default)]
pub struct StoredRules {
    /// Every article.
    pub articles: Vec<Article>,
    /// Where they stand; `None` if the node was never told any.
    pub held: Option<Position>,
    /// Up to where the records must come before these rules are in force, if they are not there yet.
    pub ahead: Option<Position>,
}

impl StoredRules {
    /// What a store holds. Rules that were taken over while something lingered are not in force before the records are as
    /// new: what lingered was forgotten when the node stopped, and it would be open.
    #[must_use]
    pub fn of(articles: Vec<Article>, held: Option<Position>, ahead: Option<&[u8]>, records: Position) -> Self {
        let until = ahead.map(|bytes| read(bytes).unwrap_or(held.unwrap_or_default()));
        Self { articles, held, ahead: until.filter(|until| records < *until) }
    }

    /// What decides until the lead is heard.
    #[must_use]
    pub fn rulebook(&self) -> Rulebook {
        match (self.held, self.ahead) {
            (Some(_), None) => Rulebook::new(self.articles.clone()),
            (None, _) | (Some(_), Some(_)) => Rulebook::unheard(),
        }
    }
}

fn written(position: Position) -> Vec<u8> {
    [position.epoch.get().to_be_bytes(), position.revision.get().to_be_bytes()].concat()
}

fn read(bytes: &[u8]) -> Option<Position> {
    let (epoch, revision) = bytes.split_first_chunk::<8>()?;
    let revision = revision.try_into().ok()?;
    Some(Position { epoch: Epoch(u64::from_be_bytes(*epoch)), revision: Revision(u64::from_be_bytes(revision)) })
}

/// The rules part of the `secret` actor's state.
pub(super) struct Rules {
    articles: BTreeMap<ArticleId, Article>,
    held: Option<Position>,
    acceptance: Acceptance,
    lingering: Lingering,
    store: Store,
    board: Arc<Board>,
}

impl Rules {
    /// What the store holds, which the board shows already.
    pub(super) fn new(from: StoredRules, store: Store, board: Arc<Board>) -> Self {
        let StoredRules { articles, held, ahead } = from;
        let articles = articles.into_iter().map(|article| (article.id(), article)).collect();
        let lingering = ahead.map_or_else(Lingering::default, Lingering::forgotten);
        Self { articles, held, acceptance: Acceptance::new(held), lingering, store, board }
    }

    /// A new session begins: half a rulebook of the last one is forgotten. Gives the position to follow from.
    pub(super) fn begin(&mut self) -> Option<Position> {
        self.acceptance = Acceptance::new(self.held);
        self.held
    }

    /// Takes in one message; gives the position that is now durable and in force, if this completed one.
    pub(super) async fn incoming(
        &mut self,
        incoming: Incoming,
        records: Position,
    ) -> Result<Option<Position>, ApplyError> {
        let (position, articles, mut mutations) = match self.acceptance.accept(incoming)? {
            Accepted::Staged => return Ok(None),
            Accepted::Apply { position, edits } => self.edited(position, edits),
            Accepted::Replace { position, articles } => self.replaced(position, articles),
        };
        let purge = mutations.iter().any(|mutation| matches!(mutation, Mutation::PutBlob(BlobName::RebuildDue, _)));
        let mut lingering = self.lingering.clone();
        lingering.changed(&self.articles, &articles, position);
        lingering.reached(records);
        mutations.extend(lingering.until().map(|until| Mutation::PutBlob(BlobName::RulesAhead, written(until))));
        self.store.commit(mutations).await?;
        self.lingering = lingering;
        self.articles = articles;
        self.held = Some(position);
        self.publish();
        if purge {
            self.store.purge().await?;
        }
        Ok(Some(position))
    }

    fn edited(&self, position: Position, edits: Vec<Edit>) -> (Position, BTreeMap<ArticleId, Article>, Vec<Mutation>) {
        let mut articles = self.articles.clone();
        let mut mutations = vec![Mutation::SetRulesPosition(position)];
        for edit in edits {
            match edit {
                Edit::Put(article) => {
                    mutations.push(Mutation::PutArticle(article.clone()));
                    articles.insert(article.id(), article);
                }
                Edit::Drop(id) => {
                    articles.remove(&id);
                    mutations.push(Mutation::DropArticle(id));
                }
            }
        }
        (position, articles, mutations)
    }

    /// The rules are exactly these. What the node held otherwise may name what it must not know any more, so the file is
    /// then written anew.
    fn replaced(
        &self,
        position: Position,
        articles: Vec<Article>,
    ) -> (Position, BTreeMap<ArticleId, Article>, Vec<Mutation>) {
        let mut mutations = vec![Mutation::ForgetArticles, Mutation::SetRulesPosition(position)];
        mutations.extend(articles.iter().cloned().map(Mutation::PutArticle));
        let articles: BTreeMap<_, _> = articles.into_iter().map(|article| (article.id(), article)).collect();
        let lost = self.articles.iter().any(|(id, article)| articles.get(id) != Some(article));
        mutations.extend(lost.then(|| Mutation::PutBlob(BlobName::RebuildDue, vec![1])));
        (position, articles, mutations)
    }

    /// Whether there is anything to forget.
    pub(super) fn holds_anything(&self) -> bool {
        !self.articles.is_empty()
    }

    /// The node was thrown out: none of what it was sent is in force any more, from now on. Gives what takes it off the
    /// disk. It stands before every rulebook then, so that whoever takes it back sends the whole of it.
    pub(super) fn forget(&mut self) -> [Mutation; 2] {
        let nowhere = Position::default();
        self.articles.clear();
        self.held = Some(nowhere);
        self.acceptance = Acceptance::new(self.held);
        self.lingering = Lingering::default();
        self.publish();
        [Mutation::ForgetArticles, Mutation::SetRulesPosition(nowhere)]
    }

    /// The records came to this position.
    pub(super) fn records_reached(&mut self, position: Position) {
        if self.lingering.reached(position) {
            self.publish();
        }
    }

    fn publish(&self) {
        if self.lingering.is_forgotten() {
            self.board.rules.store(Arc::new(Rulebook::unheard()));
            return;
        }
        let rules = Rulebook::new(self.articles.values().cloned());
        let rules = rules.still_closing(self.lingering.articles().iter().cloned());
        self.board.rules.store(Arc::new(rules));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(revision: u64) -> Position {
        Position { epoch: Epoch(1), revision: Revision(revision) }
    }

    fn known(held: Option<Position>, ahead: Option<&[u8]>, records: Position) -> bool {
        StoredRules::of(Vec::new(), held, ahead, records).rulebook().is_known()
    }

    #[test]
    fn rules_that_were_lifted_ahead_of_the_records_open_nothing_after_a_restart() {
        let until = written(at(7));
        assert!(!known(Some(at(7)), Some(&until), at(6)));
        assert!(known(Some(at(7)), Some(&until), at(7)), "the records came before it stopped");
        assert!(known(Some(at(7)), None, at(6)), "nothing was lifted");
        assert!(!known(None, None, at(6)), "never told any");
        assert!(!known(Some(at(7)), Some(b"torn"), at(6)), "what cannot be read closes");
    }
}
