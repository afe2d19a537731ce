//! An unseal key in the hands of several people: Shamir's k of n over GF(2^8), each byte of the key with a polynomial of
//! its own. Fewer than k shares tell nothing about the key.
//!
//! The text of a share is `aurora-share-` and base62 of: format byte, set (8), threshold, index, the share itself (32), and
//! the checksum of [`super::armour`]. The set is random and tells the shares of one key from those of any other, so that a
//! share of the wrong node, or of an `init` that was interrupted, is refused when it is offered and not when all are in.
//!
//! The arithmetic is `vsss-rs`: no tables, hence no timing; coefficients are drawn from all of the field.

use std::fmt;
use std::str::FromStr;

use vsss_rs::Gf256;
use zeroize::Zeroizing;

use super::armour::{self, Unreadable};
use super::draw::Draw;
use super::error::CryptoError;
use super::gathering::ShareError;
use super::locked::{KEY_BYTES, LockedKey};
use super::plaintext::Plaintext;
use super::unseal::UnsealKey;
use crate::model::time::Entropy;

const PREFIX: &str = "aurora-share-";
const PARAMETERS: &str = "the share parameters";
const SHARE_FORMAT: u8 = 1;
const PARAMETERS_FORMAT: u8 = 1;
const SET_BYTES: usize = 8;

/// Longest text that is looked at. A share has under 80 characters.
const TEXT_BYTES_MAX: usize = 128;

/// Most shares: more people than this are never all within reach, and a mistake in one of so many is never found.
const SHARES_MOST: u8 = 16;

/// Fewest that open a node: one share that opens it alone is a key file.
const THRESHOLD_LEAST: u8 = 2;

/// How many shares there are, and how many of them open the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    threshold: u8,
    shares: u8,
}

/// Numbers that make no quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write how many shares open the node, and of how many: 2 of 2 up to 16 of 16, like 3/5")]
pub struct NoQuorum;

impl Quorum {
    /// `threshold` of `shares`.
    ///
    /// # Errors
    /// [`NoQuorum`] unless 2 ≤ threshold ≤ shares ≤ 16.
    pub fn new(threshold: u8, shares: u8) -> Result<Self, NoQuorum> {
        let possible = THRESHOLD_LEAST <= threshold && threshold <= shares && shares <= SHARES_MOST;
        possible.then_some(Self { threshold, shares }).ok_or(NoQuorum)
    }

    /// How many shares open the node.
    #[must_use]
    pub fn threshold(self) -> u8 {
        self.threshold
    }

    /// How many there are.
    #[must_use]
    pub fn shares(self) -> u8 {
        self.shares
    }
}

/// `3/5`.
impl FromStr for Quorum {
    type Err = NoQuorum;

    fn from_str(text: &str) -> Result<Self, NoQuorum> {
        let (threshold, shares) = text.split_once('/').ok_or(NoQuorum)?;
        let number = |text: &str| text.parse().map_err(|_| NoQuorum);
        Self::new(number(threshold)?, number(shares)?)
    }
}

/// `3 of 5`.
impl fmt::Display for Quorum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {}", self.threshold, self.shares)
    }
}

/// Which splitting a share comes from. Shown to people, who may hold shares of several nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareSet([u8; SET_BYTES]);

/// Sixteen hexadecimal digits.
impl fmt::Display for ShareSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// What a node remembers about its shares. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareParameters {
    set: ShareSet,
    quorum: Quorum,
}

impl ShareParameters {
    /// A new set.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`].
    pub fn generate(quorum: Quorum, entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut set = [0_u8; SET_BYTES];
        entropy.fill(&mut set)?;
        Ok(Self { set: ShareSet(set), quorum })
    }

    /// The set.
    #[must_use]
    pub fn set(&self) -> ShareSet {
        self.set
    }

    /// How many of how many.
    #[must_use]
    pub fn quorum(&self) -> Quorum {
        self.quorum
    }

