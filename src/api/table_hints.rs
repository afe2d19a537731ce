//! The longer hints of the table of errors: what to do next when a node is sealed, or a signature is not taken.

use crate::crypto::gathering::ShareError;
use crate::vault::sealed_parts::Awaits;
use crate::vault::signing::SignatureRefused;

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

/// For whoever signs a command, or should.
pub(super) fn signature_hint(refused: SignatureRefused) -> &'static str {
    match refused {
        SignatureRefused::Required => {
            "Sign it with the agent's signing key (aurora agent signing-key), on the lead; the README says how."
        }
        SignatureRefused::Invalid => {
            "Sign method, path with query, SHA-256 of the body, time, nonce and agent with a key that works."
        }
        SignatureRefused::Replayed => "Sign each request anew, with a nonce of its own.",
        SignatureRefused::Expired => "Set the clock (the node's time is in /health), and sign the request anew.",
    }
}
