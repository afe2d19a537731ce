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
