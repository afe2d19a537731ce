//! Names, canonicalised once: a type per kind of name, each with one constructor that refuses every other spelling.
//!
//! Nothing is lowered, trimmed or normalised: a name that is not already canonical is an error, so two spellings can
//! never mean one thing.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Ids that would read as something else in a command, a scope or a certificate.
pub const RESERVED: [&str; 5] = ["global", "root", "lead", "_", "*"];

/// Longest service, key name, company or environment, in bytes. Long enough for real services, short enough for a table.
pub const NAME_BYTES_MAX: usize = 64;

/// Longest node name: one DNS label, because it is also announced over mDNS.
pub const NODE_NAME_BYTES_MAX: usize = 63;

/// Longest name of a local user or group, in bytes: that of utmp(5).
pub const LOCAL_NAME_BYTES_MAX: usize = 32;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {} {kind}: {reason}", article(kind))]
pub struct NameError {
    /// What was wanted, for people: `service`, `node name`.
    pub kind: &'static str,
    /// The offending text, shortened and escaped so that it is safe in a log or a terminal.
    pub text: String,
    /// The rule that refused it.
    pub reason: NameRule,
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// The rule a text broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameRule {
    /// There is no text.
    #[error("it is empty")]
    Empty,
    /// More bytes than the kind allows.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// A character outside the alphabet, upper case and Unicode included.
    #[error("it may hold only {0}")]
    Alphabet(&'static str),
    /// It starts with punctuation.
    #[error("it must start with a lower-case letter or a digit")]
    FirstCharacter,
    /// `..` or a dot at the end, which paths and DNS read in their own way.
    #[error("it may not hold two dots in a row or end with a dot")]
    Dots,
    /// One of [`RESERVED`].
    #[error("this word is reserved")]
    Reserved,
    /// A local name that starts with punctuation, or is a number.
    #[error("it must start with a letter, a digit or an underscore, and not be a number")]
    Local,
    /// A short form without its slash, or with more than one.
    #[error("write it as service/key_name, with one slash")]
    Slash,
}

const NAME_ALPHABET: &str = "a-z, 0-9, dot, underscore and hyphen";
const NODE_ALPHABET: &str = "a-z, 0-9 and hyphen";
const LOCAL_ALPHABET: &str = "letters, digits, dot, underscore and hyphen";

impl NameError {
    pub(super) fn new(kind: &'static str, text: &str, reason: NameRule) -> Self {
        let shown: String = text.chars().take(80).collect();
        Self { kind, text: shown, reason }
    }
}

fn check(text: &str, bytes_max: usize, extra: &[u8], alphabet: &'static str) -> Result<(), NameRule> {
    let first = *text.as_bytes().first().ok_or(NameRule::Empty)?;
    if text.len() > bytes_max {
        return Err(NameRule::TooLong(bytes_max));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    #[cfg(feature = "seeded_bugs")]
    let plain = |byte: u8| plain(byte) || (crate::model::seeded::bug(17) && byte.is_ascii_uppercase());
    if !text.bytes().all(|byte| plain(byte) || extra.contains(&byte)) {
        return Err(NameRule::Alphabet(alphabet));
    }
    if !plain(first) {
        return Err(NameRule::FirstCharacter);
    }
    if text.contains("..") || text.ends_with('.') {
        return Err(NameRule::Dots);
    }
    Ok(())
}

fn check_name(text: &str) -> Result<(), NameRule> {
    check(text, NAME_BYTES_MAX, b"._-", NAME_ALPHABET)
}

fn check_id(text: &str) -> Result<(), NameRule> {
    if RESERVED.contains(&text) {
        return Err(NameRule::Reserved);
    }
    check_name(text)
}

fn check_node(text: &str) -> Result<(), NameRule> {
    if RESERVED.contains(&text) {
        return Err(NameRule::Reserved);
    }
    check(text, NODE_NAME_BYTES_MAX, b"-", NODE_ALPHABET)
}

/// What a machine calls its users and groups: the portable names of useradd(8), upper case and dots included, which some
/// directories use. Never a number, which would be an id.
fn check_local(text: &str) -> Result<(), NameRule> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let first = *text.as_bytes().first().ok_or(NameRule::Empty)?;
    if text.len() > LOCAL_NAME_BYTES_MAX {
        return Err(NameRule::TooLong(LOCAL_NAME_BYTES_MAX));
    }
    if !text.bytes().all(plain) {
        return Err(NameRule::Alphabet(LOCAL_ALPHABET));
    }
    if first != b'_' && !first.is_ascii_alphanumeric() || text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NameRule::Local);
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                // Most names that are compared share their text, and need not be looked at.
                if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The only constructor.
            ///
            /// # Errors
            /// [`NameError`] names the text and the rule it broke.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                match $check(text) {
                    Ok(()) => Ok(Self(Arc::from(text))),
                    Err(reason) => Err(NameError::new($kind, text, reason)),
                }
            }

            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", &*self.0)
            }
        }
    };
}

