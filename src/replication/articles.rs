//! The articles of the lead's rulebook, as one immutable value that is published with the records.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::model::article::{Article, ArticleId, Edit};
use crate::model::log::{LogEntry, LogSubject};
use crate::model::number::Revision;

/// Every article, by id.
#[derive(Debug, Clone, Default)]
pub struct Articles {
    by_id: RedBlackTreeMapSync<ArticleId, Arc<Article>>,
    changed_at: Revision,
}

impl Articles {
    /// The articles of a store, and the log that says when one of them last changed.
    #[must_use]
    pub fn new<'log>(
        articles: impl IntoIterator<Item = Article>,
        log: impl IntoIterator<Item = &'log LogEntry>,
    ) -> Self {
        let by_id = articles.into_iter().map(|article| (article.id(), Arc::new(article))).collect();
        let changes = log.into_iter().filter(|entry| matches!(entry.subject, LogSubject::Article(_)));
        Self { by_id, changed_at: changes.map(|entry| entry.revision).max().unwrap_or_default() }
    }

    /// Takes in one edit, made at a revision.
    pub fn edit(&mut self, edit: Edit, at: Revision) {
        self.changed_at = at;
        match edit {
            Edit::Put(article) => self.by_id.insert_mut(article.id(), Arc::new(article)),
            Edit::Drop(id) => drop(self.by_id.remove_mut(&id)),
        }
    }

    /// One article.
    #[must_use]
    pub fn get(&self, id: &ArticleId) -> Option<&Arc<Article>> {
        self.by_id.get(id)
    }

    /// All articles, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Article>> {
        self.by_id.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.size()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The revision of the last change of any article, as far as the log reaches; 0 if it reaches none.
    #[must_use]
    pub fn changed_at(&self) -> Revision {
        self.changed_at
    }
}
