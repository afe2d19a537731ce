//! The longer hints of the table of errors: what to do next when a node is sealed, or a share is not taken.

use crate::crypto::gathering::ShareError;
use crate::vault::sealed_parts::Awaits;

/// For whoever meets a node that cannot write down what it does.
pub(super) const NO_JOURNAL: &str =
    "See the node's log: the disk under the state directory may be full, or a journal file was replaced.";

/// For whoever destroyed a value whose bytes are still in the file.
pub(super) const PURGE_DUE: &str =
    "Make room on the lead's disk: it is tried again with the next change, and when the node is started.";

/// For whoever meets a sealed node.
pub(super) fn unseal_hint(awaits: Awaits) -> &'static str {
    match awaits {
        Awaits::Shares(_) => "Let those who hold the other shares bring them: aurora unseal",
        Awaits::Passphrase => "Bring it: aurora unseal",
        Awaits::Start => "Try again in a moment.",
    }
}

/// For whoever brings a share that is not taken.
pub(super) fn share_hint(error: &ShareError) -> &'static str {
    match error {
        ShareError::NotAShare => "Copy the whole line again, from aurora-share- to its end.",
        ShareError::UnknownFormat { .. } => "Unseal with the version that made the share.",
        ShareError::OtherSet { .. } => "Look for the share of this node; each set has its own.",
        ShareError::GivenTwice { .. } => "Bring another one. If a wrong one was given: aurora unseal --reset",
        ShareError::NoMemory => "Search the node's log for the request id.",
    }
}
