//! The frame itself: its header, its limits, and the one place that runs the codec.
//!
//! Sans-I/O: reading from a socket belongs to `transport`. The length is judged before anything is allocated for it, and
//! the codec has a memory limit of its own, because a body can announce collections far larger than itself.

use bincode::config::Configuration;

use super::error::WireError;

/// Largest frame between members, in bytes after the length: a value of the largest configurable size nearly fills it.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;

/// Largest frame a joiner may send before it is known: a token, a CSR and a sealing key come to about 350 bytes.
pub const JOIN_FRAME_BYTES_MAX: usize = 4 * 1024;

/// Largest answer to a joiner: two certificates and an entitlement with every glob and company it may have (8 KiB). Only a
/// lead that has proved the pinned authority is read with this limit.
pub const JOIN_ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Bytes of the length before each frame.
pub const LENGTH_BYTES: usize = 4;

/// The codec may use this many times the frame's limit in memory: decoded structs are wider than their bytes.
pub(super) const MEMORY_FACTOR: usize = 4;

/// The body is bincode in its standard configuration. A second format would be a second number.
const FORMAT_BINCODE: u8 = 1;

/// Format byte and frame number.
const HEADER_BYTES: usize = 3;

/// All frames of one direction of one stream.
pub trait Frame: Sized {
    /// The largest frame of this direction, in bytes after the length.
    const BYTES_MAX: usize;

    /// The number of this frame.
    fn number(&self) -> u16;

    /// The body as bytes.
    ///
    /// # Errors
    /// [`WireError::Unencodable`].
    fn encode_body(&self) -> Result<Vec<u8>, WireError>;

    /// The frame of this number with this body.
    ///
    /// # Errors
    /// [`WireError::UnknownFrame`], [`WireError::Malformed`], [`WireError::TrailingBytes`].
    fn decode_body(number: u16, body: &[u8]) -> Result<Self, WireError>;
}

