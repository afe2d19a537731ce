//! Why a connection does not come about or does not go on, by cause and blame.

use std::io;
use std::net::SocketAddr;

use quinn::ConnectionError;

use super::close::CloseCode;
use crate::wire::error::WireError;

/// A failure of the transport.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The UDP socket could not be made.
    #[error("cannot use UDP address {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// TLS refused our own keys, certificates or settings.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// A key or certificate of ours could not be made or read.
    #[error("{what} could not be made or read")]
    Certificate {
        /// Which.
        what: &'static str,
        /// What the library said.
        #[source]
        source: rcgen::Error,
    },
    /// A certificate, key or signing request is not what it must be.
    #[error("{what}")]
    Unfit {
        /// What is wrong.
        what: &'static str,
    },
    /// The address cannot be dialled at all.
    #[error("cannot dial {address}: {source}")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the library said.
        #[source]
        source: quinn::ConnectError,
    },
    /// No answer in time.
    #[error("no answer in time: {what}")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
    },
    /// The peer's TLS refused us. On a client this arrives after the handshake, instead of the first reply.
    #[error("the peer refused us: {refusal}")]
    PeerRefusedUs {
        /// Its reason, as far as it told.
        refusal: Refusal,
    },
    /// We refused the peer.
    #[error("the peer was refused: {refusal}")]
    WeRefusedPeer {
        /// Our reason.
        refusal: Refusal,
    },
    /// The peer closed the connection, or gave up the stream.
    #[error("closed by the peer: {code} {reason:?}")]
    Closed {
        /// Why.
        code: CloseCode,
        /// Its text, shortened; for people only.
        reason: String,
    },
    /// We closed the connection or stream ourselves.
    #[error("closed by this node")]
    ClosedHere,
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
    /// A frame over the limit was announced; nothing was allocated for it.
    #[error("frame of {length} bytes, the limit is {max}")]
    FrameTooLarge {
        /// What was announced.
        length: usize,
        /// The limit.
        max: usize,
    },
    /// A frame that does not belong on this stream.
    #[error("frame number {number} does not belong here")]
    UnknownFrame {
        /// The number.
        number: u16,
    },
    /// A frame that is not what its number says.
    #[error("malformed frame")]
    Malformed(#[source] WireError),
    /// The connection broke below TLS.
    #[error("the connection broke")]
    Broken(#[source] ConnectionError),
    /// This end no longer accepts: its task is gone.
    #[error("the endpoint no longer accepts connections")]
    Stopped,
}

/// Why one side does not accept the other's certificate or protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Signed by another authority.
    #[error("the certificate is not of this mesh's authority")]
    ForeignAuthority,
    /// Expired, or not valid yet.
    #[error("the certificate is not valid at this time")]
    Expired,
    /// Not a lead where only a lead will do.
    #[error("the certificate's role does not fit")]
    WrongRole,
    /// Not in the roster, not yet approved, or with another key than the pinned one.
    #[error("the node is not admitted")]
    NotAdmitted,
    /// In the roster, as one that was banned.
    #[error("the node is banned")]
    Revoked,
    /// No single SPIFFE identity of this mesh in the certificate.
    #[error("the certificate names no single identity of this mesh")]
    BadIdentity,
    /// No certificate where one is needed.
    #[error("no certificate was shown")]
    NoCertificate,
    /// No application protocol, TLS version or key exchange in common.
    #[error("no protocol in common")]
    NoCommonProtocol,
    /// Another TLS alert.
    #[error("TLS alert {0}")]
    Alert(u8),
}

impl Refusal {
    /// Reads a TLS alert (RFC 8446 section 6.2). `verify` chooses its errors so that each cause has its own alert.
    pub(super) fn from_alert(alert: u8) -> Self {
        match alert {
            48 | 51 => Self::ForeignAuthority,
            44 => Self::Revoked,
            45 => Self::Expired,
            43 => Self::WrongRole,
            49 => Self::NotAdmitted,
            42 | 46 => Self::BadIdentity,
            116 => Self::NoCertificate,
            40 | 70 | 120 => Self::NoCommonProtocol,
            other => Self::Alert(other),
        }
    }

    /// QUIC carries alerts as 0x100 to 0x1ff (RFC 9001 section 4.8).
    fn from_quic(code: u64) -> Option<Self> {
        code.checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok()).map(Self::from_alert)
    }
}

/// Longest text of a peer that is kept.
const REASON_CHARS_MAX: usize = 120;

impl From<ConnectionError> for TransportError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::TransportError(ref ours) => match Refusal::from_quic(ours.code.into()) {
                Some(refusal) => Self::WeRefusedPeer { refusal },
                None => Self::Broken(error),
            },
            ConnectionError::ConnectionClosed(ref theirs) => match Refusal::from_quic(theirs.error_code.into()) {
                Some(refusal) => Self::PeerRefusedUs { refusal },
                None => Self::Broken(error),
            },
            ConnectionError::ApplicationClosed(close) => {
                let code = CloseCode::from(close.error_code);
                if code == CloseCode::CertificateRequired {
                    return Self::PeerRefusedUs { refusal: Refusal::NoCertificate };
                }
                let text = String::from_utf8_lossy(&close.reason).chars().take(REASON_CHARS_MAX).collect();
                Self::Closed { code, reason: text }
            }
            ConnectionError::TimedOut => Self::TimedOut { what: "the connection went silent" },
            ConnectionError::LocallyClosed => Self::ClosedHere,
            ConnectionError::VersionMismatch | ConnectionError::Reset | ConnectionError::CidsExhausted => {
                Self::Broken(error)
            }
        }
    }
}

impl From<WireError> for TransportError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::FrameTooLarge { length, max } => Self::FrameTooLarge { length, max },
            WireError::UnknownFrame { number } => Self::UnknownFrame { number },
            WireError::FrameTooShort { .. }
            | WireError::UnknownFormat { .. }
            | WireError::Malformed { .. }
            | WireError::TrailingBytes { .. }
            | WireError::Unencodable { .. }
            | WireError::Field { .. }
            | WireError::Name(_)
            | WireError::Glob(_)
            | WireError::Principal(_)
            | WireError::Freeze(_)
            | WireError::Metadata(_) => Self::Malformed(error),
        }
    }
}

impl TransportError {
    /// With which code to close a connection after this.
    #[must_use]
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::FrameTooLarge { .. } => CloseCode::FrameTooLarge,
            Self::Truncated | Self::UnknownFrame { .. } | Self::Malformed(_) => CloseCode::ProtocolViolation,
            Self::TimedOut { .. } => CloseCode::TooSlow,
            Self::WeRefusedPeer { .. } => CloseCode::Banned,
            Self::PeerRefusedUs { .. } | Self::Closed { .. } | Self::ClosedHere => CloseCode::Done,
            Self::Bind { .. }
            | Self::Tls(_)
            | Self::Certificate { .. }
            | Self::Unfit { .. }
            | Self::Unreachable { .. }
            | Self::Broken(_)
            | Self::Stopped => CloseCode::Internal,
        }
    }
}
