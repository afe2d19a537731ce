//! The only form in which a value or key text exists unsealed: wiped on drop, never printed, never copied by accident.

use std::fmt;

use zeroize::Zeroizing;

use super::digest;

/// Bytes that must not be seen. No `Clone`, `Display` or `Serialize`; [`Plaintext::expose`] is the one way in.
///
/// What it deliberately does not do: lock its memory. Values are short-lived and of any size; keys, which stay, are in
/// [`super::locked`].
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    /// Takes the bytes over; the caller must hold no other copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves. Every caller of this is listed by a test.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is text: UTF-8, as JSON and the files of other tools hold it.
    #[must_use]
    pub fn is_text(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok()
    }

    /// Whether both hold the same bytes, in a time that tells only their lengths.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        digest::equal(&self.0, &other.0)
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "seeded_bugs")]
        if crate::model::seeded::bug(22) {
            return write!(formatter, "Plaintext({:?})", String::from_utf8_lossy(&self.0));
        }
        formatter.write_str("Plaintext(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_prints_what_it_holds() {
        let value = Plaintext::new(b"sk-test".to_vec());
        assert_eq!(format!("{value:?}"), "Plaintext(redacted)");
        assert_eq!(value.expose(), b"sk-test");
        assert_eq!(value.len(), 7);
        assert!(!value.is_empty());
    }

    #[test]
    fn equality_is_of_all_bytes_and_the_length() {
        let value = Plaintext::new(b"sk-test".to_vec());
        assert!(value.equals(&Plaintext::new(b"sk-test".to_vec())));
        assert!(!value.equals(&Plaintext::new(b"sk-tesu".to_vec())));
        assert!(!value.equals(&Plaintext::new(b"sk-tes".to_vec())));
    }
}