/// The whole frame, length included.
///
/// # Errors
/// [`WireError::FrameTooLarge`] when the peer would refuse it, [`WireError::Unencodable`].
pub fn encode<F: Frame>(frame: &F) -> Result<Vec<u8>, WireError> {
    let body = frame.encode_body()?;
    let length = body.len().saturating_add(HEADER_BYTES);
    let too_large = WireError::FrameTooLarge { length, max: F::BYTES_MAX };
    let Some(announced) = u32::try_from(length).ok().filter(|_| length <= F::BYTES_MAX) else {
        return Err(too_large);
    };
    let mut bytes = Vec::with_capacity(LENGTH_BYTES + length);
    bytes.extend_from_slice(&announced.to_be_bytes());
    bytes.push(FORMAT_BINCODE);
    bytes.extend_from_slice(&frame.number().to_be_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// How many bytes follow the length, judged before any of them is read.
///
/// # Errors
/// [`WireError::FrameTooLarge`], [`WireError::FrameTooShort`].
pub fn parse_length(header: [u8; LENGTH_BYTES], max: usize) -> Result<usize, WireError> {
    let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    if length > max {
        return Err(WireError::FrameTooLarge { length, max });
    }
    if length < HEADER_BYTES {
        return Err(WireError::FrameTooShort { length });
    }
    Ok(length)
}

/// Reads what follows the length.
///
/// # Errors
/// [`WireError`] says what the peer got wrong.
pub fn decode<F: Frame>(frame: &[u8]) -> Result<F, WireError> {
    if frame.len() > F::BYTES_MAX {
        return Err(WireError::FrameTooLarge { length: frame.len(), max: F::BYTES_MAX });
    }
    let Some((&[format, high, low], body)) = frame.split_first_chunk::<HEADER_BYTES>() else {
        return Err(WireError::FrameTooShort { length: frame.len() });
    };
    if format != FORMAT_BINCODE {
        return Err(WireError::UnknownFormat { found: format });
    }
    F::decode_body(u16::from_be_bytes([high, low]), body)
}

/// The codec. The configuration is frozen: golden tests hold its bytes.
#[expect(clippy::disallowed_methods, reason = "this is one of the two places that may name the codec")]
const CODEC: Configuration = bincode::config::standard();

/// The codec, encoding.
pub(super) fn encode_payload<T: bincode::Encode>(number: u16, payload: &T) -> Result<Vec<u8>, WireError> {
    bincode::encode_to_vec(payload, CODEC).map_err(|source| WireError::Unencodable { number, source })
}

/// The codec, decoding, with at most `MEMORY` bytes claimed by the result. Bytes after the last field are refused.
pub(super) fn decode_payload<T: bincode::Decode<()>, const MEMORY: usize>(
    number: u16,
    body: &[u8],
) -> Result<T, WireError> {
    let configuration = CODEC.with_limit::<MEMORY>();
    let (payload, used) =
        bincode::decode_from_slice(body, configuration).map_err(|source| WireError::Malformed { number, source })?;
    match body.len().saturating_sub(used) {
        0 => Ok(payload),
        count => Err(WireError::TrailingBytes { number, count }),
    }
}

/// Declares the frames of one direction: an enum over payload structs, each with its number written out.
macro_rules! frames {
    (
        $(#[$doc:meta])*
        pub enum $name:ident, at most $bytes_max:ident {
            $($(#[$frame_doc:meta])* $number:literal => $frame:ident,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$frame_doc])* $frame($frame),)+
        }

        impl $crate::wire::frame::Frame for $name {
            const BYTES_MAX: usize = $crate::wire::frame::$bytes_max;

            fn number(&self) -> u16 {
                match self {
                    $(Self::$frame(_) => $number,)+
                }
            }

            fn encode_body(&self) -> Result<Vec<u8>, $crate::wire::error::WireError> {
                match self {
                    $(Self::$frame(payload) => $crate::wire::frame::encode_payload($number, payload),)+
                }
            }

            fn decode_body(number: u16, body: &[u8]) -> Result<Self, $crate::wire::error::WireError> {
                const MEMORY: usize = $crate::wire::frame::MEMORY_FACTOR * $crate::wire::frame::$bytes_max;
                match number {
                    $($number => $crate::wire::frame::decode_payload::<$frame, MEMORY>(number, body).map(Self::$frame),)+
                    number => Err($crate::wire::error::WireError::UnknownFrame { number }),
                }
            }
        }

        $(impl From<$frame> for $name {
            fn from(payload: $frame) -> Self {
                Self::$frame(payload)
            }
        })+
    };
}

#[cfg(test)]
mod tests {
    use super::super::control::{Beacon, FromLead};
    use super::super::join::JoinAsk;
    use super::super::subscription;
    use super::*;

    #[test]
    fn a_length_is_judged_before_anything_is_read_for_it() {
        assert_eq!(parse_length([0, 0, 0, 3], FRAME_BYTES_MAX).expect("smallest"), 3);
        assert_eq!(parse_length([0, 16, 0, 0], FRAME_BYTES_MAX).expect("largest"), FRAME_BYTES_MAX);
        for header in [[0, 16, 0, 1], [128, 0, 0, 0], [255; 4]] {
            let refusal = parse_length(header, FRAME_BYTES_MAX).expect_err("over the limit");
            assert!(matches!(refusal, WireError::FrameTooLarge { max: FRAME_BYTES_MAX, .. }), "{refusal}");
        }
        for length in 0..3 {
            let refusal = parse_length([0, 0, 0, length], FRAME_BYTES_MAX).expect_err("too short");
            assert!(matches!(refusal, WireError::FrameTooShort { .. }), "{refusal}");
        }
    }

    #[test]
    fn a_frame_of_another_stream_or_format_is_refused() {
        let bytes =
            encode(&FromLead::from(Beacon { stamp: 1, epoch: 2, revision: 3, lead_time_ms: 4 })).expect("encodes");
        let wrong_stream =
            decode::<subscription::FromLead>(&bytes[4..]).expect_err("a beacon is no subscription frame");
        assert!(matches!(wrong_stream, WireError::UnknownFrame { number: 102 }), "{wrong_stream}");
        let mut newer = bytes[4..].to_vec();
        newer[0] = 2;
        let refusal = decode::<FromLead>(&newer).expect_err("format 2");
        assert!(matches!(refusal, WireError::UnknownFormat { found: 2 }), "{refusal}");
    }

    #[test]
    fn bytes_after_the_last_field_and_missing_bytes_are_refused() {
        let mut bytes =
            encode(&FromLead::from(Beacon { stamp: 1, epoch: 2, revision: 3, lead_time_ms: 4 })).expect("encodes");
        bytes.push(0);
        let longer = decode::<FromLead>(&bytes[4..]).expect_err("one byte too many");
        assert!(matches!(longer, WireError::TrailingBytes { number: 102, count: 1 }), "{longer}");
        let shorter = decode::<FromLead>(&bytes[4..bytes.len() - 2]).expect_err("one byte too few");
        assert!(matches!(shorter, WireError::Malformed { number: 102, .. }), "{shorter}");
    }

    /// A ten-byte body may announce a collection of 2^63 bytes; without a limit the process would abort on allocation.
    #[test]
    fn a_short_body_that_announces_a_huge_collection_is_refused() {
        let mut join = vec![1, 2, 89];
        join[1..3].copy_from_slice(&601_u16.to_be_bytes());
        join.extend_from_slice(&[0; 32]);
        join.extend_from_slice(&[0xfd, 255, 255, 255, 255, 255, 255, 255, 127]);
        let refusal = decode::<JoinAsk>(&join).expect_err("2^63 bytes of CSR");
        assert!(matches!(refusal, WireError::Malformed { number: 601, .. }), "{refusal}");
    }

    #[test]
    fn a_frame_the_peer_would_refuse_is_not_written() {
        let keys = vec![super::super::secret::ScopeKeyFrame::sample(FRAME_BYTES_MAX)];
        let refusal = encode(&subscription::FromLead::from(subscription::ScopeKeys { keys })).expect_err("over 1 MiB");
        assert!(matches!(refusal, WireError::FrameTooLarge { max: FRAME_BYTES_MAX, .. }), "{refusal}");
    }
}
