//! A service account with a key of its own, and the eyes of the token endpoint that knows its public half.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The account.
pub struct ServiceAccount {
    key: KeyPair,
    file: String,
}

impl ServiceAccount {
    pub const EMAIL: &'static str = "robot@not-a-project.example";

    /// With a new key; its file names a token endpoint that is not the provider's.
    pub fn new() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = key.as_der().expect("a key");
        let body = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let file = json!({
            "type": "service_account", "client_email": Self::EMAIL, "private_key": pem,
            "token_uri": "https://evil.example/token",
        });
        Self { key, file: file.to_string() }
    }

    /// Its key file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What the assertion in a form claims, once its signature is found to be of this account's key.
    pub fn claims(&self, form: &str) -> Value {
        let fields: Vec<(&str, &str)> = form.split('&').filter_map(|field| field.split_once('=')).collect();
        let field = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        assert_eq!(field("grant_type"), Some("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"), "{form}");
        let (signed, signature) = field("assertion").and_then(|it| it.rsplit_once('.')).expect("an assertion");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let public = self.key.public_key().as_ref().to_vec();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        public.verify(signed.as_bytes(), &signature).expect("signed by the key of the account");
        let payload = signed.split_once('.').map(|(_, payload)| payload).expect("a payload");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
    }
}
