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
#[derive(Debug, Clone, Default)]
pub struct Lingering {
    articles: Vec<Article>,
    /// Whether there are more, which a restart has forgotten.
    forgotten: bool,
    until: Position,
}

impl Lingering {
    /// After a restart: something closes until the records come to this position, and it is not known what.
    #[must_use]
    pub fn forgotten(until: Position) -> Self {
        Self { articles: Vec::new(), forgotten: true, until }
    }

    /// Whether it is not known what closes.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.forgotten
    }

    /// Up to where the records must come, if anything lingers.
    #[must_use]
    pub fn until(&self) -> Option<Position> {
        (self.forgotten || !self.articles.is_empty()).then_some(self.until)
    }

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
        if self.until().is_none_or(|until| position < until) {
            return false;
        }
        self.articles.clear();
        self.forgotten = false;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
    use crate::model::grant::{Expiry, Grant};
    use crate::model::name::GrantName;
    use crate::model::number::{Epoch, Revision};
    use crate::model::principal::Principal;
    use crate::model::reach::Reach;
    use crate::model::time::Timestamp;

    fn at(epoch: u64, revision: u64) -> Position {
        Position { epoch: Epoch(epoch), revision: Revision(revision) }
    }

    fn grant(name: &str, effect: Effect) -> Article {
        Article::Grant(Grant {
            name: GrantName::parse(name).expect(name),
            principal: Principal::Owner,
            capabilities: [].into(),
            reach: Reach::everything(),
            expires_at: Expiry::Never,
            effect,
            granted_by: "admin".to_owned(),
            granted_at: Timestamp(0),
            reason: "test".to_owned(),
        })
    }

    fn freeze() -> Article {
        Article::Freeze(Freeze {
            target: FreezeTarget::Mesh,
            level: FreezeLevel::All,
            reason: "test".to_owned(),
            frozen_by: "admin".to_owned(),
            frozen_at: Timestamp(0),
        })
    }

    fn book(articles: &[Article]) -> BTreeMap<ArticleId, Article> {
        articles.iter().map(|article| (article.id(), article.clone())).collect()
    }

    #[test]
    fn what_closed_and_is_gone_or_different_lingers_and_what_opened_does_not() {
        let (deny, other, open) = (grant("a", Effect::Deny), grant("b", Effect::Deny), grant("c", Effect::Allow));
        let before = book(&[deny.clone(), other.clone(), open, freeze()]);
        let after = book(&[grant("a", Effect::Allow), other]);
        let mut lingering = Lingering::default();
        lingering.changed(&before, &after, at(1, 10));
        assert_eq!(lingering.articles(), [deny, freeze()]);
    }

    #[test]
    fn it_is_over_once_the_records_are_as_new_as_the_rules() {
        let mut lingering = Lingering::default();
        assert!(!lingering.reached(at(9, 9)), "nothing lingers");
        lingering.changed(&book(&[freeze()]), &book(&[]), at(2, 10));
        for early in [at(2, 9), at(1, 99)] {
            assert!(!lingering.reached(early));
            assert_eq!(lingering.articles(), [freeze()]);
        }
        assert!(lingering.reached(at(2, 10)));
        assert!(lingering.articles().is_empty());
    }

    #[test]
    fn what_a_restart_forgot_closes_until_the_records_are_as_new() {
        let mut lingering = Lingering::forgotten(at(1, 10));
        assert!(lingering.is_forgotten() && !lingering.reached(at(1, 9)));
        lingering.changed(&book(&[]), &book(&[]), at(1, 12));
        assert_eq!(lingering.until(), Some(at(1, 12)));
        assert!(lingering.reached(at(1, 12)));
        assert!(!lingering.is_forgotten() && lingering.until().is_none());
    }

    #[test]
    fn rules_that_change_again_meanwhile_make_it_last_until_the_later_change() {
        let mut lingering = Lingering::default();
        lingering.changed(&book(&[freeze()]), &book(&[]), at(1, 10));
        lingering.changed(&book(&[]), &book(&[grant("a", Effect::Deny)]), at(1, 12));
        assert!(!lingering.reached(at(1, 10)));
        assert!(lingering.reached(at(1, 12)));
    }
}
