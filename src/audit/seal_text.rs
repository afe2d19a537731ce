//! A seal as one line of JSON: `{"seal":{…}}`, bytes in hexadecimal. The same line is kept beside a journal, exported with it
//! and compared with what others keep.

use serde::{Deserialize, Serialize};

use super::head::Head;
use super::seal::{Seal, SignedHead, Statement};
use crate::model::hex::hex;
use crate::model::identity::{KeyPin, MeshId};
use crate::model::name::NodeName;
use crate::model::time::Timestamp;

/// Longest such line. Two keys, two signatures and a name come to about a kilobyte.
pub(super) const SEAL_BYTES_MAX: usize = 4 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seal: Fields,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    mesh: String,
    node: String,
    seq: u64,
    hash: String,
    format: u8,
    time: String,
    key: String,
    public_key: String,
    signature: String,
    sealed_at: String,
    authority: String,
    countersignature: String,
}

/// The line, without newline.
#[must_use]
pub fn render(seal: &Seal) -> String {
    let SignedHead { statement, public_key, signature } = &seal.head;
    let fields = Fields {
        mesh: statement.mesh.to_string(),
        node: statement.node.to_string(),
        seq: statement.head.seq,
        hash: statement.head.hex(),
        format: statement.format,
        time: statement.time.to_string(),
        key: hex(&statement.key.0),
        public_key: hex(public_key),
        signature: hex(signature),
        sealed_at: seal.sealed_at.to_string(),
        authority: hex(&seal.authority),
        countersignature: hex(&seal.countersignature),
    };
    serde_json::to_string(&Line { seal: fields }).expect("texts and numbers always serialise")
}

/// Whether a line is meant to be a seal.
pub(super) fn is_meant(line: &[u8]) -> bool {
    line.starts_with(b"{\"seal\":")
}

/// Reads such a line; `None` if it is not exactly one, in the one spelling it has.
#[must_use]
pub fn parse(line: &[u8]) -> Option<Seal> {
    if line.len() > SEAL_BYTES_MAX {
        return None;
    }
    let fields = serde_json::from_slice::<Line>(line).ok()?.seal;
    let statement = Statement {
        mesh: MeshId::parse(&fields.mesh)?,
        node: NodeName::parse(&fields.node).ok()?,
        head: Head { seq: fields.seq, hash: digest(&fields.hash)? },
        format: fields.format,
        time: Timestamp::parse(&fields.time)?,
        key: KeyPin(digest(&fields.key)?),
    };
    let head = SignedHead { statement, public_key: bytes(&fields.public_key)?, signature: bytes(&fields.signature)? };
    let seal = Seal {
        head,
        sealed_at: Timestamp::parse(&fields.sealed_at)?,
        authority: bytes(&fields.authority)?,
        countersignature: bytes(&fields.countersignature)?,
    };
    (render(&seal).as_bytes() == line).then_some(seal)
}

/// Reads 64 hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> Option<[u8; 32]> {
    bytes(text)?.try_into().ok()
}

/// Reads hexadecimal digits.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks(2) {
        let &[high, low] = pair else { return None };
        bytes.push(digit(high)? << 4 | digit(low)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::seal_sample::seal;
    use super::*;
    use crate::crypto::signature_testing::Key;

    #[test]
    fn a_seal_reads_back_as_it_was_written_and_in_no_other_spelling() {
        let seal = seal(&Key::new(), &Key::new(), Head { seq: 7, hash: [0xab; 32] });
        let line = render(&seal);
        assert!(line.starts_with("{\"seal\":{\"mesh\":\"0707") && line.len() < SEAL_BYTES_MAX, "{line}");
        assert_eq!(parse(line.as_bytes()), Some(seal));
        let spelled = [
            line.replace("\"seq\":7", "\"seq\": 7"),
            line.replace("abab", "ABAB"),
            line.replace("\"seq\":7", "\"seq\":7,\"seq\":7"),
            line.replace("\"seq\":7", "\"more\":1,\"seq\":7"),
            line.replace("08:00:00.000Z", "08:00:00Z"),
            format!("{line} "),
            line.replace("abab", "xyz"),
            line[..line.len() - 1].to_owned(),
            String::new(),
        ];
        for other in spelled {
            assert_ne!(other, line);
            assert_eq!(parse(other.as_bytes()), None, "{other}");
        }
    }
}
