//! The longer hints of the table of errors: what to do next.

use super::guard::Foreign;
use crate::crypto::gathering::ShareError;
use crate::vault::sealed_parts::Awaits;

/// When bytes are still in the file.
pub(super) const PURGE_DUE: &str =
    "Make room on the lead's disk: it is tried again with the next change, and when the node is started.";

/// When it is not known who asks.
pub(super) const NO_IDENTITY: &str = "Show an API key that works: aurora apikey list, or aurora apikey create AGENT --name NAME. On a Unix socket, where the kernel says \
     who asks, show one that works or none, and connect as a user that exists on this machine.";

/// When policy refuses.
pub(super) const DENIED: &str = "Ask for it: aurora access request SERVICE/KEY_NAME --reason TEXT. If that is refused as well, ask an admin, who finds the request id in the audit journal.";

/// When a value does not fit its fields.
pub(super) const FIELDS: &str =
    "Give a JSON object with exactly the declared fields, each a text; or declare other fields.";

/// When a provider refuses what was to be stored.
pub(super) const REJECTED: &str =
    "Look whether the whole value was given, and of the right account; to store it all the same: --force";

/// When a scope or an environment is none of this node.
pub(super) const BAD_SCOPE: &str =
    "See which there are: aurora environment list; what this node may hold, the lead says: aurora nodes list";

/// When the journal cannot be written.
pub(super) const AUDIT_UNAVAILABLE: &str =
    "See the node's log: the disk under the state directory may be full, or a journal file was replaced.";

/// When too many lines of the journal wait for the lead.
pub(super) const AUDIT_SPOOL_FULL: &str =
    "The lead has to be reachable and to take them: see aurora status, and [audit] spool_bytes_max in node.toml.";

/// When a policy file is none, or cannot be applied.
pub(super) const POLICY: &str = "Nothing was changed. Correct the file, and run the same command again.";

/// For whoever meets a sealed node.
pub(super) fn unseal_hint(awaits: Awaits) -> &'static str {
    match awaits {
        Awaits::Shares(_) => "Let those who hold the other shares bring them: aurora unseal",
        Awaits::Passphrase => "Bring it: aurora unseal",
        Awaits::Start => "Try again in a moment.",
    }
}

/// For whoever is turned away from the loopback listener.
pub(super) fn foreign_hint(reason: &Foreign) -> &'static str {
    match reason {
        Foreign::ForProxy => "Ask the listener itself, with HTTP/1.1 and the path alone.",
        Foreign::OtherHost => "Ask by the address that [api] listen names, or as localhost, with the port.",
        Foreign::FromPage => "No page gets an answer here: ask from a program.",
        Foreign::Forwarded { .. } => "Ask from a program of this machine, and not through a proxy.",
        Foreign::Unmarked => "Send the header X-Aurora-Request: true with every request.",
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
