//! A user name and a password out of an answer, for programs that ask for both.

use super::answer::Answer;
use crate::crypto::fields::FieldError;
use crate::crypto::plaintext::Plaintext;
use crate::model::fields::FieldKind;
use crate::model::name::FieldName;

/// The user name where a secret has none: what GitHub proposes for tokens, and others ignore.
pub const TOKEN_USER: &str = "x-access-token";

/// The fields that are taken for the password, in this order.
const PASSWORDS: [&str; 2] = ["password", "token"];

/// Who, and with what.
#[derive(Debug)]
pub struct Login {
    /// The user, if the secret says who.
    pub username: Option<Plaintext>,
    /// The password, or a token in its place.
    pub password: Plaintext,
}

/// Why an answer is no login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// A field that is not there.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Several fields could be the password.
    #[error("the secret has several fields and none called password or token: name one with ?field=")]
    Ambiguous,
}

/// Takes a login out of an answer: a plain value is the password; of fields, the one that was named, else `password`, else
/// `token`, else the only one that is secret.
///
/// # Errors
/// [`LoginError`].
pub fn login(answer: &Answer, field: Option<&FieldName>) -> Result<Login, LoginError> {
    if answer.fields.is_empty() && field.is_none() {
        return Ok(Login { username: None, password: Plaintext::new(answer.value.expose().to_vec()) });
    }
    let username = answer.field_if_declared("username")?;
    let declared = |name: &&str| answer.fields.get(name).map(|field| &field.name);
    let named = field.or_else(|| PASSWORDS.iter().find_map(declared));
    let name = match named {
        Some(name) => name,
        None => {
            let mut secret = answer.fields.iter().filter(|field| field.kind == FieldKind::Secret);
            match (secret.next(), secret.next()) {
                (Some(only), None) => &only.name,
                (None, _) | (Some(_), Some(_)) => return Err(LoginError::Ambiguous),
            }
        }
    };
    Ok(Login { username, password: answer.field(name)? })
}

#[cfg(test)]
mod tests {
    use super::super::answer::sample;
    use super::*;

    fn taken(answer: &Answer, field: Option<&str>) -> Result<(Option<String>, String), LoginError> {
        let text = |value: &Plaintext| String::from_utf8(value.expose().to_vec()).expect("text");
        let field = field.map(|name| FieldName::parse(name).expect(name));
        login(answer, field.as_ref()).map(|login| (login.username.as_ref().map(text), text(&login.password)))
    }

    #[test]
    fn a_login_is_the_value_or_its_fields() {
        assert_eq!(taken(&sample("t", &[], &[]), None), Ok((None, "t".into())));
        let both = sample(r#"{"username":"u","password":"p","token":"t"}"#, &["username", "password", "token"], &[]);
        assert_eq!(taken(&both, None), Ok((Some("u".into()), "p".into())));
        assert_eq!(taken(&both, Some("token")), Ok((Some("u".into()), "t".into())));
        let only = sample(r#"{"id":"i","key":"k"}"#, &["id", "key"], &["id"]);
        assert_eq!(taken(&only, None), Ok((None, "k".into())));
        let several = sample(r#"{"a":"i","b":"k"}"#, &["a", "b"], &[]);
        assert_eq!(taken(&several, None), Err(LoginError::Ambiguous));
        assert!(taken(&sample("t", &[], &[]), Some("token")).is_err());
    }
}
