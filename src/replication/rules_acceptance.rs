//! The follower's side of the rulebook: which messages of the lead it accepts, and what they make of its rules.
//!
//! As with records: only an epoch at least its own, only what follows on, a whole rulebook only once all of it is there,
//! and nothing that goes back. What does not fit ends the session, and the follower keeps what it has.

use super::rules_feed::ARTICLES_MAX;
use crate::model::article::{Article, Edit};
use crate::model::number::{Epoch, Position, Revision};

/// A message of the rules stream, already parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// What it belongs to.
    pub head: Head,
    /// Whether more of it follows.
    pub more: bool,
    /// What becomes of which article.
    pub edits: Vec<Edit>,
}

/// What all messages of one step have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Where it brings the follower.
    pub position: Position,
    /// Where the follower must stand; without meaning in a whole rulebook.
    pub previous: Revision,
    /// Whether it replaces everything.
    pub whole: bool,
}

/// What an accepted message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Kept in memory until all of it is there.
    Staged,
    /// The rules are exactly these.
    Replace {
        /// The new position.
        position: Position,
        /// All articles.
        articles: Vec<Article>,
    },
    /// These articles changed.
    Apply {
        /// The new position.
        position: Position,
        /// How.
        edits: Vec<Edit>,
    },
}

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RulesRefusal {
    /// The sender's reign is over.
    #[error("the lead's rules are of epoch {offered}, this node has followed epoch {own}")]
    EpochWentBack {
        /// What it spoke for.
        offered: Epoch,
        /// What this node has followed.
        own: Epoch,
    },
    /// The sender's history is shorter than what this node has seen.
    #[error("the lead's rules are of revision {offered}, this node's of {own}: the lead was set back")]
    RevisionWentBack {
        /// Where it stands.
        offered: Revision,
        /// Where this node stands.
        own: Revision,
    },
    /// Rules that do not follow on.
    #[error("a change of the rules follows revision {offered}, this node stands at {own}")]
    Gap {
        /// What it follows.
        offered: Revision,
        /// Where this node stands.
        own: Revision,
    },
    /// A new epoch, or a node without rules, begins with all of them.
    #[error("a change of the rules came before the rules")]
    NotWhole,
    /// Parts of two steps mixed up, or a whole rulebook that takes something out of itself.
    #[error("the parts of a rulebook do not belong together")]
    OutOfOrder,
    /// More than any mesh may hold.
    #[error("more than {ARTICLES_MAX} articles came at once")]
    TooMany,
}

/// One session's worth of rules, on a follower.
#[derive(Debug)]
pub struct Acceptance {
    held: Option<Position>,
    staged: Option<(Head, Vec<Edit>)>,
}

impl Acceptance {
    /// For a node whose rules stand here; `None` if it has none.
    #[must_use]
    pub fn new(held: Option<Position>) -> Self {
        Self { held, staged: None }
    }

    /// Judges one message.
    ///
    /// # Errors
    /// [`RulesRefusal`]: the message changes nothing and the session must end.
    pub fn accept(&mut self, incoming: Incoming) -> Result<Accepted, RulesRefusal> {
        let Incoming { head, more, edits } = incoming;
        let mut staged = match self.staged.take() {
            Some((begun, staged)) if begun == head => staged,
            Some(_) => return Err(RulesRefusal::OutOfOrder),
            None => {
                self.check(&head)?;
                Vec::new()
            }
        };
        if staged.len().saturating_add(edits.len()) > ARTICLES_MAX {
            return Err(RulesRefusal::TooMany);
        }
        staged.extend(edits);
        if more {
            self.staged = Some((head, staged));
            return Ok(Accepted::Staged);
        }
        let position = head.position;
        let accepted = if head.whole {
            let articles = staged.into_iter().map(|edit| match edit {
                Edit::Put(article) => Ok(article),
                Edit::Drop(_) => Err(RulesRefusal::OutOfOrder),
            });
            Accepted::Replace { position, articles: articles.collect::<Result<_, _>>()? }
        } else {
            Accepted::Apply { position, edits: staged }
        };
        self.held = Some(position);
        Ok(accepted)
    }

