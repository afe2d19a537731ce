//! What a caller wants changed of what is said about a secret. What is not mentioned stays as the current version has
//! it, so that whoever stores a new value does not lose the description, the tags or the expiry of the old one.

use std::time::Duration;

use super::fields::Fields;
use super::freshness::{FRESHNESS_MAX, Offline};
use super::metadata::{Metadata, SecretOptions};
use super::time::Timestamp;

/// A wish about one property: leave it, clear it, or set it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Wish<T> {
    /// As it is.
    #[default]
    Keep,
    /// Back to nothing, or to the default.
    Clear,
    /// To this.
    Set(T),
}

impl<T: Clone> Wish<T> {
    /// Applies the wish to a property.
    fn apply(&self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(value.clone()),
        }
    }

    /// Applies the wish to a property that is never absent.
    fn apply_or(&self, to: &mut T, default: T) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = default,
            Self::Set(value) => value.clone_into(to),
        }
    }
}

impl Wish<String> {
    /// An empty text clears.
    #[must_use]
    pub fn text(text: Option<String>) -> Self {
        match text {
            None => Self::Keep,
            Some(text) if text.is_empty() => Self::Clear,
            Some(text) => Self::Set(text),
        }
    }
}

/// Why a wish is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// The end is past: what is stored now would be of no use.
    #[error("expires_at must be a time to come")]
    ExpiresInThePast,
    /// A copy that is never fresh, or one that is fresh for an age.
    #[error("ttl must be between 1 s and 30 days")]
    Ttl,
    /// Longer than [`FRESHNESS_MAX`].
    #[error("max_stale must be at most 30 days")]
    MaxStale,
}

/// Wishes about everything but the value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// What it is for.
    pub description: Wish<String>,
    /// Whose it is.
    pub owner: Wish<String>,
    /// Whom to ask.
    pub contact: Wish<String>,
    /// Anything else.
    pub note: Wish<String>,
    /// The catalogue entry.
    pub provider: Wish<String>,
    /// Words to search by: the whole list.
    pub tags: Wish<Vec<String>>,
    /// When the credential stops working.
    pub expires_at: Wish<Timestamp>,
    /// Its own `ttl`.
    pub ttl: Wish<Duration>,
    /// Its own `max_stale`.
    pub max_stale: Wish<Duration>,
    /// Whether it may be served stale.
    pub offline: Wish<Offline>,
    /// Days after which a rotation is due.
    pub rotation_reminder_days: Wish<u16>,
    /// The declared fields: the whole list.
    pub fields: Wish<Fields>,
}

impl Patch {
    /// Applies the wishes.
    pub fn apply(&self, metadata: &mut Metadata, options: &mut SecretOptions, fields: &mut Fields) {
        let texts = [
            (&self.description, &mut metadata.description),
            (&self.owner, &mut metadata.owner),
            (&self.contact, &mut metadata.contact),
            (&self.note, &mut metadata.note),
            (&self.provider, &mut metadata.provider),
        ];
        texts.into_iter().for_each(|(wish, text)| wish.apply(text));
        let standard = SecretOptions::default();
        self.tags.apply_or(&mut metadata.tags, Vec::new());
        self.expires_at.apply(&mut options.expires_at);
        self.ttl.apply(&mut options.ttl);
        self.max_stale.apply(&mut options.max_stale);
        self.offline.apply_or(&mut options.offline, standard.offline);
        self.rotation_reminder_days.apply_or(&mut options.rotation_reminder_days, standard.rotation_reminder_days);
        self.fields.apply_or(fields, Fields::default());
    }

    /// Checks what is wished against the time it is wished at. What a record says already is not looked at: it was a
    /// wish once, and time has gone on.
    ///
    /// # Errors
    /// [`WishError`].
    pub fn check(&self, now: Timestamp) -> Result<(), WishError> {
        if matches!(&self.expires_at, Wish::Set(at) if *at <= now) {
            return Err(WishError::ExpiresInThePast);
        }
        if matches!(&self.ttl, Wish::Set(ttl) if ttl.is_zero() || *ttl > FRESHNESS_MAX) {
            return Err(WishError::Ttl);
        }
        if matches!(&self.max_stale, Wish::Set(max_stale) if *max_stale > FRESHNESS_MAX) {
            return Err(WishError::MaxStale);
        }
        Ok(())
    }

    /// Whether nothing is wished.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_the_past_and_an_absurd_duration_are_refused() {
        let now = Timestamp(1_000);
        let end = |at| Patch { expires_at: Wish::Set(Timestamp(at)), ..Patch::default() }.check(now);
        assert_eq!((end(1_000), end(1_001)), (Err(WishError::ExpiresInThePast), Ok(())));
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let ttl = |ttl| Patch { ttl: Wish::Set(ttl), ..Patch::default() }.check(now);
        assert_eq!((ttl(days(30)), ttl(days(31)), ttl(days(0))), (Ok(()), Err(WishError::Ttl), Err(WishError::Ttl)));
        let stale = |max_stale| Patch { max_stale: Wish::Set(max_stale), ..Patch::default() }.check(now);
        assert_eq!((stale(days(0)), stale(days(31))), (Ok(()), Err(WishError::MaxStale)));
    }

    #[test]
    fn what_is_not_mentioned_stays_and_what_is_empty_goes() {
        let mut metadata = Metadata {
            description: Some("invoices".to_owned()),
            owner: Some("ops".to_owned()),
            tags: vec!["eu".to_owned()],
            ..Metadata::default()
        };
        let mut options =
            SecretOptions { expires_at: Some(Timestamp(5)), offline: Offline::Deny, ..Default::default() };
        let mut fields = Fields::default();
        let patch = Patch {
            description: Wish::text(Some(String::new())),
            note: Wish::text(Some("new".to_owned())),
            offline: Wish::Clear,
            ..Patch::default()
        };
        assert!(!patch.is_empty() && Patch::default().is_empty());
        patch.apply(&mut metadata, &mut options, &mut fields);
        assert_eq!((metadata.description.as_deref(), metadata.owner.as_deref()), (None, Some("ops")));
        assert_eq!((metadata.note.as_deref(), metadata.tags.len()), (Some("new"), 1));
        assert_eq!((options.expires_at, options.offline), (Some(Timestamp(5)), Offline::Allow));
    }
}
