//! A sealed node: what is brought to it, and how far it is.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::{Style, plain};
use crate::crypto::text::ValueText;

/// The body of `POST /api/unseal`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnsealBody<'a> {
    /// One share.
    Share(&'a ValueText),
    /// The passphrase.
    Passphrase(&'a ValueText),
    /// Forget the shares.
    Reset(bool),
}

/// The answer of `GET` and `POST /api/unseal`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnsealView {
    /// Whether the node is sealed.
    pub(super) sealed: bool,
    /// `shamir` or `passphrase`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    /// How far the shares are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shares: Option<SharesView>,
    message: String,
}

/// How far the shares are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SharesView {
    provided: u64,
    threshold: u64,
    /// How many there are.
    pub(super) total: u64,
    /// Which ones fit.
    pub(super) set: String,
}

impl Shown for UnsealView {
    fn table(&self, _style: Style) -> String {
        match &self.shares {
            _ if !self.sealed => "unsealed\n".to_owned(),
            Some(shares) => format!("{} of {} shares; sealed\n", shares.provided, shares.threshold),
            None => format!("{}\n", plain(&self.message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::plaintext::Plaintext;

    #[test]
    fn the_progress_is_told_in_a_line() {
        let told = |json: &str| serde_json::from_str::<UnsealView>(json).expect(json).table(Style::Plain);
        let shares = r#"{"provided":1,"threshold":3,"total":5,"set":"a0"}"#;
        assert_eq!(told(&format!(r#"{{"sealed":true,"shares":{shares},"message":"x"}}"#)), "1 of 3 shares; sealed\n");
        assert_eq!(told(r#"{"sealed":true,"message":"it waits"}"#), "it waits\n");
        assert_eq!(told(r#"{"sealed":false,"message":"x"}"#), "unsealed\n");
    }

    #[test]
    fn what_is_brought_is_one_field() {
        let json = |body: &UnsealBody<'_>| serde_json::to_string(body).expect("json");
        let text = ValueText::from(Plaintext::new(b"aurora-share-x".to_vec()));
        assert_eq!(json(&UnsealBody::Share(&text)), r#"{"share":"aurora-share-x"}"#);
        assert_eq!(json(&UnsealBody::Passphrase(&text)), r#"{"passphrase":"aurora-share-x"}"#);
        assert_eq!(json(&UnsealBody::Reset(true)), r#"{"reset":true}"#);
    }
}
