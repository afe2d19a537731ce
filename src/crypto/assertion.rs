//! What a credential becomes on its way to a provider: a signed assertion (RFC 7523), a pair for `Authorization: Basic`
//! (RFC 7617). And what is read of tokens: the one a token endpoint gave out, and until when a JWT says that it works.
//!
//! All of it is made in memory that is wiped. What it deliberately does not do: check the signature of any token. What a
//! JWT says of its end is believed like a note on a calendar, and opens nothing.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::CryptoError;
use super::fields::select;
use super::plaintext::Plaintext;
use super::text::ValueText;
use super::written::written;
use crate::model::name::FieldName;
use crate::model::time::Timestamp;

const SERVICE_ACCOUNT: &str = "the key file of the service account";

/// How long an assertion works: enough for one call, and for clocks that differ.
const ASSERTION_SECONDS: i64 = 300;

/// The only header there is: `{"alg":"RS256","typ":"JWT"}`.
const HEADER: &[u8] = br#"{"alg":"RS256","typ":"JWT"}"#;

/// Longest payload of a JWT that is looked into.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

/// What an assertion asks for.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// The token endpoint: whoever else gets the assertion can do nothing with it.
    pub audience: &'a str,
    /// What the token is to allow, in the provider's words.
    pub scopes: &'a [String],
    /// The person on whose behalf, if it is not the account's own.
    pub subject: Option<&'a Plaintext>,
    /// Now.
    pub now: Timestamp,
}

/// The claims of RFC 7523, 3, and the scope as Google reads it.
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    scope: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// The assertion of a service account: a JWT signed with RS256 by the private key of its key file. Where that file says
/// tokens are given out is not looked at: a stored text must not choose where an assertion goes.
///
/// # Errors
/// [`CryptoError::Malformed`] when the file is no JSON object of texts with `client_email` and `private_key`, or the key is
/// no RSA key in PKCS#8.
pub fn assertion(key_file: &Plaintext, claims: &Claims<'_>) -> Result<Plaintext, CryptoError> {
    let malformed = || CryptoError::Malformed { what: SERVICE_ACCOUNT };
    let field = |name: &str| {
        let name = FieldName::parse(name).map_err(|_| malformed())?;
        select(key_file, &name).map_err(|_| malformed())
    };
    let (email, key) = (field("client_email")?, private_key(&field("private_key")?).ok_or_else(malformed)?);
    let text = |plain: &'_ Plaintext| std::str::from_utf8(plain.expose()).map(str::to_owned).map(Zeroizing::new);
    let email = text(&email).map_err(|_| malformed())?;
    let subject = claims.subject.map(text).transpose().map_err(|_| malformed())?;
    let issued = claims.now.0.div_euclid(1000);
    let payload = Payload {
        iss: &email,
        sub: subject.as_deref().map(String::as_str),
        scope: claims.scopes.join(" "),
        aud: claims.audience,
        iat: issued,
        exp: issued.saturating_add(ASSERTION_SECONDS),
    };
    let payload = written(|to| serde_json::to_writer(to, &payload)).map_err(|_| malformed())?;
    let signed = joined(&encoded(HEADER), &encoded(payload.expose()));
    let mut signature = Zeroizing::new(vec![0; key.public_modulus_len()]);
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.expose(), &mut signature).map_err(|_| malformed())?;
    Ok(joined(&signed, &encoded(&signature)))
}

/// The value of `Authorization` for a user and a password.
///
/// # Errors
/// [`CryptoError::Malformed`] for a user with a colon, behind which the password would begin.
pub fn basic(user: &Plaintext, password: &Plaintext) -> Result<Plaintext, CryptoError> {
    if user.expose().contains(&b':') {
        return Err(CryptoError::Malformed { what: "the user of a pair" });
    }
    let mut pair = Zeroizing::new(Vec::with_capacity(user.len().saturating_add(password.len()).saturating_add(1)));
    pair.extend_from_slice(user.expose());
    pair.push(b':');
    pair.extend_from_slice(password.expose());
    let pair = Zeroizing::new(STANDARD.encode(&*pair));
    let mut value = Vec::with_capacity(pair.len().saturating_add(6));
    value.extend_from_slice(b"Basic ");
    value.extend_from_slice(pair.as_bytes());
    Ok(Plaintext::new(value))
}

/// What a token endpoint answers (RFC 6749, 5.1), as far as it is used.
#[derive(Deserialize)]
struct Granted {
    access_token: Option<ValueText>,
}

/// The access token of a token endpoint's answer; none if there is none in it.
#[must_use]
pub fn access_token(answer: &Plaintext) -> Option<Plaintext> {
    let granted: Granted = serde_json::from_slice(answer.expose()).ok()?;
    granted.access_token.map(ValueText::into_plaintext).filter(|token| !token.is_empty())
}

/// What a JWT says of its end (RFC 7519, 4.1.4), as far as it is used.
#[derive(Deserialize)]
struct Ending {
    exp: Option<i64>,
}

/// When a credential that is a JWT says that it ends, in whole seconds; none for whatever else. Nothing is verified.
#[must_use]
pub fn jwt_expiry(credential: &Plaintext) -> Option<Timestamp> {
    let mut parts = credential.expose().split(|byte| *byte == b'.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || payload.len() > PAYLOAD_BYTES_MAX {
        return None;
    }
    let mut buffer = Zeroizing::new(vec![0; base64::decoded_len_estimate(payload.len())]);
    let length = URL_SAFE_NO_PAD.decode_slice(payload, &mut buffer).ok()?;
    let ending: Ending = serde_json::from_slice(buffer.get(..length)?).ok()?;
    ending.exp.filter(|seconds| *seconds > 0).and_then(|seconds| seconds.checked_mul(1000)).map(Timestamp)
}

