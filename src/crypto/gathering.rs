//! Shares as people bring them, one after the other, until there are enough.

use std::collections::BTreeMap;
use std::fmt;

use super::error::CryptoError;
use super::locked::LockedKey;
use super::plaintext::Plaintext;
use super::shares::{self, Share, ShareParameters, ShareSet};
use super::unseal::UnsealKey;

/// Why a share is not taken. What was gathered before it stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// The text is no share, or one that lost or changed a character.
    #[error("this is not a share: a character is missing or mistyped, or it is something else")]
    NotAShare,
    /// It is one of a newer build.
    #[error("this share has format {found}, which this version does not know")]
    UnknownFormat {
        /// Its format byte.
        found: u8,
    },
    /// It is a share of another key.
    #[error("this share is of another set ({offered}); this node opens with the set {wanted}")]
    OtherSet {
        /// Where it comes from.
        offered: ShareSet,
        /// What would fit.
        wanted: ShareSet,
    },
    /// This share is among the gathered ones.
    #[error("share {index} was given already and does not count twice")]
    GivenTwice {
        /// Which one.
        index: u8,
    },
    /// The operating system gave no memory to keep it in.
    #[error("no memory could be mapped for the share")]
    NoMemory,
}

/// How far a gathering is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Shares that were taken.
    pub provided: u8,
    /// Shares that open the node.
    pub threshold: u8,
}

impl Progress {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.provided >= self.threshold
    }
}

/// `1 of 3 shares`.
impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} shares", self.provided, self.threshold)
    }
}

/// Shares of one set as they come in, in locked memory, wiped when forgotten. Pure: who may offer one is decided elsewhere.
pub struct Gathering {
    parameters: ShareParameters,
    shares: BTreeMap<u8, LockedKey>,
}

impl Gathering {
    /// None yet.
    #[must_use]
    pub fn new(parameters: ShareParameters) -> Self {
        Self { parameters, shares: BTreeMap::new() }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        // As many as there are indices, which are at most 16.
        let provided = u8::try_from(self.shares.len()).unwrap_or(u8::MAX);
        Progress { provided, threshold: self.parameters.quorum().threshold() }
    }

    /// What the shares must belong to.
    #[must_use]
    pub fn parameters(&self) -> ShareParameters {
        self.parameters
    }

    /// Takes a share and gives its index.
    ///
    /// # Errors
    /// [`ShareError`]; nothing has changed then.
    pub fn offer(&mut self, text: &Plaintext) -> Result<u8, ShareError> {
        let share = Share::parse(text)?;
        let (set, quorum) = (self.parameters.set(), self.parameters.quorum());
        if share.set != set || share.threshold != quorum.threshold() || share.index > quorum.shares() {
            return Err(ShareError::OtherSet { offered: share.set, wanted: set });
        }
        if self.shares.contains_key(&share.index) {
            return Err(ShareError::GivenTwice { index: share.index });
        }
        self.shares.insert(share.index, share.bytes);
        Ok(share.index)
    }

    /// Forgets every share.
    pub fn forget(&mut self) {
        self.shares.clear();
    }

    /// The key the shares make. Whether it is the right one shows when it opens the root key.
    ///
    /// # Errors
    /// [`CryptoError::TooFewShares`]; [`CryptoError::NoMemory`].
    pub fn combine(&self) -> Result<UnsealKey, CryptoError> {
        let progress = self.progress();
        if !progress.is_complete() {
            return Err(CryptoError::TooFewShares);
        }
        shares::combine(self.shares.iter().take(usize::from(progress.threshold)).map(|(index, share)| (*index, share)))
    }
}

impl fmt::Debug for Gathering {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Gathering").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
    use proptest::proptest;

    use super::super::root::RootKey;
    use super::super::shares::{Quorum, split};
    use super::super::system_entropy::SystemEntropy;
    use super::super::test_support::{CountingEntropy, MESH};
    use super::*;

    struct Node {
        parameters: ShareParameters,
        shares: Vec<Plaintext>,
        wrapped_root: Vec<u8>,
    }