    /// Format byte, set, threshold, number of shares.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![PARAMETERS_FORMAT];
        bytes.extend_from_slice(&self.set.0);
        bytes.extend_from_slice(&[self.quorum.threshold, self.quorum.shares]);
        bytes
    }

    /// Reads what [`ShareParameters::encode`] wrote.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] or [`CryptoError::UnknownFormat`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CryptoError> {
        let malformed = CryptoError::Malformed { what: PARAMETERS };
        let (&format, rest) = bytes.split_first().ok_or(malformed.clone())?;
        if format != PARAMETERS_FORMAT {
            return Err(CryptoError::UnknownFormat { what: PARAMETERS, found: format });
        }
        let (&set, rest) = rest.split_first_chunk::<SET_BYTES>().ok_or(malformed.clone())?;
        let &[threshold, shares] = rest else { return Err(malformed) };
        let quorum = Quorum::new(threshold, shares).map_err(|_| malformed)?;
        Ok(Self { set: ShareSet(set), quorum })
    }
}

/// Splits a key. Gives the texts of the shares, in the order of their index.
///
/// # Errors
/// [`CryptoError::Entropy`], or [`CryptoError::SealFailed`] if the library refuses, which the bounds of a quorum leave no
/// reason for.
pub fn split(
    key: &UnsealKey,
    parameters: &ShareParameters,
    entropy: &dyn Entropy,
) -> Result<Vec<Plaintext>, CryptoError> {
    let Quorum { threshold, shares } = parameters.quorum;
    let mut draw = Draw::from(entropy);
    let made = Gf256::split_bytes(usize::from(threshold), usize::from(shares), key.as_bytes(), &mut draw);
    let made: Option<Vec<Plaintext>> = made.ok().map(|shares| shares.into_iter().map(Plaintext::new).collect());
    draw.finish()?;
    let texts = made.and_then(|made| made.iter().map(|share| text(parameters, share.expose())).collect());
    texts.ok_or(CryptoError::SealFailed { what: "the unseal key" })
}

/// The library gives a share as its index and then its bytes.
fn text(parameters: &ShareParameters, share: &[u8]) -> Option<Plaintext> {
    if share.len() != 1 + KEY_BYTES {
        return None;
    }
    let mut body = Vec::with_capacity(2 + SET_BYTES + share.len());
    body.push(SHARE_FORMAT);
    body.extend_from_slice(&parameters.set.0);
    body.push(parameters.quorum.threshold);
    body.extend_from_slice(share);
    Some(armour::write(PREFIX, Plaintext::new(body).expose()))
}

/// The key that shares make, each with its index.
///
/// # Errors
/// [`CryptoError::TooFewShares`] for fewer than two; [`CryptoError::NoMemory`].
pub(super) fn combine<'shares>(
    shares: impl Iterator<Item = (u8, &'shares LockedKey)>,
) -> Result<UnsealKey, CryptoError> {
    let joined: Zeroizing<Vec<Vec<u8>>> = Zeroizing::new(shares.map(|(index, share)| joined(index, share)).collect());
    let key = Gf256::combine_bytes(joined.as_slice()).map_err(|_| CryptoError::TooFewShares)?;
    UnsealKey::from_bytes(&Plaintext::new(key))
}

fn joined(index: u8, share: &LockedKey) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + KEY_BYTES);
    bytes.push(index);
    bytes.extend_from_slice(share.as_bytes());
    bytes
}

/// A share that was read.
pub(super) struct Share {
    pub(super) set: ShareSet,
    pub(super) threshold: u8,
    pub(super) index: u8,
    pub(super) bytes: LockedKey,
}

