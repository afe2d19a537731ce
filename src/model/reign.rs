//! The reign of a lead: which life of which store speaks for the mesh, and the statement that says so.
//!
//! An epoch alone does not tell two leads apart that were made of the same snapshot. So a reign names the store too, and the
//! mesh's authority signs it: only who has that key can begin one.

use super::hex::hex;
use super::identity::{MeshId, StoreId};
use super::name::NodeName;
use super::number::Epoch;
use super::time::Timestamp;

/// Longest text of a succession: two keys' worth of digits and five short lines come to about half of it.
pub const SUCCESSION_BYTES_MAX: usize = 1024;

/// A lead, from the moment it began to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reign {
    /// The mesh.
    pub mesh: MeshId,
    /// Which life of which store.
    pub store: StoreId,
    /// Its place among all reigns of the mesh.
    pub epoch: Epoch,
    /// Who leads.
    pub lead: NodeName,
    /// Since when, on the clock of whoever began it.
    pub begins_at: Timestamp,
}

impl Reign {
    /// The one text that is signed. Each field has one spelling, and none can hold a newline.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { mesh, store, epoch, lead, begins_at } = self;
        format!("aurora succession v1\nmesh {mesh}\nstore {store}\nepoch {epoch}\nlead {lead}\nbegins {begins_at}\n")
    }
}

/// A reign as the mesh's authority stated it. That the signature fits is for `crypto` to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// What is stated.
    pub reign: Reign,
    /// The authority's public key: `SubjectPublicKeyInfo`, DER.
    pub authority: Vec<u8>,
    /// Its signature over the text of the reign, DER.
    pub signature: Vec<u8>,
}

impl Succession {
    /// As it is kept in a store: the text of the reign, and two more lines in hexadecimal digits.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { reign, authority, signature } = self;
        format!("{}authority {}\nsignature {}\n", reign.text(), hex(authority), hex(signature)).into_bytes()
    }

    /// Reads what was kept; `None` if it is not exactly one, in the one spelling it has.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > SUCCESSION_BYTES_MAX {
            return None;
        }
        let mut lines = std::str::from_utf8(bytes).ok()?.lines().skip(1);
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let reign = Reign {
            mesh: MeshId::parse(field("mesh")?)?,
            store: StoreId::parse(field("store")?)?,
            epoch: Epoch(field("epoch")?.parse().ok()?),
            lead: NodeName::parse(field("lead")?).ok()?,
            begins_at: Timestamp::parse(field("begins")?)?,
        };
        let (authority, signature) = (digits(field("authority")?)?, digits(field("signature")?)?);
        let succession = Self { reign, authority, signature };
        (succession.to_bytes() == bytes).then_some(succession)
    }
}

fn digits(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn succession() -> Succession {
        let reign = Reign {
            mesh: MeshId([7; 16]),
            store: StoreId([9; 16]),
            epoch: Epoch(3),
            lead: NodeName::parse("aurora").expect("a name"),
            begins_at: Timestamp(1_795_248_000_000),
        };
        Succession { reign, authority: vec![0xab, 0x01], signature: vec![0xcd] }
    }

    #[test]
    fn a_reign_has_one_text() {
        let expected = format!(
            "aurora succession v1\nmesh {}\nstore {}\nepoch 3\nlead aurora\nbegins 2026-11-21T08:00:00.000Z\n",
            "07".repeat(16),
            "09".repeat(16)
        );
        assert_eq!(succession().reign.text(), expected);
    }

    #[test]
    fn a_succession_reads_back_and_in_no_other_spelling() {
        let text = String::from_utf8(succession().to_bytes()).expect("text");
        assert!(text.ends_with("authority ab01\nsignature cd\n"), "{text}");
        assert_eq!(Succession::parse(text.as_bytes()), Some(succession()));
        let others = [
            String::new(),
            text.replace("v1", "v2"),
            text.replace("epoch 3", "epoch 03"),
            text.replace("epoch 3", "epoch +3"),
            text.replace("aurora\n", "Aurora\n"),
            text.replace("ab01", "AB01"),
            text.replace("ab01", "ab0"),
            text.replace("cd\n", "cd"),
            text.replace("cd\n", "cd\nmore\n"),
            text.replace("lead aurora\n", ""),
            "a".repeat(SUCCESSION_BYTES_MAX + 1),
        ];
        for other in others {
            assert_eq!(Succession::parse(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Succession::parse(&[0xff, 0xfe]), None);
    }
}
