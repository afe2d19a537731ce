//! When a follower believes that it is banned: only a frame says so, read from a stream of a connection on which the lead
//! has proved itself. An alert or a close code is a reason to ask, and no more.
//!
//! The end of a connection can be forged by whoever sees its first packets, before any key is agreed. Wiping a cache cannot
//! be undone, so it must not hang on that.

use super::error::SessionError;
use crate::transport::close::CloseCode;
use crate::transport::error::{Refusal, TransportError};
use crate::wire::control::GoodbyeReason;
use crate::wire::join::RefusedReason;

/// What the end of a session, or of the attempt at one, says about a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Nothing.
    None,
    /// That there may be one: the lead is to be asked.
    Hint,
    /// That there is one, in a frame of a lead that has proved itself.
    Told,
}

/// Reads it.
pub(super) fn word(ended: &SessionError) -> Word {
    match ended {
        SessionError::Dismissed(GoodbyeReason::Banned) | SessionError::NotReadmitted(RefusedReason::Banned) => {
            Word::Told
        }
        SessionError::Transport(
            TransportError::PeerRefusedUs { refusal: Refusal::Revoked }
            | TransportError::Closed { code: CloseCode::Banned, .. },
        ) => Word::Hint,
        SessionError::Dismissed(_)
        | SessionError::NotReadmitted(_)
        | SessionError::Transport(_)
        | SessionError::Wire(_)
        | SessionError::Silent
        | SessionError::Unexpected(_)
        | SessionError::NoCommonVersion
        | SessionError::Expelled
        | SessionError::TooSlow
        | SessionError::Disowned(_)
        | SessionError::SteppedDown
        | SessionError::Succession(_)
        | SessionError::Superseded
        | SessionError::Apply(_)
        | SessionError::Intake(_)
        | SessionError::Inbox(_)
        | SessionError::Seal(_)
        | SessionError::Sealed
        | SessionError::WithoutRules
        | SessionError::Certificate(_)
        | SessionError::Stopping
        | SessionError::Panicked(_) => Word::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_frame_of_the_lead_says_that_a_node_is_banned() {
        let told = [SessionError::Dismissed(GoodbyeReason::Banned), SessionError::NotReadmitted(RefusedReason::Banned)];
        assert!(told.iter().all(|ended| word(ended) == Word::Told));
        let closed = TransportError::Closed { code: CloseCode::Banned, reason: String::new() };
        let hints = [closed, TransportError::PeerRefusedUs { refusal: Refusal::Revoked }];
        assert!(hints.into_iter().all(|ended| word(&SessionError::Transport(ended)) == Word::Hint));
        let nothing = [
            SessionError::Dismissed(GoodbyeReason::ShuttingDown),
            SessionError::NotReadmitted(RefusedReason::UnknownKey),
            SessionError::Transport(TransportError::PeerRefusedUs { refusal: Refusal::NotAdmitted }),
            SessionError::Transport(TransportError::WeRefusedPeer { refusal: Refusal::Revoked }),
        ];
        assert!(nothing.iter().all(|ended| word(ended) == Word::None));
    }
}
