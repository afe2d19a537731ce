//! Signing keys of agents, as they are shown. A key itself is held like a value.

use serde::{Deserialize, Serialize};

use super::output::Shown;
use super::table::Style;
use crate::crypto::text::ValueText;

/// A new signing key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SigningKeyView {
    agent: String,
    /// The key. It is shown once.
    pub(super) signing_key: ValueText,
    previous_until: Option<String>,
}

impl SigningKeyView {
    /// What is to be known about it besides.
    pub(super) fn said(&self) -> String {
        let before = self.previous_until.as_ref().map(|until| format!("; the one before works until {until}"));
        format!("{} signs with this key{}; this is the only time it is shown", self.agent, before.unwrap_or_default())
    }
}

/// That an agent has no signing key any more.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnsignedView {
    success: bool,
    agent: String,
    message: String,
}

impl Shown for UnsignedView {
    fn table(&self, _style: Style) -> String {
        format!("{}: {}\n", self.agent, self.message)
    }
}
