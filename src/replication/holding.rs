//! Which version of a secret a node holds, by what it has acknowledged.

use super::view::LeadView;
use crate::model::change::ChangeKind;
use crate::model::number::{Revision, Version};
use crate::model::record::Record;

/// What the lead knows of the versions of one secret in one scope.
#[derive(Debug)]
pub struct Timeline {
    current: (Revision, Version),
    logged_from: Option<Revision>,
    /// In order.
    changes: Vec<(Revision, ChangeKind, Version)>,
}

impl Timeline {
    /// Looks the log through once, for any number of nodes.
    #[must_use]
    pub fn of(lead: &LeadView, current: &Record) -> Self {
        let changes = lead.changes_of(&current.at).collect();
        Self { current: (current.revision, current.version), logged_from: lead.logged_from(), changes }
    }

    /// The version that was current at this revision. `None` when there was none, or when the log no longer tells.
    #[must_use]
    pub fn version_at(&self, revision: Revision) -> Option<Version> {
        let (written, version) = self.current;
        if revision >= written {
            return Some(version);
        }
        let reaches = self.logged_from.is_some_and(|from| from <= revision.next());
        let next = self.changes.iter().find(|(at, _, _)| *at > revision).filter(|_| reaches);
        // The first change that the node has not heard of says what it changed.
        match next {
            Some((_, ChangeKind::Stored, version)) => Version::new(version.get() - 1),
            Some((_, ChangeKind::Declared, _)) | None => None,
            Some((_, _, version)) => Some(*version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> Option<Version> {
        Version::new(number)
    }

    #[test]
    fn a_node_holds_what_was_current_at_what_it_acknowledged_as_far_as_the_log_tells() {
        let number = |number| Version::new(number).expect("a version");
        let timeline = Timeline {
            current: (Revision(9), number(3)),
            logged_from: Some(Revision(4)),
            changes: vec![
                (Revision(5), ChangeKind::Stored, number(2)),
                (Revision(7), ChangeKind::Described, number(2)),
                (Revision(9), ChangeKind::Stored, number(3)),
            ],
        };
        let held: Vec<Option<Version>> = (2..=10).map(|at| timeline.version_at(Revision(at))).collect();
        let wanted = [0, 1, 1, 2, 2, 2, 2, 3, 3].map(version);
        assert_eq!(held, wanted, "before revision 4 nobody can tell");
        let first = Timeline {
            current: (Revision(2), Version::FIRST),
            logged_from: Some(Revision(1)),
            changes: vec![(Revision(2), ChangeKind::Stored, Version::FIRST)],
        };
        assert_eq!(first.version_at(Revision(1)), None, "there was none");
    }
}
