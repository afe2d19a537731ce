//! Changes of the rulebook within a draft: several articles at once, all or none.

use crate::model::article::Edit;
use crate::model::log::LogSubject;
use crate::model::number::Revision;
use crate::replication::rules_feed::ARTICLES_MAX;
use crate::store::mutation::Mutation;
use crate::wire::article;

use super::change::Committed;
use super::draft::{Context, Draft};
use super::error::CommitError;

impl Draft {
    /// Edits articles. What was planned against another state of the rulebook than today's is refused, because two who
    /// change it at once must not undo each other.
    pub(super) fn edit_rules(
        &mut self,
        seen: Revision,
        edits: Vec<Edit>,
        context: Context<'_>,
    ) -> Result<Committed, CommitError> {
        if self.state.lead.articles.changed_at() != seen {
            return Err(CommitError::Moved);
        }
        self.forget_signers(&edits, context)?;
        for edit in edits {
            let id = edit.id();
            self.mutations.push(match &edit {
                Edit::Put(article) => {
                    article::encode(article).map_err(|cause| CommitError::Article { id: id.clone(), cause })?;
                    Mutation::PutArticle(article.clone())
                }
                Edit::Drop(id) => Mutation::DropArticle(id.clone()),
            });
            self.state.lead.articles.edit(edit, self.next_revision());
            self.log(LogSubject::Article(id), context);
        }
        if self.state.lead.articles.len() > ARTICLES_MAX {
            return Err(CommitError::TooManyArticles);
        }
        Ok(Committed::Rules(self.state.lead.view.position.revision))
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::draft_life::Bench;
    use super::*;
    use crate::model::article::Article;
    use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
    use crate::model::time::Timestamp;

    fn freeze(target: &str, reason: &str) -> Article {
        Article::Freeze(Freeze {
            target: FreezeTarget::parse(target).expect(target),
            level: FreezeLevel::All,
            reason: reason.to_owned(),
            frozen_by: "admin".to_owned(),
            frozen_at: Timestamp(0),
        })
    }

    fn rules(seen: u64, edits: Vec<Edit>) -> Change {
        Change::Rules { seen: Revision(seen), edits }
    }

    #[test]
    fn articles_are_written_with_the_log_entries_that_tell_of_them() {
        let mut bench = Bench::new();
        let (mesh, agent) = (freeze("mesh", "drill"), freeze("agent:openclaw", "drill"));
        let planned = bench.plan(rules(0, vec![Edit::Put(mesh.clone()), Edit::Put(agent)]));
        assert!(matches!(planned, Ok(Committed::Rules(Revision(2)))), "{planned:?}");
        let [Mutation::PutArticle(first), Mutation::AppendLog(logged), ..] = &bench.draft.mutations[..] else {
            panic!("{:?}", bench.draft.mutations)
        };
        assert_eq!((first, &logged.subject), (&mesh, &LogSubject::Article(mesh.id())));
        let dropped = bench.plan(rules(2, vec![Edit::Drop(mesh.id())]));
        assert!(matches!(dropped, Ok(Committed::Rules(Revision(3)))), "{dropped:?}");
        assert!(bench.draft.mutations.contains(&Mutation::DropArticle(mesh.id())));
        assert_eq!(bench.draft.state.lead.articles.len(), 1);
    }

    #[test]
    fn a_plan_made_before_another_change_is_refused_and_an_article_over_its_bounds_takes_the_others_with_it() {
        let mut bench = Bench::new();
        bench.plan(rules(0, vec![Edit::Put(freeze("mesh", "drill"))])).expect("planned");
        let late = bench.plan(rules(0, vec![Edit::Drop(freeze("mesh", "").id())]));
        assert!(matches!(late, Err(CommitError::Moved)), "{late:?}");
        let before = bench.draft.mutations.len();
        let long = freeze("node:vengeance", &"x".repeat(article::TEXT_BYTES_MAX + 1));
        let refused = bench.plan(rules(1, vec![Edit::Put(freeze("company:acme", "drill")), Edit::Put(long)]));
        assert!(matches!(refused, Err(CommitError::Article { .. })), "{refused:?}");
        assert_eq!((bench.draft.mutations.len(), bench.draft.state.lead.articles.len()), (before, 1));
    }

    #[test]
    fn a_rulebook_takes_so_many_articles_and_no_more() {
        let mut bench = Bench::new();
        let many = |count: usize| {
            let put = |number| Edit::Put(freeze(&format!("agent:a{number}"), "drill"));
            (0..count).map(put).collect::<Vec<_>>()
        };
        let refused = bench.plan(rules(0, many(ARTICLES_MAX + 1)));
        assert!(matches!(refused, Err(CommitError::TooManyArticles)), "{refused:?}");
        bench.plan(rules(0, many(ARTICLES_MAX))).expect("the most there may be");
    }
}
