//! Whether a value is PEM (RFC 7468), and which of its blocks are certificates and which private keys.

use crate::crypto::plaintext::Plaintext;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const CERTIFICATE: &str = "CERTIFICATE-----";
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// The blocks of a PEM value, in their order.
#[derive(Debug)]
pub(super) struct Pem {
    /// Its certificates; perhaps none.
    pub(super) certificates: Plaintext,
    /// Its private keys; perhaps none.
    pub(super) keys: Plaintext,
}

/// Takes a value apart; `None` when it is not PEM, or a block of it has no end. Blocks of another kind are left out.
pub(super) fn pem(value: &Plaintext) -> Option<Pem> {
    let text = std::str::from_utf8(value.expose()).ok().filter(|text| text.trim_start().starts_with(BEGIN))?;
    // At full size from the start: a vector that grows leaves what it held behind.
    let (mut certificates, mut keys) = (Vec::with_capacity(text.len() + 1), Vec::with_capacity(text.len() + 1));
    let is_whole = sort(text, &mut certificates, &mut keys);
    // Wiped also when it was not.
    let pem = Pem { certificates: Plaintext::new(certificates), keys: Plaintext::new(keys) };
    is_whole.then_some(pem)
}

/// Whether every block that begins has its end.
fn sort(text: &str, certificates: &mut Vec<u8>, keys: &mut Vec<u8>) -> bool {
    let mut block: Option<&str> = None;
    for line in text.lines().map(str::trim_end) {
        let label = match block {
            Some(label) => label,
            None => match line.strip_prefix(BEGIN) {
                Some(label) => label,
                None => continue,
            },
        };
        let into = match label {
            CERTIFICATE => Some(&mut *certificates),
            label if label.ends_with(PRIVATE_KEY) => Some(&mut *keys),
            _ => None,
        };
        if let Some(into) = into {
            into.extend_from_slice(line.as_bytes());
            into.push(b'\n');
        }
        block = (line.strip_prefix(END) != Some(label)).then_some(label);
    }
    block.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Option<(String, String)> {
        let pem = pem(&Plaintext::new(text.as_bytes().to_vec()))?;
        let text = |part: &Plaintext| String::from_utf8(part.expose().to_vec()).expect("text");
        Some((text(&pem.certificates), text(&pem.keys)))
    }

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    }

    #[test]
    fn certificates_and_keys_are_told_apart_in_any_order() {
        let (leaf, root) = (block("CERTIFICATE", "bGVhZg=="), block("CERTIFICATE", "cm9vdA=="));
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
            let key = block(label, "a2V5");
            let chain = format!("{leaf}{root}");
            for text in [format!("{leaf}{root}{key}"), format!("{key}{leaf}{root}"), format!("{leaf}{key}{root}")] {
                assert_eq!(taken(&text), Some((chain.clone(), key.clone())), "{text}");
            }
        }
        assert_eq!(taken(&format!("{}{leaf}", block("X509 CRL", "Y3Js"))), Some((leaf.clone(), String::new())));
        assert_eq!(taken(&format!("\n{}", leaf.replace('\n', "\r\n"))), Some((leaf.clone(), String::new())));
        assert_eq!(taken(leaf.trim_end()), Some((leaf, String::new())), "without a newline at its end");
    }

    #[test]
    fn what_is_not_pem_is_left_as_it_is() {
        for text in
            ["", "not-a-real-key", "-----BEGIN CERTIFICATE-----\nbGVhZg==\n", "note: -----BEGIN CERTIFICATE-----"]
        {
            assert_eq!(taken(text), None, "{text}");
        }
        assert!(pem(&Plaintext::new(vec![0xff, 0xfe])).is_none());
    }
}