/// The RSA key of a PEM text (RFC 7468) that holds one `PRIVATE KEY`.
fn private_key(pem: &Plaintext) -> Option<KeyPair> {
    let text = std::str::from_utf8(pem.expose()).ok()?;
    let (_, rest) = text.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let mut packed = Zeroizing::new(Vec::with_capacity(body.len()));
    packed.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(packed.len())]);
    let length = STANDARD.decode_slice(&*packed, &mut der).ok()?;
    KeyPair::from_pkcs8(der.get(..length)?).ok()
}

/// Base64url without padding, as JWTs are written.
fn encoded(bytes: &[u8]) -> Plaintext {
    Plaintext::new(URL_SAFE_NO_PAD.encode(bytes).into_bytes())
}

fn joined(left: &Plaintext, right: &Plaintext) -> Plaintext {
    let mut whole = Vec::with_capacity(left.len().saturating_add(right.len()).saturating_add(1));
    whole.extend_from_slice(left.expose());
    whole.push(b'.');
    whole.extend_from_slice(right.expose());
    Plaintext::new(whole)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn plain(text: &str) -> Plaintext {
        Plaintext::new(text.as_bytes().to_vec())
    }

    fn key_file(key: &KeyPair) -> Plaintext {
        let der: Pkcs8V1Der<'_> = key.as_der().expect("a key");
        let body = STANDARD.encode(der.as_ref());
        let lines: Vec<String> =
            body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let file = serde_json::json!({
            "type": "service_account", "client_email": "robot@not-a-project.example",
            "private_key": pem, "token_uri": "https://evil.example/token",
        });
        plain(&file.to_string())
    }

    fn claims<'a>(scopes: &'a [String], subject: Option<&'a Plaintext>) -> Claims<'a> {
        Claims { audience: "https://oauth2.googleapis.com/token", scopes, subject, now: Timestamp(1_795_248_000_500) }
    }

    #[test]
    fn an_assertion_is_signed_by_the_key_and_goes_where_the_file_does_not_say() {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let (scopes, subject) = (["a".to_owned(), "b".to_owned()], plain("admin@not-a-company.example"));
        let made = assertion(&key_file(&key), &claims(&scopes, Some(&subject))).expect("an assertion");
        let text = std::str::from_utf8(made.expose()).expect("text");
        let (signed, signature) = text.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref().to_vec());
        public.verify(signed.as_bytes(), &signature).expect("the key's signature");
        let other = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, other.public_key().as_ref().to_vec());
        assert!(public.verify(signed.as_bytes(), &signature).is_err());

        let payload = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).expect("a payload")).expect("base64url");
        let payload: serde_json::Value = serde_json::from_slice(&payload).expect("json");
        let wanted = serde_json::json!({
            "iss": "robot@not-a-project.example", "sub": "admin@not-a-company.example", "scope": "a b",
            "aud": "https://oauth2.googleapis.com/token", "iat": 1_795_248_000, "exp": 1_795_248_300,
        });
        assert_eq!(payload, wanted);
        assert!(!text.contains("evil"));
    }

    #[test]
    fn what_is_no_key_file_is_refused_without_a_word_of_it() {
        let pem = "-----BEGIN PRIVATE KEY-----\\nY2FuYXJ5\\n-----END PRIVATE KEY-----";
        let wrong = format!(r#"{{"client_email":"canary","private_key":"{pem}"}}"#);
        for text in ["", "canary", "{}", r#"{"client_email":"canary"}"#, &wrong, r#"{"private_key":"canary"}"#] {
            let error = assertion(&plain(text), &claims(&[], None)).map(drop).expect_err(text);
            assert_eq!(error, CryptoError::Malformed { what: SERVICE_ACCOUNT });
            assert!(!error.to_string().contains("canary"));
        }
    }

    /// The example of RFC 7617, 2.
    #[test]
    fn a_pair_is_written_as_the_specification_has_it() {
        let value = basic(&plain("Aladdin"), &plain("open sesame")).expect("a pair");
        assert_eq!(value.expose(), b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(basic(&plain("a:b"), &plain("c")).is_err());
    }

    #[test]
    fn the_token_of_an_answer_is_found_and_nothing_else_is_one() {
        let token = |text: &str| access_token(&plain(text)).map(|token| token.expose().to_vec());
        assert_eq!(token(r#"{"expires_in":3599,"access_token":"t\u002f1","scope":"x"}"#).as_deref(), Some(&b"t/1"[..]));
        for text in ["", "[]", "{}", r#"{"access_token":""}"#, r#"{"access_token":1}"#, r#"{"error":"invalid_grant"}"#]
        {
            assert_eq!(token(text), None, "{text}");
        }
    }

    #[test]
    fn a_jwt_says_when_it_ends_and_nothing_else_does() {
        let jwt = |payload: &str| plain(&format!("eyJhbGciOiJub25lIn0.{}.x", URL_SAFE_NO_PAD.encode(payload)));
        assert_eq!(jwt_expiry(&jwt(r#"{"exp":1795248000,"role":"anon"}"#)), Some(Timestamp(1_795_248_000_000)));
        for payload in ["{}", "", r#"{"exp":"soon"}"#, r#"{"exp":-1}"#, r#"{"exp":9223372036854775807}"#, "null"] {
            assert_eq!(jwt_expiry(&jwt(payload)), None, "{payload}");
        }
        for text in ["sk-not-a-real-key", "a.b", "a.b.c", "a.e30.c.d", "..", ""] {
            assert_eq!(jwt_expiry(&plain(text)), None, "{text}");
        }
    }
}
