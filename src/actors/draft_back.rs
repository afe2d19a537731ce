//! Many secrets back to what they were, within a draft: all or none, and only as they were looked at.

use super::change::{CommittedSecret, GoBack, Rollback};
use super::draft::{Context, Draft};
use super::error::CommitError;
use crate::replication::back::Back;

impl Draft {
    /// Makes the changes that were planned, if nothing was committed since.
    pub(super) fn go_back(&mut self, plan: GoBack, context: Context<'_>) -> Result<Vec<CommittedSecret>, CommitError> {
        if self.state.lead.view.position.revision != plan.seen {
            return Err(CommitError::Moved);
        }
        let mut made = Vec::with_capacity(plan.steps.len());
        for (at, back) in plan.steps {
            let done = match back {
                Back::Gone => self.delete(&at, context),
                Back::Undeleted => self.undelete(&at, context),
                Back::To(from) => {
                    let current = self.state.lead.view.get(&at).ok_or(CommitError::NoSuchSecret)?;
                    let seen = current.revision;
                    self.rollback(&Rollback { from: *from, seen }, context)
                }
            };
            made.push(done.map_err(|cause| CommitError::OfSecret { at, cause: Box::new(cause) })?);
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::{Change, Committed};
    use super::super::draft_life::{Bench, at};
    use super::*;
    use crate::model::number::Revision;

    #[test]
    fn nothing_goes_back_over_a_change_that_was_not_looked_at() {
        let mut bench = Bench::new();
        let seen = bench.draft.state.lead.view.position.revision;
        let plan = |seen| Change::GoBack(Box::new(GoBack { seen, steps: Vec::new() }));
        assert!(matches!(bench.plan(plan(seen)), Ok(Committed::Secrets(made)) if made.is_empty()));
        assert!(matches!(bench.plan(plan(Revision(7))), Err(CommitError::Moved)));
    }

    #[test]
    fn one_secret_that_cannot_go_back_keeps_all_where_they_are() {
        let mut bench = Bench::new();
        let seen = bench.draft.state.lead.view.position.revision;
        let steps = vec![(at(), Back::Gone)];
        let refused = bench.plan(Change::GoBack(Box::new(GoBack { seen, steps }))).expect_err("there is none");
        assert!(matches!(refused, CommitError::OfSecret { cause, .. } if matches!(*cause, CommitError::NoSuchSecret)));
        assert!(bench.draft.mutations.is_empty());
    }
}
