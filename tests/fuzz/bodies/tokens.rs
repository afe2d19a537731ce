//! Texts that people carry about: join tokens, shares, API keys, the keys of agents and webhooks, and tokens of other tools.

use std::sync::OnceLock;

use aurora_mesh::crypto::api_key::ApiKeyText;
use aurora_mesh::crypto::assertion::{access_token, jwt_expiry};
use aurora_mesh::crypto::fernet::FernetKey;
use aurora_mesh::crypto::fields;
use aurora_mesh::crypto::gathering::Gathering;
use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::passphrase::PassphraseParameters;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::crypto::shares::{Quorum, ShareParameters, split};
use aurora_mesh::crypto::signing::SigningKey;
use aurora_mesh::crypto::signing_keys::SigningKeys;
use aurora_mesh::crypto::system_entropy::SystemEntropy;
use aurora_mesh::crypto::unseal::UnsealKey;
use aurora_mesh::crypto::webhook::WebhookKey;
use aurora_mesh::model::name::FieldName;

/// Reads the bytes as each of them.
pub fn run(data: &[u8]) {
    let bytes = || Plaintext::new(data.to_vec());
    join_token(data);
    shares(&bytes());
    if let Ok(key) = ApiKeyText::parse(bytes()) {
        assert_eq!(key.plaintext().expose(), data, "another spelling of a key");
        assert!(!data.is_empty() && !key.hint().is_empty());
    }
    let _keys = (SigningKey::parse(&bytes()).is_ok(), WebhookKey::parse(&bytes()).is_ok());
    if let Ok(keys) = SigningKeys::from_plaintext(&bytes()) {
        assert!(SigningKeys::from_plaintext(&keys.to_plaintext()).is_ok(), "what was written does not read");
    }
    if let Ok(parameters) = PassphraseParameters::decode(data) {
        assert_eq!(parameters.encode(), data);
    }
    let _unsealed = (UnsealKey::from_key_file(&bytes()).is_ok(), FernetKey::from_key_file(&bytes()).is_ok());
    assert!(fernet().open(&bytes()).is_err(), "a token that nobody made");
    let _answers = (access_token(&bytes()).is_some(), jwt_expiry(&bytes()).is_some());
    if let Ok(field) = fields::select(&bytes(), &FieldName::parse("client_id").expect("a name")) {
        assert!(field.len() <= data.len(), "a field longer than its value");
    }
}

/// A token that is read is written as another text of the same meaning.
fn join_token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match JoinSecret::parse(text) {
        Ok(token) => {
            let again = token.text();
            let again = JoinSecret::parse(std::str::from_utf8(again.expose()).expect("text")).expect("reads");
            assert_eq!((again.hash(), again.ca_pin()), (token.hash(), token.ca_pin()));
            assert_eq!(again.addresses(), token.addresses());
        }
        Err(error) => super::assert_printable(&error.to_string()),
    }
}

/// One text is never two shares, and no made-up share goes unnoticed beside a true one unless it is well-formed.
fn shares(text: &Plaintext) {
    let mut gathering = Gathering::new(parameters().0);
    gathering.offer(&parameters().1).expect("a share");
    if gathering.offer(text).is_ok() {
        assert!(gathering.progress().is_complete());
        assert!(gathering.offer(text).is_err(), "one share counted twice");
    }
    if let Ok(read) = ShareParameters::decode(text.expose()) {
        assert_eq!(read.encode(), text.expose());
    }
}

fn parameters() -> &'static (ShareParameters, Plaintext) {
    static PARAMETERS: OnceLock<(ShareParameters, Plaintext)> = OnceLock::new();
    PARAMETERS.get_or_init(|| {
        let quorum = Quorum::new(2, 3).expect("a quorum");
        let parameters = ShareParameters::generate(quorum, &SystemEntropy).expect("parameters");
        let key = UnsealKey::generate(&SystemEntropy).expect("a key");
        let first = split(&key, &parameters, &SystemEntropy).expect("shares").into_iter().next();
        (parameters, first.expect("a share"))
    })
}

fn fernet() -> &'static FernetKey {
    static KEY: OnceLock<FernetKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let text = Plaintext::new(b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_vec());
        FernetKey::from_key_file(&text).expect("a key")
    })
}
