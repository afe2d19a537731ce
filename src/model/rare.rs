//! What most records say nothing about costs a record one word: a node holds every secret it may read in memory, and nearly
//! all of them have no description, no fields and the usual options.

use std::fmt;
use std::ops::Deref;

/// A type that is nearly always the same.
pub trait Usual: PartialEq + 'static {
    /// What it nearly always is.
    const USUAL: &'static Self;
}

/// A value that takes room of its own only where it is not [`Usual::USUAL`]. Reads like the value itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Rare<T>(Option<Box<T>>);

impl<T: Usual> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::USUAL)
    }
}

impl<T: Usual> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        // The usual one has a single form, so that comparing forms compares values.
        Self((value != *T::USUAL).then(|| Box::new(value)))
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Usual + fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fields::Fields;
    use crate::model::metadata::{Metadata, SecretOptions};

    #[test]
    fn what_is_usual_takes_no_room_and_reads_like_any_other() {
        let [usual, said] =
            [SecretOptions::default(), SecretOptions { rotation_reminder_days: 7, ..Default::default() }];
        assert_eq!(*Rare::from(usual.clone()), usual);
        assert!(Rare::from(usual).0.is_none());
        assert_eq!(*Rare::from(said.clone()), said);
        assert_ne!(Rare::from(said.clone()), Rare::default());
        assert_eq!(format!("{:?}", Rare::from(said.clone())), format!("{said:?}"));
        assert_eq!(size_of::<Rare<Metadata>>(), size_of::<usize>());
    }

    #[test]
    fn what_is_usual_is_what_is_said_by_default() {
        assert_eq!(*Metadata::USUAL, Metadata::default());
        assert_eq!(*SecretOptions::USUAL, SecretOptions::default());
        assert_eq!(*Fields::USUAL, Fields::default());
    }
}
