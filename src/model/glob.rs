//! Secret globs: `*`, `openai/*`, `openai/api_*`. The only wildcard is `*`, and it never crosses the slash unless it stands alone.

use std::fmt;

use super::name::{NAME_BYTES_MAX, ServiceName};
use super::secret::SecretName;

/// A pattern over `service/key_name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretGlob(String);

/// Why a text is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a secret pattern: write *, SERVICE/*, SERVICE/KEY or SERVICE/PREFIX*")]
pub struct GlobError(pub String);

impl SecretGlob {
    /// The pattern that matches every secret.
    #[must_use]
    pub fn everything() -> Self {
        Self("*".to_owned())
    }

    /// Reads a pattern: `*` alone, or two parts of `[a-z0-9._-]` in which `*` stands for any run of characters.
    ///
    /// # Errors
    /// [`GlobError`] holds the text that was refused.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        let refused = || GlobError(text.chars().take(80).collect());
        if text == "*" {
            return Ok(Self::everything());
        }
        let (service, key) = text.split_once('/').ok_or_else(refused)?;
        let allowed = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-*".contains(&byte);
            !part.is_empty() && part.len() <= NAME_BYTES_MAX && part.bytes().all(plain) && !part.contains("**")
        };
        if allowed(service) && allowed(key) { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of the two spellings of "every secret".
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self.as_str(), "*" | "*/*")
    }

    /// The one service whose secrets it can cover; `None` if it can cover those of several.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.0.split_once('/').map(|(service, _)| service).filter(|service| !service.contains('*'))
    }

    /// Whether the pattern can cover a secret of this service.
    #[must_use]
    pub fn matches_service(&self, service: &ServiceName) -> bool {
        let Some((pattern, _)) = self.0.split_once('/') else { return true };
        part_matches(pattern.as_bytes(), service.as_str().as_bytes())
    }

    /// Whether the pattern covers the secret.
    #[must_use]
    pub fn matches(&self, name: &SecretName) -> bool {
        let Some((service, key)) = self.0.split_once('/') else { return true };
        part_matches(service.as_bytes(), name.service.as_str().as_bytes())
            && part_matches(key.as_bytes(), name.key.as_str().as_bytes())
    }
}

impl fmt::Display for SecretGlob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Greedy matching with one remembered star: linear space, at most pattern times text steps, both at most 64 bytes.
fn part_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, read));
            at += 1;
        } else if pattern.get(at) == text.get(read) {
            at += 1;
            read += 1;
        } else if let Some((star_at, star_read)) = star {
            at = star_at + 1;
            read = star_read + 1;
            star = Some((star_at, read));
        } else {
            return false;
        }
    }
    pattern.iter().skip(at).all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, name: &str) -> bool {
        SecretGlob::parse(pattern).expect(pattern).matches(&SecretName::parse(name).expect(name))
    }

    #[test]
    fn a_star_stands_for_any_run_within_its_part() {
        assert!(covers("*", "openai/api_key"));
        assert!(covers("openai/*", "openai/api_key"));
        assert!(covers("openai/api_*", "openai/api_key"));
        assert!(covers("open*/*_key", "openai/api_key"));
        assert!(covers("*/a*b*c", "x/aXbXbXc".to_lowercase().as_str()));
        assert!(!covers("openai/*", "openai2/api_key"));
        assert!(!covers("openai/api", "openai/api_key"));
        assert!(!covers("openai/*x", "openai/api_key"));
    }

    #[test]
    fn a_pattern_covers_a_service_if_it_covers_any_secret_of_it() {
        let covers = |pattern: &str, service: &str| {
            let service = ServiceName::parse(service).expect(service);
            SecretGlob::parse(pattern).expect(pattern).matches_service(&service)
        };
        assert!(covers("*", "openai") && covers("openai/api_key", "openai") && covers("open*/x", "openai"));
        assert!(!covers("openai/*", "openai2") && !covers("*x/openai", "openai"));
    }

    #[test]
    fn texts_that_are_no_pattern_are_refused() {
        for text in ["", "openai", "openai/", "/x", "a/b/c", "**", "a/**", "A/*", "a/[b]", "a/?"] {
            assert!(SecretGlob::parse(text).is_err(), "{text:?}");
        }
    }
}
