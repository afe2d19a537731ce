//! Who is alive, by the time since the last heartbeat alone.

use std::time::Duration;

/// Heartbeats come each second; so many may be missing before a node is suspected.
pub const SUSPECT_AFTER: Duration = Duration::from_secs(4);

/// The connection's idle timeout is 15 s: after it nothing can still be on its way.
pub const LOST_AFTER: Duration = Duration::from_secs(15);

/// How a node is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Heartbeats come.
    Alive,
    /// Some are missing.
    Suspect,
    /// None came for so long that the node is on its own.
    Lost,
}

/// Judges by the silence so far.
#[must_use]
pub fn judge(silence: Duration) -> Liveness {
    if silence < SUSPECT_AFTER {
        Liveness::Alive
    } else if silence < LOST_AFTER {
        Liveness::Suspect
    } else {
        Liveness::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_makes_a_node_suspect_and_then_lost() {
        assert_eq!(judge(Duration::from_secs(1)), Liveness::Alive);
        assert_eq!(judge(Duration::from_secs(4)), Liveness::Suspect);
        assert_eq!(judge(Duration::from_secs(15)), Liveness::Lost);
    }
}
