//! What systemd calls itself when it asks: an address in the abstract namespace that holds the unit and the credential
//! (systemd.exec(5), `LoadCredential=`). Anybody may bind any such name, so this is a claim and never a proof.

use crate::model::principal::UnitName;

/// systemd writes 64 random bits in hexadecimal without leading zeros, so one start in sixteen has fewer than 16 digits.
const DIGITS_MAX: usize = 16;

/// The longest claim that is written down; an address of Linux has 108 bytes.
const SHOWN_BYTES_MAX: usize = 108;

/// What whoever connects wants: this credential, for this unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The unit it says it asks for.
    pub(super) unit: UnitName,
    /// The name of the credential, as the unit has it.
    pub(super) credential: String,
}

/// Reads `RANDOM/unit/UNIT/CREDENTIAL`, without the zero byte that marks an abstract address. `None` for everything else.
pub(super) fn claim(address: &[u8]) -> Option<Claim> {
    let text = std::str::from_utf8(address).ok()?;
    let mut parts = text.split('/');
    let (random, word, unit, credential) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_random = (1..=DIGITS_MAX).contains(&random.len())
        && random.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_random || word != "unit" || credential.is_empty() || parts.next().is_some() {
        return None;
    }
    Some(Claim { unit: UnitName::parse(unit).ok()?, credential: credential.to_owned() })
}

/// An address for the journal and the log: whatever is no plain character is escaped, so that no name makes a line.
pub(super) fn shown(address: Option<&[u8]>) -> String {
    let Some(address) = address else { return "no address".to_owned() };
    let bytes = address.get(..address.len().min(SHOWN_BYTES_MAX)).unwrap_or_default();
    format!("the address @{}", bytes.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String)> {
        claim(text.as_bytes()).map(|claim| (claim.unit.to_string(), claim.credential))
    }

    #[test]
    fn what_systemd_binds_is_read() {
        let table = [
            ("adf9d86b6eda275e/unit/foobar.service/credx", "foobar.service", "credx"),
            ("df9d86b6eda275e/unit/foobar.service/openai.api_key", "foobar.service", "openai.api_key"),
            ("0/unit/a.service/b", "a.service", "b"),
            ("adf9d86b6eda275e/unit/foo@bar.service/k", "foo@bar.service", "k"),
            ("adf9d86b6eda275e/unit/dev\\x2dbox.service/k", "dev\\x2dbox.service", "k"),
        ];
        for (address, unit, credential) in table {
            assert_eq!(read(address), Some((unit.to_owned(), credential.to_owned())), "{address}");
        }
    }

    #[test]
    fn whatever_else_is_bound_is_no_claim() {
        let table = [
            "",
            "/unit/a.service/b",
            "adf9d86b6eda275e",
            "adf9d86b6eda275e/unit/a.service",
            "adf9d86b6eda275e/unit/a.service/",
            "adf9d86b6eda275e/unit//b",
            "adf9d86b6eda275e/unit/a.service/b/c",
            "adf9d86b6eda275e/units/a.service/b",
            "0adf9d86b6eda275e/unit/a.service/b",
            "ADF9D86B6EDA275E/unit/a.service/b",
            "adf9d86b6eda275g/unit/a.service/b",
            "adf9d86b6eda275e/unit/a.mount/b",
            "adf9d86b6eda275e/unit/a b.service/b",
            "adf9d86b6eda275e/unit/a\n.service/b",
            "adf9d86b6eda275e/unit/user@1000.service\u{0}/b",
            " adf9d86b6eda275e/unit/a.service/b",
        ];
        for address in table {
            assert_eq!(read(address), None, "{address:?}");
        }
        assert_eq!(claim(b"adf9d86b6eda275e/unit/a.service/\xff"), None);
    }

    #[test]
    fn an_address_is_shown_in_one_line_of_plain_characters() {
        assert_eq!(shown(None), "no address");
        assert_eq!(shown(Some(b"a\n\x00\xff\"b")), "the address @a\\n\\x00\\xff\\\"b");
        assert!(shown(Some(&[b'x'; 4096])).len() < 200);
    }
}
