//! What a follower goes on closing for a moment: rules reach it before the records they were made with, and must not open
//! what it still holds from before.
//!
//! A deny or a freeze that the lead took away, or that the node is not told of any more, may be about a value that is gone
//! or not to be held by then. The node keeps to it until its records are as new as its rules.

use std::collections::BTreeMap;

use crate::model::article::{Article, ArticleId};
use crate::model::grant::Effect;
use crate::model::number::Position;

/// Denies and freezes of the past, and up to where the records must come before they are over.
#[derive(Debug, Default)]
pub struct Lingering {
    articles: Vec<Article>,
    until: Position,
}

impl Lingering {
    /// The rules changed at `until`: what closed something before and is not the same afterwards lingers.
    pub fn changed(
        &mut self,
        before: &BTreeMap<ArticleId, Article>,
        after: &BTreeMap<ArticleId, Article>,
        until: Position,
    ) {
        let gone = before.iter().filter(|(id, article)| closes(article) && after.get(*id) != Some(*article));
        self.articles.extend(gone.map(|(_, article)| article.clone()));
        self.until = until;
    }

    /// The records came to this position. Says whether anything is over by that.
    pub fn reached(&mut self, position: Position) -> bool {
        if self.articles.is_empty() || position < self.until {
            return false;
        }
        self.articles.clear();
        true
    }

    /// What still closes.
    pub fn articles(&self) -> &[Article] {
        &self.articles
    }
}

fn closes(article: &Article) -> bool {
    match article {
        Article::Grant(grant) => grant.effect == Effect::Deny,
        Article::Freeze(_) => true,
        Article::Agent(_) | Article::ApiKey(_) => false,
    }
}