impl Share {
    /// Reads the text of a share.
    ///
    /// # Errors
    /// [`ShareError`] when it is none, or none this build can read.
    pub(super) fn parse(text: &Plaintext) -> Result<Self, ShareError> {
        let text = std::str::from_utf8(text.expose()).map_err(|_| ShareError::NotAShare)?;
        let body = armour::read(PREFIX, text, TEXT_BYTES_MAX)
            .map_err(|(Unreadable::Foreign | Unreadable::Damaged)| ShareError::NotAShare)?;
        let (&format, rest) = body.expose().split_first().ok_or(ShareError::NotAShare)?;
        if format != SHARE_FORMAT {
            return Err(ShareError::UnknownFormat { found: format });
        }
        let (&set, rest) = rest.split_first_chunk::<SET_BYTES>().ok_or(ShareError::NotAShare)?;
        let Some((&[threshold, index], bytes)) = rest.split_first_chunk::<2>() else {
            return Err(ShareError::NotAShare);
        };
        // Index zero would be the key itself.
        if index == 0 || bytes.len() != KEY_BYTES {
            return Err(ShareError::NotAShare);
        }
        let bytes = LockedKey::from_slice(bytes, "the share").map_err(|_| ShareError::NoMemory)?;
        Ok(Self { set: ShareSet(set), threshold, index, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;

    fn parameters(quorum: &str) -> ShareParameters {
        ShareParameters::generate(quorum.parse().expect("a quorum"), &CountingEntropy::from(0xa0)).expect("parameters")
    }

    fn key() -> UnsealKey {
        UnsealKey::generate(&CountingEntropy::from(0x11)).expect("a key")
    }

    fn texts(quorum: &str) -> Vec<String> {
        let shares = split(&key(), &parameters(quorum), &CountingEntropy::from(0)).expect("shares");
        shares.iter().map(|share| String::from_utf8(share.expose().to_vec()).expect("ascii")).collect()
    }

    fn parse(text: &str) -> Result<Share, ShareError> {
        Share::parse(&Plaintext::new(text.into()))
    }

    /// Multiplication in GF(2^8) modulo x^8+x^4+x^3+x+1, in the plainest way there is.
    fn times(left: u8, right: u8) -> u8 {
        let mut product = 0_u16;
        for bit in (0..8).rev() {
            product = (product << 1) ^ if product & 0x80 == 0 { 0 } else { 0x11b };
            product ^= if right & (1 << bit) == 0 { 0 } else { u16::from(left) };
        }
        u8::try_from(product).expect("reduced")
    }

    #[test]
    fn a_quorum_is_two_to_sixteen_and_no_more_than_there_are() {
        let quorum: Quorum = "3/5".parse().expect("a quorum");
        assert_eq!((quorum.threshold(), quorum.shares(), quorum.to_string().as_str()), (3, 5, "3 of 5"));
        for text in ["2/2", "2/16", "16/16"] {
            assert!(text.parse::<Quorum>().is_ok(), "{text}");
        }
        for text in ["", "3", "3/", "/5", "1/5", "0/0", "6/5", "3/17", "3/5/7", "-3/5", "3 / 5", "300/300"] {
            assert_eq!(text.parse::<Quorum>(), Err(NoQuorum), "{text}");
        }
    }

    #[test]
    fn parameters_have_these_bytes_for_ever_and_read_back() {
        let parameters = parameters("3/5");
        let bytes = parameters.encode();
        assert_eq!(bytes, [1, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 3, 5]);
        assert_eq!(ShareParameters::decode(&bytes), Ok(parameters));
        assert_eq!(parameters.set().to_string(), "a0a1a2a3a4a5a6a7");
        for length in 0..bytes.len() {
            assert!(ShareParameters::decode(&bytes[..length]).is_err(), "length {length}");
        }
        assert!(ShareParameters::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(ShareParameters::decode(&[2]).is_err_and(|error| matches!(error, CryptoError::UnknownFormat { .. })));
        assert!(ShareParameters::decode(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 5]).is_err());
    }

    /// Whoever holds shares must be able to open the node with every later build.
    #[test]
    fn shares_have_these_texts_for_ever() {
        let expected = [
            "aurora-share-j9IRXzNDuCWpVmAwcaU7cYAxmStpjj3iiUiNyfV5QaxN40BNsX6oUw0WTbsH4Z",
            "aurora-share-j9IRXzNDuCWpVqlYeCyjupBdVsZpfmVDORxp0onyHrRJg8LL6YDxs4BzFso1wH",
            "aurora-share-j9IRXzNDuCWpVvMAhuq4I4O65W3klMTN0gakPNZeAfa8ml0LHKcSSSx8fMB2EC",
        ];
        assert_eq!(texts("2/3"), expected);
    }

    /// The polynomial, computed here by hand: what is drawn is the whole coefficient, and the index is the point.
    #[test]
    fn a_share_is_the_polynomial_at_its_index() {
        for (at, text) in texts("3/5").iter().enumerate() {
            let share = parse(text).expect("a share");
            let index = u8::try_from(at + 1).expect("small");
            assert_eq!((share.index, share.threshold, share.set), (index, 3, parameters("3/5").set()));
            for (place, &byte) in share.bytes.as_bytes().iter().enumerate() {
                // Each draw is four bytes of the counting source, of which the lowest counts; two draws to a byte.
                let first = u8::try_from((place * 8) % 256).expect("reduced");
                let (linear, square) = (first, first.wrapping_add(4));
                let intercept = 0x11_u8.wrapping_add(u8::try_from(place).expect("small"));
                // The coefficient that is drawn first belongs to x, the next to x squared.
                let expected = intercept ^ times(linear, index) ^ times(square, times(index, index));
                assert_eq!(byte, expected, "share {index}, byte {place}");
            }
        }
    }

    #[test]
    fn every_typing_mistake_is_no_share() {
        let good = texts("2/3").remove(0);
        parse(&format!("  {good}\n")).expect("white space around it is forgiven");
        for index in 0..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[index] = if changed[index] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).expect("ascii");
            assert_eq!(parse(&changed).map(drop), Err(ShareError::NotAShare), "{changed}");
            let mut swapped = good.clone().into_bytes();
            swapped.swap(index, index.saturating_sub(1));
            let swapped = String::from_utf8(swapped).expect("ascii");
            assert!(swapped == good || parse(&swapped).is_err(), "{swapped}");
        }
        for text in ["", "aurora-share-", "hello", &good[1..], &good[..good.len() - 1], &"1".repeat(1 << 20)] {
            assert_eq!(parse(text).map(drop), Err(ShareError::NotAShare));
        }
        assert_eq!(Share::parse(&Plaintext::new(vec![0xff; 70])).map(drop), Err(ShareError::NotAShare));
    }

    #[test]
    fn a_checksum_over_nonsense_does_not_help() {
        let forged = |body: &[u8]| Share::parse(&armour::write(PREFIX, body)).map(drop);
        let body = |index: u8, length: usize| [&[1; 9][..], &[2, index], &vec![7; length]].concat();
        assert_eq!(forged(&body(1, 32)), Ok(()));
        assert_eq!(forged(&body(0, 32)), Err(ShareError::NotAShare), "index zero is the key");
        assert_eq!(forged(&body(1, 31)), Err(ShareError::NotAShare));
        assert_eq!(forged(&body(1, 33)), Err(ShareError::NotAShare));
        assert_eq!(forged(&[]), Err(ShareError::NotAShare));
        assert_eq!(forged(&[1, 2]), Err(ShareError::NotAShare));
        assert_eq!(forged(&[2]), Err(ShareError::UnknownFormat { found: 2 }));
    }

    #[test]
    fn no_key_is_split_without_randomness() {
        let parameters = parameters("2/3");
        assert!(matches!(split(&key(), &parameters, &NoEntropy), Err(CryptoError::Entropy(_))));
        let quorum = parameters.quorum();
        assert!(matches!(ShareParameters::generate(quorum, &NoEntropy), Err(CryptoError::Entropy(_))));
    }
}
