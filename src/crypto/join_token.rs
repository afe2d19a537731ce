//! The text that admits one node once: `aurora-join-` and base62 of a secret, the pin of the mesh CA, and where the lead is.
//!
//! Layout before base62: format byte, secret (32), CA pin (32), count of addresses, each address with its length in one
//! byte, and the checksum of [`super::armour`].

use super::armour::{self, Unreadable};
use super::digest;
use super::error::CryptoError;
use super::plaintext::Plaintext;
use crate::model::identity::KeyPin;
use crate::model::roster::TokenHash;
use crate::model::time::Entropy;

const PREFIX: &str = "aurora-join-";
const TOKEN: &str = "the join token";
const TOKEN_FORMAT: u8 = 1;

/// Bytes of the secret: nobody guesses 256 bits within ten minutes.
pub const SECRET_BYTES: usize = 32;

/// Longest text that is read or made: it is pasted into a terminal, and base62 costs the square of its length.
pub const TEXT_BYTES_MAX: usize = 1024;

/// Most lead addresses in one token.
pub const ADDRESSES_MAX: usize = 8;

/// Longest address: a DNS name and a port.
pub const ADDRESS_BYTES_MAX: usize = 255;

/// A join token, as its two ends hold it.
#[derive(Debug)]
pub struct JoinSecret {
    secret: Plaintext,
    ca_pin: KeyPin,
    addresses: Vec<String>,
}

impl JoinSecret {
    /// A fresh token for the mesh whose CA key has this pin.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`], or [`CryptoError::TokenAddresses`] for addresses that do not fit.
    pub fn generate(ca_pin: KeyPin, addresses: Vec<String>, entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let refused = |reason| CryptoError::TokenAddresses { reason };
        if addresses.len() > ADDRESSES_MAX {
            return Err(refused("more than 8"));
        }
        if !addresses.iter().all(|address| address_is_plain(address)) {
            return Err(refused("each must be 1 to 255 printable ASCII characters without spaces"));
        }
        let mut secret = vec![0_u8; SECRET_BYTES];
        entropy.fill(&mut secret)?;
        let token = Self { secret: Plaintext::new(secret), ca_pin, addresses };
        if token.text().len() > TEXT_BYTES_MAX {
            return Err(refused("together they are too long"));
        }
        Ok(token)
    }

    /// Reads a token text. White space around it is forgiven, since it is pasted; nothing else is.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for what is no token, [`CryptoError::DamagedToken`] for one that lost or changed a
    /// character, [`CryptoError::UnknownFormat`] for one of a newer mesh.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let body = armour::read(PREFIX, text, TEXT_BYTES_MAX).map_err(|unreadable| match unreadable {
            Unreadable::Foreign => CryptoError::Malformed { what: TOKEN },
            Unreadable::Damaged => CryptoError::DamagedToken,
        })?;
        let (&format, fields) = body.expose().split_first().ok_or(CryptoError::DamagedToken)?;
        if format != TOKEN_FORMAT {
            return Err(CryptoError::UnknownFormat { what: TOKEN, found: format });
        }
        Self::from_fields(fields).ok_or(CryptoError::Malformed { what: TOKEN })
    }

    /// The text to hand over. It is the secret, so it is [`Plaintext`].
    #[must_use]
    pub fn text(&self) -> Plaintext {
        let mut body = Vec::with_capacity(TEXT_BYTES_MAX);
        body.push(TOKEN_FORMAT);
        body.extend_from_slice(self.secret.expose());
        body.extend_from_slice(&self.ca_pin.0);
        push_counted(&mut body, self.addresses.len(), &[]);
        for address in &self.addresses {
            push_counted(&mut body, address.len(), address.as_bytes());
        }
        armour::write(PREFIX, Plaintext::new(body).expose())
    }

    /// What the lead stores in place of the secret.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        hash(&self.secret)
    }

    /// What the joining node shows to the lead, and to nobody else.
    #[must_use]
    pub fn secret(&self) -> &Plaintext {
        &self.secret
    }

    /// The pin of the only CA key the joining node may trust.
    #[must_use]
    pub fn ca_pin(&self) -> KeyPin {
        self.ca_pin
    }

    /// Where the lead may be reached, best first; a hint, since the pin decides.
    #[must_use]
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    fn from_fields(fields: &[u8]) -> Option<Self> {
        let (secret, fields) = fields.split_first_chunk::<SECRET_BYTES>()?;
        let (pin, fields) = fields.split_first_chunk::<32>()?;
        let (&count, mut rest) = fields.split_first()?;
        if usize::from(count) > ADDRESSES_MAX {
            return None;
        }
        let mut addresses = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let (&length, after) = rest.split_first()?;
            let (address, after) = after.split_at_checked(usize::from(length))?;
            let address = str::from_utf8(address).ok().filter(|address| address_is_plain(address))?;
            addresses.push(address.to_owned());
            rest = after;
        }
        let token = Self { secret: Plaintext::new(secret.to_vec()), ca_pin: KeyPin(*pin), addresses };
        rest.is_empty().then_some(token)
    }
}

/// The hash of a secret a joining node has shown, to be looked up.
#[must_use]
pub fn hash(secret: &Plaintext) -> TokenHash {
    TokenHash(digest::sha256(secret.expose()))
}

