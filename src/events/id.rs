//! What one event is called: `evt_` and a ULID (<https://github.com/ulid/spec>), which is 48 bits of milliseconds and 80 bits
//! that are random, in Crockford's base 32. Ids sort as their events came, and no two nodes give the same.

use std::fmt;

use crate::model::time::Timestamp;

/// Before the ULID, so that an id is recognised in a log.
const PREFIX: &str = "evt_";

/// Crockford's digits: no I, L, O and U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Digits of a ULID: 130 bits, of which the first two are never set.
const DIGITS_COUNT: usize = 26;

/// The bits of a ULID that are not time.
const RANDOM_BITS: u32 = 80;

/// The id of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u128);

impl EventId {
    /// The id of an event at this time; of the random bytes the first ten count. It comes after `last`, also when the clock
    /// was set back.
    #[must_use]
    pub fn next(last: Option<Self>, at: Timestamp, random: [u8; 16]) -> Self {
        let ms = u128::from(u64::try_from(at.0).unwrap_or(0)) & ((1 << 48) - 1);
        let drawn = (ms << RANDOM_BITS) | (u128::from_be_bytes(random) >> (128 - RANDOM_BITS));
        match last {
            Some(Self(last)) if drawn <= last => Self(last.saturating_add(1)),
            Some(_) | None => Self(drawn),
        }
    }

    /// Reads an id as it is written, and no other spelling of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        if digits.len() != DIGITS_COUNT || !digits.starts_with(|first: char| ('0'..='7').contains(&first)) {
            return None;
        }
        let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).and_then(|at| u128::try_from(at).ok());
        digits.bytes().try_fold(0_u128, |number, byte| Some((number << 5) | digit(byte)?)).map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |place: usize| {
            let index = (self.0 >> (5 * (DIGITS_COUNT - 1 - place))) & 31;
            usize::try_from(index).ok().and_then(|index| DIGITS.get(index)).map_or('0', |digit| char::from(*digit))
        };
        let digits: String = (0..DIGITS_COUNT).map(digit).collect();
        formatter.pad(&format!("{PREFIX}{digits}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_has_the_digits_of_the_specification() {
        // The example of the specification is of 1469918176385 ms.
        let id = EventId::next(None, Timestamp(1_469_918_176_385), [0; 16]);
        assert_eq!(id.to_string(), "evt_01ARYZ6S410000000000000000");
        let id = EventId::next(None, Timestamp(1_795_248_000_123), [0xff; 16]);
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        for text in [
            "",
            "evt_",
            "evt_01ARYZ6S41000000000000000I",
            "evt_81ARYZ6S410000000000000000",
            "01ARYZ6S410000000000000000",
        ] {
            assert_eq!(EventId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn ids_go_up_within_a_millisecond_and_when_the_clock_goes_back() {
        let first = EventId::next(None, Timestamp(1000), [9; 16]);
        let second = EventId::next(Some(first), Timestamp(1000), [1; 16]);
        let third = EventId::next(Some(second), Timestamp(10), [1; 16]);
        assert!(first < second && second < third && second.to_string() < third.to_string());
    }
}
