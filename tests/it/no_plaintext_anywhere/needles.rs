//! The forms in which a secret could be written down by mistake, and a search for all of them at once.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What is searched for, by its first byte.
#[derive(Default)]
pub(super) struct Needles {
    by_first: BTreeMap<u8, Vec<(String, Vec<u8>)>>,
}

impl Needles {
    /// Adds every form of a secret.
    pub(super) fn add(&mut self, what: &str, secret: &[u8]) {
        for (form, bytes) in forms(secret) {
            let first = *bytes.first().expect("not empty");
            self.by_first.entry(first).or_default().push((format!("{what}, {form}"), bytes));
        }
    }

    /// What is found, each needle once.
    pub(super) fn within(&self, bytes: &[u8]) -> Vec<String> {
        let mut by_first: [&[(String, Vec<u8>)]; 256] = [&[]; 256];
        for (first, needles) in &self.by_first {
            by_first[usize::from(*first)] = needles;
        }
        let mut found = Vec::new();
        for (at, byte) in bytes.iter().enumerate() {
            for (what, needle) in by_first[usize::from(*byte)] {
                if bytes[at..].starts_with(needle) && !found.contains(what) {
                    found.push(what.clone());
                }
            }
        }
        found
    }
}

/// The part of base64 that a secret alone decides, when `before` bytes stand between it and the last whole group.
fn base64(engine: &impl Engine, secret: &[u8], before: usize) -> Vec<u8> {
    let text = engine.encode([&vec![0; before], secret].concat());
    let (start, end) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
    text.as_bytes()[start..end].to_vec()
}

fn each_byte(secret: &[u8], written: impl Fn(u8) -> String) -> Vec<u8> {
    secret.iter().map(|byte| written(*byte)).collect::<String>().into_bytes()
}

fn forms(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![
        ("plain".to_owned(), secret.to_vec()),
        ("hexadecimal".to_owned(), each_byte(secret, |byte| format!("{byte:02x}"))),
        ("hexadecimal, capital".to_owned(), each_byte(secret, |byte| format!("{byte:02X}"))),
        ("percent".to_owned(), each_byte(secret, |byte| format!("%{byte:02x}"))),
        ("percent, capital".to_owned(), each_byte(secret, |byte| format!("%{byte:02X}"))),
        ("JSON escapes".to_owned(), each_byte(secret, |byte| format!("\\u{byte:04x}"))),
        ("JSON escapes, capital".to_owned(), each_byte(secret, |byte| format!("\\u{byte:04X}"))),
        ("a list of numbers".to_owned(), each_byte(secret, |byte| format!("{byte}, ")).trim_ascii_end().to_vec()),
    ];
    // The comma after the last number is not there when the list ends with it.
    if let Some((_, list)) = forms.last_mut() {
        list.pop();
    }
    for before in 0..3 {
        forms.push((format!("base64 after {before}"), base64(&STANDARD, secret, before)));
        forms.push((format!("url-safe base64 after {before}"), base64(&URL_SAFE, secret, before)));
    }
    forms
}

/// Files in which a secret was written down, by the libraries that would do it.
pub(super) fn planted(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut planted = vec![
        ("plain".to_owned(), [b"key_value=", secret, b";"].concat()),
        ("a list of numbers".to_owned(), format!("{:?}", [b"<", secret, b">"].concat()).into_bytes()),
    ];
    for (form, written) in [("hexadecimal", "{x}"), ("percent", "%{x}"), ("JSON escapes", "\\u00{x}")] {
        for capital in [false, true] {
            let hex = |byte: &u8| if capital { format!("{byte:02X}") } else { format!("{byte:02x}") };
            let bytes: String = secret.iter().map(|byte| written.replace("{x}", &hex(byte))).collect();
            planted.push((format!("{form} {capital}"), format!("before {bytes} after").into_bytes()));
        }
    }
    for before in 0..7 {
        let surrounded = [&b"\xfb\xff\xbe\x00\x10\x83\x20"[..before], secret, b"\xff\xfe"].concat();
        planted.push((format!("base64 after {before}"), STANDARD.encode(&surrounded).into_bytes()));
        planted.push((format!("url-safe base64 after {before}"), URL_SAFE.encode(&surrounded).into_bytes()));
    }
    planted
}
