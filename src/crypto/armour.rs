//! Secret bytes as a text that people copy: a prefix that says what it is, then base62 of the bytes and a checksum.
//!
//! The checksum, the first four bytes of SHA-256, tells a mistyped text from a refused one. It is no protection.

use super::digest;
use super::plaintext::Plaintext;

const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_BYTES: usize = 4;

/// Why a text gives no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not begin as it should, or is longer than any.
    Foreign,
    /// It begins right, and then lost or changed a character.
    Damaged,
}

/// The text of these bytes.
pub(super) fn write(prefix: &str, body: &[u8]) -> Plaintext {
    let mut checked = Vec::with_capacity(body.len() + CHECKSUM_BYTES);
    checked.extend_from_slice(body);
    checked.extend_from_slice(&checksum_of(body));
    let checked = Plaintext::new(checked);
    let digits = Plaintext::new(base_x::encode(ALPHABET, checked.expose()).into_bytes());
    Plaintext::new([prefix.as_bytes(), digits.expose()].concat())
}

/// The bytes of a text. White space around it is forgiven, since it is pasted; nothing else is.
///
/// # Errors
/// [`Unreadable`]. A text over `text_bytes_max` is not looked at: base62 costs the square of its length.
pub(super) fn read(prefix: &str, text: &str, text_bytes_max: usize) -> Result<Plaintext, Unreadable> {
    let text = text.trim();
    if text.len() > text_bytes_max {
        return Err(Unreadable::Foreign);
    }
    let digits = text.strip_prefix(prefix).ok_or(Unreadable::Foreign)?;
    let checked = base_x::decode(ALPHABET, digits).map(Plaintext::new).map_err(|_| Unreadable::Damaged)?;
    let (body, checksum) = checked.expose().split_last_chunk::<CHECKSUM_BYTES>().ok_or(Unreadable::Damaged)?;
    if digest::equal(&checksum_of(body), checksum) {
        Ok(Plaintext::new(body.to_vec()))
    } else {
        Err(Unreadable::Damaged)
    }
}

fn checksum_of(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [first, second, third, fourth, ..] = digest::sha256(body);
    [first, second, third, fourth]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: &[u8]) -> String {
        String::from_utf8(write("aurora-x-", body).expose().to_vec()).expect("ascii")
    }

    #[test]
    fn bytes_come_back_out_of_their_text() {
        for body in [&b""[..], b"\0\0leading zeros count", &[0xff; 60]] {
            let text = format!(" {}\n", written(body));
            assert_eq!(read("aurora-x-", &text, 200).expect("readable").expose(), body);
        }
    }

    #[test]
    fn a_text_of_another_kind_is_told_from_a_damaged_one() {
        let text = written(b"some bytes");
        assert_eq!(read("aurora-y-", &text, 200).map(drop), Err(Unreadable::Foreign));
        assert_eq!(read("aurora-x-", &text, text.len() - 1).map(drop), Err(Unreadable::Foreign));
        for damaged in [&text[..text.len() - 1], &format!("{text}1"), &format!("{text}-"), "aurora-x-"] {
            assert_eq!(read("aurora-x-", damaged, 200).map(drop), Err(Unreadable::Damaged), "{damaged}");
        }
    }
}