    fn node(threshold: u8, shares: u8) -> Node {
        let quorum = Quorum::new(threshold, shares).expect("a quorum");
        let key = UnsealKey::generate(&SystemEntropy).expect("a key");
        let parameters = ShareParameters::generate(quorum, &SystemEntropy).expect("parameters");
        let root = RootKey::generate(&CountingEntropy::from(5)).expect("a key");
        Node {
            parameters,
            shares: split(&key, &parameters, &SystemEntropy).expect("shares"),
            wrapped_root: key.wrap_root(&MESH, &root, &SystemEntropy).expect("wrapped"),
        }
    }

    impl Node {
        fn opens(&self, gathering: &Gathering) -> bool {
            gathering.combine().is_ok_and(|key| key.unwrap_root(&MESH, &self.wrapped_root).is_ok())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Shamir's promise: any k shares in any order, and no fewer.
        #[test]
        fn any_shares_open_the_node_once_there_are_enough(threshold in 2_u8..=6, more in 0_u8..=10, seed in any::<u64>()) {
            let node = node(threshold, threshold + more);
            let mut order: Vec<usize> = (0..node.shares.len()).collect();
            order.sort_by_key(|at| seed.rotate_left(u32::try_from(at * 7).unwrap_or(0)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut gathering = Gathering::new(node.parameters);
            for (count, at) in order.into_iter().take(usize::from(threshold)).enumerate() {
                prop_assert!(!node.opens(&gathering));
                let index = gathering.offer(&node.shares[at]).expect("taken");
                prop_assert_eq!(usize::from(index), at + 1);
                prop_assert_eq!(usize::from(gathering.progress().provided), count + 1);
            }
            prop_assert!(gathering.progress().is_complete() && node.opens(&gathering));
        }
    }

    #[test]
    fn too_few_shares_make_no_key_at_all() {
        let node = node(3, 5);
        let mut gathering = Gathering::new(node.parameters);
        for share in &node.shares[..2] {
            gathering.offer(share).expect("taken");
        }
        assert_eq!(gathering.combine().map(drop), Err(CryptoError::TooFewShares));
        assert_eq!(gathering.progress().to_string(), "2 of 3 shares");
        gathering.forget();
        assert_eq!(gathering.progress(), Progress { provided: 0, threshold: 3 });
    }

    #[test]
    fn a_share_given_twice_is_told_and_does_not_count() {
        let node = node(2, 3);
        let mut gathering = Gathering::new(node.parameters);
        gathering.offer(&node.shares[1]).expect("taken");
        assert_eq!(gathering.offer(&node.shares[1]), Err(ShareError::GivenTwice { index: 2 }));
        assert_eq!(gathering.progress().provided, 1);
    }

    #[test]
    fn a_share_of_another_node_is_refused_when_it_is_offered() {
        let (ours, theirs) = (node(2, 3), node(2, 3));
        let mut gathering = Gathering::new(ours.parameters);
        let (offered, wanted) = (theirs.parameters.set(), ours.parameters.set());
        assert_eq!(gathering.offer(&theirs.shares[0]), Err(ShareError::OtherSet { offered, wanted }));
        assert_eq!(gathering.offer(&Plaintext::new(b"hello".to_vec())), Err(ShareError::NotAShare));
        assert_eq!(gathering.progress().provided, 0);
    }

    /// A share may be forged by whoever knows the set: what it makes with the others opens nothing.
    #[test]
    fn a_forged_share_makes_a_key_that_opens_nothing() {
        let ours = node(2, 3);
        let other = UnsealKey::generate(&SystemEntropy).expect("a key");
        let forged = split(&other, &ours.parameters, &SystemEntropy).expect("shares");
        let mut gathering = Gathering::new(ours.parameters);
        gathering.offer(&ours.shares[0]).expect("taken");
        gathering.offer(&forged[1]).expect("it looks right");
        let key = gathering.combine().expect("some key");
        assert_eq!(key.unwrap_root(&MESH, &ours.wrapped_root).map(drop), Err(CryptoError::UnsealMismatch));
        assert!(!format!("{gathering:?}").contains("shares:"), "{gathering:?}");
    }
}
