//! Changes of the rulebook within a draft: several articles at once, all or none.

use crate::model::article::{ArticleId, Edit};
use crate::model::freeze::FreezeTarget;
use crate::model::log::LogSubject;
use crate::model::number::Revision;
use crate::replication::rules_feed::{ARTICLES_MAX, FREEZES_RESERVED, WIDE_FREEZES_RESERVED};
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
        // An article that replaces another, or goes, needs no room.
        let mut room = ARTICLES_MAX;
        for edit in edits {
            let id = edit.id();
            if matches!(edit, Edit::Put(_)) && self.state.lead.articles.get(&id).is_none() {
                room = room.min(room_for(&id));
            }
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
        if self.state.lead.articles.len() > room {
            return Err(CommitError::TooManyArticles);
        }
        Ok(Committed::Rules(self.state.lead.view.position.revision))
    }
}

/// How many articles there may be with one more like this. What closes always finds room that nothing else can take.
fn room_for(id: &ArticleId) -> usize {
    match id {
        #[cfg(feature = "seeded_bugs")]
        _ if crate::model::seeded::bug(25) => ARTICLES_MAX - FREEZES_RESERVED,
        ArticleId::Grant(_) | ArticleId::Agent(_) | ArticleId::ApiKey(..) => ARTICLES_MAX - FREEZES_RESERVED,
        ArticleId::Freeze(FreezeTarget::Agent(_)) => ARTICLES_MAX - WIDE_FREEZES_RESERVED,
        ArticleId::Freeze(
            FreezeTarget::Secret(_) | FreezeTarget::Node(_) | FreezeTarget::Company(_) | FreezeTarget::Mesh,
        ) => ARTICLES_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::draft_life::Bench;
    use super::*;
    use crate::model::actions::Capability;
    use crate::model::article::Article;
    use crate::model::freeze::{Freeze, FreezeLevel};
    use crate::model::grant::{Effect, Expiry, Grant};
    use crate::model::name::GrantName;
    use crate::model::principal::Principal;
    use crate::model::reach::Reach;
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
        let refused = bench.plan(rules(0, frozen("company:c", ARTICLES_MAX + 1)));
        assert!(matches!(refused, Err(CommitError::TooManyArticles)), "{refused:?}");
        bench.plan(rules(0, frozen("company:c", ARTICLES_MAX))).expect("the most there may be");
    }

    fn frozen(target: &str, count: usize) -> Vec<Edit> {
        (0..count).map(|number| Edit::Put(freeze(&format!("{target}{number}"), "drill"))).collect()
    }

    fn granted(name: &str) -> Edit {
        Edit::Put(Article::Grant(Grant {
            name: GrantName::parse(name).expect(name),
            principal: Principal::User(1000),
            capabilities: [Capability::DataRead].into(),
            reach: Reach::everything(),
            expires_at: Expiry::Never,
            effect: Effect::Allow,
            granted_by: "admin".to_owned(),
            granted_at: Timestamp(0),
            reason: "test".to_owned(),
        }))
    }

    /// A policy of as many rules as there may be articles left none for a freeze: the mesh could not be closed any more.
    #[test]
    fn a_full_rulebook_can_still_be_frozen_and_agents_do_not_take_the_room_of_the_mesh() {
        let mut bench = Bench::new();
        let grants = |count: usize| (0..count).map(|number| granted(&format!("g{number}"))).collect::<Vec<_>>();
        let most = ARTICLES_MAX - FREEZES_RESERVED;
        let refused = bench.plan(rules(0, grants(most + 1)));
        assert!(matches!(refused, Err(CommitError::TooManyArticles)), "{refused:?}");
        let mut plan = |edits: Vec<Edit>| {
            let seen = bench.draft.state.lead.articles.changed_at().get();
            bench.plan(rules(seen, edits)).map(drop)
        };
        assert!(plan(grants(most)).is_ok());
        assert!(plan(frozen("agent:a", FREEZES_RESERVED - WIDE_FREEZES_RESERVED)).is_ok());
        let more = plan(vec![Edit::Put(freeze("agent:more", "drill"))]);
        assert!(matches!(more, Err(CommitError::TooManyArticles)), "{more:?}");
        assert!(plan(vec![Edit::Put(freeze("mesh", "drill"))]).is_ok());
        assert!(plan(vec![granted("g0")]).is_ok(), "what is there is changed where it stands");
        assert!(plan(vec![Edit::Drop(freeze("mesh", "drill").id())]).is_ok());
    }
}