fn address_is_plain(address: &str) -> bool {
    !address.is_empty() && address.len() <= ADDRESS_BYTES_MAX && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Counts and lengths were bounded to a byte where they came in; a saturated one would be refused by `parse`.
fn push_counted(body: &mut Vec<u8>, count: usize, bytes: &[u8]) {
    body.push(u8::try_from(count).unwrap_or(u8::MAX));
    body.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;
    use crate::model::hex::hex;

    fn token(addresses: &[&str]) -> JoinSecret {
        let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        JoinSecret::generate(KeyPin([0xcc; 32]), addresses, &CountingEntropy::from(0)).expect("token")
    }

    fn text(token: &JoinSecret) -> String {
        String::from_utf8(token.text().expose().to_vec()).expect("ascii")
    }

    #[test]
    fn a_token_has_this_text_for_ever() {
        let token = token(&["10.0.0.7:7443", "aurora.lan:7443"]);
        assert_eq!(
            text(&token),
            concat!(
                "aurora-join-144rmkI04C4NU3aSLnF32uKYtK9LlZbGaZCWV2gUH1rUK0sjVVlK1kCCiyY04bS4tOAe",
                "8djJI2J4veKBeM3IF4GWgllvePA1U1S5Y6q2u1pICUakcK4bZ8BkHPYd29PeOO70zt"
            )
        );
        assert_eq!(hex(&token.hash().0), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
    }

    #[test]
    fn a_token_reads_back_as_it_was_made() {
        for addresses in [vec![], vec!["10.0.0.7:7443"], vec!["[::1]:7443", "aurora.lan:7443"]] {
            let made = token(&addresses);
            let read = JoinSecret::parse(&format!("  {}\n", text(&made))).expect("token");
            assert!(read.secret().equals(made.secret()));
            assert_eq!(read.hash(), made.hash());
            assert_eq!(read.ca_pin(), KeyPin([0xcc; 32]));
            assert_eq!(read.addresses(), made.addresses());
        }
    }

    #[test]
    fn a_changed_or_missing_character_is_called_damage() {
        let good = text(&token(&["10.0.0.7:7443"]));
        for index in PREFIX.len()..good.len() {
            let mut changed = good.clone().into_bytes();
            changed[index] = if changed[index] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).expect("ascii");
            assert_eq!(JoinSecret::parse(&changed).expect_err("changed"), CryptoError::DamagedToken, "at {index}");
        }
        let cut = &good[..good.len() - 1];
        assert_eq!(JoinSecret::parse(cut).expect_err("cut"), CryptoError::DamagedToken);
        assert_eq!(JoinSecret::parse(&format!("{good}-")).expect_err("dash"), CryptoError::DamagedToken);
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        let endless = format!("{PREFIX}{}", "1".repeat(TEXT_BYTES_MAX));
        for text in ["", "hello", "aurora-", &endless] {
            assert_eq!(JoinSecret::parse(text).expect_err(text), CryptoError::Malformed { what: TOKEN }, "{text}");
        }
        assert_eq!(JoinSecret::parse(PREFIX).expect_err("empty"), CryptoError::DamagedToken);
    }

    #[test]
    fn a_checksum_over_nonsense_does_not_help() {
        let forged = |body: &[u8]| {
            let text = armour::write(PREFIX, body);
            JoinSecret::parse(str::from_utf8(text.expose()).expect("ascii")).expect_err("forged")
        };
        let malformed = CryptoError::Malformed { what: TOKEN };
        let head = [&[TOKEN_FORMAT][..], &[7; 64]].concat();
        assert_eq!(forged(&[2]), CryptoError::UnknownFormat { what: TOKEN, found: 2 });
        assert_eq!(forged(&head), malformed, "no count");
        assert_eq!(forged(&[head.as_slice(), &[9]].concat()), malformed, "nine addresses");
        assert_eq!(forged(&[head.as_slice(), &[1, 5, b'a']].concat()), malformed, "cut address");
        assert_eq!(forged(&[head.as_slice(), &[1, 0]].concat()), malformed, "empty address");
        assert_eq!(forged(&[head.as_slice(), &[1, 1, b'\n']].concat()), malformed, "control character");
        assert_eq!(forged(&[head.as_slice(), &[0, 0]].concat()), malformed, "trailing byte");
    }

    #[test]
    fn addresses_that_do_not_fit_are_refused() {
        let refused = |addresses: Vec<String>| {
            let made = JoinSecret::generate(KeyPin([0; 32]), addresses, &CountingEntropy::from(0));
            assert!(matches!(made, Err(CryptoError::TokenAddresses { .. })), "{made:?}");
        };
        refused(vec!["a:1".to_owned(); 9]);
        refused(vec!["a".repeat(256)]);
        refused(vec!["a b".to_owned()]);
        refused(vec![String::new()]);
        refused(vec!["a".repeat(255); 8]);
    }

    #[test]
    fn a_token_never_prints_its_secret() {
        let printed = format!("{:?}", token(&[]));
        assert!(printed.contains("Plaintext(redacted)"), "{printed}");
        let none = JoinSecret::generate(KeyPin([0; 32]), vec![], &NoEntropy);
        assert!(matches!(none, Err(CryptoError::Entropy(_))));
    }
}
