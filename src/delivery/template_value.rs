//! A value as the template engine sees it: something that can be written and quoted, and tells nothing else.
//!
//! The engine keeps texts in memory of its own, which nobody wipes, and may tell of them in its errors. So a secret is no
//! text to it, but an object of ours.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr};

use crate::crypto::plaintext::Plaintext;

/// A value in a template. Written out it is the value; `Debug` shows nothing. It is true unless it is empty.
#[derive(Debug)]
pub(super) struct Opaque(Plaintext);

impl Opaque {
    /// A text that may be written.
    ///
    /// # Errors
    /// The value again, when it is not UTF-8.
    pub(super) fn new(value: Plaintext) -> Result<Self, Plaintext> {
        if value.is_text() { Ok(Self(value)) } else { Err(value) }
    }

    /// What it holds.
    pub(super) fn plaintext(&self) -> &Plaintext {
        &self.0
    }
}

impl Object for Opaque {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_empty()
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(self.0.expose()).map_err(|_| fmt::Error)?)
    }
}
