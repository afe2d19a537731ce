//! Which hints are known and which are news. Bounded: whoever floods the network displaces hints, not memory.

use std::collections::VecDeque;

use super::hint::Hint;

/// Most announcements kept at a time.
pub(super) const CANDIDATES_MAX: usize = 32;

/// Known announcements by their full service name, oldest first.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    known: VecDeque<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    service: String,
    hint: Hint,
    news: bool,
}

impl Candidates {
    /// Remembers an announcement; says whether it is news. One more than fits displaces the oldest.
    pub(super) fn announced(&mut self, service: &str, hint: Hint) -> bool {
        if self.known.iter().any(|known| known.service == service && known.hint == hint) {
            return false;
        }
        self.removed(service);
        if self.known.len() >= CANDIDATES_MAX {
            self.known.pop_front();
        }
        self.known.push_back(Candidate { service: service.to_owned(), hint, news: true });
        true
    }

    /// Forgets an announcement, so that it is news when it comes back.
    pub(super) fn removed(&mut self, service: &str) {
        self.known.retain(|known| known.service != service);
    }

    /// The oldest hint that was not taken yet.
    pub(super) fn take(&mut self) -> Option<Hint> {
        let fresh = self.known.iter_mut().find(|known| known.news)?;
        fresh.news = false;
        Some(fresh.hint.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::hint::MeshHash;
    use super::*;
    use crate::model::identity::MeshId;
    use crate::model::name::NodeName;

    fn hint(port: u16) -> Hint {
        Hint {
            mesh: MeshHash::of(&MeshId([7; 16])),
            name: NodeName::parse("aurora").expect("name"),
            addresses: vec![([10, 0, 0, 1], port).into()],
        }
    }

    #[test]
    fn a_hint_is_given_once_and_again_when_it_changes_or_returns() {
        let mut candidates = Candidates::default();
        assert!(candidates.announced("a", hint(1)));
        assert!(!candidates.announced("a", hint(1)));
        assert_eq!(candidates.take(), Some(hint(1)));
        assert_eq!(candidates.take(), None);
        assert!(candidates.announced("a", hint(2)));
        assert_eq!(candidates.take(), Some(hint(2)));
        candidates.removed("a");
        assert!(candidates.announced("a", hint(2)));
        assert_eq!(candidates.take(), Some(hint(2)));
    }

    #[test]
    fn a_flood_displaces_the_oldest_and_takes_no_more_room() {
        let mut candidates = Candidates::default();
        for port in 1..=10_000 {
            candidates.announced(&port.to_string(), hint(port));
        }
        assert_eq!(candidates.known.len(), CANDIDATES_MAX);
        assert_eq!(candidates.take(), Some(hint(10_000 - 31)));
    }

    #[test]
    fn an_announcement_that_was_withdrawn_before_it_was_taken_is_not_given() {
        let mut candidates = Candidates::default();
        candidates.announced("a", hint(1));
        candidates.removed("a");
        assert_eq!(candidates.take(), None);
    }
}
