//! Which secret an entry is, as a comment, a key or the map file says it: `service/key_name[#field] [scope]`.

use std::fmt;

use super::error::TargetError;
use crate::model::name::FieldName;
use crate::model::secret::{Scope, SecretName};

/// A secret, or one field of it; the scope only if it is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The secret.
    pub name: SecretName,
    /// The field of its value; `None` for all of it.
    pub field: Option<FieldName>,
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
            Some((name, field)) => (name, Some(FieldName::parse(field)?)),
            None => (secret, None),
        };
        Ok(Self { name: SecretName::parse(name)?, field, scope })
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
        for text in
            ["hubspot/api_key", "google/oauth#client_id", "a/b global", "a/b#c company:acme", "a/b node:vengeance"]
        {
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