name_type!(
    /// A node: `[a-z0-9][a-z0-9-]{0,62}`, not a reserved word.
    NodeName, "node name", check_node
);
name_type!(
    /// A provider or application a credential belongs to: `hubspot`.
    ServiceName, "service", check_name
);
name_type!(
    /// What the credential is called within its service: `api_key`.
    KeyName, "key name", check_name
);
name_type!(
    /// One field of a credential that has several: `client_id`.
    FieldName, "field name", check_name
);
name_type!(
    /// A tenant: `company-town-foods`. Not a reserved word.
    CompanyId, "company", check_id
);
name_type!(
    /// `prod`, `dev`, …: a node is in exactly one. Not a reserved word.
    EnvironmentName, "valid environment", check_id
);
name_type!(
    /// An agent that acts by API keys: `openclaw`. Not a reserved word.
    AgentName, "agent name", check_id
);
name_type!(
    /// What an API key is called among those of its agent: `ci`. Not a reserved word.
    ApiKeyName, "API key name", check_id
);
name_type!(
    /// A rule of the policy: what an audit line names as the reason of a decision. Not a reserved word.
    GrantName, "grant name", check_id
);
name_type!(
    /// A user or group of the machine.
    LocalName, "user or group name", check_local
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_as_it_was_written() {
        assert_eq!(ServiceName::parse("hub.spot-2_x").expect("canonical").as_str(), "hub.spot-2_x");
        assert_eq!(NodeName::parse("runpod-tx").expect("canonical").as_str(), "runpod-tx");
    }

    #[test]
    fn every_other_spelling_is_refused_with_its_rule() {
        let refused = |text: &str| ServiceName::parse(text).expect_err(text).reason;
        assert_eq!(refused(""), NameRule::Empty);
        assert_eq!(refused(&"a".repeat(65)), NameRule::TooLong(64));
        for text in ["Hubspot", "hub spot", "hub/spot", "hubspot\0", "hubspоt", "hub%2fspot", "hubspot\n", "a*"] {
            assert_eq!(refused(text), NameRule::Alphabet(NAME_ALPHABET), "{text:?}");
        }
        for text in [".a", "_", "-a", ".."] {
            assert_eq!(refused(text), NameRule::FirstCharacter, "{text:?}");
        }
        for text in ["a..b", "a."] {
            assert_eq!(refused(text), NameRule::Dots, "{text:?}");
        }
    }

    #[test]
    fn ids_refuse_the_words_that_mean_something_else() {
        for text in ["global", "root", "lead"] {
            assert_eq!(CompanyId::parse(text).expect_err(text).reason, NameRule::Reserved);
            assert_eq!(NodeName::parse(text).expect_err(text).reason, NameRule::Reserved);
            assert_eq!(EnvironmentName::parse(text).expect_err(text).reason, NameRule::Reserved);
        }
        assert!(NodeName::parse("a.b").is_err());
    }
}
