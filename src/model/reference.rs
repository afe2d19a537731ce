//! A reference to a secret, as it stands where programs look for a value: `aurora://openai/api_key?company=acme`.
//!
//! An absolute URI (RFC 3986): the service is its authority, the key name its path, and the query narrows what is meant.
//! Canonical names need no escape, so there are none: a percent sign is refused like any other foreign character.

use std::fmt;

use super::name::{CompanyId, FieldName, KeyName, NameError, ServiceName};
use super::number::Version;
use super::secret::SecretName;

/// What every reference begins with.
pub const REFERENCE_SCHEME: &str = "aurora://";

/// Which value a program means: a secret, and what of it on whose behalf.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The secret.
    pub name: SecretName,
    /// One field of a value that has several.
    pub field: Option<FieldName>,
    /// The company on whose behalf it is read.
    pub company: Option<CompanyId>,
    /// An older version than the current one.
    pub version: Option<Version>,
}

/// Why a text is no reference. Holds no part of it but names, which are no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not begin like one, or lacks a part.
    #[error("a reference is aurora://SERVICE/KEY_NAME, with ?field=, &company= and &version= as they are needed")]
    Shape,
    /// A name that is not canonical.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A version that is none.
    #[error("a version is a whole number from 1")]
    Version,
    /// Something that no reference says.
    #[error("a reference says field, company and version, and nothing else")]
    Unknown,
    /// The same said twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
}

impl Reference {
    /// The current value of a secret, on nobody's behalf.
    #[must_use]
    pub fn to(name: SecretName) -> Self {
        Self { name, field: None, company: None, version: None }
    }

    /// Whether a text is meant to be a reference, right or wrong.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(REFERENCE_SCHEME)
    }

    /// Reads a reference.
    ///
    /// # Errors
    /// [`ReferenceError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let rest = text.strip_prefix(REFERENCE_SCHEME).ok_or(ReferenceError::Shape)?;
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let (service, key) = path.split_once('/').ok_or(ReferenceError::Shape)?;
        let mut reference = Self::to(SecretName { service: ServiceName::parse(service)?, key: KeyName::parse(key)? });
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            reference.narrow(pair)?;
        }
        Ok(reference)
    }

    /// The same, where `SERVICE/KEY_NAME` may be written without the scheme.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_short(text: &str) -> Result<Self, ReferenceError> {
        if Self::is_meant(text) { Self::parse(text) } else { Self::parse(&format!("{REFERENCE_SCHEME}{text}")) }
    }

    fn narrow(&mut self, pair: &str) -> Result<(), ReferenceError> {
        let (what, value) = pair.split_once('=').ok_or(ReferenceError::Shape)?;
        match what {
            "field" => once(&mut self.field, "field", FieldName::parse(value)?),
            "company" => once(&mut self.company, "company", CompanyId::parse(value)?),
            "version" => {
                let version = value.parse().ok().and_then(Version::new).ok_or(ReferenceError::Version)?;
                once(&mut self.version, "version", version)
            }
            _ => Err(ReferenceError::Unknown),
        }
    }
}

fn once<T>(slot: &mut Option<T>, what: &'static str, value: T) -> Result<(), ReferenceError> {
    if slot.replace(value).is_some() { Err(ReferenceError::Twice(what)) } else { Ok(()) }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{REFERENCE_SCHEME}{}", self.name)?;
        let field = self.field.as_ref().map(|field| ("field", field.to_string()));
        let company = self.company.as_ref().map(|company| ("company", company.to_string()));
        let version = self.version.map(|version| ("version", version.get().to_string()));
        for (at, (what, value)) in field.into_iter().chain(company).chain(version).enumerate() {
            write!(formatter, "{}{what}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_and_written_alike() {
        for text in [
            "aurora://openai/api_key",
            "aurora://google/oauth?field=client_id",
            "aurora://hubspot/api_key?company=acme&version=3",
            "aurora://google/oauth?field=client_id&company=acme&version=12",
        ] {
            assert_eq!(Reference::parse(text).expect(text).to_string(), text);
        }
        let mixed = Reference::parse("aurora://a/b?version=1&field=x").expect("any order");
        assert_eq!(mixed.to_string(), "aurora://a/b?field=x&version=1");
        assert_eq!(Reference::parse_short("a/b?field=x"), Reference::parse("aurora://a/b?field=x"));
    }

    #[test]
    fn what_is_no_reference_is_refused_and_says_why() {
        for text in [
            "",
            "openai/api_key",
            "aurora:",
            "aurora://",
            "aurora://openai",
            "aurora://openai/",
            "aurora:///api_key",
            "aurora://openai/api_key/more",
            "aurora://OpenAI/api_key",
            "aurora://openai/api%5Fkey",
            "aurora://openai/api_key?",
            "aurora://openai/api_key?field",
            "aurora://openai/api_key?field=",
            "aurora://openai/api_key?version=0",
            "aurora://openai/api_key?version=-1",
            "aurora://openai/api_key?scope=global",
            "aurora://openai/api_key?field=a&field=b",
            "aurora://openai/api_key?company=a#b",
            " aurora://openai/api_key",
            "AURORA://openai/api_key",
        ] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }
}
