//! Who a node is: the mesh it belongs to, its role, and the keys it is pinned by.

use std::fmt;

use super::hex::hex;

/// A mesh: 128 random bits, drawn at `init`, in every certificate and bound into every ciphertext.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeshId(pub [u8; 16]);

impl MeshId {
    /// Reads 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 || digits.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let mut bytes = [0_u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        (Self(bytes).to_string() == text).then_some(Self(bytes))
    }
}

impl fmt::Display for MeshId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for MeshId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// One life of a lead's store: 128 bits, drawn anew by `init`, by a restore and by a promotion. Two stores that answer to
/// one mesh and one lead, but not to one store id, have gone different ways.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub [u8; 16]);

impl StoreId {
    /// Reads 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        MeshId::parse(text).map(|MeshId(bytes)| Self(bytes))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&MeshId(self.0), formatter)
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What a node is in its mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Holds the authority.
    Lead,
    /// Holds a cache.
    Follower,
}

impl Role {
    /// `lead` or `follower`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Follower => "follower",
        }
    }

    /// Reads `lead` or `follower`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "lead" => Some(Self::Lead),
            "follower" => Some(Self::Follower),
            _ => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// SHA-256 of a public key in DER (SubjectPublicKeyInfo): how the roster pins a node and a token pins the mesh CA.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPin(pub [u8; 32]);

impl KeyPin {
    /// The first 16 hexadecimal digits in groups of four: short enough to compare by eye.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let groups: Vec<String> = self.0.chunks_exact(2).take(4).map(hex).collect();
        groups.join("-")
    }
}

impl KeyPin {
    /// Reads `sha256:` and 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?;
        let (high, low) = digits.split_at_checked(32)?;
        let (MeshId(high), MeshId(low)) = (MeshId::parse(high)?, MeshId::parse(low)?);
        Some(Self([high, low].concat().try_into().ok()?))
    }
}

/// Whole: `sha256:` and 64 lower-case hexadecimal digits.
impl fmt::Display for KeyPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyPin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.fingerprint())
    }
}

/// A node's public X25519 key, to which scope keys are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingPublicKey(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_reads_back_in_one_spelling() {
        let pin = KeyPin([0xab; 32]);
        assert_eq!(KeyPin::parse(&pin.to_string()), Some(pin));
        for text in ["", "sha256:", &"ab".repeat(32), &format!("sha256:{}", "AB".repeat(32)), &format!("{pin}ab")] {
            assert_eq!(KeyPin::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_store_id_reads_back_in_one_spelling() {
        let id = StoreId([0xab; 16]);
        assert_eq!(StoreId::parse(&id.to_string()), Some(id));
        assert_eq!(StoreId::parse(&"AB".repeat(16)), None);
    }

    #[test]
    fn a_mesh_id_has_one_spelling() {
        let id = MeshId([0xab; 16]);
        assert_eq!(MeshId::parse(&id.to_string()), Some(id));
        for text in ["", "ab", &"AB".repeat(16), &"zz".repeat(16), &"+a".repeat(16)] {
            assert_eq!(MeshId::parse(text), None, "{text:?}");
        }
    }
}
