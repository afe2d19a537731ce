//! The declared fields of a credential that has several: which names its value holds, and which of them are secret.
//!
//! Such a value is one JSON object of texts with exactly these names. What is said here is structure, not content: it
//! may be shown to whoever may see the name of the secret.

use super::name::FieldName;
use super::rare::Usual;

/// Most fields of one credential.
pub const FIELDS_MAX: usize = 32;

/// Whether a field must be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldKind {
    /// Must not be seen: `client_secret`.
    Secret,
    /// May be shown on a screen: `client_id`.
    Text,
}

impl FieldKind {
    /// `secret` or `string`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Text => "string",
        }
    }

    /// Reads `secret` or `string`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Secret, Self::Text].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One declared field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name within the value.
    pub name: FieldName,
    /// Whether it must be hidden.
    pub kind: FieldKind,
}

/// The declared fields, in the order they were declared; none for a plain value. No name is there twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(Vec<Field>);

impl Usual for Fields {
    const USUAL: &'static Self = &Self(Vec::new());
}

/// Why a list of fields is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// More than [`FIELDS_MAX`].
    #[error("more than {FIELDS_MAX} fields")]
    TooMany,
    /// A name is there twice.
    #[error("the field {0} is declared twice")]
    Twice(FieldName),
}

impl Fields {
    /// Takes a list.
    ///
    /// # Errors
    /// [`FieldsError`] when it is too long or names a field twice.
    pub fn new(fields: Vec<Field>) -> Result<Self, FieldsError> {
        if fields.len() > FIELDS_MAX {
            return Err(FieldsError::TooMany);
        }
        for (index, field) in fields.iter().enumerate() {
            if fields.iter().take(index).any(|earlier| earlier.name == field.name) {
                return Err(FieldsError::Twice(field.name.clone()));
            }
        }
        Ok(Self(fields))
    }

    /// The field of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name.as_str() == name)
    }

    /// The fields as they were declared.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value is a plain one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Field {
        Field { name: FieldName::parse(name).expect("name"), kind: FieldKind::Text }
    }

    #[test]
    fn a_field_is_declared_once() {
        let fields = Fields::new(vec![field("client_id"), field("client_secret")]).expect("two");
        assert_eq!(fields.get("client_secret"), Some(&field("client_secret")));
        assert_eq!((fields.get("other"), fields.len()), (None, 2));
        let twice = Fields::new(vec![field("a"), field("b"), field("a")]);
        assert_eq!(twice, Err(FieldsError::Twice(field("a").name)));
        let many = (0..=FIELDS_MAX).map(|number| field(&format!("f{number}"))).collect();
        assert_eq!(Fields::new(many), Err(FieldsError::TooMany));
    }

    #[test]
    fn a_kind_reads_back_as_it_prints() {
        for kind in [FieldKind::Secret, FieldKind::Text] {
            assert_eq!(FieldKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(FieldKind::parse("text"), None);
    }
}
