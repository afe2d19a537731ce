//! The rulebook of a follower: what it was sent of it, and how a message of the lead changes memory and disk. Nothing is
//! in force before it is on disk, and everything of one step at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::board::Board;
use super::error::ApplyError;
use crate::model::article::{Article, ArticleId, Edit};
use crate::model::number::Position;
use crate::policy::rulebook::Rulebook;
use crate::replication::lingering::Lingering;
use crate::replication::rules_acceptance::{Acceptance, Accepted, Incoming};
use crate::store::blob::BlobName;
use crate::store::handle::Store;
use crate::store::mutation::Mutation;

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
    pub(super) fn new(articles: Vec<Article>, held: Option<Position>, store: Store, board: Arc<Board>) -> Self {
        let articles = articles.into_iter().map(|article| (article.id(), article)).collect();
        Self { articles, held, acceptance: Acceptance::new(held), lingering: Lingering::default(), store, board }
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
        let (position, articles, mutations) = match self.acceptance.accept(incoming)? {
            Accepted::Staged => return Ok(None),
            Accepted::Apply { position, edits } => self.edited(position, edits),
            Accepted::Replace { position, articles } => self.replaced(position, articles),
        };
        let purge = mutations.iter().any(|mutation| matches!(mutation, Mutation::PutBlob(BlobName::RebuildDue, _)));
        self.store.commit(mutations).await?;
        self.lingering.changed(&self.articles, &articles, position);
        self.articles = articles;
        self.held = Some(position);
        self.lingering.reached(records);
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
        let rules = Rulebook::new(self.articles.values().cloned());
        let rules = rules.still_closing(self.lingering.articles().iter().cloned());
        self.board.rules.store(Arc::new(rules));
    }
}
