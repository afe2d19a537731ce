//! What the AWS SDKs take from a `credential_process` (AWS SDKs and Tools Reference Guide, process credential provider).

use serde::Serialize;

use crate::crypto::text::ValueText;

/// The names of the parts, as fields of one secret or as the secrets of one service.
pub const ACCESS_KEY_ID: &str = "access_key_id";
/// The second part.
pub const SECRET_ACCESS_KEY: &str = "secret_access_key";
/// The third part, of temporary credentials only.
pub const SESSION_TOKEN: &str = "session_token";

/// The answer. Version 1 is the only one there is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessCredentials {
    /// Always 1.
    version: u8,
    /// Which key it is.
    access_key_id: ValueText,
    /// The key.
    secret_access_key: ValueText,
    /// What temporary credentials have beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<ValueText>,
    /// When it stops working, in RFC 3339; without it the SDK never asks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

impl ProcessCredentials {
    /// Puts the parts together.
    #[must_use]
    pub fn new(id: ValueText, key: ValueText, token: Option<ValueText>, expiration: Option<String>) -> Self {
        Self { version: 1, access_key_id: id, secret_access_key: key, session_token: token, expiration }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::plaintext::Plaintext;

    #[test]
    fn the_answer_has_the_shape_an_sdk_reads() {
        let text = |text: &str| ValueText::from(Plaintext::new(text.as_bytes().to_vec()));
        let bare = ProcessCredentials::new(text("AKIAEXAMPLE"), text("k"), None, None);
        let json = serde_json::to_string(&bare).expect("JSON");
        assert_eq!(json, r#"{"Version":1,"AccessKeyId":"AKIAEXAMPLE","SecretAccessKey":"k"}"#);
        let all = ProcessCredentials::new(text("A"), text("k"), Some(text("t")), Some("2027-01-31T00:00:00Z".into()));
        let json = serde_json::to_string(&all).expect("JSON");
        assert!(json.ends_with(r#""SessionToken":"t","Expiration":"2027-01-31T00:00:00Z"}"#), "{json}");
    }
}