    fn check(&self, head: &Head) -> Result<(), RulesRefusal> {
        let offered = head.position;
        let Some(own) = self.held else {
            return if head.whole { Ok(()) } else { Err(RulesRefusal::NotWhole) };
        };
        if offered.epoch < own.epoch {
            return Err(RulesRefusal::EpochWentBack { offered: offered.epoch, own: own.epoch });
        }
        if offered < own || !head.whole && offered.revision <= head.previous {
            return Err(RulesRefusal::RevisionWentBack { offered: offered.revision, own: own.revision });
        }
        match head.whole {
            true => Ok(()),
            false if offered.epoch > own.epoch => Err(RulesRefusal::NotWhole),
            false if head.previous != own.revision => {
                Err(RulesRefusal::Gap { offered: head.previous, own: own.revision })
            }
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::article::ArticleId;
    use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
    use crate::model::time::Timestamp;

    fn position(epoch: u64, revision: u64) -> Position {
        Position { epoch: Epoch(epoch), revision: Revision(revision) }
    }

    fn freeze() -> Article {
        Article::Freeze(Freeze {
            target: FreezeTarget::Mesh,
            level: FreezeLevel::All,
            reason: "drill".to_owned(),
            frozen_by: "admin".to_owned(),
            frozen_at: Timestamp(0),
        })
    }

    fn put() -> Vec<Edit> {
        vec![Edit::Put(freeze())]
    }

    fn whole(epoch: u64, revision: u64, more: bool, edits: Vec<Edit>) -> Incoming {
        let head = Head { position: position(epoch, revision), previous: Revision(0), whole: true };
        Incoming { head, more, edits }
    }

    fn delta(epoch: u64, previous: u64, revision: u64) -> Incoming {
        let head = Head { position: position(epoch, revision), previous: Revision(previous), whole: false };
        Incoming { head, more: false, edits: put() }
    }

    /// Of a node whose rules stand at epoch 2, revision 10.
    fn acceptance() -> Acceptance {
        Acceptance::new(Some(position(2, 10)))
    }

    fn refused(incoming: Incoming) -> RulesRefusal {
        acceptance().accept(incoming).expect_err("refused")
    }

    #[test]
    fn what_follows_on_is_accepted_once() {
        let mut acceptance = acceptance();
        for (previous, revision) in [(10, 11), (11, 20)] {
            let accepted = acceptance.accept(delta(2, previous, revision)).expect("follows on");
            assert_eq!(accepted, Accepted::Apply { position: position(2, revision), edits: put() });
        }
        let repeated = acceptance.accept(delta(2, 11, 20)).expect_err("heard before");
        assert_eq!(repeated, RulesRefusal::Gap { offered: Revision(11), own: Revision(20) });
    }

    #[test]
    fn a_gap_a_step_back_and_a_reign_that_is_over_are_refused() {
        assert_eq!(refused(delta(2, 9, 12)), RulesRefusal::Gap { offered: Revision(9), own: Revision(10) });
        assert_eq!(refused(delta(2, 11, 12)), RulesRefusal::Gap { offered: Revision(11), own: Revision(10) });
        let back = |offered| RulesRefusal::RevisionWentBack { offered: Revision(offered), own: Revision(10) };
        assert_eq!(refused(delta(2, 10, 10)), back(10));
        assert_eq!(refused(delta(2, 10, 9)), back(9));
        assert_eq!(refused(whole(2, 9, false, put())), back(9));
        let over = RulesRefusal::EpochWentBack { offered: Epoch(1), own: Epoch(2) };
        assert_eq!(refused(delta(1, 10, 11)), over);
        assert_eq!(refused(whole(1, 1_000, false, put())), over);
    }

    #[test]
    fn a_new_reign_and_a_node_without_rules_begin_with_all_of_them() {
        assert_eq!(refused(delta(3, 10, 11)), RulesRefusal::NotWhole);
        assert_eq!(Acceptance::new(None).accept(delta(1, 0, 1)), Err(RulesRefusal::NotWhole));
        let all = |position| Accepted::Replace { position, articles: vec![freeze()] };
        assert_eq!(acceptance().accept(whole(3, 1, false, put())), Ok(all(position(3, 1))));
        assert_eq!(Acceptance::new(None).accept(whole(1, 7, false, put())), Ok(all(position(1, 7))));
    }

    #[test]
    fn parts_count_once_they_are_complete_and_only_with_their_own_kind() {
        let mut acceptance = acceptance();
        assert_eq!(acceptance.accept(whole(2, 20, true, put())), Ok(Accepted::Staged));
        assert_eq!(acceptance.held, Some(position(2, 10)));
        let complete = acceptance.accept(whole(2, 20, false, put())).expect("complete");
        assert_eq!(complete, Accepted::Replace { position: position(2, 20), articles: vec![freeze(), freeze()] });
        for other in [whole(2, 31, false, put()), delta(2, 20, 30)] {
            let mut acceptance = Acceptance::new(Some(position(2, 20)));
            assert_eq!(acceptance.accept(whole(2, 30, true, put())), Ok(Accepted::Staged));
            assert_eq!(acceptance.accept(other), Err(RulesRefusal::OutOfOrder));
        }
        let drop = vec![Edit::Drop(ArticleId::Freeze(FreezeTarget::Mesh))];
        assert_eq!(refused(whole(2, 20, false, drop)), RulesRefusal::OutOfOrder);
    }

    #[test]
    fn more_articles_than_a_mesh_may_hold_are_refused_however_they_are_cut() {
        let half = || vec![Edit::Put(freeze()); ARTICLES_MAX / 2 + 1];
        let mut acceptance = acceptance();
        assert_eq!(acceptance.accept(whole(2, 20, true, half())), Ok(Accepted::Staged));
        assert_eq!(acceptance.accept(whole(2, 20, false, half())), Err(RulesRefusal::TooMany));
    }
}
