//! Which secret an entry is, as a comment, a key or the map file says it: `service/key_name[#field[:kind]] [scope]`.

use std::fmt;

use super::error::TargetError;
use crate::model::fields::FieldKind;
use crate::model::name::FieldName;
use crate::model::secret::{Scope, SecretName};

/// A secret, or one field of it; the scope only if it is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The secret.
    pub name: SecretName,
    /// The field of its value; `None` for all of it.
    pub field: Option<FieldTag>,
    /// Whom the value is for; `None` leaves that to the caller.
    pub scope: Option<Scope>,
}

impl Target {
    /// All of a secret, without a scope.
    #[must_use]
    pub fn of(name: SecretName) -> Self {
        Self { name, field: None, scope: None }
    }

    /// Reads `hubspot/api_key`, `google/oauth#client_id`, `hubspot/api_key company:acme`.
    ///
    /// # Errors
    /// [`TargetError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let (secret, scope) = match text.split_once(' ') {
            Some((secret, scope)) => (secret, Some(Scope::parse(scope)?)),
            None => (text, None),
        };
        let (name, field) = match secret.split_once('#') {
            Some((name, field)) => (name, Some(FieldTag::parse(field)?)),
            None => (secret, None),
        };
        Ok(Self { name: SecretName::parse(name)?, field, scope })
    }
}

/// A field, as a file names it: `client_id`, or `client_id:string` where the file says its kind too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldTag {
    /// Its name within the value.
    pub name: FieldName,
    /// Whether it must be hidden, if the file says it.
    pub kind: Option<FieldKind>,
}

impl FieldTag {
    /// A field whose kind is not said.
    #[must_use]
    pub fn of(name: FieldName) -> Self {
        Self { name, kind: None }
    }

    /// Reads `client_id`, `client_id:string`, `client_secret:secret`.
    ///
    /// # Errors
    /// [`TargetError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let Some((name, kind)) = text.split_once(':') else { return Ok(Self::of(FieldName::parse(text)?)) };
        let kind = FieldKind::parse(kind).ok_or(TargetError::FieldKind)?;
        Ok(Self { name: FieldName::parse(name)?, kind: Some(kind) })
    }
}

impl fmt::Display for FieldTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.name)?;
        self.kind.iter().try_for_each(|kind| write!(formatter, ":{}", kind.as_str()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.name)?;
        self.field.iter().try_for_each(|field| write!(formatter, "#{field}"))?;
        self.scope.iter().try_for_each(|scope| write!(formatter, " {scope}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reads_back_as_it_prints() {
        for text in [
            "hubspot/api_key",
            "google/oauth#client_id",
            "google/oauth#client_id:string global",
            "a/b global",
            "a/b#c company:acme",
            "a/b node:vengeance",
        ] {
            assert_eq!(Target::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "",
            "hubspot",
            "A/b",
            "a/b#",
            "a/b#C",
            "a/b#c:",
            "a/b#c:text",
            "a/b#:string",
            "a/b  global",
            "a/b ",
            " a/b",
            "a/b team:x",
            "a/b global x",
            "a/b/c",
        ] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
    }
}
