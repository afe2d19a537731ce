//! Why one side closes a connection or gives up a stream: every application code of QUIC that this program uses.

use std::fmt;

use quinn::VarInt;

/// One table for the number on the wire and the text for people.
macro_rules! close_codes {
    ($($(#[$doc:meta])* $code:ident = $number:literal, $text:literal;)+) => {
        /// A reason to close, as a number on the wire. Numbers are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $($(#[$doc])* $code,)+
            /// A code of a newer version.
            Unknown(u64),
        }

        impl CloseCode {
            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> u64 {
                match self {
                    $(Self::$code => $number,)+
                    Self::Unknown(number) => number,
                }
            }

            /// The code of a number.
            #[must_use]
            pub fn from_number(number: u64) -> Self {
                match number {
                    $($number => Self::$code,)+
                    number => Self::Unknown(number),
                }
            }
        }

        impl fmt::Display for CloseCode {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$code => formatter.pad($text),)+
                    Self::Unknown(number) => write!(formatter, "code {number}"),
                }
            }
        }
    };
}

close_codes! {
    /// Nothing left to say.
    Done = 0, "done";
    /// The node stops; come back later.
    ShuttingDown = 1, "shutting down";
    /// The node was banned, or its certificate is no longer welcome.
    Banned = 2, "banned";
    /// A newer connection of the same node took this one's place.
    Superseded = 3, "superseded by a newer connection";
    /// The peer did not keep up, or did not finish a frame in time.
    TooSlow = 4, "too slow";
    /// The peer sent something that breaks the protocol.
    ProtocolViolation = 5, "protocol violation";
    /// The peer announced a frame over the limit.
    FrameTooLarge = 6, "frame too large";
    /// No protocol version in common.
    VersionUnsupported = 7, "no protocol version in common";
    /// This node is the lead no longer.
    NotLead = 8, "not the lead";
    /// Too much at once; try again.
    Busy = 9, "busy";
    /// A member connection without a certificate.
    CertificateRequired = 10, "a member needs a certificate";
    /// A failure on the side that closes.
    Internal = 11, "internal failure";
}

impl CloseCode {
    pub(super) fn variable_integer(self) -> VarInt {
        VarInt::from_u64(self.number()).unwrap_or(VarInt::MAX)
    }
}

impl From<VarInt> for CloseCode {
    fn from(code: VarInt) -> Self {
        Self::from_number(code.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_keeps_its_number() {
        for number in 0..12 {
            let code = CloseCode::from_number(number);
            assert_eq!(code.number(), number);
            assert!(!matches!(code, CloseCode::Unknown(_)), "{code}");
        }
        assert_eq!(CloseCode::Banned.number(), 2);
        assert_eq!(CloseCode::Internal.number(), 11);
    }

    #[test]
    fn a_code_of_a_newer_version_is_kept_as_its_number() {
        assert_eq!(CloseCode::from_number(4000), CloseCode::Unknown(4000));
        assert_eq!(CloseCode::Unknown(4000).variable_integer(), VarInt::from_u32(4000));
        assert_eq!(CloseCode::Unknown(4000).to_string(), "code 4000");
    }
}
