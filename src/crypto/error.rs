//! What can go wrong with keys and ciphertext. No variant holds a value, a key or bytes of either.

use crate::model::time::EntropyUnavailable;

/// A failure, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The operating system gave no random bytes, so nothing may be sealed.
    #[error(transparent)]
    Entropy(#[from] EntropyUnavailable),
    /// The operating system gave no memory to keep a key in.
    #[error("no memory could be mapped for keys")]
    NoMemory,
    /// The value could not be sealed: it is too long for the cipher, or the recipient's key is no key.
    #[error("{what} could not be sealed")]
    SealFailed {
        /// What was to be sealed, for people.
        what: &'static str,
    },
    /// The bytes were not sealed with this key for this place, or were changed since.
    #[error("{what} does not open: it was changed, moved, or sealed with another key")]
    OpenFailed {
        /// What was to be opened, for people.
        what: &'static str,
    },
    /// The bytes do not have the shape of what they should be.
    #[error("{what} is malformed")]
    Malformed {
        /// What was read, for people.
        what: &'static str,
    },
    /// The format is one this build does not know.
    #[error("{what} has format {found}, which this version does not know")]
    UnknownFormat {
        /// What was read, for people.
        what: &'static str,
        /// Its format byte.
        found: u8,
    },
    /// The bytes are not as long as they must be.
    #[error("{what} is {found} bytes long, not {wanted}")]
    WrongLength {
        /// What was read, for people.
        what: &'static str,
        /// How long it is.
        found: usize,
        /// How long it must be.
        wanted: usize,
    },
    /// The key file, credential, passphrase or set of shares is not the one the root key was wrapped with.
    #[error("the unseal key does not fit this store")]
    UnsealMismatch,
    /// There are fewer shares than open the node.
    #[error("there are too few shares")]
    TooFewShares,
    /// The parameters of the passphrase derivation are outside what this build will compute.
    #[error("the passphrase parameter {parameter} is {found}; it must be {least} to {most}")]
    PassphraseParameters {
        /// Which one.
        parameter: &'static str,
        /// What it is.
        found: u32,
        /// The least allowed.
        least: u32,
        /// The most allowed.
        most: u32,
    },
    /// There is no passphrase.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// A join token whose checksum does not fit: it was mistyped or cut.
    #[error("the join token is damaged: copy the whole text again")]
    DamagedToken,
    /// An API key whose checksum does not fit: it was mistyped or cut.
    #[error("the API key is damaged: copy the whole text again")]
    DamagedApiKey,
    /// What should go into a join token does not fit there.
    #[error("the join token cannot carry these addresses: {reason}")]
    TokenAddresses {
        /// The bound that was crossed.
        reason: &'static str,
    },
}
