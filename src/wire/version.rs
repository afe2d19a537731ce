//! Which protocol two members speak: the newest both know. A node speaks its own version and the one before.

/// A version of the peer protocol; ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion(pub u16);

/// What this program speaks, newest first. Version 5 has no stream of audit and no published events: a lead that speaks it
/// takes no journals, and a follower that does sends none. Versions 1, whose records had no fields and did not say what their
/// last change did, 2, which had no rulebook, 3, which had no stream of connectivity, and 4, which had no questions about
/// access, were never released and are not spoken any more.
pub const SPOKEN: [ProtocolVersion; 2] = [ProtocolVersion(6), ProtocolVersion(5)];

/// The first version whose members forward journals and events.
pub const AUDIT_SINCE: ProtocolVersion = ProtocolVersion(6);

/// The first version whose members state their reign to each other.
pub const SUCCESSION_SINCE: ProtocolVersion = ProtocolVersion(6);

/// Most versions a hello may list: the current one and the one before, with room for a patched branch.
pub const VERSIONS_MAX: usize = 4;

/// What to write into a hello.
#[must_use]
pub fn offered() -> Vec<u16> {
    offered_of(&SPOKEN)
}

/// The same for a node that speaks these.
#[must_use]
pub fn offered_of(spoken: &[ProtocolVersion]) -> Vec<u16> {
    spoken.iter().map(|version| version.0).collect()
}

/// The newest version that was offered to a node that speaks these, newest first, or `None`.
#[must_use]
pub fn choose_of(spoken: &[ProtocolVersion], offered: &[u16]) -> Option<ProtocolVersion> {
    spoken.iter().copied().find(|version| offered.contains(&version.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_chosen() {
        assert_eq!(choose_of(&SPOKEN, &offered()), Some(SPOKEN[0]));
        assert_eq!(choose_of(&SPOKEN, &[7, 6, 5]), Some(ProtocolVersion(6)));
        assert_eq!(choose_of(&SPOKEN, &[7, 5]), Some(ProtocolVersion(5)), "the one before is spoken too");
    }

    #[test]
    fn a_node_of_the_version_before_chooses_what_it_speaks() {
        let older = [SPOKEN[1]];
        assert_eq!(offered_of(&older), [5]);
        assert_eq!(choose_of(&older, &offered()), Some(SPOKEN[1]));
        assert_eq!(choose_of(&older, &[6]), None);
    }

    #[test]
    fn no_common_version_is_no_version() {
        assert_eq!(choose_of(&SPOKEN, &[1, 2, 3]), None);
        assert_eq!(choose_of(&SPOKEN, &[]), None);
    }
}
